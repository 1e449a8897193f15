"""Forecasts of many series, and what a launch would bring."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk, refuse_quoted, table_of_rows
from xbsql.session import backtest as backtests
from xbsql.session import forecast as forecasts
from xbsql.session import launch as launches
from xbsql.session.session import Session
from xbsql.surface.arguments import (
    DATA,
    ColumnOf,
    Constant,
    Flag,
    Given,
    Market,
    Moment,
    Name,
    Number,
    Rows,
    Share,
    Text,
    Whole,
)
from xbsql.surface.checks import in_order, named
from xbsql.surface.function import Columns, Like, function

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence


ENDS: Columns = {
    f"{name}{end}": "DOUBLE" for name in launches.QUANTITIES for end in ("", "_lo", "_hi")
}  # fmt: skip

Id = Annotated[
    str | list[str],
    ColumnOf("a column or STRUCT", "str | Sequence[str]"),
    "what names a series: a column, or a STRUCT such as {'market': market, 'sku': sku}; in Python, columns",
]
Expected = Annotated[float | None, Number("DOUBLE", "float | None")]
STEPS = Constant("INTEGER", "int | None", (int,), "a whole number")
Horizon = Annotated[Whole, "how many periods, 1 to 1000"]


def _forecast(
    session: Session, *, model: Name, horizon: Whole, level: Share, rollup: Flag, expected: Expected = None,
    expected_sd: Expected = None, options: Given = None, tbl: Annotated[pa.Table, Rows(empty=True)],
) -> pa.Table:  # fmt: skip
    for name in ("ts", "y"):
        refuse_quoted("xb.forecast", name, tbl[name])
    rows, known = _known(tbl)
    asked = forecasts.ForecastCall(horizon, level, rollup, options, expected, expected_sd)
    return _as_text(
        forecasts.forecast(session, model, rows, forecasts.places(("id",), "ts", "y", known), asked)
    )


@function(
    {
        "series": Like("tbl", "id"), "step": "INTEGER", "ds": Like("tbl", "ts"), "yhat": "DOUBLE",
        "lo": "DOUBLE", "hi": "DOUBLE", "status": "VARCHAR",
    },
    example="FROM xb.forecast('demand_home', sales, id := product_id, ts := week, y := units, horizon := 4) "
    "LIMIT 4",
    handler=_forecast,
)  # fmt: skip
def forecast(
    session: Session,
    model: Annotated[Name, "a model of the task 'forecast', 'name' or 'name@3'"],
    tbl: Annotated[
        pa.Table,
        Rows(order="", empty=True),
        f"one row a series and period: {DATA}; without a row: one market of which nothing is known",
    ],
    id: Id,
    ts: Annotated[
        str,
        ColumnOf(),
        "DATE, TIMESTAMP, TIMESTAMPTZ, or integers that count periods; the frequency is found from them",
    ],
    y: Annotated[
        str, ColumnOf(), "a number; rows after the last one that has it may hold what is known in advance"
    ],
    horizon: Horizon = 8,
    level: Annotated[Share, "the share of truths that lo and hi shall hold"] = 0.9,
    known: Annotated[
        list[str] | None,
        ColumnOf("a STRUCT", "Sequence[str] | None"),
        "numbers or booleans known in advance, such as {'promotion': promotion}, and facts that the model "
        "was fitted with, by its names; in Python their columns",
    ] = None,
    rollup: Annotated[
        Flag, "forecast the sums as well that ROLLUP makes of the parts of id, and let all add up"
    ] = False,
    expected: Annotated[
        Expected, "what you expect a usual period of a market without history to bring"
    ] = None,
    expected_sd: Annotated[
        Expected, "how far that may be off (a standard deviation); NULL: half of it"
    ] = None,
    options: Annotated[
        Given, "fill, duplicates, negative, end, until, frequency, calendar, see docs/forecast.md"
    ] = None,
) -> pa.Table:
    """What is expected of each series in the periods after its last one: series (of the id's type), step, ds
    (of the type of ts), yhat, the interval from lo to hi, and status: 'ok', or what was done to the series
    (gaps filled, duplicates summed) and what is odd about it. One bad series never fails the query: what
    cannot be forecast is NULL. A series without any value is forecast from home, or from the facts and levels
    of the other markets. Days without trade are forecast as 0, and said.
    """
    places = forecasts.places([id] if isinstance(id, str) else id, ts, y, known or ())
    return forecasts.forecast(
        session,
        model,
        tbl,
        places,
        forecasts.ForecastCall(horizon, level, rollup, options, expected, expected_sd),
    )


@function(
    {
        "series": "VARCHAR", "origin": "TIMESTAMP", "step": "INTEGER", "ds": "TIMESTAMP", "period": "BIGINT",
        "y": "DOUBLE", "yhat": "DOUBLE", "lo": "DOUBLE", "hi": "DOUBLE", "inside": "BOOLEAN",
    },
    example="FROM xb.backtest('demand_home', sales, origins := 2) LIMIT 4",
)  # fmt: skip
def backtest(
    session: Session,
    model: Annotated[Name, "a model of the task 'forecast', 'name' or 'name@3'"],
    tbl: Annotated[pa.Table, Rows(), f"series, in columns named as those that it was fitted on: {DATA}"],
    origins: Annotated[Whole, "from how many moments of the past, half a horizon apart, 1 to 50"] = 3,
    horizon: Annotated[int | None, STEPS, "how many periods; NULL: those that it was fitted for"] = None,
    level: Annotated[Share, "the share of truths that lo and hi shall hold"] = 0.9,
) -> pa.Table:
    """What a model would have forecast, beside what came: one row a series, origin and step. `origin` is the
    first period after the history that was shown; `inside` says whether y lies from lo to hi. The model is
    asked as it stands, so its weights have seen what came. Where periods are counted `period` holds the
    count, and `origin` and `ds` are NULL.
    """
    return backtests.backtest(session, model, tbl, origins, horizon, level)


def _launch(
    session: Session, *, demand: Name, delay: Text = None, market: Market = None, start: Moment = None,
    horizon: Whole, level: Share, price_error: Share, draws: Whole, products: Annotated[pa.Table, Rows()],
) -> pa.Table:  # fmt: skip
    asked = launches.Launch(
        demand, delay, market, _seconds(start), horizon, level, price_error, draws
    )  # fmt: skip
    return launches.launch(session, products, asked)


@function(
    {
        "product": Like("products", "id"), "market": "VARCHAR", **ENDS,
        "price": "DOUBLE", "status": "VARCHAR",
    },
    example="FROM xb.launch(assortment, product_id, 'demand_jp', price := price, "
    "start := DATE '2024-01-01') LIMIT 3",
    handler=_launch,
    travels={"place": "BIGINT", "market": "VARCHAR", **ENDS, "price": "DOUBLE", "status": "VARCHAR"},
)  # fmt: skip
def launch(
    session: Session,
    products: Annotated[pa.Table, Rows(order=""), f"home products, one row each: {DATA}"],
    id: Annotated[Id, "what the demand model calls a product, as in xb.forecast"],
    demand: Annotated[Name, "a model of the task 'forecast', carried to the market"],
    delay: Annotated[
        Text,
        "a model of the task 'predict' that reads the products' columns and gives days; NULL: goods are "
        "there at once",
    ] = None,
    price: Annotated[
        str | None,
        ColumnOf(python="str | None"),
        "a number in the market's money, such as xb.to_currency(...); may be NULL",
    ] = None,
    market: Annotated[Market, "a country code, for the record; NULL is the demand model's"] = None,
    start: Annotated[Moment, "when the goods leave; NULL is now"] = None,
    horizon: Horizon = 8,
    level: Annotated[Share, "the share of outcomes between _lo and _hi"] = 0.9,
    price_error: Annotated[Share, "how far all prices may move together, as a share: 0.05"] = 0.0,
    draws: Annotated[Whole, "outcomes that are drawn, 100 to 100000"] = 2000,
) -> pa.Table:
    """What home products would bring in a market where they are not sold yet: product, market, and mean and
    interval of wanted (demand of the horizon, forecast from home), days (until goods arrive), sold (what is
    wanted after that) and revenue (sold times price). The intervals are joint: outcomes are drawn with one
    delivery time a product, demand that stays high where it is high, and one change of price for all, and
    always the same for the same arguments. The last row, product NULL, is all products together. A model
    that was not carried from another market is an error, and so is a product that sells there already.
    """
    names = (id,) if isinstance(id, str) else tuple(id)
    for name in (*names, *((price,) if price else ())):
        named("xb.launch", products.column_names, name)
    rows = in_order(products, names)
    ids = rows[id] if isinstance(id, str) else rows.select(names).to_struct_array()
    amounts = rows[price] if price else pa.nulls(len(rows), pa.float64())
    given = pa.table({"id": ids, "price": amounts, "row": rows.to_struct_array()})
    asked = launches.Launch(
        demand, delay, market, _seconds(start), horizon, level, price_error, draws
    )  # fmt: skip
    found = launches.launch(session, given, asked)
    return found.set_column(0, "product", one_chunk(given["id"]).take(pc.subtract(found["place"], 1)))


def _seconds(start: dt.date | None) -> int | None:
    """A day or a moment as seconds since 1970-01-01."""
    return None if start is None else int(np.datetime64(start, "s").astype(np.int64))


def _known(rows: pa.Table) -> tuple[pa.Table, Sequence[str]]:
    """The rows, with a column for each field of the STRUCT 'known', and the names of these.

    Raises:
        XbsqlError: it is something else, whose fields have no names.
    """
    kind = rows.schema.field("known").type
    if not pa.types.is_struct(kind):
        if rows["known"].null_count < len(rows):
            remedy = "give a STRUCT: known := {'promotion': promotion}"
            raise errors.invalid("xb.forecast", f"known is {kind}, and columns need names", remedy)
        return rows, ()
    beside = table_of_rows(one_chunk(rows["known"]))
    names = tuple(f"known.{name}" for name in beside.column_names)
    for name, column in zip(names, beside.columns, strict=True):
        rows = rows.append_column(name, column)
    return rows, names


def _as_text(found: pa.Table) -> pa.Table:
    """Ids as JSON and dates as text: the macro gives them the types of the user's own columns again."""
    horizon = int(pc.max(found["step"]).as_py())
    ids = found["series"].take(pa.array(range(0, len(found), horizon)))
    texts = pa.array([json.dumps({"id": value}, default=str) for value in ids.to_pylist()], pa.string())
    repeated = texts.take(pa.array(np.repeat(np.arange(len(texts)), horizon)))
    dates = found["ds"].cast(pa.string())
    return found.set_column(0, "series", repeated).set_column(2, "ds", dates)
