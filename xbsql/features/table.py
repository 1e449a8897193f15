"""Table columns as numbers: which role each column plays, and an encoder that source and target share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_vector, matrix
from xbsql.features.column import ALL, Column, category
from xbsql.features.roles import as_text, kind_of, vector_length
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.features.column import Keeping
    from xbsql.features.roles import Role

THURSDAY = 3
"""The weekday of 1970-01-01."""


@restorable("table_encoder")
@dataclass(frozen=True)
class TableEncoder:
    """Columns -> float64 matrix: NULL, and a column that a table lacks, become NaN.

    Attributes:
        columns: in the order of the matrix.
    """

    columns: tuple[Column, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns."""
        return tuple(itertools.chain.from_iterable(column.outputs for column in self.columns))

    @property
    def categorical(self) -> tuple[int, ...]:
        """Matrix columns that hold category codes."""
        named = {column.name for column in self.columns if column.role == "category"}
        return tuple(i for i, name in enumerate(self.names) if name in named)

    def transform(self, table: pa.Table) -> NDArray[np.float64]:
        """The rows as numbers.

        Args:
            table: may lack columns and hold others; order is free.

        Returns:
            float64, shape (rows, columns of the matrix).

        Raises:
            XbsqlError: a column has another type than it was fitted with, or holds an infinite value.
        """
        there, rows = set(table.column_names), table.num_rows
        parts = [
            _encode(column, table[column.name])
            if column.name in there
            else np.full((rows, len(column.outputs)), np.nan)
            for column in self.columns
        ]
        return np.concatenate([np.empty((rows, 0)), *parts], axis=1)

    def extended(self, table: pa.Table, roles: Mapping[str, Role], keeping: Keeping = ALL) -> TableEncoder:
        """This encoder with the new levels and columns of a table behind its own.

        What was fitted on this encoder's matrix reads the same numbers in the first columns of the new one.
        Levels that are hidden stay so, whatever `keeping` says.
        """
        known = {column.name for column in self.columns}
        grown = tuple(_grown(column, table, keeping) for column in self.columns)
        fresh = {name: role for name, role in roles.items() if name not in known}
        return TableEncoder(grown + fit_encoder(table, fresh, keeping).columns)

    def state(self) -> State:
        """The encoder as data."""
        return State("table_encoder", {"columns": [column.config() for column in self.columns]})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The encoder again."""
        return cls(tuple(map(Column.from_config, state.config["columns"])))


def fit_encoder(table: pa.Table, roles: Mapping[str, Role], keeping: Keeping = ALL) -> TableEncoder:
    """An encoder of the columns whose role is a number, a boolean, a date, a category or a vector.

    Args:
        table: rows of source and target together, see `joined`; levels are taken from it.
        roles: by column; text and ignored columns are left out.
        keeping: which values of a category become levels, and how they are held.
    """
    columns = []
    for name, role in roles.items():
        if role in ("number", "boolean", "date"):
            columns.append(Column(name, role))
        elif role == "vector":
            columns.append(Column(name, role, length=vector_length(table[name])))
        elif role == "category":
            columns.append(category(name, table[name], keeping))
    return TableEncoder(tuple(columns))


def joined(
    source: pa.Table | None,
    target: pa.Table,
    *,
    where: str = "transfer",
    left_out: str = "options {'ignore': [...]}",
) -> pa.Table:
    """The rows of source and target with the columns of both; a column that one side lacks is NULL there.

    Args:
        source: None gives the target.
        target: its rows come last.
        where: the SQL function, for errors.
        left_out: how a user leaves a column out there, for errors.

    Raises:
        XbsqlError: a column is text, number, date or boolean on one side and something else on the other.
    """
    if source is None:
        return target
    for name in source.column_names:
        if name not in target.column_names:
            continue
        here, there = source.schema.field(name).type, target.schema.field(name).type
        if kind_of(here) != kind_of(there) and "null" not in (kind_of(here), kind_of(there)):
            problem = f"column '{name}' is {here} in the source and {there} in the target"
            raise errors.invalid(where, problem, f"cast one of them, or leave it out by {left_out}")
    return pa.concat_tables([_plain(source), _plain(target)], promote_options="permissive")


def _plain(table: pa.Table) -> pa.Table:
    """Decoded dictionaries, decimals and vectors as float64, one string type: two tables can be joined."""
    fields = []
    for field in table.schema:
        kind = kind_of(field.type)
        plain = {"text": pa.string(), "date": pa.timestamp("us")}.get(kind, field.type)
        plain = pa.list_(pa.float64()) if is_vector(field.type) else plain
        fields.append(pa.field(field.name, pa.float64() if pa.types.is_decimal(field.type) else plain))
    columns = [_cast(table[field.name], field.type) for field in fields]
    return pa.table(columns, schema=pa.schema(fields))


def _cast(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(type_, safe=False) if column.type != type_ else column


def _grown(column: Column, table: pa.Table, keeping: Keeping) -> Column:
    if column.role == "category" and column.name in table.column_names:
        return column.grown(table[column.name], keeping)
    return column.concealed() if keeping.hidden else column


def _encode(column: Column, values: pa.ChunkedArray) -> NDArray[np.float64]:
    """The column as numbers, shape (n, outputs)."""
    kind = kind_of(values.type)
    if column.role == "vector" and kind != "null":
        return _vectors(column, values)
    if kind == "null":
        return np.full((len(values), len(column.outputs)), np.nan)
    if column.role == "category":
        return _floats(column.codes(column.written(values)))[:, None]
    wanted = {"number": ("number", "boolean"), "boolean": ("boolean", "number"), "date": ("date", "text")}
    if kind not in wanted.get(column.role, ()):
        problem = f"column '{column.name}' is {values.type}, the model was fitted on a {column.role}"
        raise errors.invalid("table", problem, "cast it")
    if column.role == "date":
        return _date_parts(column.name, values)
    numbers = _floats(values)
    if np.isinf(numbers).any():
        raise errors.invalid("table", f"column '{column.name}' holds an infinite value", "make it NULL")
    return numbers[:, None]


def _vectors(column: Column, values: pa.ChunkedArray) -> NDArray[np.float64]:
    """Vectors as their numbers, shape (n, length); NULL is NaN throughout."""
    if not is_vector(values.type):
        problem = f"column '{column.name}' is {values.type}, the model was fitted on a vector"
        raise errors.invalid("table", problem, "give FLOAT[n]")
    rows, present = matrix(values, "table")
    if rows.shape[1] != column.length and present.any():
        problem = f"column '{column.name}' holds vectors of {rows.shape[1]} numbers"
        raise errors.invalid("table", problem, f"the model was fitted on {column.length}")
    found = np.full((len(values), column.length), np.nan)
    if present.any():  # of NULL alone no length is known
        found[present] = rows[present]
    if np.isinf(found).any():
        raise errors.invalid("table", f"column '{column.name}' holds an infinite value", "make it NULL")
    return found


def _date_parts(name: str, values: pa.ChunkedArray) -> NDArray[np.float64]:
    """Year, month, weekday and days since 1970, shape (n, 4); text is read as ISO dates."""
    if kind_of(values.type) == "text":
        values = as_text(values)
    if not pa.types.is_date32(values.type):
        try:
            values = values.cast(pa.timestamp("us"), safe=False).cast(pa.date32(), safe=False)
        except pa.ArrowInvalid:
            problem = f"column '{name}' holds text that is no ISO date"
            raise errors.invalid("table", problem, f"strptime({name}, ...) makes it one") from None
    dates: NDArray[np.datetime64] = values.to_numpy()
    days, months = dates.astype(np.int64), dates.astype("datetime64[M]").astype(np.int64)
    years = months // 12
    parts = [1970 + years, 1 + months - 12 * years, (days + THURSDAY) % 7, days]
    found = np.stack(parts, axis=1, dtype=np.float64)
    found[np.isnat(dates)] = np.nan
    return found


def _floats(values: pa.ChunkedArray) -> NDArray[np.float64]:
    """Numbers or booleans as float64, NULL as NaN."""
    if values.null_count or not pa.types.is_primitive(values.type):
        values = values.cast(pa.float64(), safe=False)
    return np.asarray(values.to_numpy(), np.float64)
