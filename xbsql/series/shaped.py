"""The year's shape at home on the target's level: what sells there in December sells here in December."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.series.demand import Demand, fit_demand
from xbsql.series.fan import COLUMNS
from xbsql.series.history import context
from xbsql.series.home import Home
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.series.method import Known
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

WINDOW: Final = 8
"""Periods that the target's level stands for."""
CAUTION: Final = 0.25
"""Share of a product's usual sales that is added above and below: small sellers have no sharp shape."""
LOWEST, HIGHEST = 0.2, 5.0
ALL: Final = ""
"""Stands for the whole home market, whose shape serves products that it does not sell."""


@restorable("series_shaped")
@dataclass(frozen=True)
class Shaped:
    """A forecast of demand whose steps follow what home sold a season before.

    Each step is multiplied by home's sales at that place of the season over those of the eight periods before
    the first step, a season earlier as well; of the product itself where home sells it.

    Attributes:
        demand: gives the level and the spread.
        season: periods.
        end: the period after home's last value.
        names: of home's products, ascending; the first one stands for all of them.
        past: float32 (names, length): home's values up to `end`, averaged over three periods, as shares of
            the largest; only their ratios are used.
    """

    demand: Demand
    season: int
    end: int
    names: tuple[str, ...]
    past: NDArray[np.float32]

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10)."""
        shape = self.shape(history.names, history.ends, horizon)
        return np.asarray(self.demand.fan(history, horizon) * shape[:, :, None].repeat(COLUMNS, axis=2))

    def shape(self, names: Sequence[str], ends: NDArray[np.int64], horizon: int) -> Floats:
        """What each step is multiplied by; float64 (n, horizon)."""
        rank = {name: i for i, name in enumerate(self.names)}
        row = np.array([rank.get(name, 0) for name in names], np.int64)
        step = self._at(row, ends[:, None] + np.arange(horizon))
        before = self._at(row, ends[:, None] - np.arange(1, WINDOW + 1)).mean(axis=1, keepdims=True)
        usual = CAUTION * np.nanmean(self.past[row], axis=1, keepdims=True)
        sold = before + usual
        ratio = np.divide(step + usual, sold, out=np.ones_like(step), where=sold > 0)
        return np.asarray(np.clip(ratio, LOWEST, HIGHEST))

    def _at(self, row: NDArray[np.int64], period: NDArray[np.int64]) -> Floats:
        """Home's value one season before each period, or so many that it is known; usual ones beyond."""
        back = np.maximum((period - self.end) // self.season + 1, 1)
        place = period - back * self.season - self.end + self.past.shape[1]
        found = self.past[row[:, None], np.clip(place, 0, self.past.shape[1] - 1)].astype(np.float64)
        usual = np.nanmean(self.past[row], axis=1, keepdims=True)
        return np.asarray(np.where((place >= 0) & np.isfinite(found), found, usual))

    def state(self) -> State:
        """The forecaster as data."""
        config = {"season": self.season, "end": self.end, "names": list(self.names)}
        return State("series_shaped", config, {"past": self.past}, parts={"demand": self.demand.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The forecaster again."""
        config = state.config
        demand, names = restore(state.parts["demand"]), tuple(config["names"])
        past = np.asarray(state.arrays["past"], np.float32)
        return cls(demand, config["season"], config["end"], names, past)


def seasonal_home(home: Series | None, season: Sequence[int]) -> bool:
    """Whether home has seen most of its longest season twice over the window, so that it has a shape."""
    if home is None or not season or not len(home):
        return False
    return int(home.lengths.max()) >= max(season) + WINDOW


def fit_shaped(known: Known) -> Shaped:
    """Keep home's last season and what the forecast of demand needs."""
    if known.home is None:
        raise ValueError("home has no shape without its series")
    season, home = max(known.season), known.home
    order = sorted(range(len(home)), key=home.names.__getitem__)
    end = int(home.ends.max())
    length = min(int(home.lengths.max()), 2 * season + WINDOW)
    late = end - home.ends
    past = context(home, length)[order]
    for row, shift in enumerate(late[order]):
        if shift:
            past[row] = np.r_[past[row, min(shift, length) :], np.full(min(shift, length), np.nan)]
    whole = np.concatenate([np.nansum(past, axis=0)[None], past])
    whole /= np.nanmax(whole, initial=0.0) or 1.0
    names = (ALL, *(home.names[i] for i in order))
    demand = fit_demand(known, Home.of(home))
    return Shaped(demand, season, end, names, _smooth(whole).astype(np.float32))


def _smooth(past: Floats) -> Floats:
    """Mean of each value and its neighbours; NaN stays where a value is unknown."""
    padded = np.pad(past, ((0, 0), (1, 1)), constant_values=np.nan)
    near = np.stack([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]])
    counted = np.isfinite(near)
    mean = np.where(counted, near, 0.0).sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
    return np.asarray(np.where(np.isfinite(past), mean, np.nan))
