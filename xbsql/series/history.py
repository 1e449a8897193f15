"""Histories as matrices: the last values of many series side by side, and how much each one moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.features.series import Series

    Floats = NDArray[np.float64]


def context(series: Series, length: int) -> Floats:
    """The last values of each series, the newest in the last column.

    Returns:
        float64 (n, length), NaN before the first value of a series.
    """
    found = np.full((len(series), length), np.nan)
    tail = series.last(length)
    place = np.arange(len(tail.y)) + np.repeat(length - tail.offsets[1:], tail.lengths)
    found[tail.owner(), place] = tail.y
    return found


def ahead(series: Series, held_out: int, horizon: int) -> Floats:
    """What followed each series cut by its last `held_out` values.

    Returns:
        float64 (n, horizon), NaN where nothing did, or where there was nothing to cut.
    """
    following = context(series, held_out)[:, :horizon]
    short = np.full((len(series), max(horizon - following.shape[1], 0)), np.nan)
    return np.concatenate([following, short], axis=1)


def movement(series: Series) -> Floats:
    """The scale of each series: mean absolute difference of neighbouring values, as M5's scaled errors use.

    Each series is given one further difference, the mean over all series: two weeks of zeros do not make a
    scale of 0.

    Returns:
        float64 (n,), positive.
    """
    step = np.abs(np.diff(series.y, prepend=np.nan))
    first = series.offsets[:-1][series.lengths > 0]
    step[first] = np.nan
    counted = np.isfinite(step)
    owner = series.owner()
    total = np.bincount(owner[counted], weights=step[counted], minlength=len(series))
    number = np.bincount(owner[counted], minlength=len(series))
    overall = total.sum() / max(number.sum(), 1)
    return np.asarray((total + (overall or 1.0)) / (number + 1))


def is_demand(series: Series) -> bool:
    """Whether values are amounts: none is negative."""
    return len(series.y) > 0 and float(series.y.min()) >= 0.0


def is_whole(series: Series) -> bool:
    """Whether values are pieces: whole amounts."""
    return is_demand(series) and bool((series.y == np.rint(series.y)).all())
