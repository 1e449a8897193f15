"""Markets ranked by what they would bring, with intervals that hold together, and what changes the order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.stats import t

from xbsql.decisions.landed import Sale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

DRAWN: Final = ("units", "price", "cost", "freight", "days")
"""What may have an interval."""

LEVERS: Final = ("units", "price", "cost", "freight", "duty", "vat")
"""What the order is tried for; `price` also stands for the currency's rate, as their product counts."""

DRAWS: Final = 2000

FREEDOM: Final = 6
"""Degrees of freedom of shocks: intervals are made from few weeks and few parcels, and their tails are not
normal. Chosen on simulated worlds that are not reported."""

SAME: Final = 1e-12
"""Margins that differ by less than this share of the largest are equal."""

FARTHEST: Final = 1.0
"""Changes by more than this share of an input are not told."""


class Uncertain(NamedTuple):
    """A number with its interval; shape (rows,) each. Without an interval lo and hi are the value."""

    value: Floats
    lo: Floats
    hi: Floats

    def drawn(self, z: Floats, level: float) -> Floats:
        """The number at shocks of Student's t: `lo` and `hi` are its quantiles, `value` the median.

        Each side has a spread of its own: of the logarithm where all three are above 0, else of the number,
        which then never falls below 0.

        Args:
            z: shape (draws, rows).
            level: the share of outcomes between lo and hi.

        Returns:
            Shape (draws, rows).
        """
        width = t.ppf(0.5 + level / 2, FREEDOM)
        logs = (self.lo > 0) & (self.value > 0) & (self.hi > 0)
        value, lo, hi = (np.where(logs, np.log(np.where(logs, each, 1.0)), each) for each in self)
        spread = np.where(z > 0, hi - value, value - lo) / width
        plain = value + spread * z
        return np.asarray(np.where(logs, np.exp(np.where(logs, plain, 0.0)), np.maximum(plain, 0.0)))


@dataclass(frozen=True)
class Plan:
    """What would be sold where.

    Attributes:
        markets: names, M of them, each with rows.
        market: int64, shape (rows,): the market of each row.
        inputs: by the names in `DRAWN`; units, price and the costs in home's money; days may be NaN.
        duty: share of each row.
        vat: share of each row.
        level: of all intervals.
        together: 0 .. 1, the correlation of what the rows of one market are off by.
        promise: days; None: nothing is promised.
        seed: of the draws.
    """

    markets: tuple[str, ...]
    market: Ints
    inputs: Mapping[str, Uncertain]
    duty: Floats
    vat: Floats
    level: float = 0.9
    together: float = 0.5
    promise: float | None = None
    seed: int = 0

    @cached_property
    def sale(self) -> Sale:
        """By the values."""
        values = {name: self.inputs[name].value for name in DRAWN if name != "days"}
        return Sale(**values, duty=self.duty, vat=self.vat)

    @cached_property
    def shocked(self) -> dict[str, Floats]:
        """Every input in every draw; shape (DRAWS, rows)."""
        rng = np.random.default_rng(self.seed)
        found = {}
        for name in DRAWN:
            shared = rng.standard_normal((DRAWS, len(self.markets)))[:, self.market]
            own = rng.standard_normal((DRAWS, len(self.market)))
            heavy = np.sqrt(FREEDOM / rng.chisquare(FREEDOM, (DRAWS, len(self.markets))))[:, self.market]
            z = heavy * (np.sqrt(self.together) * shared + np.sqrt(1.0 - self.together) * own)
            found[name] = self.inputs[name].drawn(z, self.level)
        return found

    def margins(self, *names: str) -> Floats:
        """The margin of each market in each draw of these inputs, the others at their values; (DRAWS, M)."""
        drawn = {name: self.shocked[name] for name in names if name != "days"}
        return self.summed(replace(self.sale, **drawn).margin)

    def summed(self, rows: Floats) -> Floats:
        """The sum of each market's rows; (..., rows) -> (..., M)."""
        member = self.market[:, None] == np.arange(len(self.markets))
        return np.asarray(rows @ member.astype(np.float64))


def ranked(plan: Plan) -> list[dict[str, Any]]:
    """One row a market, the best first: its margin and rank with intervals, and what it is made of.

    `lo` and `hi` hold the margins of all markets at once with the level's probability; rank_lo and rank_hi
    hold each market's own rank.
    """
    margin, draws = plan.summed(plan.sale.margin), plan.margins(*DRAWN)
    lo, hi = simultaneous(draws, plan.level)
    first, last = places(draws)
    tails = (0.5 - plan.level / 2, 0.5 + plan.level / 2)
    rank_lo, rank_hi = (
        np.quantile(each, tail, axis=0, method="nearest").astype(int)
        for each, tail in zip((first, last), tails, strict=True)
    )
    best = np.where(first == 1, 1.0 / last, 0.0).mean(axis=0)
    totals = {
        "units": plan.summed(plan.sale.units),
        "revenue": plan.summed(plan.sale.revenue),
        "freight": plan.summed(plan.sale.units * plan.sale.freight),
        "duty": plan.summed(plan.sale.duties),
        "vat": plan.summed(plan.sale.revenue * plan.vat),
    }
    days, on_time = _delivery(plan)
    order = np.argsort(-margin, kind="stable")
    return [
        {
            "rank": rank, "market": plan.markets[m], "margin": float(margin[m]), "lo": min(lo[m], margin[m]),
            "hi": max(hi[m], margin[m]), "rank_lo": int(rank_lo[m]), "rank_hi": int(rank_hi[m]),
            "best": float(best[m]), **{n: float(v[m]) for n, v in totals.items()},
            "days": days[m], "on_time": on_time[m],
        }
        for rank, m in enumerate(order, start=1)
    ]  # fmt: skip


