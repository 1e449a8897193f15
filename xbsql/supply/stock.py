"""How much stock to hold: safety stock, reorder point and the newsvendor's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbsql import errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats


def safety_stock(
    where: str, demand: Floats, demand_sd: Floats, lead: Floats, lead_sd: Floats, service: Floats
) -> Floats:
    """Stock that covers demand during the lead time with a probability, beyond what is expected.

    z(service) sqrt(lead demand_sd^2 + demand^2 lead_sd^2), where demand a period and lead time are
    independent and what is sold during the lead time is close to normal (Silver, Pyke and Thomas, Inventory
    and Production Management in Supply Chains, 4th edition, chapter 6: 'both demand and lead time vary').

    Args:
        where: the function, for errors.
        demand: expected units a period, shape (n,), 0 or more.
        demand_sd: its standard deviation a period, 0 or more.
        lead: expected lead time in the same periods, 0 or more.
        lead_sd: its standard deviation in periods, 0 or more.
        service: probability of no stock-out in a replenishment cycle, above 0 and below 1; under .5 the
            stock is negative: less is held than is expected to be sold.

    Returns:
        Units, float64, shape (n,); NaN where an input is NaN.

    Raises:
        XbsqlError: an input is negative, or a service level is no probability.
    """
    from scipy.stats import norm

    named = {"demand": demand, "demand_sd": demand_sd, "lead_time": lead, "lead_time_sd": lead_sd}
    for name, values in named.items():
        if (values < 0).any():
            raise errors.invalid(where, f"{name} is {values[values < 0][0]:g}", "give numbers from 0 on")
    _probability(where, "service_level", service)
    spread = np.sqrt(lead * demand_sd**2 + demand**2 * lead_sd**2)
    return np.asarray(norm.ppf(service) * spread, np.float64)


def spread_of(where: str, lo: Floats, hi: Floats, level: Floats) -> Floats:
    """The standard deviation of a normal whose central interval [lo, hi] holds a share of it.

    (hi - lo) / (2 z((1 + level) / 2)): turns the interval of a prediction or of a forecast into the standard
    deviation that `safety_stock` reads.

    Raises:
        XbsqlError: hi below lo, or a level that is no share.
    """
    from scipy.stats import norm

    _probability(where, "level", level)
    if (hi < lo).any():
        raise errors.invalid(where, "hi is below lo", "give the lower end first")
    return np.asarray((hi - lo) / (2 * norm.ppf((1 + level) / 2)), np.float64)


def newsvendor(
    where: str, levels: NDArray[np.float64], quantiles: NDArray[np.float64], under: float, over: float
) -> float:
    """The order that is best for one selling period: the quantile of demand at under / (under + over).

    The critical ratio of Arrow, Harris and Marschak (Econometrica, 1951). Between two quantiles that are
    given the order is on the line between them; beyond the outermost nothing is known and it is an error.

    Args:
        where: the function, for errors.
        levels: float64, shape (q,): ascending, above 0 and below 1.
        quantiles: float64, shape (q,): of demand at these levels, ascending.
        under: what one unit too few costs, above 0.
        over: what one unit too many costs, above 0.

    Raises:
        XbsqlError: costs or levels out of their range, or a ratio outside the levels.
    """
    if not (np.isfinite([under, over]).all() and under > 0 and over > 0):
        raise errors.invalid(where, f"underage is {under:g} and overage {over:g}", "give costs above 0")
    _probability(where, "level", levels)
    if len(levels) != len(quantiles) or not len(levels):
        problem = f"there are {len(levels)} levels and {len(quantiles)} quantiles"
        raise errors.invalid(where, problem, "give one quantile a level")
    if (np.diff(levels) <= 0).any() or (np.diff(quantiles) < 0).any():
        raise errors.invalid(where, "levels or quantiles do not ascend", "sort both by level")
    ratio = under / (under + over)
    if not levels[0] <= ratio <= levels[-1]:
        problem = f"the critical ratio {ratio:.3g} is outside the levels {levels[0]:g} to {levels[-1]:g}"
        raise errors.invalid(where, problem, "give quantiles that reach so far")
    return float(np.interp(ratio, levels, quantiles))


def on_time(days: Floats, lo: Floats, hi: Floats, level: float, promise: Floats) -> Floats:
    """Probability that a delivery takes no longer than promised; float64, shape (n,).

    The error is taken for normal, with the spread that the interval has (see `spread_of`). NaN where there is
    no interval.
    """
    from scipy.stats import norm

    sd = (hi - lo) / (2 * norm.ppf((1 + level) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = norm.cdf((promise - days) / sd)
    return np.asarray(np.where(sd > 0, found, np.where(np.isnan(sd), np.nan, promise >= days)), np.float64)


def _probability(where: str, name: str, values: Floats) -> None:
    wrong = values[(values <= 0) | (values >= 1)]
    if len(wrong):
        raise errors.invalid(where, f"{name} is {wrong[0]:g}", "give a share above 0 and below 1: 0.95")
