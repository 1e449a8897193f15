"""What a series' errors are measured by: how much its own history moves, and the plainest forecast of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbsql.metrics.series import over

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]


def absolute_scale(history: Series, season: int = 1) -> Floats:
    """Mean absolute difference of values a season apart: MASE's and the pinball loss's scale.

    Args:
        history: n series; leading zeros count.
        season: periods.

    Returns:
        float64 (n,); NaN where a series has no two values a season apart or never changes.
    """
    return _scale(history, season, power=1)


def squared_scale(history: Series, season: int = 1) -> Floats:
    """Mean squared difference of values a season apart, RMSSE's scale; as `absolute_scale`."""
    return _scale(history, season, power=2)


def seasonal_naive(history: Series, horizon: int, season: int = 1) -> Floats:
    """The value a season before, the last season repeated: the yardstick; float64 (n, horizon).

    A series shorter than a season repeats its last value; one without a value is NaN.
    """
    step = np.where(history.lengths >= season, season, 1)[:, None]
    place = history.offsets[1:, None] - step + np.arange(horizon) % step
    there = history.lengths > 0
    found = np.full((len(history), horizon), np.nan)
    found[there] = history.y[place[there]]
    return found


def _scale(history: Series, season: int, power: int) -> Floats:
    owner, n = history.owner(), len(history)
    together = owner[season:] == owner[: len(owner) - min(season, len(owner))]
    rows = np.flatnonzero(together) + season
    gap = np.abs(history.y[rows] - history.y[rows - season]) ** power
    total = np.asarray(np.bincount(owner[rows], gap, n), np.float64)
    return over(total, np.bincount(owner[rows], minlength=n), may_be_zero=False)
