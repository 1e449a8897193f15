"""Supply decisions, and LightGBM files."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa

from xbsql.arrow import one_chunk, widened, written_out
from xbsql.harmonise.rows import beside
from xbsql.session import boosters
from xbsql.session import supply as run
from xbsql.session.session import Session
from xbsql.surface.arguments import (
    DATA,
    ColumnOf,
    Each,
    Folder,
    Market,
    Model,
    Name,
    Names,
    Rows,
    Share,
    Values,
    existing,
)
from xbsql.surface.checks import named
from xbsql.surface.function import Columns, function

Number = Annotated[pa.Array, Values("DOUBLE"), "a number"]
Demand = Annotated[Number, "expected units a period"]
DemandSd = Annotated[Number, "its standard deviation a period, see xb.spread"]
LeadTime = Annotated[Number, "expected lead time, in the same periods"]
LeadTimeSd = Annotated[Number, "its standard deviation, in periods"]
ServiceLevel = Annotated[Number, "a share above 0 and below 1: of cycles without a stock-out"]

ROUTE: Columns = dict.fromkeys((field.name for field in run.ROUTE), "DOUBLE")
FOUND: Columns = {"units": "DOUBLE", "share": "DOUBLE", "spend": "DOUBLE"}


@function(
    "DOUBLE",
    example="SELECT xb.spread(8.4, 11.6), xb.spread(p.lo, p.hi) "
    "FROM (SELECT xb.predict('days_home', t) AS p FROM parcels t) LIMIT 3",
)
def spread(
    session: Session,
    lo: Annotated[Number, "the lower end of an interval"],
    hi: Annotated[Number, "its upper end"],
    level: Annotated[Number, "a share: how much of the truth it holds"] = 0.9,
) -> pa.Array:
    """The standard deviation of a normal whose central interval this is, (hi - lo) / (2 z((1 + level) / 2)):
    what the interval of a prediction means for xb.safety_stock. NULL gives NULL.
    """
    return run.spread("xb.spread", lo, hi, level)


@function("DOUBLE", example="SELECT xb.safety_stock(100, 20, 4, 1, service_level := 0.95)")
def safety_stock(
    session: Session,
    demand: Demand,
    demand_sd: DemandSd,
    lead_time: LeadTime,
    lead_time_sd: LeadTimeSd = 0,
    service_level: ServiceLevel = 0.95,
) -> pa.Array:
    """Stock beyond what is expected to be sold during the lead time: z(service_level) sqrt(lead_time
    demand_sd^2 + demand^2 lead_time_sd^2), demand and lead time independent and what is sold during the
    lead time close to normal. For a cost of each unit short and each unit over, service_level := short /
    (short + over) is the newsvendor's critical ratio. NULL gives NULL.
    """
    return run.safety_stock("xb.safety_stock", [demand, demand_sd, lead_time, lead_time_sd, service_level])


@function("DOUBLE", example="SELECT xb.reorder_point(100, 20, 4, 1, service_level := 0.95)")
def reorder_point(
    session: Session,
    demand: Demand,
    demand_sd: DemandSd,
    lead_time: LeadTime,
    lead_time_sd: LeadTimeSd = 0,
    service_level: ServiceLevel = 0.95,
) -> pa.Array:
    """The stock at which to order again: demand times lead_time, which is what the lead time is expected to
    sell, plus xb.safety_stock. NULL gives NULL.
    """
    asked = [demand, demand_sd, lead_time, lead_time_sd, service_level]
    return run.safety_stock("xb.reorder_point", asked, with_expected=True)


@function(
    "DOUBLE",
    example="SELECT xb.newsvendor([0.1, 0.5, 0.9], [60, 100, 160], underage := 8, overage := 2)",
)
def newsvendor(
    session: Session,
    levels: Annotated[pa.Array, Values("DOUBLE[]"), "ascending shares, [0.1, 0.5, 0.9]"],
    quantiles: Annotated[pa.Array, Values("DOUBLE[]"), "of demand at these levels, e.g. of a forecast"],
    underage: Annotated[Number, "what one unit too few costs, above 0"],
    overage: Annotated[Number, "what one unit too many costs, above 0"],
) -> pa.Array:
    """What to order for one selling period: the quantile of demand at underage / (underage + overage), on the
    line between the two quantiles beside it. A ratio outside the levels is an error. NULL gives NULL.
    """
    return run.newsvendor("xb.newsvendor", levels, quantiles, underage, overage)


@function(
    ROUTE,
    example="FROM xb.route_options(parcels, 'freight_home', 'days_home', promise := 8, "
    "per_day := 0.5) LIMIT 3",
)
def route_options(
    session: Session,
    routes: Annotated[
        pa.Array,
        Each(),
        f"one row a route and carrier that could be taken, what both models read: {DATA}",
    ],
    cost_model: Annotated[str, existing("route_options"), "a model of numbers: freight of a shipment"],
    delay_model: Annotated[str, existing("route_options"), "a model of numbers: days, or days late"],
    promise: Annotated[Number, "a number or a column: days that are promised, for `on_time`"] = None,
    per_day: Annotated[Number, "a number or a column: what a day costs: stock on the way, a penalty"] = 0,
    extra: Annotated[Number, "a number or a column: duty, insurance, handling"] = 0,
) -> pa.Array:
    """Every column of the table, and what each route is expected to cost and to take, with intervals.
    landed_cost = freight + extra + per_day times the days; no freight or day below 0 counts. Its ends add
    those of both intervals, so they hold at least as much as both together. on_time is the probability of no
    more days than promised, the error taken for normal with the interval's spread, and shift the larger of
    the two models'. What a model cannot say is NULL.
    """
    return run.route_options(session, cost_model, delay_model, promise, per_day, extra, routes)


def _choose_routes(
    session: Session,
    *,
    service_level: Share,
    options: Annotated[pa.Table, Rows()],
    demand: Annotated[pa.Table, Rows()],
) -> pa.Table:
    return run.choose_routes(session, service_level, options, demand)


@function(
    FOUND,
    example="WITH options AS (FROM (VALUES ('JP', 'air', 9.0, 0.99), ('JP', 'sea', 2.0, 0.6)) "
    "t(destination, mode, price, timely)), demand AS (FROM (VALUES ('JP', 100)) t(destination, parcels)) "
    "FROM xb.choose_routes(options, demand, destination, price, parcels, on_time := timely, "
    "service_level := 0.9)",
    handler=_choose_routes,
    travels={"position": "BIGINT", **FOUND},
    beside="options",
)
def choose_routes(
    session: Session,
    options: Annotated[pa.Table, Rows(), f"one row an option, e.g. what xb.route_options gave: {DATA}"],
    demand: Annotated[pa.Table, Rows(), f"one row a lane that must be served, with its units: {DATA}"],
    lane: Annotated[str, ColumnOf(), "of that name in both tables: what an option serves"],
    cost: Annotated[str, ColumnOf(), "of the options: what one unit costs"],
    quantity: Annotated[str, ColumnOf(), "of the demand: units; rows of one lane are added"],
    on_time: Annotated[
        str | float, ColumnOf(python="str | float"), "of the options: probability that a unit is on time"
    ] = 1,
    capacity: Annotated[
        str | float | None,
        ColumnOf(python="str | float | None"),
        "of the options: units at most; NULL is none",
    ] = None,
    fixed: Annotated[
        str | float, ColumnOf(python="str | float"), "of the options: what using it at all costs"
    ] = 0,
    pool: Annotated[
        str | None, ColumnOf(python="str | None"), "options of one value share one capacity"
    ] = None,
    service_level: Annotated[Share, "a share: of each lane's units that shall be on time"] = 0,
) -> pa.Table:
    """The cheapest mix: every option that is used, with its units, their share of the lane and what they
    cost. Each lane gets its whole quantity and is on time for service_level of it. Solved to the
    optimum as a linear program, with fixed costs as a mixed-integer one (HiGHS). Where no mix serves,
    the error names the lane and what would be possible.
    """
    numbers = {"cost": cost, "on_time": on_time, "capacity": capacity, "fixed": fixed}
    asked = {name: _column(options, value) for name, value in numbers.items()}
    asked |= {
        name: written_out("xb.choose_routes", name, _column(options, value))
        for name, value in (("lane", lane), ("pool", pool))
    }
    lanes = written_out("xb.choose_routes", "lane", _column(demand, lane))
    needs = {"lane": lanes, "quantity": _column(demand, quantity)}
    found = run.choose_routes(session, service_level, pa.table(asked), pa.table(needs))
    chosen = options.take(pa.array(found["position"].to_numpy() - 1))
    chosen = widened(chosen, {name: found[name] for name in FOUND})
    return chosen.sort_by([(lane, "ascending"), ("units", "descending")])


@function(
    {"file": "VARCHAR", "member": "VARCHAR", "weight": "DOUBLE", "trees": "BIGINT", "columns": "BIGINT"},
    example="FROM xb.export_booster('days_home', 'boosters')",
    action=True,
)
def export_booster(
    session: Session,
    model: Model,
    path: Annotated[Folder, "a folder; made where it is missing, files of these names are replaced"],
) -> list[dict[str, Any]]:
    """Write the LightGBM parts of a model as plain LightGBM text, which lightgbm.Booster(model_file=...)
    loads alone, with the levels of categories inside, and columns.json, which says what each column
    of their matrix is. One row a file; `weight` is that of the part in the blend, NULL inside another
    part.
    """
    return boosters.export_booster(session, "xb.export_booster", model, str(path))


@function(
    {"model": "VARCHAR", "version": "INTEGER", "task": "VARCHAR", "columns": "BIGINT", "trees": "BIGINT"},
    example="FROM xb.import_booster('plain', 'boosters/target_only.boosted.txt', 'days')",
    action=True,
)
def import_booster(
    session: Session,
    model: Annotated[Name, "the name to store it under"],
    path: Annotated[Folder, "a file of plain LightGBM text"],
    label: Annotated[Name, "the column that it predicts"],
    classes: Annotated[Names, "names of its classes by code; NULL: '0', '1' ..."] = None,
    market: Annotated[Market, "the country code of the market it was fitted in, for the model card"] = None,
) -> list[dict[str, Any]]:
    """Store a plain LightGBM model, so that it predicts here and serves as `base` of xb.transfer. Columns go
    by the file's feature names, categories by its pandas_categorical. Objectives: the regressions on the
    label's own scale, binary and multiclass.
    """
    return boosters.import_booster(session, "xb.import_booster", model, str(path), label, classes, market)


def _column(table: pa.Table, given: str | float | None) -> pa.Array:
    """A column by its name, or one value for every row."""
    if not isinstance(given, str):
        return beside(table, given)
    return one_chunk(table[named("xb", table.column_names, given)])
