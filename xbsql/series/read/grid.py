"""Which frequency dates have: the coarsest grid that most series keep to, unless it is mostly empty."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql import errors
from xbsql.series.read.frequency import DAY, MONTH_END, WEEK, Frequency, day_of_month, month_of, month_start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

KEPT: Final = 0.9
"""Share of a series' dates that must begin a period for it to keep to a grid: a wrong date is a slip."""

NEARLY: Final = 0.8
"""A grid is as good as the best if it has this share of the best's series; the coarsest of these is taken."""

TRIED: Final = 6
"""Grids of a kind that are tried, the most common ones."""

HALF: Final = 0.5
"""Share of its periods that must have a row for a grid that needs no reason to be one."""
OUTER: Final = 0.05
"""Share of the dates at either end that do not count for that: one date of 1970 makes no grid empty."""
USUAL_MINUTES: Final = 5 * 60
"""Seconds: moments that lie on multiples of it were put there."""
COARSER: Final = ("H", "D", "W-MON", "MS", "QS", "YS")


def find_frequency(
    code: Ints, value: Ints, *, counts: bool = False, where: str = "xb.fit", name: str = "ds"
) -> Frequency:
    """The frequency that series are read with, whose dates may have gaps, duplicates and errors.

    It is the grid of their dates (`grid_of`). A grid of days, minutes or seconds of whose periods most have
    no row in any series is none: single sales lie on such a grid whatever they are. The shortest of hours,
    days, weeks, months, quarters and years of which half have a row takes its place; of hours half must have
    one in the series for themselves.

    Args:
        code: int64 (n,), the series of each row, ascending.
        value: int64 (n,), seconds since 1970-01-01 or counts, ascending within a series.
        counts: whether the values count periods.
        where: the SQL function, for errors.
        name: of the column, for errors.

    Raises:
        XbsqlError: most of the periods that integers count have no row: 20241231 is a date, and no count.
    """
    grid = grid_of(code, value, counts=counts)
    if are_single(code, value) or not _is_plain(grid) or (full := _full(grid, value)) >= HALF:
        return grid
    if counts:
        problem = f"the integers of '{name}' count periods, and {1 - full:.0%} of these have no row"
        raise errors.invalid(where, problem, "cast them to dates, or give the option 'frequency': 'I'")
    longer = [found for found in map(_named, COARSER) if found.length > grid.length]
    return next((found for found in longer if _serves(found, code, value)), grid)


def grid_of(code: Ints, value: Ints, *, counts: bool = False) -> Frequency:
    """The coarsest grid that most series keep to.

    Each series votes for the grid by the greatest common divisor of its differences, and the most common
    difference of all stands too. Of the grids that nearly as many series keep to as to the best one, the
    coarsest wins: weekly dates lie on a daily grid as well.

    Args:
        code: as in `find_frequency`.
        value: likewise.
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


def are_single(code: Ints, value: Ints) -> bool:
    """Whether no series has two different dates; arguments as in `find_frequency`."""
    return len(np.unique(code)) == int(_distinct(code, value).sum())


def _is_plain(grid: Frequency) -> bool:
    """Whether dates lie on a grid for no reason but how they are written: days, minutes, seconds, counts."""
    if grid.unit != "second":
        return grid.unit == "count"
    return bool(grid.step % WEEK) if grid.step % DAY == 0 else bool(grid.step % USUAL_MINUTES)


def _serves(grid: Frequency, code: Ints, value: Ints) -> bool:
    """Whether half of a grid's periods have a row: of hours in each series, of others in any."""
    if grid.step >= DAY or grid.unit == "month":
        return _full(grid, value) >= HALF
    series, place = np.unique(code, return_inverse=True)
    index = grid.index(value)
    cells = np.unique(place * (int(index.max() - index.min()) + 1) + index - index.min())
    return len(cells) >= HALF * len(series) * (int(index.max() - index.min()) + 1)


def _full(grid: Frequency, value: Ints) -> float:
    """The share of a grid's periods in which some series has a row, but for the first and the last dates."""
    index = np.unique(grid.index(value))
    cut = int(len(index) * OUTER)
    index = index[cut : len(index) - cut]
    return float(len(index) / (index[-1] - index[0] + 1))


def _named(name: str) -> Frequency:
    return Frequency.named("xb.fit", name)


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
    """Grids of months, of the series whose dates stand on one day of the month at one time of the day.

    The last day stands for a day that a month does not have: series of the 30th have the 28th of February.
    """
    size = np.diff(np.r_[begins, len(value)])
    day, clock = value // DAY - month_start(month_of(value)) // DAY + 1, value % DAY
    last = day_of_month(value) == MONTH_END
    ending = np.add.reduceat(last.astype(np.int64), begins) >= KEPT * size
    own_day = np.repeat(np.where(ending, MONTH_END, _middle(day, begins)), size)
    own_clock = np.repeat(_middle(clock, begins), size)
    on = ((day == own_day) | (last & (day < own_day))) & (clock == own_clock)
    kept = np.add.reduceat(on.astype(np.int64), begins) >= KEPT * size
    first = np.minimum.reduceat(np.where(on, np.arange(len(on)), len(on) - 1), begins)
    month = np.where(on, month_of(value), np.repeat(month_of(value[first]), size))
    steps = np.gcd.reduceat(month - np.repeat(month[begins], size), begins)
    rows = np.flatnonzero(kept & (steps > 0))
    grids = zip(
        steps[rows].tolist(),
        (month[begins][rows] % np.maximum(steps[rows], 1)).tolist(),
        own_day[begins][rows].tolist(),
        own_clock[begins][rows].tolist(),
        strict=True,
    )
    yield from (Frequency.months(*grid) for grid, _ in Counter(grids).most_common(TRIED))


def _middle(value: Ints, begins: Ints) -> Ints:
    """The median of each series' values, the lower of two."""
    size = np.diff(np.r_[begins, len(value)])
    order = np.lexsort((value, np.repeat(np.arange(len(begins)), size)))
    return np.asarray(value[order][begins + (size - 1) // 2], np.int64)


def _divisors(value: Ints, begins: Ints) -> Ints:
    """The greatest common divisor of each series' distances from its first value."""
    size = np.diff(np.r_[begins, len(value)])
    return np.gcd.reduceat(value - np.repeat(value[begins], size), begins)
