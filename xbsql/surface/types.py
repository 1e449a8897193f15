"""DuckDB's types of what functions return, and the Arrow types that carry them."""

from __future__ import annotations

import re
from typing import NamedTuple

import pyarrow as pa

ARROW = {
    "VARCHAR": pa.string(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
}


class Like(NamedTuple):
    """A column that a set returns in the type of a column that the user named.

    Attributes:
        table: the argument that is the table.
        column: the argument that names its column.
        otherwise: the DuckDB type where the user names none.
    """

    table: str
    column: str
    otherwise: str = "VARCHAR"


Columns = dict[str, str | Like]
"""What a set returns: name -> DuckDB type, or whose type it has."""


def arrow_type(duck: str) -> pa.DataType:
    """The Arrow type of a DuckDB type: a plain one, X[], X[n] or STRUCT(a X, b Y) of these."""
    if match := re.fullmatch(r"(.*)\[(\d*)\]", duck):
        inner, size = arrow_type(match[1]), match[2]
        return pa.list_(inner, int(size)) if size else pa.list_(inner)
    if duck.startswith("STRUCT("):
        return pa.struct([(name, arrow_type(kind)) for name, kind in fields_of(duck)])
    return ARROW[duck]


def fields_of(struct: str) -> list[tuple[str, str]]:
    """The names and types in 'STRUCT("a" X, "b" Y)', with or without '[]' behind."""
    inner = struct[struct.index("(") + 1 : struct.rindex(")")]
    pairs = (part.strip().rsplit(" ", 1) for part in inner.split(","))
    return [(name.strip('"'), kind) for name, kind in pairs]


def struct_type(columns: Columns) -> str:
    """The DuckDB type of one row with these columns; a column like the user's own travels as text."""
    kinds = {name: kind.otherwise if isinstance(kind, Like) else kind for name, kind in columns.items()}
    listed = (f'"{name}" {kind}' for name, kind in kinds.items())
    return f"STRUCT({', '.join(listed)})"
