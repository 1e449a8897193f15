"""The columns of a table of series as arrays: names, moments, numbers and titles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk, validity
from xbsql.features.roles import as_text, kind_of
from xbsql.series.read.frequency import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

NULL_PART: Final = "\\N"
"""Stands for NULL in a name of several parts; no part is written so, for backslashes are doubled."""

ONE_SERIES: Final = "give the option 'id': a column, several, or [] where the table is one series"

LARGEST: Final = 1e150
"""Larger numbers are unknown like infinite ones: their squares are none."""

SAME_CLOCK: Final = 0.9
"""Share of the moments of a zone at one time of its day from which on they count its days."""


class Moments(NamedTuple):
    """A column of dates, or of integers that count periods.

    Attributes:
        value: int64 (rows,), seconds since 1970-01-01 on the clock that they are counted by, or counts.
        there: bool (rows,), False where the column is NULL or infinite.
        counts: whether the values are counts.
        local: whether the clock is that of the column's zone, and not UTC's.
    """

    value: Ints
    there: Mask
    counts: bool
    local: bool


def series_names(where: str, table: pa.Table, id: Sequence[str], null: str | None = None) -> pa.Array:
    """The name of the series of each row: its columns as text, joined by '/'.

    Within one of several parts a slash or a backslash is written with a backslash before it, so that no two
    ids have one name.

    Args:
        where: the SQL function.
        table: the rows.
        id: columns; a STRUCT counts as its fields. None: all rows are one series, 'all'.
        null: what stands for a part that is NULL where another is not; None: such a row has no name.

    Returns:
        large_string (rows,); NULL for a row without a name.

    Raises:
        XbsqlError: no such column, or one that cannot be text.
    """
    parts = []
    for name in id:
        column = one_chunk(column_of(where, table, name, ONE_SERIES))
        fields = column.flatten() if pa.types.is_struct(column.type) else [column]
        parts += [_text(where, name, field) for field in fields]
    if not parts:
        return pa.array(["all"] * len(table), pa.large_string())
    if len(parts) == 1:
        return parts[0]
    there = np.any([validity(part) for part in parts], axis=0)
    slash = pa.scalar("/", pa.large_string())
    how = {"null_handling": "emit_null"} if null is None else {"null_handling": "replace"}
    joined = pc.binary_join_element_wise(
        *(_escaped(part) for part in parts), slash, null_replacement=null or "", **how
    )
    return pc.if_else(pa.array(there), one_chunk(joined), pa.scalar(None, pa.large_string()))


def moments(where: str, table: pa.Table, name: str) -> Moments:
    """A column of dates or counts.

    Moments with a zone are counted on its own clock where they keep to one time of its day (midnight, say),
    and in UTC where they are finer: so no change of the clock makes a gap or a duplicate.

    Raises:
        XbsqlError: no such column, or one of another type.
    """
    column = column_of(where, table, name)
    kind, whole = column.type, one_chunk(column)
    if pa.types.is_integer(kind):
        return Moments(_int64(whole), validity(whole), True, False)
    if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        problem = f"column '{name}' is {kind}, and periods are dates, timestamps or integers"
        raise errors.invalid(where, problem, f"cast it ({name}::DATE or ::TIMESTAMP)")
    whole = _finite(whole)
    there = validity(whole)
    value = _int64(whole.cast(pa.timestamp("s"), safe=False))
    if not (pa.types.is_timestamp(kind) and kind.tz is not None and there.any()):
        return Moments(value, there, False, False)
    own = _on_own_clock(whole, there)
    return Moments(value if own is None else own, there, False, own is not None)


def _finite(whole: pa.Array) -> pa.Array:
    """Dates or moments, NULL in place of DuckDB's 'infinity' and '-infinity', which are no dates."""
    width = pa.int32() if pa.types.is_date32(whole.type) else pa.int64()
    endless = 2 ** (width.bit_width - 1) - 1
    return pc.if_else(pc.is_in(whole.cast(width), pa.array([endless, -endless], width)), None, whole)


def _on_own_clock(whole: pa.Array, there: Mask) -> Ints | None:
    """Moments by the clock of their zone, if most have one time of the day; else None.

    A day that begins at one o'clock, because its midnight is skipped, begins at midnight all the same.
    """
    zone = whole.type.tz
    local = pc.local_timestamp(whole).cast(pa.timestamp("s"), safe=False)
    value = _int64(local)
    clock, count = np.unique(value[there] % DAY, return_counts=True)
    usual = int(clock[count.argmax()])
    meant = np.where(there, value - value % DAY + usual, 0)
    skipped = pc.assume_timezone(
        pa.array(meant).cast(pa.timestamp("s")), zone, ambiguous="earliest", nonexistent="latest"
    )
    same = _int64(skipped) == _int64(whole.cast(pa.timestamp("s", zone), safe=False))
    value = np.where(same & there, meant, value)
    kept = float(np.mean(value[there] % DAY == usual))
    return value if kept >= SAME_CLOCK else None


def numbers(where: str, table: pa.Table, name: str) -> Floats:
    """A column of numbers or booleans, float64 (rows,); NULL, and what is infinite or nearly so, is NaN.

    Raises:
        XbsqlError: no such column, or one of another type.
    """
    column = column_of(where, table, name)
    if kind_of(column.type) not in ("number", "boolean", "null"):
        problem = f"column '{name}' is {column.type}, and values are numbers"
        remedy = f"cast it ({name}::DOUBLE), or read what a market wrote: xb.parse_number({name}, 'DE')"
        raise errors.invalid(where, problem, remedy)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    whole = one_chunk(column.cast(pa.float64(), safe=False))
    found = np.array(whole.fill_null(np.nan).to_numpy(zero_copy_only=False), np.float64)
    return np.where(np.abs(found) <= LARGEST, found, np.nan)


def titles(where: str, table: pa.Table, name: str) -> pa.Array:
    """A column of text, large_string (rows,).

    Raises:
        XbsqlError: no such column, or one of another type.
    """
    column = column_of(where, table, name)
    if kind_of(column.type) not in ("text", "null"):
        problem = f"column '{name}' is {column.type}, and titles are text"
        raise errors.invalid(where, problem, "name a VARCHAR")
    return one_chunk(column.cast(pa.large_string()))


def column_of(where: str, table: pa.Table, name: str, remedy: str = "") -> pa.ChunkedArray:
    """A column of the table.

    Raises:
        XbsqlError: there is none of that name; the remedy stands behind.
    """
    if name not in table.column_names:
        error = errors.unknown(where, "column", name, table.column_names, place="the table has")
        raise errors.invalid(where, error.said, remedy)
    return table[name]


def _text(where: str, name: str, field: pa.Array) -> pa.Array:
    try:
        return as_text(field).cast(pa.large_string())
    except errors.XbsqlError as error:
        problem = f"column '{name}' is {field.type}, and a series is named by text, numbers or dates"
        raise errors.invalid(where, problem, f"cast it ({name}::VARCHAR)") from error


def _escaped(part: pa.Array) -> pa.Array:
    """A part of a name in which no '/' stands for itself."""
    if not pc.any(pc.match_substring_regex(part, r"[/\\]")).as_py():
        return part
    return pc.replace_substring(pc.replace_substring(part, "\\", "\\\\"), "/", "\\/")


def _int64(array: pa.Array) -> Ints:
    whole = array.cast(pa.int64(), safe=False) if array.type != pa.int64() else array
    return np.asarray(whole.fill_null(0).to_numpy(zero_copy_only=False), np.int64)
