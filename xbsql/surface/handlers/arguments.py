"""Arguments as DuckDB hands them over: columns of constants, names, options, whole tables as one list."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk, table_of_rows

Column: TypeAlias = pa.ChunkedArray
Rows: TypeAlias = list[dict[str, Any]]


def constant(where: str, argument: str, column: Column) -> Any:  # noqa: ANN401 - SQL gives any type
    """The one value that a column of equal values holds; None for NULL.

    Raises:
        XbsqlError: the value varies from row to row.
    """
    values = column.unique()
    if len(values) > 1:
        shown = ", ".join(str(value) for value in values[:3].to_pylist())
        raise errors.invalid(
            where, f"{argument} varies from row to row ({shown} ...)", "give one value a query"
        )
    return values[0].as_py() if len(values) else None


def text_of(where: str, argument: str, column: Column) -> str:
    """The one name that a column of equal texts holds.

    Raises:
        XbsqlError: it is no text, or varies from row to row.
    """
    value = constant(where, argument, column)
    if not isinstance(value, str):
        raise errors.invalid(where, f"{argument} must be a name in quotes, got {value!r}")
    return value


def options_of(where: str, column: Column) -> dict[str, Any]:
    """The options that came as a STRUCT.

    Raises:
        XbsqlError: they are none.
    """
    value = constant(where, "options", column)
    found = json.loads(value) if value else {}
    if not isinstance(found, dict):
        raise errors.invalid(where, f"options must be a STRUCT such as {{'k': 1}}, got {value}")
    return found


def table(where: str, argument: str, column: Column, *, may_be_empty: bool = False) -> pa.Table:
    """The rows that came as one list."""
    rows = one_chunk(column).flatten()
    if not len(rows) and not may_be_empty:
        raise errors.invalid(where, f"{argument} has no rows", "give a table with at least one row")
    return table_of_rows(rows)
