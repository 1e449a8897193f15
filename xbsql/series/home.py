"""What the home market says of a product: how much it sells there, and whether that grows."""

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

NOW, BEFORE = 4, 8
"""Periods of the two means, one after the other."""
FACTS = 3
LEAST, CAUTION = 0.02, 0.08
"""Shares of a usual product's sales that are added to levels, and to the two sides of a growth."""


@restorable("series_home")
@dataclass(frozen=True)
class Home:
    """The home market's products, by name.

    Attributes:
        names: ascending.
        now: float64 (n,), mean of the last 4 periods; amounts.
        before: float64 (n,), mean of the 8 periods before these.
    """

    names: tuple[str, ...]
    now: Floats
    before: Floats

    @classmethod
    def of(cls, series: Series) -> Self:
        """The facts at the end of the home market's series."""
        order = sorted(range(len(series)), key=series.names.__getitem__)
        past = context(series, NOW + BEFORE)[order]
        counted = np.isfinite(past)
        filled = np.where(counted, past, 0.0)
        means = [
            filled[:, part].sum(axis=1) / np.maximum(counted[:, part].sum(axis=1), 1)
            for part in (slice(BEFORE, None), slice(0, BEFORE))
        ]
        return cls(tuple(series.names[i] for i in order), *means)

    def facts(self, names: Sequence[str]) -> Floats:
        """What is known of products.

        Returns:
            float64 (n, 3): log of the mean of all 12 periods over that of all products; log of now over
            before, drawn towards 0 where home sells little; 1 where home sells it. 0 in all columns where it
            does not.
        """
        rank = {name: i for i, name in enumerate(self.names)}
        row = np.array([rank.get(name, -1) for name in names], np.int64)
        sold = row >= 0
        found = np.zeros((len(names), FACTS))
        if sold.any():
            now, before = np.maximum(self.now, 0.0), np.maximum(self.before, 0.0)
            usual = max(float(now.mean() + before.mean()) / 2, 1e-9)
            level = (NOW * now + BEFORE * before)[row[sold]] / (NOW + BEFORE)
            found[sold, 0] = np.log((level + LEAST * usual) / usual)
            least = CAUTION * usual
            found[sold, 1] = np.log((now[row[sold]] + least) / (before[row[sold]] + least))
            found[sold, 2] = 1.0
        return found

    def state(self) -> State:
        """The facts as data."""
        arrays = {"now": self.now, "before": self.before}
        return State("series_home", {"names": list(self.names)}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The facts again."""
        now, before = (np.asarray(state.arrays[name], np.float64) for name in ("now", "before"))
        return cls(tuple(state.config["names"]), now, before)
