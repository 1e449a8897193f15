"""The forecast that is delivered: fans of several methods, averaged quantile by quantile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.series.demand import Demand
from xbsql.series.fan import COLUMNS
from xbsql.series.shaped import Shaped
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.series.method import SeriesPredictor
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

BATCH = 2_000
"""Series that are forecast at a time, so that memory stays bounded."""


@restorable("series_blend")
@dataclass(frozen=True)
class SeriesBlend:
    """A weighted mean of fans, quantile by quantile (Lichtendahl et al., Management Science 2013).

    Where a member has no fan for a series the others make up for it; a series without a value is given the
    fan of `cold`.

    Attributes:
        members: by method name.
        weights: positive, by method name; they sum to 1.
        cold: forecasts what has no history; None where nothing can.
    """

    members: Mapping[str, SeriesPredictor]
    weights: Mapping[str, float]
    cold: SeriesPredictor | None

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10); NaN where a series has no value and nothing forecasts these."""
        found = np.full((len(history), horizon, COLUMNS), np.nan)
        for begin in range(0, len(history), BATCH):
            rows = np.arange(begin, min(begin + BATCH, len(history)))
            found[rows] = self._batch(history.take(rows), horizon)
        return found

    def _batch(self, history: Series, horizon: int) -> Floats:
        total = np.zeros((len(history), horizon, COLUMNS))
        given = np.zeros((len(history), 1, 1))
        warm = np.flatnonzero(history.lengths > 0)
        for name in sorted(self.members) if len(warm) else ():
            fan = self.members[name].fan(history.take(warm), horizon)
            there = np.isfinite(fan).all(axis=(1, 2))
            total[warm[there]] += self.weights[name] * fan[there]
            given[warm[there]] += self.weights[name]
        with np.errstate(invalid="ignore", divide="ignore"):
            total = np.where(given > 0, total / given, np.nan)
        left = np.flatnonzero(given[:, 0, 0] == 0)
        if len(left) and self.cold is not None:
            total[left] = self.cold.fan(history.take(left), horizon)
        return total

    def of_sums(self) -> SeriesBlend | None:
        """The same without members that know single products, whose level no sum has; None if none is."""
        kept = {name: _of_sums(member) for name, member in self.members.items()}
        members = {name: member for name, member in kept.items() if member is not None}
        return SeriesBlend(members, self.weights, self.cold) if members else None

    def state(self) -> State:
        """The blend as data."""
        names = sorted(self.members)
        parts = {f"member{i}": self.members[name].state() for i, name in enumerate(names)}
        if self.cold is not None:
            parts["cold"] = self.cold.state()
        weights = np.array([self.weights[name] for name in names])
        return State("series_blend", {"names": names}, {"weights": weights}, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The blend again."""
        names = state.config["names"]
        members = {name: restore(state.parts[f"member{i}"]) for i, name in enumerate(names)}
        weights = dict(zip(names, state.arrays["weights"].tolist(), strict=True))
        return cls(members, weights, restore(state.parts["cold"]) if "cold" in state.parts else None)


def _of_sums(member: SeriesPredictor) -> SeriesPredictor | None:
    """A member that forecasts sums; None where it knows products alone."""
    if isinstance(member, SeriesBlend):
        return member.of_sums()
    return None if isinstance(member, Demand | Shaped) else member
