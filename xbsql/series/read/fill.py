"""Rows of series -> values without gaps, and what was done to each series in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xbsql import errors
from xbsql.series.read.series import Series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.frequency import Frequency
    from xbsql.series.read.rules import Rules

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

MOST_VALUES = 200_000_000
"""Values beyond which the frequency is surely not the one that was meant: 1.6 GB."""

SUMMED = {"sum": "summed", "mean": "averaged", "last": "of which the last counts"}
FILLED = {"zero": "filled with 0", "interpolate": "interpolated", "last": "filled with the value before"}

NO_HISTORY = "no history"
SPACED = "its rows lie evenly apart, in longer periods than the table's: see the option 'frequency'"
SEEN, LONG, UNEVEN = 6, 4, 0.12
"""Distances of rows that show a longer grid, and how uneven they may be: by a period where they are four or
more (months in weeks), or by this share (months in days)."""


class DatedRows(NamedTuple):
    """Rows that belong to a series and a period, sorted by both, equal ones in the table's order.

    Attributes:
        names: of the series, sorted.
        code: int64 (rows,), the series of each row.
        value: int64 (rows,), seconds since 1970-01-01 or counts.
        notes: by series, what there is to say of the rows left out.
    """

    names: tuple[str, ...]
    code: Ints
    value: Ints
    notes: dict[int, list[str]]


def filled(
    where: str,
    rows: DatedRows,
    y: Floats,
    known: Floats,
    frequency: Frequency,
    rules: Rules,
    begin: int | None = None,
) -> Series:
    """The series of rows, without gaps.

    Args:
        where: the SQL function.
        rows: one a value.
        y: float64 (rows,); what is not finite is unknown.
        known: float64 (rows, f), columns known in advance.
        frequency: of all series.
        rules: what to do with gaps, duplicates and negative values, and where series end.
        begin: the first period of every series where no row has a value.

    Raises:
        XbsqlError: there would be more than `MOST_VALUES` values.
    """
    period, finite = frequency.index(rows.value), np.isfinite(y)
    n = len(rows.names)
    if begin is None:
        start, length = _extents(n, rows.code[finite], period[finite], frequency, rules)
    else:
        start, length = np.full(n, begin), np.zeros(n, np.int64)
    offsets = np.r_[0, np.cumsum(length)].astype(np.int64)
    if offsets[-1] > MOST_VALUES:
        problem = f"{len(y)} rows become {offsets[-1]} values of frequency {frequency.name}"
        raise errors.invalid(where, problem, "give the option 'frequency', such as 'D' or 'W-MON'")
    step = period - start[rows.code]
    inside = (step >= 0) & (step < length[rows.code])
    cell = (offsets[rows.code] + step)[inside]
    grid = _Grid(offsets, cell, finite[inside])
    values = grid.combined(y[inside], rules.duplicates)
    negative = values < 0
    if rules.negative == "zero":
        values[negative] = 0.0
    known_values = [grid.combined(column, "mean", np.isfinite(column)) for column in known[inside].T]
    beside = np.array(known_values).reshape(known.shape[1], -1).T if known.shape[1] else None
    missing = grid.unknown | (grid.gap if rules.fill != "zero" else False)
    values[grid.gap & ~missing] = 0.0
    _fill(values, missing, offsets, line=rules.fill != "last")
    moved = np.bincount(rows.code, frequency.at(period) != rows.value, len(rows.names)).astype(np.int64)
    words = _Words(grid, rules, frequency)
    status = words.status(values, negative, moved, rows.notes)
    return Series(rows.names, values, offsets, start, frequency, status, beside)


def _extents(
    n: int, code: Ints, period: Ints, frequency: Frequency, rules: Rules
) -> tuple[Ints, Ints]:  # fmt: skip
    """The first period of each series and how many there are, from rows that have a value."""
    latest = int(period.max())
    start, end = np.full(n, latest + 1), np.full(n, latest)
    begins = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    start[code[begins]] = period[begins]
    calendar = rules.fill == "zero" and frequency.unit != "count"
    if rules.end == "own" or (rules.end == "auto" and not calendar):
        end[code[begins]] = period[np.r_[begins[1:], len(code)] - 1]
    return start, np.asarray(end - start + 1, np.int64)


class _Grid:
    """The cells of all series, and which rows fall into each.

    Attributes:
        offsets: int64 (n + 1,), where the cells of each series begin.
        count: int64 (total,), rows with a value.
        unknown: bool (total,): there are rows, and none has a value.
        gap: bool (total,): there is no row.
    """

    def __init__(self, offsets: Ints, cell: Ints, finite: Mask) -> None:
        total = int(offsets[-1])
        self.offsets, self._cell, self._finite = offsets, cell, finite
        self.count = np.bincount(cell[finite], minlength=total)
        rows = np.bincount(cell, minlength=total)
        self.unknown = (self.count == 0) & (rows > 0)
        self.gap = rows == 0

    def combined(self, values: Floats, rule: str, there: Mask | None = None) -> Floats:
        """One value a cell; NaN where no row has one."""
        used = self._finite if there is None else there
        cell, values = self._cell[used], values[used]
        found = np.full(len(self.count), np.nan)
        if rule == "last":
            found[cell] = values
            return found
        count = np.bincount(cell, minlength=len(found))
        summed = np.bincount(cell, values, len(found))
        np.divide(summed, count if rule == "mean" else 1, out=found, where=count > 0)
        return found

    def by_series(self, mask: Mask) -> Ints:
        """How many cells of each series a mask holds; int64 (n,)."""
        upto = np.r_[0, np.cumsum(mask)]
        return np.asarray(upto[self.offsets[1:]] - upto[self.offsets[:-1]], np.int64)

    def trailing(self) -> Ints:
        """How many cells after its last row each series has; int64 (n,)."""
        place = np.where(self.gap, -1, np.arange(len(self.gap)))
        last = np.maximum.accumulate(np.r_[-1, place])[self.offsets[1:]]
        return np.asarray(np.where(np.diff(self.offsets) > 0, self.offsets[1:] - 1 - last, 0), np.int64)


def _fill(values: Floats, missing: Mask, offsets: Ints, *, line: bool) -> None:
    """Put the line between the known neighbours in place of missing values, or the one before them.

    The first value of a series is never missing; behind the last known one it is carried on.
    """
    place = np.flatnonzero(missing)
    if not len(place):
        return
    every = np.arange(len(values))
    before = np.maximum.accumulate(np.where(missing, 0, every))[place]
    after = np.minimum.accumulate(np.where(missing, len(values), every)[::-1])[::-1][place]
    end = np.repeat(offsets[1:], np.diff(offsets))[place]
    known = (after < end) & line
    after = np.where(known, after, before)
    share = np.where(known, (place - before) / np.maximum(after - before, 1), 0.0)
    values[place] = values[before] * (1.0 - share) + values[after] * share


class _Words:
    """What was done to each series."""

    def __init__(self, grid: _Grid, rules: Rules, frequency: Frequency) -> None:
        self._grid, self._rules, self._name = grid, rules, frequency.name

    def status(
        self, values: Floats, negative: Mask, moved: Ints, notes: dict[int, list[str]]
    ) -> tuple[str, ...]:  # fmt: skip
        """'ok' or the notes of each series."""
        grid, rules = self._grid, self._rules
        trailing = grid.trailing()
        told = {
            f"dates moved to their {self._name} period": moved,
            f"duplicate rows {SUMMED[rules.duplicates]}": self._duplicates(),
            f"gaps {FILLED[rules.fill]}": grid.by_series(grid.gap) - trailing,
            "periods since its last row": trailing,
            "unknown values interpolated": grid.by_series(grid.unknown),
            "negative values" + (" set to 0" if rules.negative == "zero" else ""): grid.by_series(negative),
        }
        lines: dict[int, list[str]] = {i: list(found) for i, found in notes.items()}
        for text, count in told.items():
            for i in np.flatnonzero(count):
                lines.setdefault(int(i), []).append(f"{count[i]} {text}")
        shapes = self._shapes(values) | {SPACED: self._spaced()}
        for text, mask in shapes.items():
            for i in np.flatnonzero(mask):
                lines.setdefault(int(i), []).append(text)
        return tuple("; ".join(lines.get(i, ["ok"])) for i in range(len(grid.offsets) - 1))

    def _duplicates(self) -> Ints:
        upto = np.r_[0, np.cumsum(np.maximum(self._grid.count - 1, 0))]
        return np.asarray(upto[self._grid.offsets[1:]] - upto[self._grid.offsets[:-1]], np.int64)

    def _spaced(self) -> Mask:
        """Series whose rows keep to a longer grid: weeks in a table of days, or months, which are uneven."""
        grid, n = self._grid, len(self._grid.offsets) - 1
        place = np.flatnonzero(~grid.gap)
        owner = np.searchsorted(grid.offsets[1:], place, side="right")
        together = owner[1:] == owner[:-1]
        apart, series = np.diff(place)[together], owner[1:][together]
        least, most = np.full(n, np.iinfo(np.int64).max), np.zeros(n, np.int64)
        np.minimum.at(least, series, apart)
        np.maximum.at(most, series, apart)
        uneven = np.maximum(UNEVEN * most, least >= LONG)
        often = np.bincount(series, minlength=n) >= SEEN
        return np.asarray(often & (least > 1) & (most - least <= uneven))

    def _shapes(self, values: Floats) -> dict[str, Mask]:
        """Series that say little: without a value, with one, all zero, constant."""
        offsets = self._grid.offsets
        length = np.diff(offsets)
        lo, hi = np.zeros(len(length)), np.ones(len(length))
        there = length > 0
        if there.any():
            lo[there] = np.minimum.reduceat(values, offsets[:-1][there])
            hi[there] = np.maximum.reduceat(values, offsets[:-1][there])
        flat = (length > 1) & (lo == hi)
        return {
            NO_HISTORY: ~there,
            "one value": length == 1,
            "all zero": flat & (hi == 0),
            "constant": flat & (hi != 0),
        }
