"""What arguments are checked by: one value for all rows, a column that is there, values of one type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SHOWN = 200


def constant(where: str, argument: str, column: pa.ChunkedArray) -> Any:  # noqa: ANN401 - SQL gives any type
    """The one value that a column of equal values holds; None for NULL.

    Raises:
        XbsqlError: the value varies from row to row, or is a day out of Python's range.
    """
    try:
        if pa.types.is_nested(column.type):  # which pyarrow cannot count
            first, *others = column.to_pylist() or [None]
            values = [first, *(value for value in others if value != first)]
        else:
            values = column.unique().to_pylist()
    except (OverflowError, ValueError) as error:  # a day before the year 1, or infinity
        problem = f"{argument} is a {column.type} that no calendar of Python holds"
        raise errors.invalid(where, problem, "give one from the year 1 to 9999") from error
    if len(values) > 1:
        some = ", ".join(str(value) for value in values[:3])
        raise errors.invalid(
            where, f"{argument} varies from row to row ({some[:MOST_SHOWN]} ...)", "give one value a query"
        )
    return values[0] if values else None


def shown(value: object) -> str:
    """A value in an error, at most 200 characters of it."""
    text = " ".join(repr(value).split())
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} ..."


def as_array(where: str, name: str, values: object) -> pa.Array:
    """Python values as an array.

    Raises:
        XbsqlError: they are of no one type.
    """
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        problem = f"{name} holds values of no one type ({' '.join(str(error).split())[:MOST_SHOWN]})"
        raise errors.invalid(where, problem, "give a pyarrow array") from error


def in_order(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """The rows sorted by these columns; lists and structs, which Arrow has no order of, are passed over."""
    keys = [(name, "ascending") for name in names if not pa.types.is_nested(table.schema.field(name).type)]
    return table.sort_by(keys) if keys else table


def named(where: str, known: Sequence[str], name: str) -> str:
    """The name of a column that is there.

    Raises:
        XbsqlError: there is none of that name.
    """
    if name not in known:
        raise errors.unknown(where, "column", name, known, place="the table has")
    return name
