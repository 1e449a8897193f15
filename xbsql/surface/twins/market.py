"""The Python twins of what makes two markets alike: Arrow in, Arrow out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from xbsql.arrow import digest, one_chunk
from xbsql.harmonise import rows
from xbsql.harmonise.rows import beside
from xbsql.session import harmonise as harmonies
from xbsql.surface.duck import rows_of, session_of
from xbsql.surface.functions import market as functions

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    Values: TypeAlias = pa.Array | pa.ChunkedArray


def convert(con: DuckDBPyConnection, value: Values, unit: Values | str, new_unit: Values | str) -> pa.Array:
    """Float64 of each value in another unit, see `xb.convert`."""
    where = "xbsql.convert"
    session_of(where, con)
    return rows.convert(where, one_chunk(value), beside(value, unit), beside(value, new_unit))


def to_currency(
    con: DuckDBPyConnection,
    amount: Values,
    currency: Values | str,
    new_currency: Values | str,
    rates: object,
    day: Values | None = None,
) -> pa.Array:
    """Float64 of each amount in another currency, see `xb.to_currency`; `rates` is a table or its name."""
    where = "xbsql.to_currency"
    session, table = session_of(where, con), rows_of(where, con, rates)
    kept = harmonies.keep_rates(session, where, table, digest(table))
    monies = beside(amount, currency), beside(amount, new_currency)
    return harmonies.to_currency(session, where, one_chunk(amount), *monies, beside(amount, day), kept)


def parse_number(con: DuckDBPyConnection, text: Values, market: Values | str) -> pa.Array:
    """Float64 of each written number, see `xb.parse_number`."""
    session_of("xbsql.parse_number", con)
    return rows.parse_number("xbsql.parse_number", one_chunk(text), beside(text, market))


def parse_date(con: DuckDBPyConnection, text: Values, market: Values | str) -> pa.Array:
    """Date32 of each written date, see `xb.parse_date`."""
    session_of("xbsql.parse_date", con)
    return rows.parse_date("xbsql.parse_date", one_chunk(text), beside(text, market))


def holiday(con: DuckDBPyConnection, day: Values, market: Values | str) -> pa.Array:
    """The public holiday of each day, see `xb.holiday`."""
    session_of("xbsql.holiday", con)
    return rows.holiday("xbsql.holiday", one_chunk(day), beside(day, market))


def workdays(con: DuckDBPyConnection, first: Values, last: Values, market: Values | str) -> pa.Array:
    """Int32 working days between each two days, see `xb.workdays`."""
    session_of("xbsql.workdays", con)
    return rows.workdays("xbsql.workdays", one_chunk(first), one_chunk(last), beside(first, market))


def align_columns(con: DuckDBPyConnection, source: object, target: object) -> pa.Table:
    """Which column of the target is which of the source, see `xb.align_columns`."""
    where = "xbsql.align_columns"
    session, sides = session_of(where, con), (rows_of(where, con, source), rows_of(where, con, target))
    return functions.ALIGN_COLUMNS.table(harmonies.align_columns(session, *sides))


def lint(con: DuckDBPyConnection, source: object, target: object, label: str | None = None) -> pa.Table:
    """What to look at before a transfer, see `xb.lint`."""
    where = "xbsql.lint"
    session, sides = session_of(where, con), (rows_of(where, con, source), rows_of(where, con, target))
    return functions.LINT.table(harmonies.lint(session, *sides, label))
