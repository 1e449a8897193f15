"""How the log level of a market follows from its facts: a mean over beliefs which of them are its size."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SPREAD, SPREAD_WEIGHT = 0.5, 2.0
"""Standard deviation of log levels that is believed before any market is seen, and how many it counts as."""
SIZES: Final = 3
"""Facts that a level may be proportional to at once: people, income and those online of them."""
MOST_FACTS: Final = 12
"""Facts up to which all sets of so many are tried; of more one at a time."""
NEAR_ONE, FREE = 0.5, 1.0
"""How far the elasticity of a fact that is a size may lie from 1, and that of any other from 0, in units of
the deviation of levels. Chosen on seeds of the simulator that `bench.few` does not report."""
FLAT: Final = 1e-9


class Line(NamedTuple):
    """A log level as a line in told facts.

    Attributes:
        coefficients: float64 (1 + k,), the constant first.
        covariance: float64 (1 + k, 1 + k), of them.
        deviation: of a market about the line.
        freedom: degrees of freedom of Student's t.
    """

    coefficients: Floats
    covariance: Floats
    deviation: float
    freedom: float


class _Fit(NamedTuple):
    evidence: float
    coefficients: Floats
    covariance: Floats
    variance: float


def fit_line(told: Floats, levels: Floats, elastic: Floats) -> Line:
    """Learn the line from few markets, fewer often than there are facts.

    A level is often proportional to something, to people say, but which fact is that something the data has
    to tell. Each set of up to three facts that vary is a belief: elasticities near 1 in the set, near 0
    outside of it. Under each the line is a conjugate Bayesian regression; the beliefs are averaged by what
    probability they gave to the levels seen (Raftery, Madigan and Hoeting, JASA 1997).

    Args:
        told: float64 (n, k), facts about their mean in units of their deviation, 0 where unknown.
        levels: float64 (n,), n at least 1.
        elastic: float64 (k,), what an elasticity of 1 is of the told fact: the deviation of its log; 0 of a
            fact that is read as it is.
    """
    x = np.concatenate([np.ones((len(told), 1)), told], axis=1)
    fits = [_fit(x, levels, center, reach) for center, reach in _beliefs(told, elastic)]
    evidence = np.array([fit.evidence for fit in fits])
    weight = np.exp(evidence - evidence.max())
    weight /= weight.sum()
    coefficients = np.einsum("b,bi->i", weight, np.stack([fit.coefficients for fit in fits]))
    apart = np.stack([fit.coefficients for fit in fits]) - coefficients
    covariance = np.einsum("b,bij->ij", weight, np.stack([fit.covariance for fit in fits]))
    covariance += np.einsum("b,bi,bj->ij", weight, apart, apart)
    deviation = float(np.sqrt(weight @ np.array([fit.variance for fit in fits])))
    return Line(coefficients, covariance, deviation, SPREAD_WEIGHT + len(levels) - 1)


def _beliefs(told: Floats, elastic: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Where coefficients are believed to lie, and how far off; float64 (k,) each."""
    usual = np.where(elastic > 0, elastic, 1.0)
    sizes = np.flatnonzero((elastic > 0) & (told != 0).any(axis=0)).tolist()
    for number in range((SIZES if len(sizes) <= MOST_FACTS else 1) + 1):
        for chosen in combinations(sizes, number):
            inside = np.isin(np.arange(len(elastic)), chosen)
            yield np.where(inside, elastic, 0.0), np.where(inside, NEAR_ONE, FREE) * usual


def _fit(x: Floats, levels: Floats, center: Floats, reach: Floats) -> _Fit:
    """The conjugate regression under one belief; the evidence is a log, up to what all beliefs share."""
    ridge = np.r_[FLAT, 1 / np.square(reach)]
    start = np.r_[0.0, center]
    left = levels - x @ start
    bend = x.T @ x + np.diag(ridge)
    found = np.linalg.solve(bend, x.T @ left)
    squares = np.square(left - x @ found).sum() + (ridge * np.square(found))[1:].sum()
    freedom = SPREAD_WEIGHT + len(levels) - 1
    sum_ = SPREAD_WEIGHT * SPREAD**2 + squares
    evidence = np.log(ridge[1:]).sum() - np.linalg.slogdet(bend)[1] - freedom * np.log(sum_)
    variance = float(sum_ / freedom)
    return _Fit(float(evidence) / 2, start + found, variance * np.linalg.inv(bend), variance)
