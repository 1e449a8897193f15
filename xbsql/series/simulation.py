"""What a launch may bring, by drawing demand, delivery time and price together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.series.fan import SCORES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHARED: Final = 0.5
"""Share of the variance of a period's demand, in normal scores, that all periods of a product share."""
BATCH: Final = 100
QUANTITIES: Final = 4
"""Wanted, days, sold, revenue."""


@dataclass(frozen=True)
class LaunchPlan:
    """What is known of n products before they are sold in a market.

    Attributes:
        demand: float64 (n, horizon, 9), quantiles at the levels of a fan, none negative.
        mean: float64 (n, horizon), expected demand; NaN where nothing is known.
        days: float64 (n,), expected delivery time.
        days_error: float64 (n,), its standard deviation.
        price: float64 (n,).
        price_error: standard deviation of the log of all prices together: an exchange rate.
        period: days of a period.
    """

    demand: Floats
    mean: Floats
    days: Floats
    days_error: Floats
    price: Floats
    price_error: float
    period: float


class Outcome(NamedTuple):
    """Mean and interval of each quantity; float64 (n + 1, 4) each, the last row for all products together."""

    mean: Floats
    lo: Floats
    hi: Floats


def simulate(plan: LaunchPlan, level: float, draws: int, seed: int) -> Outcome:
    """Draw what happens from the day the goods leave to the end of the horizon.

    A draw has one delivery time a product, one demand a period (of which half the variance is common to all
    periods of the product: one that sells better than expected goes on doing so), and one change of price for
    all products. Wanted is the demand of the horizon; sold is the part of it after the goods arrived; revenue
    is sold times price. So the interval of revenue is that of the draws, and no product of three interval
    ends. Products are independent but for the price; the days of all together are their mean.

    Args:
        plan: n products.
        level: the share of draws between lo and hi.
        draws: how many.
        seed: the same gives the same.
    """
    n = len(plan.mean)
    price = np.exp(plan.price_error * np.random.default_rng((seed, 0)).standard_normal(draws))
    found = Outcome(*(np.full((n + 1, QUANTITIES), np.nan) for _ in range(3)))
    total = np.zeros((QUANTITIES, draws))
    counted = 0
    for rows, drawn in _drawn(plan, draws, seed):
        revenue = drawn[2] * plan.price[rows][:, None] * price
        values = np.stack([*drawn, revenue], axis=1)
        _summarise(found, rows, values, level)
        known = np.isfinite(values[:, 0]).all(axis=1)
        total += np.nan_to_num(values[known]).sum(axis=0)
        counted += int(known.sum())
    total[1] /= max(counted, 1)
    _summarise(found, np.array([n]), total[None], level)
    if not np.isfinite(plan.days).any():
        found.mean[n, 1] = found.lo[n, 1] = found.hi[n, 1] = np.nan
    if not np.isfinite(plan.price).any():
        found.mean[n, 3] = found.lo[n, 3] = found.hi[n, 3] = np.nan
    return found


def _drawn(plan: LaunchPlan, draws: int, seed: int) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    """Rows of products, and wanted, days and sold of each draw: float64 (3, rows, draws)."""
    horizon = plan.mean.shape[1]
    for number, begin in enumerate(range(0, len(plan.mean), BATCH), 1):
        rows = np.arange(begin, min(begin + BATCH, len(plan.mean)))
        generator = np.random.default_rng((seed, number))
        common = generator.standard_normal((len(rows), 1, draws))
        own = generator.standard_normal((len(rows), horizon, draws))
        score = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own
        demand = _at(plan.demand[rows], score)
        usual = demand.mean(axis=2)
        demand *= np.divide(plan.mean[rows], usual, out=np.ones_like(usual), where=usual > 0)[..., None]
        error = plan.days_error[rows][:, None] * generator.standard_normal((len(rows), draws))
        days = np.maximum(plan.days[rows][:, None] + error, 0.0)
        there = np.arange(1, horizon + 1)[:, None] - (np.nan_to_num(days) / plan.period)[:, None]
        sold = (demand * np.clip(there, 0.0, 1.0)).sum(axis=1)
        yield rows, np.stack([demand.sum(axis=1), days, sold])


def _at(quantiles: Floats, score: Floats) -> Floats:
    """Values at normal scores, on the line between the quantiles and beyond them; never negative.

    Args:
        quantiles: float64 (n, horizon, 9).
        score: float64 (n, horizon, draws).
    """
    right = np.clip(np.searchsorted(SCORES, score), 1, len(SCORES) - 1)
    share = (score - SCORES[right - 1]) / (SCORES[right] - SCORES[right - 1])
    lower = np.take_along_axis(quantiles, right - 1, axis=2)
    upper = np.take_along_axis(quantiles, right, axis=2)
    return np.asarray(np.maximum(lower + share * (upper - lower), 0.0), np.float64)


def _summarise(found: Outcome, rows: NDArray[np.int64], values: Floats, level: float) -> None:
    """Write mean and interval of draws, float64 (rows, 4, draws), into these rows."""
    found.mean[rows] = values.mean(axis=2)
    ends = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], axis=2)
    found.lo[rows], found.hi[rows] = ends
