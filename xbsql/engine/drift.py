"""Whether a column has moved: distances, and how likely chance alone brings them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import chi2, kstwobign, pearson3, skew

from xbsql import kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats

BINS = 10
"""Parts that a reference's quantiles cut a number into, for its PSI."""

PERMUTATIONS = 200

MOST_IN_MEMORY = 1000
"""Rows of both sides together that permutations are drawn for."""


class Moved(NamedTuple):
    """How far a column has moved.

    Attributes:
        value: the distance.
        p: the probability that chance alone brings as much.
    """

    value: float
    p: float


def ks(reference: Floats, now: Floats) -> Moved:
    """The Kolmogorov-Smirnov distance of two samples, 0 to 1, and its asymptotic p.

    Args:
        reference: shape (n,), n >= 1, without NaN.
        now: shape (m,), likewise.
    """
    here, there = np.sort(reference), np.sort(now)
    both = np.concatenate([here, there])
    below = [np.searchsorted(side, both, side="right") / len(side) for side in (here, there)]
    distance = float(np.abs(below[0] - below[1]).max())
    size = np.sqrt(len(here) * len(there) / (len(here) + len(there)))
    return Moved(distance, float(kstwobign.sf(distance * (size + 0.12 + 0.11 / size))))


def shares_moved(reference: Floats, now: Floats) -> Moved:
    """The population stability index of counts, and the p of a chi-squared test that they are alike.

    PSI is the sum of (q - p) ln(q / p); half a row is added to every count, so that an empty one is no
    infinity. What a PSI of so few rows is by chance (Yurdakul and Naranjo, "Statistical properties of the
    population stability index", 2020) is taken off; it is 0 at least.

    Args:
        reference: counts, shape (k,).
        now: counts of the same parts.
    """
    kept = (reference + now) > 0
    a, b = reference[kept], now[kept]
    p, q = ((side + 0.5) / (side + 0.5).sum() for side in (a, b))
    chance = (len(a) - 1) * (1.0 / max(a.sum(), 1) + 1.0 / max(b.sum(), 1))
    value = max(float(((q - p) * np.log(q / p)).sum()) - chance, 0.0)
    if len(a) < 2:
        return Moved(value, 1.0)
    table = np.stack([a, b])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float((np.square(table - expected) / np.maximum(expected, 1e-12)).sum())
    return Moved(value, float(chi2.sf(statistic, len(a) - 1)))


def psi(reference: Floats, now: Floats) -> float:
    """The PSI of numbers, cut at the deciles of the reference; shape (n,) and (m,), without NaN."""
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = [
        np.bincount(np.searchsorted(edges, s, side="right"), minlength=len(edges) + 1)
        for s in (reference, now)
    ]
    return shares_moved(*(np.asarray(side, np.float64) for side in counts)).value


SAME = 1e-9
"""Squared distance of rows that are held for one, as a share of their squared length: rounding."""


def mmd(reference: NDArray[np.float32], now: NDArray[np.float32], seed: int = 0) -> Moved:
    """The squared mean discrepancy of vectors (RBF, median width), and its p among permutations of the rows.

    Gretton et al., "A kernel two-sample test", JMLR 13 (2012). The kernel matrix is asked once for all
    permutations: each is a vector of signs.

    Args:
        reference: shape (n, d), n >= 2.
        now: shape (m, d), m >= 2.
        seed: of the permutations.
    """
    both = np.ascontiguousarray(np.concatenate([reference, now]), np.float32)
    n, m = len(reference), len(now)
    step = max(1, len(both) // 500)
    some = both[::step].astype(np.float64)
    square = np.square(some).sum(axis=1)
    apart = square[:, None] + square - 2.0 * some @ some.T
    apart = apart[np.triu_indices(len(some), 1)]
    apart = apart[apart > SAME * max(float(square.max()), 1.0)]  # most rows may be one, such as an empty text
    if not len(apart):
        return Moved(0.0, 1.0)
    median = float(np.median(apart))
    signs = np.concatenate([np.full(n, 1.0 / n), np.full(m, -1.0 / m)])
    rng = np.random.default_rng(seed)
    every = np.stack([signs, *(rng.permutation(signs) for _ in range(PERMUTATIONS))], axis=1)
    found = (every * np.asarray(kernels.rbf_matvec(both, both, every, gamma=1.0 / median))).sum(axis=0)
    value = float(kernels.mmd2(both[:n], both[n:], gamma=1.0 / median))
    return Moved(value, _chance(float(found[0]), np.asarray(found[1:], np.float64)))


def _chance(found: float, permuted: Floats) -> float:
    """The share of permutations that come to as much; beyond all of them the tail of their Pearson III curve.

    Without a tail, 200 permutations are never surer than 1 in 201, which the correction for a handful of
    columns takes above any usual alpha. The curve has their mean, variance and skewness, as in Josse, Pages
    and Husson, "Testing the significance of the RV coefficient", CSDA 53 (2008).
    """
    reached = int((permuted >= found).sum())
    least = 1.0 / (1 + len(permuted))
    if reached or permuted.std() <= 0:
        return (1 + reached) * least
    tail = pearson3.sf(found, max(float(skew(permuted)), 0.0), permuted.mean(), permuted.std(ddof=1))
    return min(float(tail), least)


def holm(p: Sequence[float]) -> Floats:
    """P corrected for how many there are: alarms below alpha are false with probability alpha at most.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979); any dependence. Shape (n,).
    """
    order = np.argsort(p, kind="stable")
    raised = np.asarray(p, np.float64)[order] * (len(p) - np.arange(len(p)))
    found = np.empty(len(p))
    found[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return found
