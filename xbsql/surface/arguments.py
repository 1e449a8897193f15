"""Kinds of arguments: how each travels through a macro, how it is unpacked from DuckDB and from Python."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, one_chunk, refuse_unions, table_of_rows
from xbsql.surface.checks import as_array, constant, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

Column: TypeAlias = pa.ChunkedArray
_NUMBERS = (int, float, Decimal)
DATA = "its name, a CTE, a registered Arrow or Polars object or a Python variable"
RESERVED = {"by", "columns", "first", "last", "left", "right", "shift"}


class TableSource(Protocol):
    """Where a Python call's tables come from."""

    def rows(self, where: str, data: object, *, ordered: bool) -> pa.Table:
        """The rows of a table that is given by name or as an object, sorted by their hash if `ordered`."""

    def batches(self, where: str, data: object) -> Iterator[pa.RecordBatch]:
        """The same rows as they come, some at a time."""


@dataclass(frozen=True)
class Kind:
    """What an argument can be.

    Attributes:
        type: what SQL gives, for the reference.
        python: the annotation of the generated Python function.
    """

    type: str
    python: str = "object"

    def sql(self, name: str) -> str:
        """The expression by which the macro hands the argument on."""
        return quoted(name)

    def of_column(self, where: str, name: str, column: Column) -> Any:  # noqa: ANN401 - the kind decides
        """The value from the column that DuckDB hands over."""
        raise NotImplementedError(f"{where}: {name} has no column")

    def of_python(self, where: str, name: str, value: Any, tables: TableSource) -> Any:  # noqa: ANN401
        """The value from what a Python call gives."""
        return value


@dataclass(frozen=True)
class Values(Kind):
    """One value a row: a pyarrow array."""

    type: str = "DOUBLE"
    python: str = "Values"

    def of_column(self, where: str, name: str, column: Column) -> pa.Array:
        """The column as one array."""
        return one_chunk(column)

    def of_python(self, where: str, name: str, value: Any, tables: TableSource) -> Any:  # noqa: ANN401
        """An array of what holds several values; a single value stays as it is, for `beside`."""
        if hasattr(value, "to_arrow"):
            value = value.to_arrow()
        if hasattr(value, "iloc") and value.ndim == 2:
            value = pa.Table.from_pandas(value, preserve_index=False)
        if isinstance(value, pa.Table):
            return one_chunk(value.to_struct_array())
        if isinstance(value, pa.Array | pa.ChunkedArray):
            return one_chunk(value)
        if hasattr(value, "__array__") and value.ndim:
            value = list(value)
        if isinstance(value, list | tuple):
            one = "[" in self.type and value and isinstance(value[0], int | float | np.number)
            return as_array(where, name, [value] if one else value)
        return value


@dataclass(frozen=True)
class Constant(Kind):
    """One value a query, checked the same way wherever it comes from.

    Attributes:
        accepts: the Python types that it may have.
        said: what it must be, in an error.
    """

    accepts: tuple[type, ...] = ()
    said: str = ""

    def of_column(self, where: str, name: str, column: Column) -> Any:  # noqa: ANN401
        """The one value of the column."""
        return self.checked(where, name, constant(where, name, column))

    def of_python(self, where: str, name: str, value: Any, tables: TableSource) -> Any:  # noqa: ANN401
        """The value, checked."""
        return self.checked(where, name, value)

    def checked(self, where: str, name: str, value: Any) -> Any:  # noqa: ANN401
        """The value; NULL stays None, and the declaration says whether it may be.

        Raises:
            XbsqlError: it is of another type.
        """
        value = value.item() if isinstance(value, np.generic) else value
        if value is None:
            return None
        if (isinstance(value, bool) and bool not in self.accepts) or not isinstance(value, self.accepts):
            raise errors.invalid(where, f"{name} must be {self.said}, got {shown(value)}")
        return value


