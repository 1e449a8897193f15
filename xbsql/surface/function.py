"""What a function of the SQL surface is: its arguments, its type, its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["row", "set", "action"]
DATA = "a table: its name, a CTE, a registered Arrow or Polars object or a Python variable"


@dataclass(frozen=True)
class Argument:
    """One argument of a SQL function.

    Attributes:
        name: as in `name := value`.
        doc: type and meaning, one line.
        default: SQL text of the default; None where the argument must be given.
    """

    name: str
    doc: str
    default: str | None = None


@dataclass(frozen=True)
class Function:
    """One function of the SQL surface: a macro over one UDF.

    Attributes:
        name: without the alias.
        kind: 'row' in a SELECT list, 'set' in FROM, 'action' after CALL or FROM.
        arguments: in order.
        returns: the DuckDB type of the UDF; for sets and actions a list of rows.
        doc: what it does, NULL and error rules.
        example: SQL that runs on the sample tables `home` (category, title) and `japan`.
        handler: (session, *columns) -> an array, or the rows of a set or an action; columns come in the order
            in which the macro passes them.
        effects: whether DuckDB must call it exactly as often as it is written.
    """

    name: str
    kind: Kind
    arguments: tuple[Argument, ...]
    returns: str
    doc: str
    example: str
    handler: Callable[..., Any]
    effects: bool = False

    @property
    def udf(self) -> str:
        """The name of the UDF behind the macro."""
        return f"_xb_{self.name}"

    @property
    def fields(self) -> pa.StructType:
        """The columns of a set or an action."""
        return pa.struct([(name, ARROW[kind]) for name, kind in _columns(self.returns)])

    def table(self, rows: list[dict[str, Any]]) -> pa.Table:
        """The rows of a set or an action as a table of its columns."""
        return pa.Table.from_pylist(rows, pa.schema(list(self.fields)))

    @property
    def value(self) -> pa.DataType:
        """The type of one value of a row function."""
        return arrow_type(self.returns)


@dataclass(frozen=True)
class Helper:
    """A UDF that macros call and users do not.

    Attributes:
        name: without the prefix.
        returns: its DuckDB type.
        handler: as of a `Function`.
        effects: likewise.
    """

    name: str
    returns: str
    handler: Callable[..., Any]
    effects: bool = False

    @property
    def udf(self) -> str:
        """The name in DuckDB's catalogue."""
        return f"_xb_{self.name}"


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


def arrow_type(duck: str) -> pa.DataType:
    """The Arrow type of a DuckDB type: a plain one, X[], X[n] or STRUCT(a X, b Y) of these."""
    if match := re.fullmatch(r"(.*)\[(\d*)\]", duck):
        inner, size = arrow_type(match[1]), match[2]
        return pa.list_(inner, int(size)) if size else pa.list_(inner)
    if duck.startswith("STRUCT("):
        return pa.struct([(name, ARROW[kind]) for name, kind in _columns(duck)])
    return ARROW[duck]


def _columns(struct: str) -> list[tuple[str, str]]:
    """The names and types in 'STRUCT("a" X, "b" Y)[]'."""
    inner = struct[struct.index("(") + 1 : struct.rindex(")")]
    pairs = (part.strip().rsplit(" ", 1) for part in inner.split(","))
    return [(name.strip('"'), kind) for name, kind in pairs]


def rows_type(**columns: str) -> str:
    """The DuckDB type of a list of rows with these columns."""
    return f"STRUCT({', '.join(f'{chr(34)}{name}{chr(34)} {kind}' for name, kind in columns.items())})[]"
