"""Tables as series: names, dates and values become arrays without gaps, and nothing is changed in silence."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk, validity
from xbsql.features.roles import as_text, kind_of
from xbsql.series.read.fill import DatedRows, filled
from xbsql.series.read.frequency import DAY
from xbsql.series.read.grid import find_frequency
from xbsql.series.read.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


class Columns(NamedTuple):
    """Where a table of series keeps what.

    Attributes:
        id: one or several columns that name a series together; a STRUCT counts as its fields. Empty: the
            table is one series.
        ts: DATE, TIMESTAMP with or without a zone, or integers that count periods.
        y: numbers.
        known: columns that are known in advance, numbers or booleans.
        title: a column of text: what a series sells; None where there is none.
    """

    id: tuple[str, ...] = ("unique_id",)
    ts: str = "ds"
    y: str = "y"
    known: tuple[str, ...] = ()
    title: str | None = None

    def of(self, table: pa.Table) -> Columns:
        """The same without titles where the table has none."""
        return self if self.title in table.column_names else self._replace(title=None)


def read_series(where: str, table: pa.Table, columns: Columns, rules: Rules | None = None) -> Series:
    """The series of a table: one frequency for all, no gaps, sorted by name.

    Dates of a zone are counted in its own days, and in UTC where they are finer, so that no change of the
    clock makes a gap or a duplicate. A date within a period counts for that period. A value that is NULL, NaN
    or infinite is unknown and no zero: the line between its neighbours takes its place, and before the first
    or after the last known value of a series such rows are no history (those after it may hold what is
    known in advance, see `read_ahead`).

    Args:
        where: the SQL function.
        table: one row a series and period, in any order.
        columns: where the table keeps what.
        rules: what is done with gaps, duplicates and the like.

    Returns:
        Every series that has a row, also those without one value, which are empty; `status` says what was
        done to each.

    Raises:
        XbsqlError: a column is missing or of a type that cannot be used, no row has a name, a date and a
            value, or filling would make far more values than there are rows.
    """
    chosen = rules or Rules()
    rows = _rows(where, table, columns, chosen)
    y = _numbers(where, table, columns.y)[rows.row]
    if not np.isfinite(y).any():
        problem = f"no row has a series, a date up to now and a number in '{columns.y}'"
        raise errors.invalid(where, problem, "give history (later dates need the option 'until')")
    order = _order(rows.code, rows.value)
    rows = rows._replace(code=rows.code[order], value=rows.value[order], row=rows.row[order])
    frequency = chosen.frequency or find_frequency(rows.code, rows.value, counts=rows.counts)
    if (frequency.unit == "count") != rows.counts:
        problem = f"'{columns.ts}' holds {'counts' if rows.counts else 'dates'}, not {frequency.name}"
        raise errors.invalid(where, problem, "leave the option 'frequency' out")
    known = np.empty((len(y), len(columns.known)))
    for j, name in enumerate(columns.known):
        known[:, j] = _numbers(where, table, name)[rows.row]
    series = filled(where, rows, y[order], known, frequency, chosen)
    if columns.title is None:
        return series
    return replace(series, titles=_titles(where, table, columns.title, rows))


def _titles(where: str, table: pa.Table, name: str, rows: DatedRows) -> tuple[str | None, ...]:
    """The first title of each series that is not NULL."""
    column = _column(where, table, name)
    if kind_of(column.type) not in ("text", "null"):
        problem = f"column '{name}' is {column.type}, and titles are text"
        raise errors.invalid(where, problem, "name a VARCHAR")
    texts = one_chunk(column.cast(pa.large_string())).take(pa.array(rows.row))
    there = validity(texts)
    first, at = np.unique(rows.code[there], return_index=True)
    titles = texts.filter(pa.array(there)).take(pa.array(at)).to_pylist()
    found = dict(zip(first.tolist(), titles, strict=True))
    return tuple(found.get(i) for i in range(len(rows.names)))


def read_ahead(
    where: str, table: pa.Table, columns: Columns, series: Series, horizon: int, rules: Rules | None = None
) -> Floats:
    """What is known in advance of the periods after each series.

    Args:
        where: the SQL function.
        table: the table the series are from, or one of the same columns that goes on after them.
        columns: where the table keeps what; `y` is not read.
        series: from `read_series`.
        horizon: periods.
        rules: those the series were read by.

    Returns:
        float64 (n, horizon, f): of several rows of one period the mean; NaN where there is none.
    """
    rows = _rows(where, table, columns, rules or Rules(), ahead=True)
    place = {name: i for i, name in enumerate(series.names)}
    code = np.array([place.get(name, -1) for name in rows.names], np.int64)[rows.code]
    step = series.frequency.index(rows.value) - series.ends[code]
    inside = (code >= 0) & (step >= 0) & (step < horizon)
    cell = (code * horizon + step)[inside]
    total = len(series) * horizon
    found = np.full((total, len(columns.known)), np.nan)
    for j, name in enumerate(columns.known):
        values = _numbers(where, table, name)[rows.row][inside]
        there = np.isfinite(values)
        count = np.bincount(cell[there], minlength=total)
        summed = np.bincount(cell[there], weights=values[there], minlength=total)
        np.divide(summed, count, out=found[:, j], where=count > 0)
    return found.reshape(len(series), horizon, -1)


def series_names(where: str, table: pa.Table, id: Sequence[str]) -> pa.Array:
    """The name of the series of each row: its columns as text, joined by '/'; NULL where one is NULL.

    Raises:
        XbsqlError: no such column, or one that cannot be text.
    """
    parts = []
    for name in id:
        column = one_chunk(_column(where, table, name))
        fields = column.flatten() if pa.types.is_struct(column.type) else [column]
        parts += [as_text(field).cast(pa.large_string()) for field in fields]
    if not parts:
        return pa.array(["all"] * len(table), pa.large_string())
    return one_chunk(pc.binary_join_element_wise(*parts, pa.scalar("/", pa.large_string())))


def _order(code: Ints, value: Ints) -> Ints:
    """DatedRows by series and date, equal ones in the table's order; one key where it fits into 64 bits."""
    span = int(value.max()) - int(value.min()) + 1
    if span * (int(code.max()) + 1) < 2**62:
        return np.argsort(code * span + (value - value.min()), kind="stable")
    return np.lexsort((value, code))


