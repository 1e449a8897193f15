"""Tables as series: names, dates and values become arrays without gaps, and nothing is changed in silence."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk, validity
from xbsql.series.read.fill import DatedRows, filled
from xbsql.series.read.grid import are_single, find_frequency, grid_of
from xbsql.series.read.rules import Rules
from xbsql.series.read.values import NULL_PART, column_of, moments, numbers, series_names, titles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.frequency import Frequency
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


SAME_FACT = 1e-9
"""Of a fact, how far rounding may move the mean of equal rows."""


class Columns(NamedTuple):
    """Where a table of series keeps what.

    Attributes:
        id: one or several columns that name a series together; a STRUCT counts as its fields. Empty: the
            table is one series.
        ts: DATE, TIMESTAMP with or without a zone, or integers that count periods.
        y: numbers.
        known: columns that are known in advance, numbers or booleans.
        title: a column of text: what a series sells; None where there is none.
        facts: columns of numbers that tell a series' level before it has a history.
    """

    id: tuple[str, ...] = ("unique_id",)
    ts: str = "ds"
    y: str = "y"
    known: tuple[str, ...] = ()
    title: str | None = None
    facts: tuple[str, ...] = ()

    def of(self, table: pa.Table) -> Columns:
        """The same without titles where the table has none, and facts by what it calls them."""
        found = tuple(fact_in(table, name) or name for name in self.facts)
        return self._replace(title=self.title if self.title in table.column_names else None, facts=found)


def fact_in(table: pa.Table, name: str) -> str | None:
    """The column of a fact: of its own name, or among what is known in advance."""
    return next((column for column in (name, f"known.{name}") if column in table.column_names), None)


@dataclass(frozen=True)
class SeriesTable:
    """A table of series, read once: every row that has a series and a date, sorted by both.

    A row whose id is NULL, in all its parts, belongs to no series and is counted in `notes`; one without a
    date in `undated`.

    Attributes:
        where: the SQL function, for errors.
        columns: where the table keeps what.
        names: of the series, sorted.
        ids: Arrow array (n,): what the table calls each series; of several columns a STRUCT.
        code: int64 (rows,), the series of each row; of equal dates in the table's order.
        value: int64 (rows,), seconds since 1970-01-01 or counts, see `Moments`.
        y: float64 (rows,); NaN where there is no number.
        known: float64 (rows, f), columns that are known in advance; NaN likewise.
        titles: one a series, the first that is not NULL; None where the table has no titles.
        facts: float64 (n, k), the mean of each fact over the rows of a series, NaN where none has it; None
            where the table has none of the facts.
        undated: int64 (n,), rows of each series that have no date.
        notes: what there is to say of the table as a whole.
        counts: whether the values are counts.
        dates: the type of the column of dates.
        local: whether dates are counted by the clock of their zone.
    """

    where: str
    columns: Columns
    names: tuple[str, ...]
    ids: pa.Array
    code: Ints
    value: Ints
    y: Floats
    known: Floats
    titles: tuple[str | None, ...] | None
    facts: Floats | None
    undated: Ints
    notes: tuple[str, ...]
    counts: bool
    dates: pa.DataType
    local: bool

    @classmethod
    def of(cls, where: str, table: pa.Table, columns: Columns) -> Self:
        """Read a table: one row a series and period, in any order.

        Raises:
            XbsqlError: a column is missing or of a type that cannot be used.
        """
        names, code, named, first = _coded(series_names(where, table, columns.id, NULL_PART))
        moment = moments(where, table, columns.ts)
        y = numbers(where, table, columns.y)
        known = [numbers(where, table, name) for name in columns.known]
        rows = np.flatnonzero(named & moment.there)
        rows = rows[_order(code[rows], moment.value[rows])]
        unnamed = int((~named).sum())
        facts, varied = _facts(where, table, columns.facts, np.where(named, code, len(names)), len(names))
        return cls(
            where,
            columns,
            names,
            _ids(table, columns.id, first),
            code[rows],
            moment.value[rows],
            y[rows],
            np.array(known).reshape(len(known), -1).T[rows] if known else np.empty((len(rows), 0)),
            _titles(where, table, columns.title, code[rows], rows, len(names)),
            facts,
            np.bincount(code[named & ~moment.there], minlength=len(names)),
            (*([f"{unnamed} rows of the table whose id is NULL left out"] if unnamed else []), *varied),
            moment.counts,
            column_of(where, table, columns.ts).type,
            moment.local,
        )

    def grid(self, rules: Rules) -> Frequency | None:
        """The coarsest grid that the dates lie on; None where no series has two different ones."""
        used = ~self._late(rules)
        code, value = self.code[used], self.value[used]
        return None if are_single(code, value) else grid_of(code, value, counts=self.counts)

    def series(self, rules: Rules | None = None, *, may_be_empty: bool = False) -> Series:
        """The series without gaps, sorted by name.

        Args:
            rules: what is done with gaps, duplicates and the like; without a frequency one is found.
            may_be_empty: whether a table without one value is read too: with the frequency of `rules`, and
                every series then begins at the table's first date.

        Raises:
            XbsqlError: no row has a series, a date and a value, integers are no counts, or filling would make
                far more values than there are rows.
        """
        chosen = rules or Rules()
        late = self._late(chosen)
        valued = np.isfinite(self.y) & ~late
        rows = self._rows(~late, late)
        begin = None
        if not valued.any():
            if not (may_be_empty and len(self.value) and chosen.frequency):
                problem = f"no row has a series, a date up to now and a number in '{self.columns.y}'"
                remedy = "give history (later dates need the option 'until')"
                if may_be_empty:
                    problem, remedy = "no row has a series and a date", "give a date to begin at"
                raise errors.invalid(self.where, problem, remedy)
            begin = int(chosen.frequency.index(self.value.min()))
        frequency = chosen.frequency or find_frequency(
            rows.code, rows.value, counts=self.counts, where=self.where, name=self.columns.ts
        )
        if (frequency.unit == "count") != self.counts:
            problem = (
                f"'{self.columns.ts}' holds {'counts' if self.counts else 'dates'}, not {frequency.name}"
            )
            raise errors.invalid(self.where, problem, "leave the option 'frequency' out")
        found = filled(self.where, rows, self.y[~late], self.known[~late], frequency, chosen, begin)
        return replace(found, titles=self.titles, notes=self.notes, facts=self.facts)

    def ahead(self, series: Series, horizon: int) -> Floats:
        """What is known in advance of the periods after each series.

        Args:
            series: of this table.
            horizon: periods.

        Returns:
            float64 (n, horizon, f): of several rows of one period the mean; NaN where there is none.
        """
        step = series.frequency.index(self.value) - series.ends[self.code]
        inside = (step >= 0) & (step < horizon)
        cell = (self.code * horizon + step)[inside]
        total = len(series) * horizon
        found = np.full((total, self.known.shape[1]), np.nan)
        for j, column in enumerate(self.known[inside].T):
            there = np.isfinite(column)
            count = np.bincount(cell[there], minlength=total)
            summed = np.bincount(cell[there], weights=column[there], minlength=total)
            np.divide(summed, count, out=found[:, j], where=count > 0)
        return found.reshape(len(series), horizon, -1)

    def dated(self, values: Ints) -> pa.Array:
        """Seconds since 1970-01-01 on the table's clock, or counts, in the type of its column of dates."""
        if self.counts:
            return pa.array(values).cast(self.dates)
        found = pa.array(values).cast(pa.timestamp("s"))
        if not pa.types.is_timestamp(self.dates) or self.dates.tz is None:
            return found.cast(self.dates)
        zone = self.dates.tz if self.local else "UTC"
        return pc.assume_timezone(found, zone, ambiguous="earliest", nonexistent="latest").cast(self.dates)

    def _late(self, rules: Rules) -> Mask:
        if self.counts:
            return np.zeros(len(self.value), bool)
        return np.asarray(self.value > (int(time.time()) if rules.until is None else rules.until))

    def _rows(self, kept: Mask, late: Mask) -> DatedRows:
        notes: dict[int, list[str]] = {}
        valued = late & np.isfinite(self.y)
        future = np.bincount(self.code[valued], minlength=len(self.names))
        for text, number in (("without a date", self.undated), ("in the future", future)):
            for i in np.flatnonzero(number).tolist():
                notes.setdefault(i, []).append(f"{number[i]} rows {text} left out")
        return DatedRows(self.names, self.code[kept], self.value[kept], notes)


