"""The supply family for Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from xbsql.frame.space import ExpressionSpace, FrameSpace
from xbsql.session import supply as supplies

if TYPE_CHECKING:
    import pyarrow as pa

    from xbsql.frame.space import Number


class SupplyExpressions(ExpressionSpace):
    """Functions of each row; an argument is one value, or an expression with one a row."""

    def spread(self, hi: Number, level: Number = 0.9) -> pl.Expr:
        """Float64: the standard deviation of each interval from the expression to `hi`."""
        return self._beside("spread", supplies.spread, hi, level)

    def safety_stock(
        self, demand_sd: Number, lead_time: Number, lead_time_sd: Number = 0.0,
        service_level: Number = 0.95,
    ) -> pl.Expr:  # fmt: skip
        """Float64 units beyond the expected demand, which the expression is."""
        given = (demand_sd, lead_time, lead_time_sd, service_level)
        return self._beside("safety_stock", _safety_stock, *given)

    def reorder_point(
        self, demand_sd: Number, lead_time: Number, lead_time_sd: Number = 0.0,
        service_level: Number = 0.95,
    ) -> pl.Expr:  # fmt: skip
        """Float64 units at which to order again; the expression is the demand."""
        given = (demand_sd, lead_time, lead_time_sd, service_level)
        return self._beside("reorder_point", _reorder_point, *given)

    def newsvendor(self, quantiles: pl.Expr, underage: Number, overage: Number) -> pl.Expr:
        """Float64 units to order; the expression is the list of levels."""
        return self._beside("newsvendor", supplies.newsvendor, quantiles, underage, overage)


class SupplyFrames(FrameSpace):
    """Functions of a whole frame that choose routes."""

    def route_options(
        self, cost_model: str, delay_model: str, promise: str | float | None = None,
        per_day: str | float = 0.0, extra: str | float = 0.0,
    ) -> pl.LazyFrame:  # fmt: skip
        """Every column of the frame and what each route is expected to cost and to take."""
        more = {field.name: pl.Float64 for field in supplies.ROUTE}
        given = (cost_model, delay_model, promise, per_day, extra)
        schema = dict(self._frame.collect_schema()) | more
        return self._whole("route_options", schema, lambda call, own: call(own, *given))

    def choose_routes(
        self, demand: pl.LazyFrame, lane: str, cost: str, quantity: str, on_time: str | float = 1.0,
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
