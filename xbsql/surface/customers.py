"""Customers: what their orders say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import pyarrow as pa

from xbsql.arrow import refuse_quoted
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, ColumnOf, Moment, Rows, Share, Whole
from xbsql.surface.checks import named
from xbsql.surface.function import Columns, Like, function

if TYPE_CHECKING:
    import datetime as dt

ROWS = Rows(order="")
PROFILE: Columns = {
    "orders": "BIGINT", "first_order": "DATE", "last_order": "DATE", "recency": "INTEGER", "age": "INTEGER",
    "spend": "DOUBLE", "order_value": "DOUBLE", "returned": "DOUBLE", "gap": "DOUBLE", "lines": "DOUBLE",
    "category": "VARCHAR", "category_share": "DOUBLE", "price_band": "INTEGER", "weekday": "INTEGER",
    "hour": "INTEGER", "alive": "DOUBLE", "expected_orders": "DOUBLE", "expected_value": "DOUBLE",
    "expected_spend": "DOUBLE", "typical_spend": "DOUBLE", "lo": "DOUBLE", "hi": "DOUBLE", "basis": "VARCHAR",
    "segment": "INTEGER", "nearest": "VARCHAR[]", "later_orders": "BIGINT", "later_spend": "DOUBLE",
}  # fmt: skip


def _profile(
    session: Session, *, until: Moment = None, horizon: Whole, level: Share, segments: Whole,
    sales: Annotated[pa.Table, ROWS], home: Annotated[pa.Table | None, Rows(order="", optional=True)] = None,
) -> pa.Table:  # fmt: skip
    for name in ("basket", "category"):
        refuse_quoted("xb.profile", name, sales[name])
    found = _profiled("xb.profile", sales, home, until, horizon, level, segments)
    return found.rename_columns(["place", *found.column_names[1:]])


@function(
    {"user": Like("tbl", "user"), **PROFILE},
    example="FROM xb.profile(orders_jp, customer_id, ordered, paid) LIMIT 3",
    handler=_profile,
    travels={"place": "BIGINT", **PROFILE},
)
def profile(
    session: Session,
    tbl: Annotated[pa.Table, ROWS, f"one row a line of a sale: {DATA}"],
    user: Annotated[str, ColumnOf(), "who bought, any type"],
    ts: Annotated[str, ColumnOf(), "DATE or TIMESTAMP: when"],
    amount: Annotated[
        str, ColumnOf(), "what the line came to, in money of one currency; below 0 is a return"
    ],
    basket: Annotated[
        str | None, ColumnOf(python="str | None"), "what was bought at once, for `lines`; NULL: that day"
    ] = None,
    category: Annotated[str | None, ColumnOf(python="str | None"), "of what was bought"] = None,
    home: Annotated[
        pa.Table | None,
        Rows(order="", optional=True),
        "the profiles of another market: what this function made of it",
    ] = None,
    until: Annotated[Moment, "today; NULL is the last day of the table"] = None,
    horizon: Annotated[Whole, "days ahead, 1 to 3650"] = 90,
    level: Annotated[Share, "the share of truths that lo and hi shall hold"] = 0.9,
    segments: Annotated[Whole, "groups at most, 1 to 100; with `home` they are home's"] = 5,
) -> pa.Table:
    """What the sales of a market say of each customer, one row each. What somebody buys on one day is one
    order. Past: `orders`, their first and last day, `recency` and `age` (days since), `spend` (after
    returns), `order_value` (mean), `returned` (share of the money), `gap` (median days between orders),
    `lines` (bought at once), the `category` that most is spent on and its share, `price_band` (the fifth of
    the market's lines that the median line lies in, 5 the dearest), the usual `weekday` (1 Monday) and
    `hour`. Ahead: the probability to be `alive` as a customer, the orders, their value and the spend that
    are expected within `horizon` days (BG/NBD and Gamma-Gamma), the spend's median, which errs least
    (`typical_spend`), and its interval; the `basis` is 'calibrated' where the market's own last period could
    be tried (40 customers, two horizons), else 'model'. `segment`: 1 are
    those who are expected to spend most. With `home`, home's process is the prior as far as it predicts
    customers here, segments are home's, and `nearest` are the five home customers most alike, as text, the
    likest first.
    `later_orders` and `later_spend` are what came after `until`, NULL where the table ends before the
    horizon: labels for xb.fit and xb.transfer. Rows without user, ts or a finite amount are left out;
    equal rows all count. Who only returned has NULL for what orders say.
    """
    from xbsql.customers.orders import typed  # no connection loads scipy

    where = "xb.profile"
    given = {"user": user, "ts": ts, "amount": amount, "basket": basket, "category": category}
    sales = pa.table(
        {
            key: pa.nulls(len(tbl)) if name is None else tbl[named(where, tbl.column_names, name)]
            for key, name in given.items()
        }
    )
    return _profiled(where, typed(where, sales), home, until, horizon, level, segments)


def _profiled(
    where: str, sales: pa.Table, home: pa.Table | None, until: dt.date | None, horizon: int, level: float,
    segments: int,
) -> pa.Table:  # fmt: skip
    from xbsql.customers.profile import Asked
    from xbsql.customers.profile import profile as made  # no connection loads scipy and sklearn

    return made(where, sales, Asked(until, horizon, level, segments), home)
