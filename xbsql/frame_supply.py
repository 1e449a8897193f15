"""The market and supply families for Polars: what `frame.py` adds to its namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import polars as pl

from xbsql import supplies
from xbsql.arrow import one_chunk
from xbsql.harmonise import rows
from xbsql.harmonise.money import Rates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from polars.datatypes import DataTypeClass

    PolarsDataType: TypeAlias = DataTypeClass | pl.DataType

Number: TypeAlias = pl.Expr | float


class Mapped(Protocol):
    """What a namespace of expressions has."""

    _expr: pl.Expr


class Whole(Protocol):
    """What a namespace of frames has."""

    _frame: pl.LazyFrame

    def _rows(self, name: str, run: Callable[..., pa.Table]) -> pl.LazyFrame: ...

    def _whole(self, name: str, schema: Mapping[str, Any], run: Callable[..., pa.Table]) -> pl.LazyFrame: ...


class SupplyExpressions:
    """Row functions; an argument is one value, or an expression with one a row."""

    def convert(self: Mapped, unit: pl.Expr | str, new_unit: pl.Expr | str) -> pl.Expr:
        """Float64 of each value in another unit."""
        return _beside(self, "convert", rows.convert, unit, new_unit)

    def to_currency(
        self: Mapped,
        currency: pl.Expr | str,
        new_currency: pl.Expr | str,
        rates: pl.DataFrame,
        day: pl.Expr | None = None,
    ) -> pl.Expr:
        """Float64 of each amount in another currency, by a frame of rates."""
        known = Rates.of("xb.to_currency", rates.to_arrow())

        def run(where: str, own: pa.Array, old: pa.Array, new: pa.Array, days: pa.Array) -> pa.Array:
            return rows.to_currency(where, own, old, new, days, known)

        return _beside(self, "to_currency", run, currency, new_currency, day)

    def parse_number(self: Mapped, market: pl.Expr | str) -> pl.Expr:
        """Float64 of each number as the market writes it."""
        return _beside(self, "parse_number", rows.parse_number, market)

    def parse_date(self: Mapped, market: pl.Expr | str) -> pl.Expr:
        """Date of each date as the market writes it."""
        return _beside(self, "parse_date", rows.parse_date, market, kind=pl.Date)

    def holiday(self: Mapped, market: pl.Expr | str) -> pl.Expr:
        """The public holiday that each day is, or NULL."""
        return _beside(self, "holiday", rows.holiday, market, kind=pl.String)

    def workdays(self: Mapped, last: pl.Expr, market: pl.Expr | str) -> pl.Expr:
        """Int32 working days after each day up to and with `last`."""
        return _beside(self, "workdays", rows.workdays, last, market, kind=pl.Int32)

    def spread(self: Mapped, hi: Number, level: Number = 0.9) -> pl.Expr:
        """Float64: the standard deviation of each interval from the expression to `hi`."""
        return _beside(self, "spread", supplies.spread, hi, level)

    def safety_stock(
        self: Mapped, demand_sd: Number, lead_time: Number, lead_time_sd: Number = 0.0,
        service_level: Number = 0.95,
    ) -> pl.Expr:  # fmt: skip
        """Float64 units beyond the expected demand, which the expression is."""
        given = (demand_sd, lead_time, lead_time_sd, service_level)
        return _beside(self, "safety_stock", _safety_stock, *given)

    def reorder_point(
        self: Mapped, demand_sd: Number, lead_time: Number, lead_time_sd: Number = 0.0,
        service_level: Number = 0.95,
    ) -> pl.Expr:  # fmt: skip
        """Float64 units at which to order again; the expression is the demand."""
        given = (demand_sd, lead_time, lead_time_sd, service_level)
        return _beside(self, "reorder_point", _reorder_point, *given)

    def newsvendor(self: Mapped, quantiles: pl.Expr, underage: Number, overage: Number) -> pl.Expr:
        """Float64 units to order; the expression is the list of levels."""
        return _beside(self, "newsvendor", supplies.newsvendor, quantiles, underage, overage)


class SupplyFrames:
    """Functions of whole tables; each takes the frame when the result is collected."""

    def align_columns(self: Whole, target: pl.LazyFrame) -> pl.LazyFrame:
        """Which column of the target is which of the frame."""
        return self._rows("align_columns", lambda call, own: call(own, target.collect().to_arrow()))

    def lint(self: Whole, target: pl.LazyFrame, label: str | None = None) -> pl.LazyFrame:
        """What to look at before a transfer from the frame."""
        return self._rows("lint", lambda call, own: call(own, target.collect().to_arrow(), label))

    def route_options(
        self: Whole, cost_model: str, delay_model: str, promise: str | float | None = None,
        per_day: str | float = 0.0, extra: str | float = 0.0,
    ) -> pl.LazyFrame:  # fmt: skip
        """Every column of the frame and what each route is expected to cost and to take."""
        more = {field.name: pl.Float64 for field in supplies.ROUTE}
        given = (cost_model, delay_model, promise, per_day, extra)
        schema = dict(self._frame.collect_schema()) | more
        return self._whole("route_options", schema, lambda call, own: call(own, *given))

    def choose_routes(
        self: Whole, demand: pl.LazyFrame, lane: str, cost: str, quantity: str, on_time: str | float = 1.0,
        capacity: str | float | None = None, fixed: str | float = 0.0, pool: str | None = None,
        service_level: float = 0.0,
    ) -> pl.LazyFrame:  # fmt: skip
        """The options of the frame that the cheapest mix uses, with units, share and spend."""
        given = (lane, cost, quantity, on_time, capacity, fixed, pool, service_level)
        schema = dict(self._frame.collect_schema()) | dict.fromkeys(("units", "share", "spend"), pl.Float64)
        return self._whole(
            "choose_routes", schema, lambda call, own: call(own, demand.collect().to_arrow(), *given)
        )


def _safety_stock(where: str, *columns: pa.Array) -> pa.Array:
    return supplies.safety_stock(where, list(columns))


def _reorder_point(where: str, *columns: pa.Array) -> pa.Array:
    return supplies.safety_stock(where, list(columns), with_expected=True)


def _beside(
    own: Mapped,
    name: str,
    run: Callable[..., pa.Array],
    *given: object,
    kind: PolarsDataType = pl.Float64,
) -> pl.Expr:
    """A function of a column and of what stands beside it: expressions, or values for every row."""
    columns = [value for value in given if isinstance(value, pl.Expr)]

    def made(series: Sequence[pl.Series]) -> pl.Series:
        first, rest = one_chunk(series[0].to_arrow()), iter(series[1:])
        beside = [
            one_chunk(next(rest).to_arrow()) if isinstance(value, pl.Expr) else rows.beside(first, value)
            for value in given
        ]
        return pl.Series(series[0].name, run(f"xb.{name}", first, *beside))

    return pl.map_batches([own._expr, *columns], made, return_dtype=kind, is_elementwise=True)
