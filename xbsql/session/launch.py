"""What home products would bring in a market, drawn from the models of a store."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import family_of, one_chunk, written_out
from xbsql.session import models
from xbsql.session.forecast import ForecastCall, forecaster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.home import Home
    from xbsql.series.read.frequency import Frequency
    from xbsql.series.read.series import Series
    from xbsql.series.simulation import Outcome
    from xbsql.session.session import Session

    Floats = NDArray[np.float64]

WHERE: Final = "xb.launch"
DAY: Final = 86_400
MOST_DRAWS: Final = 100_000
QUANTITIES: Final = ("wanted", "days", "sold", "revenue")
"""What is drawn, in the order of an `Outcome`."""


@dataclass(frozen=True)
class Launch:
    """What a launch is asked for.

    Attributes:
        demand: a model of the task 'forecast', of the market.
        delay: a model of the task 'predict' that reads the products' rows and gives days; None: no delay.
        market: for the record; None is the demand model's.
        start: seconds since 1970-01-01, when the goods leave and the first period is; None: now.
        horizon: periods.
        level: the share of outcomes between lo and hi.
        price_error: how far all prices may move together, as a share: 0.05.
        draws: outcomes that are drawn.
        seed: of the draws.
    """

    demand: str
    delay: str | None = None
    market: str | None = None
    start: int | None = None
    horizon: int = 8
    level: float = 0.9
    price_error: float = 0.0
    draws: int = 2000
    seed: int = 0

    def check(self) -> None:
        """Refuse what cannot be answered.

        Raises:
            XbsqlError: a horizon, a level, a price error or a number of draws out of bounds.
        """
        ForecastCall(self.horizon, self.level).check(WHERE)
        if not 0 <= self.price_error < 1:
            raise errors.invalid(WHERE, f"price_error is {self.price_error}", "give a share, 0 to 1: 0.05")
        if not 100 <= self.draws <= MOST_DRAWS:
            raise errors.invalid(WHERE, f"draws is {self.draws}", f"give 100 to {MOST_DRAWS}")


def launch(session: Session, products: pa.Table, asked: Launch) -> pa.Table:
    """What products would bring in a market where they are not sold yet.

    Args:
        session: where the models are.
        products: columns id (what the demand model calls each product; no NULL, no two the same), price (in
            the market's money; NULL where it is not known) and row (STRUCT, what the delay model reads).
        asked: with which models, for how long.

    Returns:
        place int64 (1 .. n, and NULL for all products together), market, and mean, lo and hi of wanted, days,
        sold and revenue, float64; price; status. NULL where a part is not known.

    Raises:
        XbsqlError: no such model, one of another task or one that was carried from no other market, a model
            that counts periods without a date, an argument out of bounds, a product without a name, named
            twice, or sold in the market already.
    """
    from xbsql.series.read.values import series_names
    from xbsql.series.simulation import LaunchPlan, simulate

    asked.check()
    model = forecaster(session, WHERE, asked.demand)
    cold = _products(series_names(WHERE, products, ("id",)), model.frequency, asked)
    _check_new(session, model.home, cold.names, asked.demand)
    cold = replace(cold, titles=_titles(one_chunk(products["row"]), model.columns.title))
    with session.calls.record("launch", asked.demand, len(products)) as call:
        call.kernel = "draws"
        found = model.forecast(cold, asked.horizon, asked.level)
        days, error = _days(session, one_chunk(products["row"]), asked)
        price = _money(products["price"])
        quantiles, mean = np.maximum(found.quantiles, 0.0), np.maximum(found.yhat, 0.0)
        period = model.frequency.length / DAY
        plan = LaunchPlan(quantiles, mean, days, error, price, asked.price_error, period)
        outcome = simulate(plan, asked.level, asked.draws, asked.seed)
    return _table(outcome, price, asked.market or model.market, found.status)


def _check_new(session: Session, market: Home, names: tuple[str, ...], demand: str) -> None:
    """Refuse a model that knows of no other market, and products that its own market sells."""
    if "verdict" not in session.store.artifact(WHERE, demand).card:
        problem = f"'{demand}' was fitted on its own market alone and knows nothing of products that are new"
        remedy = (
            "carry a home model there: CALL xb.transfer('name', sales_there, 'units', base := 'home_model')"
        )
        raise errors.invalid(WHERE, problem, remedy)
    selling = market.selling(names)
    if selling:
        some = ", ".join(f"'{errors.shown(name, 40)}'" for name in selling[:3])
        problem = f"{len(selling)} of {len(names)} products sell there already ({some})"
        raise errors.invalid(WHERE, problem, "leave them out, and ask xb.forecast for them")


def _products(names: pa.Array, frequency: Frequency, asked: Launch) -> Series:
    """The products as series without a value, which begin at the launch."""
    from xbsql.series.read.series import Series

    named = names.to_pylist()
    if None in named or len(set(named)) < len(named):
        problem = "a product has no id" if None in named else "two products have one id"
        raise errors.invalid(WHERE, problem, "give one row a product")
    if frequency.unit == "count":
        problem = f"'{asked.demand}' counts periods and knows no dates"
        raise errors.invalid(WHERE, problem, "fit it on dates")
    start = int(time.time()) if asked.start is None else asked.start
    first = int(frequency.index(np.array([start]))[0])
    n = len(named)
    blank = np.zeros(0)
    return Series(tuple(named), blank, np.zeros(n + 1, np.int64), np.full(n, first), frequency, ("ok",) * n)


def _titles(rows: pa.Array, title: str | None) -> tuple[str | None, ...] | None:
    """What the products are called, where their rows say so in the column that the demand model reads."""
    if title is None or rows.type.get_field_index(title) < 0:
        return None
    return tuple(written_out(WHERE, title, rows.field(title)).to_pylist())


def _days(session: Session, rows: pa.Array, asked: Launch) -> tuple[Floats, Floats]:
    """The delivery time of each product and its standard deviation; NaN and 0 where there is no model."""
    if asked.delay is None:
        return np.full(len(rows), np.nan), np.zeros(len(rows))
    from scipy.special import ndtri

    found = models.predict(session, asked.delay, rows)
    value, lo, hi = (
        np.array(found.field(name).fill_null(float("nan")).to_numpy(zero_copy_only=False), np.float64)
        for name in ("value", "lo", "hi")
    )
    level = float(getattr(session.model(WHERE, asked.delay), "level", 0.9))
    return value, np.nan_to_num((hi - lo) / 2 / float(ndtri(0.5 + level / 2)))


def _money(price: pa.ChunkedArray) -> Floats:
    if family_of(price.type) not in ("number", "null"):
        raise errors.invalid(WHERE, f"price is {price.type}", "give a number in the market's money")
    whole = one_chunk(price).cast(pa.float64(), safe=False).fill_null(float("nan"))
    return np.array(whole.to_numpy(zero_copy_only=False), np.float64)


def _table(outcome: Outcome, price: Floats, market: str | None, status: tuple[str, ...]) -> pa.Table:
    n = len(price)
    columns: dict[str, pa.Array] = {
        "place": pa.array([*range(1, n + 1), None], pa.int64()),
        "market": pa.array([market] * (n + 1), pa.string()),
    }
    for j, name in enumerate(QUANTITIES):
        for ending, values in (("", outcome.mean), ("_lo", outcome.lo), ("_hi", outcome.hi)):
            columns[f"{name}{ending}"] = pa.array(values[:, j], from_pandas=True)
    columns["price"] = pa.array(np.r_[price, np.nan], from_pandas=True)
    columns["status"] = pa.array([*status, "all products"], pa.string())
    return pa.table(columns)
