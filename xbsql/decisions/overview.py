"""What was sold in each market: how much, to whom, when, and at which prices beside home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql.arrow import one_chunk
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.decisions.similarity import Comparison

    Floats = NDArray[np.float64]

WEEK: Final = 7
FEWEST_WEEKS: Final = 8
"""Whole weeks of sales from which on a market is looked ahead for."""
FEWEST_PRICES: Final = 5
"""Prices of a category that each side has where they are compared."""


class Sold(NamedTuple):
    """The sales of a market; None for what no column says.

    Attributes:
        market: its name.
        rows: lines.
        customers: how many different ones.
        paid: what they paid, in the market's own money.
        currency: of that; None where it is not known or there are several.
        at_home: what they paid in home's money; None where no rate says.
        first: the first day, ISO 8601.
        last: the last.
    """

    market: str
    rows: int
    customers: int | None = None
    paid: float | None = None
    currency: str | None = None
    at_home: float | None = None
    first: str | None = None
    last: str | None = None


class Gap(NamedTuple):
    """Prices of a category in a market and at home.

    Attributes:
        market: which.
        category: of products, as both sides name it.
        prices: how many the market has.
        gap: the market's median over home's in one money, less 1.
    """

    market: str
    category: str
    prices: int
    gap: float


def sold(compared: Comparison, market: str, rows: pa.Table) -> Sold:
    """What the rows of a market come to."""
    has, found = compared.columns, Sold(market, len(rows))
    if not len(rows):
        return found
    if "customer" in has:
        count = pc.count_distinct(one_chunk(as_text(rows[has["customer"]]))).as_py()
        found = found._replace(customers=count)
    if "amount" in has:
        money = sorted(compared.currencies(rows))
        own = float(np.nansum(compared.amounts(rows, "amount")))
        at_home = _at_home(compared, rows, own)
        found = found._replace(paid=own, currency=money[0] if len(money) == 1 else None, at_home=at_home)
    days = compared.days(rows) if "ts" in has else np.empty(0)
    days = np.floor(days[np.isfinite(days)])
    if len(days):
        first, last = (str(np.datetime64(int(day), "D")) for day in (days.min(), days.max()))
        found = found._replace(first=first, last=last)
    return found


def _at_home(compared: Comparison, rows: pa.Table, own: float) -> float | None:
    """All that was paid in home's money; None where it is several or not known."""
    here, there = compared.currencies(compared.home), compared.currencies(rows)
    if here == there and len(here) == 1:
        return own
    if compared.rates is None or compared.apart(rows) or len(here) != 1:
        return None
    return float(np.nansum(compared.worth(rows, "amount")) / compared.rates.latest(here.pop()))


def weekly(compared: Comparison, markets: Mapping[str, pa.Table]) -> pa.Table:
    """What each market sold in each week; weeks end on the last day of all and are whole.

    Returns:
        market (text), week (date32, its first day) and amount (float64: of lines where no amount is known);
        a market of fewer than `FEWEST_WEEKS` weeks is left out.
    """
    has = compared.columns
    days = {name: np.floor(compared.days(rows)) for name, rows in markets.items()}
    last = max((each[np.isfinite(each)].max(initial=-np.inf) for each in days.values()), default=-np.inf)
    found: dict[str, list[Any]] = {"market": [], "week": [], "amount": []}
    for name, rows in markets.items():
        paid = compared.amounts(rows, "amount") if "amount" in has else np.ones(len(rows))
        kept = np.isfinite(days[name]) & np.isfinite(paid)
        back = ((last - days[name][kept]) // WEEK).astype(np.int64)
        if not len(back):
            continue
        whole = int((last - days[name][kept].min() + 1) // WEEK)  # the first week may have begun before
        if whole < FEWEST_WEEKS:
            continue
        total = np.bincount(back[back < whole], paid[kept][back < whole], minlength=whole)
        weeks = last + 1 - WEEK * (np.arange(whole) + 1)
        found["market"] += [name] * whole
        found["week"] += weeks.astype("datetime64[D]").tolist()
        found["amount"] += total.tolist()
    kinds = {"market": pa.string(), "week": pa.date32(), "amount": pa.float64()}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in found.items()})


def price_gaps(compared: Comparison, markets: Mapping[str, pa.Table], most: int) -> list[Gap]:
    """The categories of which a market has most prices, at most `most` a market, beside home's."""
    if not {"category", "price"} <= compared.columns.keys():
        return []
    here = _by_category(compared, compared.home)
    found: list[Gap] = []
    for market, rows in markets.items():
        if compared.apart(rows):
            continue
        there = _by_category(compared, rows)
        shared = sorted(here.keys() & there.keys(), key=lambda name: (-len(there[name]), name))
        found += [
            Gap(market, name, len(there[name]), float(np.median(there[name]) / np.median(here[name]) - 1))
            for name in shared[:most]
        ]
    return found


def _by_category(compared: Comparison, rows: pa.Table) -> dict[str, Floats]:
    """Prices above 0 of each category that has enough of them."""
    price = compared.worth(rows, "price")
    coded = one_chunk(as_text(rows[compared.columns["category"]])).dictionary_encode()
    code = coded.indices.fill_null(-1).to_numpy().astype(np.int64)
    kept = (price > 0) & (code >= 0)
    order = np.argsort(code[kept], kind="stable")
    codes, first = np.unique(code[kept][order], return_index=True)
    parts = np.split(price[kept][order], first[1:]) if len(codes) else []
    names = coded.dictionary.to_pylist()
    return {
        names[c]: part for c, part in zip(codes.tolist(), parts, strict=True) if len(part) >= FEWEST_PRICES
    }
