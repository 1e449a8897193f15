"""Intervals that hold what they say: widened or narrowed by what the blend's own forecasts missed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from scipy.special import ndtri, stdtrit

from xbsql.series.fan import MEDIAN, interval
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

AT: Final = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99)
"""Levels that are calibrated; between them factors are read off linearly."""
ENDS: Final = 0.5 + np.array(AT) / 2
LEAST, MOST = 0.6, 6.0
"""Bounds of a factor: a calm past is no promise."""
THIN: Final = 1e-3
"""Half-widths below this share of the movement count as this wide."""
FEWEST: Final = 40
"""Forecasts of a step, neighbours included, from which on its factor is its own."""


@restorable("series_calibration")
@dataclass(frozen=True)
class Calibration:
    """What each half of an interval is multiplied by, about the median, at each step and level.

    Split-conformal with a score that is relative to the fan's own width (Lei et al., JASA 2018, section 5.2):
    how many times the half-width on its side a value lay from the median. Of n forecasts from past origins
    the ceil((n + 1) * level)-th smallest score is the factor. Demand that is often 0 is never missed below,
    so the upper end alone makes up for the level. Steps beyond those tried have the last one's factors.

    Attributes:
        factors: float64 (steps, levels).
    """

    factors: Floats

    def ends(self, fan: Floats, level: float) -> tuple[Floats, Floats]:
        """The calibrated interval; float64 (n, horizon) each."""
        lo, hi = interval(fan, level)
        median = fan[..., MEDIAN]
        at = np.array([np.interp(level, AT, row) for row in self.factors])
        factor = at[np.minimum(np.arange(fan.shape[1]), len(at) - 1)]
        return median - factor * (median - lo), median + factor * (hi - median)

    def state(self) -> State:
        """The factors as data."""
        return State("series_calibration", arrays={"factors": self.factors})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The calibration again."""
        return cls(np.asarray(state.arrays["factors"], np.float64))


def calibrated(
    y: Floats,
    fan: Floats,
    step: NDArray[np.int64],
    trust: float = 1.0,
    *,
    whole: bool = False,
    least: float = LEAST,
    units: int | None = None,
) -> Calibration:
    """Learn the factors from forecasts of the past.

    All series of one origin saw the same weeks, so many values from few origins prove less than they seem to:
    a factor is drawn towards 1 by `trust`.

    Args:
        y: float64 (n,), what came, in units of movement.
        fan: float64 (n, 10), what was forecast by predictors that had not seen it.
        step: int64 (n,).
        trust: 0 .. 1, the power that factors are raised to.
        whole: whether values are pieces: a lower end under one piece is then 0, so a 0 is never missed.
        least: the smallest factor.
        units: independent ones behind the values, where they are few: factors grow by Student's t over the
            normal quantile.
    """
    steps = int(step.max()) + 1
    factors = np.ones((steps, len(AT)))
    median = fan[:, MEDIAN]
    grown = np.ones(len(AT)) if units is None else stdtrit(units, ENDS) / ndtri(ENDS)
    for column, level in enumerate(AT):
        lo, hi = interval(fan[:, None], level)
        half = np.where(y > median, hi[:, 0] - median, median - lo[:, 0])
        score = np.abs(y - median) / np.maximum(half, THIN)
        score = np.where(whole & (y == 0), 0.0, score)
        for k in range(steps):
            near = score[_near(step, k)]
            rank = math.ceil(round((len(near) + 1) * level, 9))
            factor = np.sort(near)[rank - 1] if rank <= len(near) else near.max(initial=1.0)
            factors[k, column] = np.clip(factor, least, MOST) ** trust * grown[column]
    return Calibration(factors)


def _near(step: NDArray[np.int64], k: int) -> NDArray[np.bool_]:
    """The forecasts of this step and of as many neighbours as it takes."""
    reach = 0
    while True:
        found = np.abs(step - k) <= reach
        if found.sum() >= FEWEST or found.all():
            return np.asarray(found)
        reach += 1