@dataclass(frozen=True)
class Code(Constant):
    """The country code of a market, in capitals."""

    def checked(self, where: str, name: str, value: Any) -> str | None:  # noqa: ANN401
        """The code.

        Raises:
            XbsqlError: no such market.
        """
        from xbsql.market import market

        found = super().checked(where, name, value)
        try:
            return None if found is None else market(found).code
        except errors.XbsqlError as error:
            error.name(where)
            raise


@dataclass(frozen=True)
class Existing(Constant):
    """The name of a model for the rows of a table: looked up once, also where the table has no row.

    Attributes:
        of: the function, for errors.
    """

    of: str = ""

    def sql(self, name: str) -> str:
        """The name that was looked up, see `looked_up`."""
        return f"_xb_named.{name}"

    def looked_up(self, name: str) -> str:
        """The helper's call."""
        return f"_xb_existing('{self.of}', {quoted(name)}) AS {name}"


def is_number(kind: pa.DataType) -> bool:
    """Whether a type holds numbers, each of which Python can show."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


@dataclass(frozen=True)
class EachOr(Constant):
    """One value a query, or one a row as a pyarrow array; never NULL."""

    def of_column(self, where: str, name: str, column: Column) -> Any:  # noqa: ANN401
        """The one value of the column, else the column."""
        whole = one_chunk(column)
        if not is_text(whole.type) and not pa.types.is_null(whole.type):
            given = shown(whole[0].as_py()) if len(whole) and is_number(whole.type) else whole.type
            raise errors.invalid(where, f"{name} must be {self.said}, got {given}")
        names = whole.unique()
        if len(names) <= 1:
            return self.checked(where, name, names[0].as_py() if len(names) else None)
        if whole.null_count:
            problem = f"{name} is NULL in {whole.null_count} of {len(whole)} rows"
            raise errors.invalid(where, problem, f"leave them out, or give {self.said}")
        self.checked(where, name, whole[0].as_py())
        return whole

    def of_python(self, where: str, name: str, value: Any, tables: TableSource) -> Any:  # noqa: ANN401
        """The value, or what holds several of them."""
        found = Values().of_python(where, name, value, tables)
        if isinstance(found, pa.Array):
            return self.of_column(where, name, found)
        return self.checked(where, name, found)


def _float(where: str, name: str, value: Any) -> float:  # noqa: ANN401
    """A number as float.

    Raises:
        XbsqlError: it is beyond all that a float holds.
    """
    try:
        return float(value)
    except OverflowError as error:
        raise errors.invalid(where, f"{name} is {shown(value)}", "give a number below 1e308") from error


@dataclass(frozen=True)
class Number(Constant):
    """A number as float, whichever type it has: 0.9 is a DECIMAL in SQL."""

    accepts: tuple[type, ...] = _NUMBERS
    said: str = "a number"

    def checked(self, where: str, name: str, value: Any) -> float | None:  # noqa: ANN401
        """The number."""
        found = super().checked(where, name, value)
        return None if found is None else _float(where, name, found)


@dataclass(frozen=True)
class Key(Constant):
    """What names a row, as text: 4711 is '4711'."""

    accepts: tuple[type, ...] = (str, int)
    said: str = "a text or a whole number"

    def checked(self, where: str, name: str, value: Any) -> str | None:  # noqa: ANN401
        """The name as text."""
        found = super().checked(where, name, value)
        return None if found is None else str(found)


@dataclass(frozen=True)
class StructOf(Constant):
    """A STRUCT of options as a mapping."""

    def sql(self, name: str) -> str:
        """As JSON: its types are Python's then."""
        return f"to_json({name})::VARCHAR"

    def of_column(self, where: str, name: str, column: Column) -> Any:  # noqa: ANN401
        """The mapping."""
        value = constant(where, name, column)
        return self.checked(where, name, json.loads(value) if value else {})


