"""The forecast family of the SQL surface, as data."""

from __future__ import annotations

from xbsql.session.launch import QUANTITIES
from xbsql.surface.function import DATA, Argument, Function, rows_type
from xbsql.surface.handlers import forecast as handlers

FORECAST = Function(
    "forecast",
    "set",
    (
        Argument("model", "VARCHAR: a model of the task 'forecast', 'name' or 'name@3'"),
        Argument("tbl", f"{DATA}: one row a series and period"),
        Argument("id", "what names a series: a column, or a STRUCT such as {'market': market, 'sku': sku}"),
        Argument(
            "ts",
            "DATE, TIMESTAMP, TIMESTAMPTZ, or integers that count periods; the frequency is found from them",
        ),
        Argument("y", "a number; rows after the last one that has it may hold what is known in advance"),
        Argument("horizon", "INTEGER: how many periods, 1 to 1000", "8"),
        Argument("level", "DOUBLE: the share of truths that lo and hi shall hold", "0.9"),
        Argument(
            "known",
            "a STRUCT of numbers or booleans known in advance, such as {'promotion': promotion}",
            "NULL",
        ),
        Argument(
            "rollup",
            "BOOLEAN: forecast the sums as well that ROLLUP makes of the parts of id, and let all add up",
            "false",
        ),
        Argument("options", "STRUCT: fill, duplicates, negative, end, until, see docs/forecast.md", "{}"),
    ),
    rows_type(
        series="VARCHAR",
        step="INTEGER",
        ds="VARCHAR",
        yhat="DOUBLE",
        lo="DOUBLE",
        hi="DOUBLE",
        status="VARCHAR",
    ),
    "What is expected of each series in the periods after its last one: series (of the id's type), step, ds "
    "(of the type of ts), yhat, the interval from lo to hi, and status: 'ok', or what was done to the series "
    "(gaps filled, duplicates summed) and what is odd about it. One bad series never fails the query: what "
    "cannot be forecast is NULL. A series without any value is forecast from home.",
    "FROM xb.forecast('demand_home', sales, id := product_id, ts := week, y := units, horizon := 4) LIMIT 4",
    handlers.forecast,
)

LAUNCH = Function(
    "launch",
    "set",
    (
        Argument("products", f"home products, one row each: {DATA}"),
        Argument("id", "what the demand model calls a product, as in xb.forecast"),
        Argument("demand", "VARCHAR: a model of the task 'forecast', carried to the market"),
        Argument(
            "delay",
            "VARCHAR: a model of the task 'predict' that reads the products' columns and gives days; NULL: "
            "goods are there at once",
            "NULL",
        ),
        Argument("price", "a number in the market's money, such as xb.to_currency(...); may be NULL", "NULL"),
        Argument("market", "VARCHAR: for the record; NULL is the demand model's", "NULL"),
        Argument("start", "DATE or TIMESTAMP: when the goods leave; NULL is now", "NULL"),
        Argument("horizon", "INTEGER: how many periods, 1 to 1000", "8"),
        Argument("level", "DOUBLE: the share of outcomes between _lo and _hi", "0.9"),
        Argument("price_error", "DOUBLE: how far all prices may move together, as a share: 0.05", "0.0"),
        Argument("draws", "INTEGER: outcomes that are drawn, 100 to 100000", "2000"),
    ),
    rows_type(
        place="BIGINT",
        market="VARCHAR",
        **{f"{name}{end}": "DOUBLE" for name in QUANTITIES for end in ("", "_lo", "_hi")},
        price="DOUBLE",
        status="VARCHAR",
    ),
    "What home products would bring in a market where they are not sold yet: product, market, and mean and "
    "interval of wanted (demand of the horizon, forecast from home), days (until goods arrive), sold (what "
    "is wanted after that) and revenue (sold times price). The intervals are joint: outcomes are drawn with "
    "one delivery time a product, demand that stays high where it is high, and one change of price for all, "
    "and always the same for the same arguments. The last row, product NULL, is all products together.",
    "FROM xb.launch(assortment, product_id, 'demand_jp', price := price, start := DATE '2024-01-01') LIMIT 3",
    handlers.launch,
)

FORECAST_FUNCTIONS = (FORECAST, LAUNCH)
