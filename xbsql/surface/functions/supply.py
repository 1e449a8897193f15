"""Supply decisions and LightGBM files, in SQL, as data."""

from __future__ import annotations

from xbsql.surface.function import DATA, Argument, Function, rows_type
from xbsql.surface.handlers import supply as handlers

_DEMAND = (
    Argument("demand", "a number: expected units a period"),
    Argument("demand_sd", "a number: its standard deviation a period, see xb.spread"),
    Argument("lead_time", "a number: expected lead time, in the same periods"),
    Argument("lead_time_sd", "a number: its standard deviation, in periods", "0"),
    Argument("service_level", "a share above 0 and below 1: of cycles without a stock-out", "0.95"),
)

SPREAD = Function(
    "spread",
    "row",
    (
        Argument("lo", "a number: the lower end of an interval"),
        Argument("hi", "a number: its upper end"),
        Argument("level", "a share: how much of the truth it holds", "0.9"),
    ),
    "DOUBLE",
    "The standard deviation of a normal whose central interval this is, (hi - lo) / (2 z((1 + level) / 2)): "
    "what the interval of a prediction means for xb.safety_stock. NULL gives NULL.",
    "SELECT xb.spread(8.4, 11.6), xb.spread(p.lo, p.hi) "
    "FROM (SELECT xb.predict('days_home', t) AS p FROM parcels t) LIMIT 3",
    handlers.spread,
)
SAFETY_STOCK = Function(
    "safety_stock",
    "row",
    _DEMAND,
    "DOUBLE",
    "Stock beyond what is expected to be sold during the lead time: z(service_level) sqrt(lead_time "
    "demand_sd^2 + demand^2 lead_time_sd^2), demand and lead time independent and what is sold during the "
    "lead time close to normal. For a cost of each unit short and each unit over, service_level := short / "
    "(short + over) is the newsvendor's critical ratio. NULL gives NULL.",
    "SELECT xb.safety_stock(100, 20, 4, 1, service_level := 0.95)",
    handlers.safety_stock,
)
REORDER_POINT = Function(
    "reorder_point",
    "row",
    _DEMAND,
    "DOUBLE",
    "The stock at which to order again: demand lead_time, what is expected to be sold meanwhile, and "
    "xb.safety_stock. NULL gives NULL.",
    "SELECT xb.reorder_point(100, 20, 4, 1, service_level := 0.95)",
    handlers.reorder_point,
)
NEWSVENDOR = Function(
    "newsvendor",
    "row",
    (
        Argument("levels", "DOUBLE[]: ascending shares, [0.1, 0.5, 0.9]"),
        Argument("quantiles", "DOUBLE[]: of demand at these levels, e.g. of a forecast"),
        Argument("underage", "a number: what one unit too few costs, above 0"),
        Argument("overage", "a number: what one unit too many costs, above 0"),
    ),
    "DOUBLE",
    "What to order for one selling period: the quantile of demand at underage / (underage + overage), on the "
    "line between the two quantiles beside it. A ratio outside the levels is an error. NULL gives NULL.",
    "SELECT xb.newsvendor([0.1, 0.5, 0.9], [60, 100, 160], underage := 8, overage := 2)",
    handlers.newsvendor,
)
ROUTE_OPTIONS = Function(
    "route_options",
    "set",
    (
        Argument("routes", f"one row a route and carrier that could be taken, what both models read: {DATA}"),
        Argument("cost_model", "VARCHAR: a model of numbers: freight of a shipment"),
        Argument("delay_model", "VARCHAR: a model of numbers: days, or days late"),
        Argument("promise", "a number or a column: days that are promised, for `on_time`", "NULL"),
        Argument("per_day", "a number or a column: what a day costs: stock on the way, a penalty", "0"),
        Argument("extra", "a number or a column: duty, insurance, handling", "0"),
    ),
    "STRUCT(landed_cost DOUBLE, cost_lo DOUBLE, cost_hi DOUBLE, delay DOUBLE, delay_lo DOUBLE, "
    "delay_hi DOUBLE, on_time DOUBLE, shift DOUBLE)",
    "Every column of the table, and what each route is expected to cost and to take, with intervals. "
    "landed_cost = freight + extra + per_day times the days; no freight or day below 0 counts. Its ends "
    "add those of both intervals, so they hold at least as much as both together. on_time: the "
    "probability of no more days than promised, the error taken for normal with the interval's spread. "
    "shift: the larger of the two models'. NULL where a model cannot say.",
    "FROM xb.route_options(parcels, 'freight_home', 'days_home', promise := 8, per_day := 0.5) LIMIT 3",
    handlers.route_options,
)
CHOOSE_ROUTES = Function(
    "choose_routes",
    "set",
    (
        Argument("options", f"one row an option, e.g. what xb.route_options gave: {DATA}"),
        Argument("demand", f"one row a lane that must be served, with its units: {DATA}"),
        Argument("lane", "a column or expression, of that name in both tables: what an option serves"),
        Argument("cost", "a column or expression of the options: what one unit costs"),
        Argument("quantity", "a column or expression of the demand: units; rows of one lane are added"),
        Argument("on_time", "a column or expression of the options: probability that a unit is on time", "1"),
        Argument("capacity", "a column or expression of the options: units at most; NULL is none", "NULL"),
        Argument("fixed", "a column or expression of the options: what using it at all costs", "0"),
        Argument("pool", "a column or expression: options of one value share one capacity", "NULL"),
        Argument("service_level", "a share: of each lane's units that shall be on time", "0"),
    ),
    "STRUCT(position BIGINT, units DOUBLE, share DOUBLE, spend DOUBLE)[]",
    "The cheapest mix: every option that is used, with its units, their share of the lane and what they "
    "cost. Each lane gets its whole quantity and is on time for service_level of it. Solved to the optimum "
    "as a linear program, with fixed costs as a mixed-integer one (HiGHS). Where no mix serves, "
    "the error names the lane and what would be possible.",
    "WITH options AS (FROM (VALUES ('JP', 'air', 9.0, 0.99), ('JP', 'sea', 2.0, 0.6)) "
    "t(destination, mode, price, timely)), demand AS (FROM (VALUES ('JP', 100)) t(destination, parcels)) "
    "FROM xb.choose_routes(options, demand, destination, price, parcels, on_time := timely, "
    "service_level := 0.9)",
    handlers.choose_routes,
)
EXPORT_BOOSTER = Function(
    "export_booster",
    "action",
    (
        Argument("model", "VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one"),
        Argument("path", "VARCHAR: a folder; made where it is missing, files of these names are replaced"),
    ),
    rows_type(file="VARCHAR", member="VARCHAR", weight="DOUBLE", trees="BIGINT", columns="BIGINT"),
    "Write the LightGBM parts of a model as plain LightGBM text, which lightgbm.Booster(model_file=...) "
    "loads alone, with the levels of categories inside, and columns.json, which says what each column of "
    "their matrix is. One row a file; `weight` is that of the part in the blend, NULL inside another part.",
    "FROM xb.export_booster('days_home', 'boosters')",
    handlers.export_booster,
    effects=True,
)
IMPORT_BOOSTER = Function(
    "import_booster",
    "action",
    (
        Argument("model", "VARCHAR: the name to store it under"),
        Argument("path", "VARCHAR: a file of plain LightGBM text"),
        Argument("label", "VARCHAR: the column that it predicts"),
        Argument(
            "classes",
            "VARCHAR[]: names of its classes by code; NULL: '0', '1' ...",
            "NULL",
        ),
        Argument("market", "VARCHAR: the market it was fitted in, for the model card", "NULL"),
    ),
    rows_type(model="VARCHAR", version="INTEGER", task="VARCHAR", columns="BIGINT", trees="BIGINT"),
    "Store a plain LightGBM model, so that it predicts here and serves as `base` of xb.transfer. Columns go "
    "by the file's feature names, categories by its pandas_categorical. Objectives: the regressions on the "
    "label's own scale, binary and multiclass.",
    "FROM xb.import_booster('plain', 'boosters/target_only.boosted.txt', 'days')",
    handlers.import_booster,
    effects=True,
)

SUPPLY_FUNCTIONS: tuple[Function, ...] = (
    SPREAD,
    SAFETY_STOCK,
    REORDER_POINT,
    NEWSVENDOR,
    ROUTE_OPTIONS,
    CHOOSE_ROUTES,
    EXPORT_BOOSTER,
    IMPORT_BOOSTER,
)