def _delivery(plan: Plan) -> tuple[list[float | None], list[float | None]]:
    """The mean days of each market by its units, and the share of draws within the promise."""
    days, units = plan.inputs["days"].value, plan.sale.units
    known = np.isfinite(days)
    weight = np.where(known, np.maximum(units, 1e-12), 0.0)
    total = plan.summed(weight)
    mean = plan.summed(weight * np.where(known, days, 0.0)) / np.maximum(total, 1e-300)
    told = [float(value) if there else None for value, there in zip(mean, total > 0, strict=True)]
    if plan.promise is None:
        return told, [None] * len(told)
    timely = (plan.shocked["days"] <= plan.promise).mean(axis=0)
    share = plan.summed(weight * timely) / np.maximum(total, 1e-300)
    return told, [float(value) if there else None for value, there in zip(share, total > 0, strict=True)]


def places(draws: Floats) -> tuple[Ints, Ints]:
    """The first and the last place of each column in each draw, the largest at 1; equals share theirs.

    Args:
        draws: shape (d, M); what differs by less than `SAME` of the draw's largest is equal.
    """
    slack = SAME * np.abs(draws).max(axis=1, initial=0.0)
    first, last = np.empty(draws.shape, np.int64), np.empty(draws.shape, np.int64)
    for m, own in enumerate(draws.T):
        first[:, m] = 1 + (draws > (own + slack)[:, None]).sum(axis=1)
        last[:, m] = (draws >= (own - slack)[:, None]).sum(axis=1)
    return first, last


def simultaneous(draws: Floats, level: float) -> tuple[Floats, Floats]:
    """Intervals that hold all columns at once for at least `level` of the draws.

    Besag, Green, Higdon and Mengersen, "Bayesian computation and stochastic systems", Statistical Science 10
    (1995): of every draw the depth of its most extreme column counts.

    Args:
        draws: shape (d, M).
        level: share of the draws.

    Returns:
        lo and hi, shape (M,).
    """
    d = len(draws)
    place = np.argsort(np.argsort(draws, axis=0, kind="stable"), axis=0)
    depth = np.minimum(place, d - 1 - place).min(axis=1)
    kept = int(np.quantile(depth, 1.0 - level, method="lower"))
    ordered = np.sort(draws, axis=0)
    return ordered[kept], ordered[d - 1 - kept]


def sensitivity(plan: Plan) -> list[dict[str, Any]]:
    """What would change the order of two markets that follow each other: one row an input of either.

    Returns:
        market, input, against (the neighbour), change (the share by which that input of `market` would have
        to change for both to bring the same; none further than `FARTHEST`), probability (of the other order
        where that input alone is off as its interval says, None without one). The smallest change first.
    """
    margin = plan.summed(plan.sale.margin)
    order = np.argsort(-margin, kind="stable")
    found = []
    alone = {name: plan.margins(name) for name in LEVERS if name in DRAWN and _uncertain(plan.inputs[name])}
    for better, worse in pairwise(order):
        gap = float(margin[better] - margin[worse])
        for market, other, wanted in ((better, worse, -gap), (worse, better, gap)):
            for lever in LEVERS:
                change = _change(plan, lever, market, wanted)
                if change is None or abs(change) > FARTHEST:
                    continue
                chance = None
                if lever in alone:
                    chance = float((alone[lever][:, better] < alone[lever][:, worse]).mean())
                found.append(
                    {"market": plan.markets[market], "input": lever, "change": change,
                     "against": plan.markets[other], "probability": chance}
                )  # fmt: skip
    return sorted(found, key=lambda row: (abs(row["change"]), row["market"], row["input"]))


def _uncertain(of: Uncertain) -> bool:
    return bool((of.hi > of.lo).any())


def _change(plan: Plan, lever: str, market: int, wanted: float) -> float | None:
    """The share by which an input of a market changes its margin by `wanted`; None where none does."""
    rows, sale = plan.market == market, plan.sale
    if lever == "vat":
        return _vat_change(sale, rows, wanted)
    pieces = {
        "units": sale.margin,
        "price": sale.revenue,
        "cost": -sale.units * sale.cost * (1.0 + sale.duty),
        "freight": -sale.units * sale.freight * (1.0 + sale.duty),
        "duty": -sale.duties,
    }
    slope = float(pieces[lever][rows].sum())  # the margin is a line in each of them
    return None if slope == 0 else wanted / slope


def _vat_change(sale: Sale, rows: NDArray[np.bool_], wanted: float) -> float | None:
    """The same for VAT, where the market has one rate: revenue is gross / (1 + rate)."""
    rates = np.unique(sale.vat[rows])
    if len(rates) != 1 or rates[0] == 0:
        return None
    gross, net = float((sale.units * sale.price)[rows].sum()), float(sale.revenue[rows].sum()) + wanted
    return None if net <= 0 else (gross / net - 1.0) / float(rates[0]) - 1.0
