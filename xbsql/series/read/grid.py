"""Which frequency dates have: the coarsest grid that most series keep to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.series.read.frequency import DAY, Frequency, day_of_month, month_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

KEPT: Final = 0.9
"""Share of a series' dates that must begin a period for it to keep to a grid: a wrong date is a slip."""

NEARLY: Final = 0.8
"""A grid is as good as the best if it has this share of the best's series; the coarsest of these is taken."""

SHORTEST_MONTH: Final = 28 * DAY
TRIED: Final = 6
"""Grids of a kind that are tried, the most common ones."""


def find_frequency(code: Ints, value: Ints, *, counts: bool = False) -> Frequency:
    """The frequency of series whose dates may have gaps, duplicates and errors.

    Each series votes for the grid by the greatest common divisor of its differences, and the most common
    difference of all stands too. Of the grids that nearly as many series keep to as to the best one, the
    coarsest wins: weekly dates lie on a daily grid as well.

    Args:
        code: int64 (n,), the series of each row, ascending.
        value: int64 (n,), seconds since 1970-01-01 or counts, ascending within a series.
        counts: whether the values count periods.

    Returns:
        The frequency; daily, or every count, where no series has two different dates.
    """
    rows = _distinct(code, value)
    code, value = code[rows], value[rows]
    begins = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    many = np.diff(np.r_[begins, len(code)]) > 1
    if not many.any():
        return Frequency.counts(1) if counts else Frequency.seconds(DAY, int(value[0]) if len(value) else 0)
    wanted = np.repeat(many, np.diff(np.r_[begins, len(code)]))
    code, value = code[wanted], value[wanted]
    begins = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    tried = list(dict.fromkeys(_candidates(code, value, begins, counts=counts)))
    share = np.array([_share(grid, value, begins) for grid in tried])
    good = [grid for grid, found in zip(tried, share, strict=True) if found >= NEARLY * share.max()]
    return max(good, key=lambda grid: (grid.length, -grid.phase))


def _distinct(code: Ints, value: Ints) -> NDArray[np.bool_]:
    return (
        np.r_[True, (code[1:] != code[:-1]) | (value[1:] != value[:-1])] if len(code) else np.empty(0, bool)
    )


def _share(grid: Frequency, value: Ints, begins: Ints) -> float:
    """The share of the series that keep to a grid."""
    on = grid.at(grid.index(value)) == value
    size = np.diff(np.r_[begins, len(value)])
    return float(np.mean(np.add.reduceat(on.astype(np.int64), begins) >= KEPT * size))


def _candidates(code: Ints, value: Ints, begins: Ints, *, counts: bool) -> Iterator[Frequency]:
    """Grids that some series vote for, and that of the most common difference."""
    build = Frequency.counts if counts else Frequency.seconds
    steps = _divisors(value, begins)
    votes = Counter(zip(steps.tolist(), (value[begins] % steps).tolist(), strict=True))
    yield from (build(step, phase) for (step, phase), _ in votes.most_common(TRIED))
    differences = np.diff(value)[code[1:] == code[:-1]]
    found, count = np.unique(differences, return_counts=True)
    step = int(found[count.argmax()])
    phases, count = np.unique(value % step, return_counts=True)
    yield build(step, int(phases[count.argmax()]))
    whole = int(np.gcd.reduce(np.r_[steps, value[begins] - value[0]]))
    yield build(whole, int(value[0]))
    if not counts:
        yield from _monthly(value, begins)


def _monthly(value: Ints, begins: Ints) -> Iterator[Frequency]:
    """Grids of months, of the series whose dates all stand on one day of the month at one time of the day."""
    size = np.diff(np.r_[begins, len(value)])
    gap = np.diff(value, append=np.iinfo(np.int64).max)
    gap[begins[1:] - 1] = SHORTEST_MONTH
    far = np.minimum.reduceat(gap, begins) >= SHORTEST_MONTH
    value, size = value[np.repeat(far, size)], size[far]
    if not len(size):
        return
    begins = np.r_[0, np.cumsum(size)[:-1]]
    day, clock, month = day_of_month(value), value % DAY, month_of(value)
    steps = _divisors(month, begins)
    kept = _constant(day, begins) & _constant(clock, begins) & (steps > 0)
    rows, steps = begins[kept], steps[kept]
    votes = Counter(zip(steps.tolist(), (month[rows] % steps).tolist(), strict=True))
    dated = Counter(zip(day[rows].tolist(), clock[rows].tolist(), strict=True))
    for (step, phase), _ in votes.most_common(TRIED):
        for (at_day, at_clock), _ in dated.most_common(2):
            yield Frequency.months(step, phase, at_day, at_clock)


def _divisors(value: Ints, begins: Ints) -> Ints:
    """The greatest common divisor of each series' distances from its first value."""
    size = np.diff(np.r_[begins, len(value)])
    return np.gcd.reduceat(value - np.repeat(value[begins], size), begins)


def _constant(value: Ints, begins: Ints) -> NDArray[np.bool_]:
    return np.asarray(np.minimum.reduceat(value, begins) == np.maximum.reduceat(value, begins))