@dataclass(frozen=True)
class Listed(Constant):
    """A list of values of one type.

    Attributes:
        item: the Python types that each may have.
    """

    item: tuple[type, ...] = (str,)

    def checked(self, where: str, name: str, value: Any) -> list[Any] | None:  # noqa: ANN401
        """The list, also of what makes itself one: a NumPy array, an Arrow array, a Polars series."""
        for method in ("tolist", "to_pylist", "to_list"):
            value = getattr(value, method)() if hasattr(value, method) else value
        if isinstance(value, str) and str in self.item:
            value = [value]
        found = super().checked(where, name, value)
        if found is None:
            return None
        if not len(found):
            raise errors.invalid(where, f"{name} is an empty list", f"give {self.said}")
        if not all(isinstance(each, self.item) for each in found):
            raise errors.invalid(where, f"{name} must be {self.said}, got {shown(value)}")
        return [_float(where, name, each) for each in found] if float in self.item else list(found)


@dataclass(frozen=True)
class Rows(Kind):
    """A whole table.

    Attributes:
        order: 'hash' sorts the rows, so that the same data are the same whatever their order; '' takes them
            as they come.
        optional: whether it may be left out, None then.
        empty: whether it may have no rows.
    """

    type: str = "a table"
    order: str = "hash"
    optional: bool = False
    empty: bool = False

    def sql(self, name: str) -> str:
        """The rows as one list."""
        by = " ORDER BY hash(_xb_row)" if self.order == "hash" else ""
        return f"(SELECT list(_xb_row{by}) FROM query_table({quoted(name)}) _xb_row)"

    def of_column(self, where: str, name: str, column: Column) -> pa.Table | None:
        """The rows that came as one list."""
        rows = one_chunk(column).flatten()
        if self.optional and [field.name for field in rows.type] == ["_nothing"]:
            return None
        return self._some(where, name, table_of_rows(rows))

    def _some(self, where: str, name: str, table: pa.Table) -> pa.Table:
        """The table, where it has rows or need not."""
        if not len(table) and not self.empty:
            raise errors.invalid(where, f"{name} has no rows", "give a table with at least one row")
        return table

    def of_python(self, where: str, name: str, value: Any, tables: TableSource) -> pa.Table | None:  # noqa: ANN401
        """The table."""
        if value is None and self.optional:
            return None
        found = tables.rows(where, value, ordered=self.order == "hash")
        refuse_unions(where, pa.struct(list(found.schema)))
        return self._some(where, name, found)


@dataclass(frozen=True)
class Each(Rows):
    """The rows of a table, one at a time: the function's answer stands beside each of them."""

    order: str = ""
    empty: bool = True

    def of_column(self, where: str, name: str, column: Column) -> pa.Array:
        """The rows as STRUCT."""
        return one_chunk(column)


@dataclass(frozen=True)
class Stream(Kind):
    """A table of which some rows at a time are held; for functions whose macro is written by hand."""

    type: str = "a table"

    def of_python(self, where: str, name: str, value: Any, tables: TableSource) -> Iterator[pa.RecordBatch]:  # noqa: ANN401
        """Its batches."""
        return tables.batches(where, value)


@dataclass(frozen=True)
class ColumnOf(Kind):
    """A column of a table: an expression in SQL, whose macro is written by hand; a name in Python.

    What Python may give is what its annotation says: a name, several, a number, None.

    Attributes:
        of: the tables that it is a column of; without any the one table that there is.
    """

    type: str = "a column or expression"
    python: str = "str"
    of: tuple[str, ...] = ()

    def of_python(self, where: str, name: str, value: Any, tables: TableSource) -> Any:  # noqa: ANN401
        """The name, or what stands for one."""
        return self.checked(where, name, value)

    def checked(self, where: str, name: str, value: Any) -> Any:  # noqa: ANN401
        """The name, or what stands for one.

        Raises:
            XbsqlError: it is of another type.
        """
        several, number = "Sequence" in self.python, "float" in self.python
        value = value.item() if isinstance(value, np.generic) else value
        if (value is None and "None" in self.python) or (isinstance(value, str) and self.python[:3] == "str"):
            return value
        if number and isinstance(value, _NUMBERS) and not isinstance(value, bool):
            return _float(where, name, value)
        if several and isinstance(value, list | tuple) and value and all(isinstance(v, str) for v in value):
            return value
        ways = "the name of a column" if self.python[:3] == "str" else ""
        more = " or ".join(way for way in (ways, "names of columns" * several, "a number" * number) if way)
        raise errors.invalid(where, f"{name} must be {more}, got {shown(value)}")


