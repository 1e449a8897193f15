"""What to expect of each customer of a market, with intervals that held on its own last period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from xbsql.customers.lifetime import (
    Histories,
    Rates,
    Worth,
    alive,
    draw_spend,
    expected_orders,
    expected_value,
    fit_rates,
    fit_worth,
)
from xbsql.customers.orders import Orders, summed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

DRAWS = 400
CHUNK = 4_096
ENOUGH = 40
"""Customers whose last period is known, from which on intervals are held to what happened."""
BACK = (0, 1, 2, 4)
"""Half periods before the last day, at which intervals are tried."""
MOST = 20_000
"""Customers that parameters and intervals are learnt from; of more, every so many."""
SEED = 0


@dataclass(frozen=True)
class Lifetime:
    """The fitted process of a market.

    Attributes:
        rates, worth: its parameters.
        value: the median worth of its customers' orders.
        kept: the share of the money that does not come back.
    """

    rates: Rates
    worth: Worth
    value: float
    kept: float

    @classmethod
    def of(cls, customers: Histories, kept: float = 1.0, home: Lifetime | None = None) -> Lifetime:
        """Fitted to customers, with home as the prior."""
        step = -(-len(customers) // MOST)
        some = customers.at(np.arange(0, len(customers), step))
        rates = fit_rates(some, home.rates if home else None)
        worth = fit_worth(some, *((home.worth, home.value) if home else ()))
        return cls(rates, worth, float(np.median(some.value)), kept)

    def draws(self, customers: Histories, days: float) -> Floats:
        """Draws of what each spends, (n, DRAWS)."""
        return self.kept * draw_spend(self.rates, self.worth, customers, days, DRAWS, SEED)


@dataclass(frozen=True)
class Outlook:
    """What is expected of customers within some days; arrays (n,).

    Attributes:
        basis: 'calibrated' where the interval was held to the market's own last period, else 'model'.
        alive: the probability that he is still a customer.
        orders, value, spend: how many orders, what one is worth, what comes in after returns; means.
        typical: the median of the spend, of least absolute error.
        lo, hi: of spend.
    """

    basis: str
    alive: Floats
    orders: Floats
    value: Floats
    spend: Floats
    typical: Floats
    lo: Floats
    hi: Floats


def outlook(orders: Orders, days: int, level: float, home: Lifetime | None = None) -> Outlook:
    """What to expect of those who ordered.

    Args:
        orders: with at least one.
        days: ahead.
        level: the share of truths that lo and hi shall hold, above 0 and below 1.
        home: another market's process, the prior.
    """
    given = orders.histories()
    by = given.order()
    customers = given.at(by)
    market = Lifetime.of(customers, orders.kept, home)
    levels = _tried(orders, days, level, home)
    typical, lo, hi = _quantiles(market, customers, days, levels or ((1 - level) / 2, (1 + level) / 2, level))
    number = expected_orders(market.rates, customers, days)
    value = expected_value(market.worth, customers)
    back, spend = np.argsort(by), number * value * market.kept
    here = alive(market.rates, customers)
    basis = "calibrated" if levels else "model"
    found = (here, number, value, spend, typical, lo, hi)
    return Outlook(basis, *(each[back] for each in found))


def _tried(orders: Orders, days: int, level: float, home: Lifetime | None) -> tuple[float, ...] | None:
    """The widest of the quantiles at which earlier periods lay as often as asked; None where none can say.

    One period tells its own season alone: where the year rises it leaves out too many. So the last one is
    tried, and those that ended half a period, one and two before, as far as the table goes back.
    """
    found = []
    for halves in BACK:
        until = orders.until - halves * days // 2
        told = _held(orders if not halves else Orders.of(orders.lines, until), days, level, home)
        found += [] if told is None else [told]
    if not found:
        return None
    low, *above = zip(*found, strict=True)
    return (min(low), *(max(each) for each in above))


def _held(orders: Orders, days: int, level: float, home: Lifetime | None) -> tuple[float, ...] | None:
    """At which quantiles of the draws the last period lay as often as asked; None where too few can say.

    The lower end, the upper end, and the upper end where the lower one is 0, below which nobody spends.

    Split conformal prediction on the probability integral transform: the ends are order statistics of the
    shares of draws below the truth (Chernozhukov, Wüthrich and Zhu 2021, Distributional conformal
    prediction).
    """
    past = Orders.of(orders.lines, orders.until - days)
    if len(past.some) < ENOUGH or orders.until - past.first[past.some].min() < 2 * days:
        return None
    given = past.histories()
    by = given.order()
    customers = given.at(by)
    market = Lifetime.of(customers, past.kept, home)
    since = orders.lines.where(orders.lines.day > past.until)
    truth = summed(since.user, since.amount, len(past.number))[past.some[by]]
    step = -(-len(customers) // MOST)
    some = np.arange(0, len(customers), step)
    draws = market.draws(customers.at(some), days)
    at = truth[some, None]
    tie = np.random.default_rng(SEED).random(len(some))
    share = np.sort((draws < at).mean(axis=1) + tie * (draws == at).mean(axis=1))
    asked = ((len(share) + 1) * each for each in ((1 - level) / 2, (1 + level) / 2, level))
    low, *above = asked
    upper = [float(share[int(np.ceil(rank)) - 1]) if rank <= len(share) else 1.0 for rank in above]
    return (float(share[int(low) - 1]) if low >= 1 else 0.0, *upper)


def _quantiles(
    market: Lifetime, customers: Histories, days: int, levels: tuple[float, ...]
) -> tuple[Floats, Floats, Floats]:
    """The median of the draws and both ends, some customers at a time; see `_tried`."""
    found = np.empty((4, len(customers)))
    for start in range(0, len(customers), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(customers)))
        found[:, rows] = np.quantile(market.draws(customers.at(rows), days), (0.5, *levels), axis=1)
    median, low, high, alone = found
    return median, low, np.where(low > 0, high, alone)
