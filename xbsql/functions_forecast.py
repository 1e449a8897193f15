"""The forecast family of the SQL surface, as data."""

from __future__ import annotations

from xbsql import handlers_forecast as handlers
from xbsql.function import DATA, Argument, Function, rows_type

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

FORECAST_FUNCTIONS = (FORECAST,)