class Keys(NamedTuple):
    """Under which names a helper UDF has kept what SQL gave: one for all rows, or one a row."""

    names: str | list[str]


@dataclass(frozen=True)
class KeptOnce(Kind):
    """A table or list that a helper UDF keeps once and names, as DuckDB would hand it to every row.

    Attributes:
        expression: what the macro makes of the argument {}; it gives the name.
        table: whether a Python call gives a table; else it is handed on as it is.
    """

    expression: str = "{}"
    table: bool = True

    def sql(self, name: str) -> str:
        """The helper's call."""
        return self.expression.format(quoted(name))

    def of_column(self, where: str, name: str, column: Column) -> Keys:
        """The names under which it was kept."""
        names = column.unique()
        return Keys(names[0].as_py() if len(names) == 1 else one_chunk(column).to_pylist())

    def of_python(self, where: str, name: str, value: Any, tables: TableSource) -> Any:  # noqa: ANN401
        """The table, or the list as it is."""
        return Rows().of_python(where, name, value, tables) if self.table else value


_WORDS = (str,)

NAME = Constant("VARCHAR", "str", _WORDS, "a name in quotes")
FLAG = Constant("BOOLEAN", "bool", (bool,), "true or false")
NUMBERS = Listed("FLOAT[]", "Sequence[float] | None", (list, tuple), "a list of numbers", _NUMBERS)
OPTIONS = StructOf("STRUCT", "Mapping[str, Any] | None", (Mapping,), "a STRUCT such as {'k': 1}")

Name = Annotated[str, NAME]
KeyOf = Annotated[str, Key("VARCHAR or BIGINT", "str | int")]
Model = Annotated[str, NAME, "'name' for the promoted version, 'name@3' for exactly that one"]
ModelOfRow = Annotated[
    str | pa.Array,
    EachOr("VARCHAR", "Values", _WORDS, "a name in quotes"),
    "'name' for the promoted version, 'name@3' for exactly that one; or a column of them, a model a row: "
    "'category_' || market",
]
Market = Annotated[
    str | None,
    Code("VARCHAR", "str | None", _WORDS, "a country code in quotes: 'DE'"),
    "a country code: 'DE'",
]
Text = Annotated[str | None, Constant("VARCHAR", "str | None", _WORDS, "text")]
Whole = Annotated[int, Constant("INTEGER", "int", (int,), "a whole number")]
Share = Annotated[float, Number("DOUBLE", "float", said="a share such as 0.9")]
Score = Annotated[float, Number("DOUBLE", "float")]
Flag = Annotated[bool, FLAG]
Moment = Annotated[dt.date | None, Constant("DATE or TIMESTAMP", "dt.date | None", (dt.date,), "a date")]
Folder = Annotated[str, Constant("VARCHAR", "str | os.PathLike[str]", (str, os.PathLike), "a path")]
Given = Annotated[Mapping[str, Any] | None, OPTIONS]
Names = Annotated[
    list[str] | None,
    Listed("VARCHAR[]", "Sequence[str] | None", (list, tuple), "names: ['weight', 'mode']", (str,)),
]
Numbers = Annotated[list[float] | None, NUMBERS]


def existing(function: str) -> Existing:
    """The kind of a model's name in a function of tables whose rows may be none."""
    return Existing("VARCHAR", "str", _WORDS, "a name in quotes", function)


def quoted(name: str) -> str:
    """An argument's name in a macro: quoted where it is one of DuckDB's words."""
    return f'"{name}"' if name in RESERVED else name
