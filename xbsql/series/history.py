"""Histories as matrices: the last values of many series side by side, and how much each one moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

ROUNDING: Final = 1e-12
"""Share of a series' level below which its movement is that of rounding."""
SPARSE: Final = 0.1
"""Share of zeros from which on demand is intermittent."""
PIECES: Final = 1000.0
"""Usual value up to which whole amounts are pieces: in larger ones, such as money, one more is nothing."""
NEARLY, SEEN, LONGEST_CLOSED = 0.95, 4, 31
"""Share of zeros at a place of a season from which on the market is closed there, seasons that show it, and
periods of the longest season that is looked at."""
SMALL: Final = 0.05
SETTLED: Final = 64
"""Usual values of a history from which on intermittent demand is judged by its past alone."""


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


def traded(series: Series) -> Series:
    """The series with NaN where a value only stands in for trade."""
    if series.closed is None:
        return series
    return replace(series, y=np.where(series.closed, np.nan, series.y))


def movement(series: Series, least: float = 1.0) -> Floats:
    """The scale of each series: mean absolute difference of neighbouring values, as M5's scaled errors use.

    The mean distance of the values from their mean counts as one difference more, so that a few equal values
    do not make a scale of 0. Where that is 0 too the mean absolute value stands for it. A series has the same
    scale in any company.

    Args:
        series: n histories.
        least: the scale of a series without a value that is not 0, see `least_of`.

    Returns:
        float64 (n,), positive.
    """
    n, owner, lengths = len(series), series.owner(), np.maximum(series.lengths, 1)
    step = np.abs(np.diff(series.y, prepend=0.0))
    step[series.offsets[:-1][series.lengths > 0]] = 0.0
    total = np.bincount(owner, weights=step, minlength=n)
    mean = np.bincount(owner, weights=series.y, minlength=n) / lengths
    far = np.bincount(owner, weights=np.abs(series.y - mean[owner]), minlength=n) / lengths
    found = (total + far) / lengths
    level = np.bincount(owner, weights=np.abs(series.y), minlength=n) / lengths
    return np.asarray(np.where(found > ROUNDING * level, found, np.where(level > 0, level, least)))


def least_of(series: Series) -> float:
    """A small value of the market: one piece, or the price of one; 1 where all are 0.

    The 5th percentile of the values that are not 0, without their sign. It is the scale of a history of
    zeros, which has none of its own in any unit.
    """
    size = np.abs(series.y[series.y != 0])
    return float(np.quantile(size, SMALL, method="lower")) if len(size) else 1.0


def unit(y: Floats) -> float:
    """The power of two by which values are divided for models whose own constants are in no unit.

    Their mean absolute value is then between 1,024 and 2,048; a power of two changes no digit.
    """
    level = float(np.abs(y).mean()) if len(y) else 0.0
    return float(np.exp2(np.floor(np.log2(level)) - 10)) if level > 0 else 1.0


def is_demand(series: Series) -> bool:
    """Whether values are amounts: none is negative."""
    return len(series.y) > 0 and float(series.y.min()) >= 0.0


def is_whole(series: Series) -> bool:
    """Whether values are pieces: whole amounts, and usually fewer than a thousand."""
    y = series.y if series.closed is None else series.y[~series.closed]
    if not is_demand(series) or not (y == np.rint(y)).all():
        return False
    sold = y[y > 0]
    return not len(sold) or float(np.median(sold)) < PIECES


def is_sparse(series: Series) -> bool:
    """Whether demand is intermittent: amounts, a tenth of which is 0 where the market is not closed."""
    if not is_demand(series):
        return False
    zero = (series.y == 0)[~closed(series)]
    return bool(zero.mean() > SPARSE) if len(zero) else True


def closed(series: Series) -> NDArray[np.bool_]:
    """Values at places of the shortest season at which no series sells: Sundays, or hours of the night.

    Returns:
        bool (total,); False throughout without a season of at most a month that histories hold four times.
    """
    season = min(series.frequency.season, default=0)
    usual = float(np.median(series.lengths[series.lengths > 0])) if len(series.y) else 0.0
    if not 2 <= season <= LONGEST_CLOSED or usual < SEEN * season:
        return np.zeros(len(series.y), bool)
    place = series.periods() % season
    rows = np.bincount(place, minlength=season)
    zeros = np.bincount(place, series.y == 0, season)
    return np.asarray((zeros >= NEARLY * rows)[place])


def trust(series: Series) -> float:
    """How far the past says which method is best, 0 to 1; less than 1 of short intermittent histories.

    One large order decides what few weeks show, and all series saw the same weeks: their number does not make
    up for it. Grows with the usual length up to `SETTLED`, which was chosen on weeks 25 to 44 of a shop.
    """
    lengths = series.lengths[series.lengths > 0]
    return min(float(np.median(lengths)) / SETTLED, 1.0) if is_sparse(series) else 1.0
