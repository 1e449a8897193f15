"""The Python twins of supply decisions and of LightGBM files: columns go by name, Arrow comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk, widened
from xbsql.harmonise.rows import beside
from xbsql.session import boosters
from xbsql.session import supply as supplies
from xbsql.surface.duck import rows_of, session_of
from xbsql.surface.functions import supply as functions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    Values: TypeAlias = pa.Array | pa.ChunkedArray
    Numbers: TypeAlias = Values | float


def spread(con: DuckDBPyConnection, lo: Values, hi: Values, level: Numbers = 0.9) -> pa.Array:
    """Float64: the standard deviation of each interval, see `xb.spread`."""
    session_of("xbsql.spread", con)
    return supplies.spread("xbsql.spread", one_chunk(lo), one_chunk(hi), beside(lo, level))


def safety_stock(
    con: DuckDBPyConnection,
    demand: Values,
    demand_sd: Numbers,
    lead_time: Numbers,
    lead_time_sd: Numbers = 0.0,
    service_level: Numbers = 0.95,
) -> pa.Array:
    """Float64 units of each row, see `xb.safety_stock`."""
    session_of("xbsql.safety_stock", con)
    more = [beside(demand, column) for column in (demand_sd, lead_time, lead_time_sd, service_level)]
    return supplies.safety_stock("xbsql.safety_stock", [one_chunk(demand), *more])


def reorder_point(
    con: DuckDBPyConnection,
    demand: Values,
    demand_sd: Numbers,
    lead_time: Numbers,
    lead_time_sd: Numbers = 0.0,
    service_level: Numbers = 0.95,
) -> pa.Array:
    """Float64 units of each row, see `xb.reorder_point`."""
    session_of("xbsql.reorder_point", con)
    more = [beside(demand, column) for column in (demand_sd, lead_time, lead_time_sd, service_level)]
    return supplies.safety_stock("xbsql.reorder_point", [one_chunk(demand), *more], with_expected=True)


def newsvendor(
    con: DuckDBPyConnection, levels: Values, quantiles: Values, underage: Numbers, overage: Numbers
) -> pa.Array:
    """Float64 units of each row, whose levels and quantiles are lists, see `xb.newsvendor`."""
    session_of("xbsql.newsvendor", con)
    costs = beside(levels, underage), beside(levels, overage)
    return supplies.newsvendor("xbsql.newsvendor", one_chunk(levels), one_chunk(quantiles), *costs)


def route_options(
    con: DuckDBPyConnection,
    routes: object,
    cost_model: str,
    delay_model: str,
    promise: str | float | None = None,
    per_day: str | float = 0.0,
    extra: str | float = 0.0,
) -> pa.Table:
    """Every column of the table and what each route is expected to cost and to take, see `xb.route_options`.

    Args:
        con: a connection.
        routes: a table or its name; its rows keep their order.
        cost_model: of the freight.
        delay_model: of the days.
        promise: a column's name, or one number.
        per_day: the same.
        extra: the same.
    """
    where = "xbsql.route_options"
    table = rows_of(where, con, routes, ordered=False)
    promised, daily, more = (column_of(where, table, value) for value in (promise, per_day, extra))
    inputs = one_chunk(table.to_struct_array())
    session = session_of(where, con)
    found = supplies.route_options(session, cost_model, delay_model, promised, daily, more, inputs)
    return widened(table, dict(zip(found.type.names, found.flatten(), strict=True)))


def choose_routes(
    con: DuckDBPyConnection,
    options: object,
    demand: object,
    lane: str,
    cost: str,
    quantity: str,
    on_time: str | float = 1.0,
    capacity: str | float | None = None,
    fixed: str | float = 0.0,
    pool: str | None = None,
    service_level: float = 0.0,
) -> pa.Table:
    """The cheapest mix, see `xb.choose_routes`; columns go by name, numbers stand for every row."""
    where = "xbsql.choose_routes"
    offered, wanted = rows_of(where, con, options), rows_of(where, con, demand)
    numbers = {"cost": cost, "on_time": on_time, "capacity": capacity, "fixed": fixed}
    asked = {name: column_of(where, offered, value) for name, value in numbers.items()}
    asked["lane"] = column_of(where, offered, lane).cast(pa.string())
    asked["pool"] = column_of(where, offered, pool).cast(pa.string())
    needs = {
        "lane": column_of(where, wanted, lane).cast(pa.string()),
        "quantity": column_of(where, wanted, quantity),
    }
    session = session_of(where, con)
    found = supplies.choose_routes(session, service_level, pa.table(asked), pa.table(needs))
    chosen = offered.take(pa.array(found["position"].to_numpy() - 1))
    chosen = widened(chosen, {name: found[name] for name in ("units", "share", "spend")})
    return chosen.sort_by([(lane, "ascending"), ("units", "descending")])


def export_booster(con: DuckDBPyConnection, model: str, path: str) -> pa.Table:
    """Write the LightGBM parts of a model as plain text, see `xb.export_booster`."""
    where = "xbsql.export_booster"
    rows = boosters.export_booster(session_of(where, con), where, model, str(path))
    return functions.EXPORT_BOOSTER.table(rows)


def import_booster(
    con: DuckDBPyConnection,
    model: str,
    path: str,
    label: str,
    classes: Sequence[str] | None = None,
    market: str | None = None,
) -> pa.Table:
    """Store a plain LightGBM model, see `xb.import_booster`."""
    where = "xbsql.import_booster"
    session = session_of(where, con)
    rows = boosters.import_booster(session, where, model, str(path), label, classes, market)
    return functions.IMPORT_BOOSTER.table(rows)


def column_of(where: str, table: pa.Table, given: str | float | None) -> pa.Array:
    """A column by its name, or one value for every row.

    Raises:
        XbsqlError: the table has no such column.
    """
    if not isinstance(given, str):
        return beside(table, given)
    if given not in table.column_names:
        raise errors.unknown(where, "column", given, table.column_names, place="the table has")
    return one_chunk(table[given])
