"""What the home market says of a product: how much it sells there, whether that grows, and when in the year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.model import State, restorable
from xbsql.series.history import context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.features.series import Series

    Floats = NDArray[np.float64]

RECENT, LONG = 8, 26
"""Periods of the two means."""
FACTS = 3


@restorable("series_home")
@dataclass(frozen=True)
class Home:
    """The home market's products, by name.

    Attributes:
        names: ascending.
        recent: float64 (n,), mean of the last 8 periods; amounts.
        long: float64 (n,), mean of the last 26.
    """

    names: tuple[str, ...]
    recent: Floats
    long: Floats

    @classmethod
    def of(cls, series: Series) -> Self:
        """The facts at the end of the home market's series."""
        order = sorted(range(len(series)), key=series.names.__getitem__)
        past = context(series, LONG)[order]
        counted = np.isfinite(past)
        filled = np.where(counted, past, 0.0)
        means = [
            filled[:, -length:].sum(axis=1) / np.maximum(counted[:, -length:].sum(axis=1), 1)
            for length in (RECENT, LONG)
        ]
        return cls(tuple(series.names[i] for i in order), *means)

    def facts(self, names: Sequence[str]) -> Floats:
        """What is known of products.

        Returns:
            float64 (n, 3): log of the recent mean over that of all products; log of recent over long; 1 where
            home sells it. 0 in all columns where it does not.
        """
        rank = {name: i for i, name in enumerate(self.names)}
        row = np.array([rank.get(name, -1) for name in names], np.int64)
        sold = row >= 0
        found = np.zeros((len(names), FACTS))
        if sold.any():
            recent, long = self.recent[row[sold]], self.long[row[sold]]
            usual = max(float(self.recent.mean()), 1e-9)
            least = 0.02 * usual
            found[sold, 0] = np.log((np.maximum(recent, 0) + least) / usual)
            found[sold, 1] = np.log((np.maximum(recent, 0) + least) / (np.maximum(long, 0) + least))
            found[sold, 2] = 1.0
        return found

    def state(self) -> State:
        """The facts as data."""
        arrays = {"recent": self.recent, "long": self.long}
        return State("series_home", {"names": list(self.names)}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The facts again."""
        return cls(tuple(state.config["names"]), state.arrays["recent"], state.arrays["long"])
