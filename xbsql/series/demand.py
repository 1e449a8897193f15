"""Demand of a product before, and after, its own history speaks: a prior from its market and from home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.series.fan import LEVELS, fan_of, repeated, weighted_quantiles
from xbsql.series.history import context
from xbsql.series.home import FACTS, Home
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.series.method import Known
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

MEMORY: Final = 8
"""Values of its own history that a product's quantiles are judged by."""
LONG_MEMORY: Final = 16
"""Values that its mean is judged by: one order in eight moves a mean more than a quantile."""
LARGE: Final = 0.95
"""Quantile of the market's sales above which a value teaches the prior no more than that quantile."""
GRID: Final = 99
FEWEST: Final = 400
"""Values from which on products of other sizes get a shape of their own."""
MOST_SHAPES: Final = 8
LEAST_STRENGTH, MOST_STRENGTH = 2.0, 100.0
RIDGE: Final = 10.0
NOTHING: Final = 1e-9
"""The prior mean where no product of a market has ever sold anything."""
GROWTH: Final = 0.2
"""How much of a product's growth at home is expected here: its elasticity."""


@restorable("series_demand")
@dataclass(frozen=True)
class Demand:
    """A prior distribution of each product's demand, and its own history beside it.

    The mean of a product is log-linear in what home sells of it; around that mean demand is spread as in the
    market's own products of about this size (the shape: zeros, single pieces, whole cartons). The fan is that
    of a Dirichlet process (Ferguson, 1973): prior and own values side by side, the prior counting as many
    values as the market's products differ little (the credibility of Buehlmann, 1967); the mean remembers
    more of its own values than the quantiles do. The largest orders teach the prior mean no more than large
    ones (winsorised at the 95th percentile of sales), so that one does not lift every product. A product
    without any history has the prior alone. Demand is amounts; all steps have one fan, at the level that
    home's recent growth lets expect.

    Attributes:
        home: what home says; None where nothing is read of it: all products have one mean then.
        coefficients: float64 (1 + k,), of the log of the mean.
        edges: float64 (shapes - 1,), means at which one shape ends and the next begins.
        shapes: float64 (shapes, 99), evenly spaced quantiles of value over mean.
        spread: values of prior strength of a product whose mean is 1; inversely proportional to the mean.
    """

    home: Home | None
    coefficients: Floats
    edges: Floats
    shapes: Floats
    spread: float

    def means(self, series: Series) -> Floats:
        """The prior mean of each product; float64 (n,)."""
        return np.asarray(np.exp(_design(self.home, series) @ self.coefficients))

    def growth(self, names: Sequence[str]) -> Floats:
        """What home's growth multiplies a product's demand by; float64 (n,)."""
        if self.home is None:
            return np.ones(len(names))
        return np.asarray(np.exp(GROWTH * self.home.facts(names)[:, 1]))

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10); the prior's for an empty series."""
        mean = self.means(history)
        prior = self.shapes[np.searchsorted(self.edges, mean)] * mean[:, None]
        long = context(history, LONG_MEMORY)
        own = long[:, -MEMORY:]
        counted = np.isfinite(own)
        strength = np.clip(self.spread / mean, LEAST_STRENGTH, MOST_STRENGTH)
        values = np.concatenate([np.where(counted, own, 0.0), prior], axis=1)
        each = np.repeat((strength / GRID)[:, None], GRID, axis=1)
        weight = np.concatenate([counted.astype(np.float64), each], axis=1)
        middle = (np.nansum(long, axis=1) + strength * mean) / (np.isfinite(long).sum(axis=1) + strength)
        fan = fan_of(weighted_quantiles(values, weight, LEVELS), middle)
        return repeated(fan * self.growth(history.names)[:, None], horizon)

    def state(self) -> State:
        """The forecaster as data."""
        arrays = {"coefficients": self.coefficients, "edges": self.edges, "shapes": self.shapes}
        parts = {} if self.home is None else {"home": self.home.state()}
        return State("series_demand", {"spread": self.spread}, arrays, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The forecaster again."""
        home = restore(state.parts["home"]) if "home" in state.parts else None
        names = ("coefficients", "edges", "shapes")
        coefficients, edges, shapes = (np.asarray(state.arrays[name], np.float64) for name in names)
        return cls(home, coefficients, edges, shapes, state.config["spread"])


def fit_demand(known: Known, home: Home | None) -> Demand:
    """Learn means, shapes and the strength of the prior from the products that have a history."""
    past = context(known.target, MEMORY)
    rows = np.isfinite(past[:, -1])
    past = past[rows]
    counted = np.isfinite(past)
    usual = _without_large(past)
    number, total = counted.sum(axis=1), np.where(counted, usual, 0.0).sum(axis=1)
    shown = known.target.take(rows)
    design = _design(home, shown)
    coefficients = _log_linear(*_lessons(home, shown, design, total / number, number.astype(np.float64)))
    mean = np.exp(design @ coefficients)
    edges, shapes = _shapes(past, mean)
    return Demand(home, coefficients, edges, shapes, _spread(usual, mean))


def _without_large(past: Floats) -> Floats:
    """Values no larger than nearly all sales of the market: one order is no lesson for other products."""
    sales = past[past > 0]
    return np.minimum(past, np.quantile(sales, LARGE)) if len(sales) else past


def _design(home: Home | None, series: Series) -> Floats:
    """What the mean is made of: 1, home's level and whether it sells the product, or else what titles say."""
    if home is None:
        return np.ones((len(series), 1))
    facts = home.facts(series.names)[:, [0, FACTS - 1]]
    unsold = facts[:, 1:] == 0
    alike = home.alike(series) * unsold if unsold.any() else np.zeros((len(series), 2))
    return np.concatenate([np.ones((len(series), 1)), facts, alike], axis=1)


def _lessons(
    home: Home | None, series: Series, design: Floats, average: Floats, weight: Floats
) -> tuple[Floats, Floats, Floats]:
    """Design, averages and weights to learn from: each product once more as if home did not sell it."""
    if home is None or home.vectors is None or series.titles is None:
        return design, average, weight
    unsold = np.zeros_like(design)
    unsold[:, 0], unsold[:, FACTS:] = 1.0, home.alike(series)
    return np.concatenate([design, unsold]), np.tile(average, 2), np.tile(weight, 2)


def _log_linear(design: Floats, average: Floats, weight: Floats) -> Floats:
    """Coefficients of a Poisson regression of averages, ridge on all but the first; Newton steps.

    Averages count in units of the usual one, so that money of any currency and pieces are learnt alike.
    """
    usual = float(weight @ average / weight.sum()) or NOTHING
    average, weight = average / usual, weight / weight.mean()
    found = np.zeros(design.shape[1])
    ridge = RIDGE * np.r_[1e-9, np.ones(design.shape[1] - 1)]
    for _ in range(50):
        mean = np.exp(np.clip(design @ found, -20.0, 20.0))
        slope = design.T @ (weight * (average - mean)) - ridge * found
        step = np.linalg.solve((design * (weight * mean)[:, None]).T @ design + np.diag(ridge), slope)
        found = found + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-9:
            break
    found[0] += np.log(usual)
    return found


def _shapes(past: Floats, mean: Floats) -> tuple[Floats, Floats]:
    """Where products are divided by size, and the quantiles of value over mean in each part."""
    parts = int(np.clip(np.isfinite(past).sum() // FEWEST, 1, MOST_SHAPES))
    ordered = np.sort(mean)
    edges = np.unique(ordered[[len(ordered) * k // parts for k in range(1, parts)]])
    part, ratio = np.searchsorted(edges, mean), past / mean[:, None]
    at = (np.arange(GRID) + 0.5) / GRID
    shapes = []
    for k in range(len(edges) + 1):
        inside = ratio[part == k] if (part == k).any() else ratio
        shapes.append(np.nanquantile(inside, at))
    return edges, np.stack(shapes)


def _spread(past: Floats, mean: Floats) -> float:
    """Variance within products over that between them, each in its natural unit (mean, squared mean)."""
    counted = np.isfinite(past)
    number = counted.sum(axis=1)
    average = np.where(counted, past, 0.0).sum(axis=1) / number
    square = np.where(counted, np.square(past - average[:, None]), 0.0).sum(axis=1)
    expected = (average * np.maximum(number - 1, 0)).sum()
    within = square.sum() / expected if expected > 0 else 0.0
    between = (np.square(average - mean) - within * mean / number).sum() / np.square(mean).sum()
    return float(within / max(between, 1e-3))
