"""What the families build on: a function of each row, and a function of the whole frame."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.frame.connection import connection, place, session_of
from xbsql.harmonise import rows
from xbsql.surface import functions as surface

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from polars.datatypes import DataTypeClass

    from xbsql.session.session import Session
    from xbsql.surface.function import Function

    Number: TypeAlias = pl.Expr | float
    PolarsType: TypeAlias = DataTypeClass | pl.DataType
    Twin: TypeAlias = Callable[..., pa.Table]


class ExpressionSpace:
    """Functions of each row of an expression; they run in the streaming engine."""

    def __init__(self, expr: pl.Expr) -> None:
        self._expr = expr

    def _map(self, name: str, run: Callable[[Session, pa.Array], pa.Array]) -> pl.Expr:
        session = session_of(f"xb.{name}")
        kind = _polars_type(_function(name).value)
        return self._expr.map_batches(
            lambda series: pl.Series(series.name, run(session, _arrow(series))),
            return_dtype=kind,
            is_elementwise=True,
        )

    def _beside(
        self,
        name: str,
        run: Callable[..., pa.Array],
        *given: object,
        kind: PolarsType = pl.Float64,
    ) -> pl.Expr:
        """A function of a column and of what stands beside it: expressions, or values for every row."""
        columns = [value for value in given if isinstance(value, pl.Expr)]

        def made(series: Sequence[pl.Series]) -> pl.Series:
            first, rest = _arrow(series[0]), iter(series[1:])
            beside = [
                _arrow(next(rest)) if isinstance(value, pl.Expr) else rows.beside(first, value)
                for value in given
            ]
            return pl.Series(series[0].name, run(f"xb.{name}", first, *beside))

        return pl.map_batches([self._expr, *columns], made, return_dtype=kind, is_elementwise=True)


class FrameSpace:
    """Functions of a whole frame, which is taken when the result is collected."""

    def __init__(self, frame: pl.LazyFrame) -> None:
        self._frame = frame

    def _rows(self, name: str, run: Callable[[Twin, pa.Table], pa.Table]) -> pl.LazyFrame:
        """What a function with a fixed schema makes of the whole frame."""
        fields = _function(name).fields
        return self._whole(name, {field.name: _polars_type(field.type) for field in fields}, run)

    def _whole(
        self, name: str, schema: Mapping[str, Any], run: Callable[[Twin, pa.Table], pa.Table]
    ) -> pl.LazyFrame:  # fmt: skip
        number, kind = place(), pl.Struct(schema)
        twin: Twin = getattr(import_module("xbsql"), name)

        def made(rows: pl.Series) -> pl.Series:
            found = run(partial(twin, connection(number)), rows.struct.unnest().to_arrow())
            return pl.Series("_xb", found.to_struct_array()).cast(kind)

        row = pl.struct(pl.all()).alias("_xb")
        return self._frame.select(row.map_batches(made, return_dtype=kind)).unnest("_xb")

    def _type_of(self, name: str, frame: pl.LazyFrame, column: str) -> Any:  # noqa: ANN401 - a Polars type
        known = frame.collect_schema()
        if column not in known:
            raise errors.unknown(f"xb.{name}", "column", column, known.names(), place="the frame has")
        return known[column]


def _function(name: str) -> Function:
    return next(function for function in surface.FUNCTIONS if function.name == name)


def _polars_type(kind: pa.DataType) -> Any:  # noqa: ANN401 - a Polars type
    return pl.Series("", pa.nulls(0, kind)).dtype


def _arrow(series: pl.Series) -> pa.Array:
    """A series as one Arrow array, over the same memory where it is one chunk."""
    return one_chunk(series.to_arrow())