def _rows(where: str, table: pa.Table, columns: Columns, rules: Rules, *, ahead: bool = False) -> DatedRows:
    names, code, named = _coded(series_names(where, table, columns.id))
    value, dated, counts = _moments(where, columns.ts, _column(where, table, columns.ts))
    late = np.zeros(len(value), bool)
    if not counts and not ahead:
        late = dated & (value > (int(time.time()) if rules.until is None else rules.until))
    notes: dict[int, list[str]] = {}
    for text, rows in (("without a date", named & ~dated), ("in the future", named & late)):
        found, number = np.unique(code[rows], return_counts=True)
        for i, k in zip(found.tolist(), number.tolist(), strict=True):
            notes.setdefault(i, []).append(f"{k} rows {text} left out")
    kept = np.flatnonzero(named & dated & ~late)
    return DatedRows(names, code[kept], value[kept], kept, counts, notes)


def _coded(texts: pa.Array) -> tuple[tuple[str, ...], Ints, Mask]:
    """The distinct names, sorted; the place of each row's name among them; whether it has one."""
    coded = texts.dictionary_encode()
    distinct = coded.dictionary.to_pylist()
    order = sorted(range(len(distinct)), key=distinct.__getitem__)
    rank = np.zeros(len(order) + 1, np.int64)
    rank[order] = np.arange(len(order))
    place = coded.indices.fill_null(len(order)).to_numpy(zero_copy_only=False)
    return tuple(distinct[i] for i in order), rank[place], validity(coded.indices)


def _moments(where: str, name: str, column: pa.ChunkedArray) -> tuple[Ints, Mask, bool]:
    """A column of dates as seconds since 1970-01-01, or of counts as they are; where they are not NULL."""
    kind, whole = column.type, one_chunk(column)
    dated = validity(whole)
    if pa.types.is_integer(kind):
        return _int64(whole), dated, True
    if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        remedy = f"cast it ({name}::DATE or ::TIMESTAMP)"
        problem = f"column '{name}' is {kind}, and periods are dates, timestamps or integers"
        raise errors.invalid(where, problem, remedy)
    if pa.types.is_timestamp(kind) and kind.tz is not None and in_own_days(whole):
        whole = pc.local_timestamp(whole)
    return _int64(whole.cast(pa.timestamp("s"), safe=False)), dated, False


def in_own_days(moments: pa.Array) -> bool:
    """Whether timestamps with a zone are all midnights of that zone: they count its days then, not UTC's."""
    local = _int64(pc.local_timestamp(moments).cast(pa.timestamp("s"), safe=False))
    return not (local[validity(moments)] % DAY).any()


def _int64(array: pa.Array) -> Ints:
    whole = array.cast(pa.int64(), safe=False) if array.type != pa.int64() else array
    return np.asarray(whole.fill_null(0).to_numpy(zero_copy_only=False), np.int64)


def _numbers(where: str, table: pa.Table, name: str) -> Floats:
    """A column of numbers or booleans; NULL is NaN."""
    column = _column(where, table, name)
    if kind_of(column.type) not in ("number", "boolean", "null"):
        problem = f"column '{name}' is {column.type}, and values are numbers"
        raise errors.invalid(where, problem, f"cast it ({name}::DOUBLE)")
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    whole = one_chunk(column.cast(pa.float64(), safe=False))
    return np.array(whole.fill_null(np.nan).to_numpy(zero_copy_only=False), np.float64)


def _column(where: str, table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise errors.unknown(where, "column", name, table.column_names, place="the table has")
    return table[name]
