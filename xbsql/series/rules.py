"""Forecasts by rule: the last values, or those of the same place in the season. They fit nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.series.fan import COLUMNS, LEVELS, fan_of, normal_fan, repeated
from xbsql.series.history import context, movement
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

CYCLES = 4
"""Seasons back that a rule and its errors look."""


@restorable("series_seasonal")
@dataclass(frozen=True)
class Seasonal:
    """The mean of the last values at the same place of the season; season 1 and 1 cycle: the last value.

    The deviation is that of the rule's own errors within the history, and grows with the root of the seasons
    ahead (as of a random walk: Hyndman and Athanasopoulos, Forecasting, 5.5). A series shorter than a season
    is given its last value.

    Attributes:
        season: periods.
        cycles: values that are averaged, 1 .. 4.
    """

    season: int
    cycles: int = 1

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10); NaN for a series without a value."""
        past = context(history, self.season * (CYCLES + self.cycles))
        mean = self.mean(past, horizon)
        errors = past - _mean_of(_shifted(past, self.season, self.cycles))
        deviation = np.sqrt(_row_mean(np.square(errors)))
        deviation = np.where(np.isfinite(deviation), deviation, movement(history, 0.0))
        growth = np.sqrt(1.0 + np.arange(horizon) // self.season)
        return normal_fan(mean, deviation[:, None] * growth)

    def mean(self, past: Floats, horizon: int) -> Floats:
        """The rule itself on histories side by side; float64 (n, horizon)."""
        found = _mean_of(aligned(past, horizon, self.season)[:, :, : self.cycles])
        return np.where(np.isfinite(found), found, past[:, -1:])

    def state(self) -> State:
        """The rule as data."""
        return State("series_seasonal", {"season": self.season, "cycles": self.cycles})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The rule again."""
        return cls(**state.config)


@restorable("series_recent")
@dataclass(frozen=True)
class Recent:
    """The last values as they were: their quantiles and their mean are the fan of every step.

    Attributes:
        periods: how many.
    """

    periods: int

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10); NaN for a series without a value."""
        past = context(history, self.periods)
        found = np.full((len(past), COLUMNS), np.nan)
        there = np.isfinite(past[:, -1])
        if there.any():
            quantiles = np.nanquantile(past[there], LEVELS, axis=1).T
            found[there] = fan_of(quantiles, _row_mean(past[there]))
        return repeated(found, horizon)

    def mean(self, past: Floats, horizon: int) -> Floats:
        """The rule itself on histories side by side; float64 (n, horizon)."""
        return np.repeat(_row_mean(past[:, -self.periods :])[:, None], horizon, axis=1)

    def state(self) -> State:
        """The rule as data."""
        return State("series_recent", {"periods": self.periods})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The rule again."""
        return cls(**state.config)


def aligned(past: Floats, horizon: int, season: int) -> Floats:
    """Values at the same place of the season as each step, the newest first.

    Args:
        past: (n, length), the newest value in the last column.
        horizon: steps.
        season: periods.

    Returns:
        float64 (n, horizon, 4); NaN before the history.
    """
    step = np.arange(horizon)
    newest = past.shape[1] + step - season * (step // season + 1)
    place = newest[:, None] - season * np.arange(CYCLES)
    found = past[:, np.maximum(place, 0)]
    found[:, place < 0] = np.nan
    return found


def _shifted(past: Floats, season: int, cycles: int) -> Floats:
    """The values one to `cycles` seasons before each value; (n, length, cycles)."""
    found = np.full((*past.shape, cycles), np.nan)
    for cycle in range(1, cycles + 1):
        lag = season * cycle
        if lag < past.shape[1]:
            found[:, lag:, cycle - 1] = past[:, :-lag]
    return found


def _mean_of(values: Floats) -> Floats:
    """Mean over the last axis, unknown ones left out; NaN where all are."""
    counted = np.isfinite(values)
    number = counted.sum(axis=-1)
    total = np.where(counted, values, 0.0).sum(axis=-1)
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan))


_row_mean = _mean_of