def read_series(where: str, table: pa.Table, columns: Columns, rules: Rules | None = None) -> Series:
    """The series of a table: one frequency for all, no gaps, sorted by name.

    A date within a period counts for that period. A value that is NULL, NaN or infinite is unknown and no
    zero: the line between its neighbours takes its place, and before the first or after the last known value
    of a series such rows are no history (those after it may hold what is known in advance).

    Args:
        where: the SQL function.
        table: one row a series and period, in any order.
        columns: where the table keeps what.
        rules: what is done with gaps, duplicates and the like.

    Returns:
        Every series that has a row, also those without one value, which are empty; `status` says what was
        done to each.

    Raises:
        XbsqlError: see `SeriesTable`.
    """
    return SeriesTable.of(where, table, columns).series(rules)


def _coded(texts: pa.Array) -> tuple[tuple[str, ...], Ints, Mask, Ints]:
    """The distinct names, sorted; each row's place among them; whether it has one; the first row of each."""
    coded = texts.dictionary_encode()
    distinct = coded.dictionary.to_pylist()
    order = sorted(range(len(distinct)), key=distinct.__getitem__)
    rank = np.zeros(len(order) + 1, np.int64)
    rank[order] = np.arange(len(order))
    place = coded.indices.fill_null(len(order)).to_numpy(zero_copy_only=False)
    named, code = validity(coded.indices), rank[place]
    rows = np.flatnonzero(named)
    first = rows[np.unique(code[rows], return_index=True)[1]]
    return tuple(distinct[i] for i in order), code, named, first


def _order(code: Ints, value: Ints) -> Ints:
    """Rows by series and date, equal ones in the table's order; one key where it fits into 64 bits."""
    if not len(code):
        return np.zeros(0, np.int64)
    span = int(value.max()) - int(value.min()) + 1
    if span * (int(code.max()) + 1) < 2**62:
        return np.argsort(code * span + (value - value.min()), kind="stable")
    return np.lexsort((value, code))


def _ids(table: pa.Table, id: tuple[str, ...], first: Ints) -> pa.Array:
    """What the table calls each series: the value of its id column, or of several a STRUCT."""
    parts = [one_chunk(table[name].take(pa.array(first))) for name in id]
    if not parts:
        return pa.array(["all"])
    return parts[0] if len(parts) == 1 else pa.StructArray.from_arrays(parts, list(id))


def _facts(
    where: str, table: pa.Table, names: tuple[str, ...], code: Ints, n: int
) -> tuple[Floats | None, list[str]]:
    """The mean of each fact over the rows of a series, and what there is to say of facts whose rows differ.

    A column that the table lacks is known of none.
    """
    if not any(name in table.column_names for name in names):
        return None, []
    found, said = np.full((n, len(names)), np.nan), []
    for j, name in enumerate(names):
        if name not in table.column_names:
            continue
        column = numbers(where, table, name)
        there = np.isfinite(column) & (code < n)
        count = np.bincount(code[there], minlength=n)
        np.divide(np.bincount(code[there], column[there], n), count, out=found[:, j], where=count > 0)
        apart = np.abs(column[there] - found[code[there], j]) > SAME_FACT * np.abs(column[there])
        if differing := len(np.unique(code[there][apart])):
            shown = name.removeprefix("known.")
            said.append(f"the fact '{shown}' differs between the rows of {differing} series: its mean counts")
    return found, said


def _titles(
    where: str, table: pa.Table, name: str | None, code: Ints, rows: Ints, n: int
) -> tuple[str | None, ...] | None:
    """The first title of each series that is not NULL, by date."""
    if name is None:
        return None
    texts = titles(where, table, name).take(pa.array(rows))
    there = validity(texts)
    first, at = np.unique(code[there], return_index=True)
    words = texts.filter(pa.array(there)).take(pa.array(at)).to_pylist()
    found = dict(zip(first.tolist(), words, strict=True))
    return tuple(found.get(i) for i in range(n))
