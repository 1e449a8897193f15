"""Weights moved to where the mixture itself loses least; what its members lose alone is where they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xbsql.metrics import Floats

PULL = 3.0
"""How many labels' loss a unit of divergence from the first weights costs."""

STEPS = 150
RATE = 2.0
SMALLEST = 1e-3
"""A mixture's probability of the truth counts as no less, so that one miss does not decide the weights."""


def refined(weights: Floats, parts: Floats, truth: Floats | None, labels: int) -> Floats:
    """The weights whose mixture loses least out of fold, drawn to the given ones.

    Members that err in different places are worth more together than their own losses say. Minimises the mean
    loss of the mixture plus PULL / labels times the Kullback-Leibler divergence from `weights`, by exponentiated
    gradient (Kivinen and Warmuth, 1997); the pull is what keeps few labels from being fitted.

    Args:
        weights: shape (K,), sum to 1; a member without weight gets none.
        parts: out-of-fold values of each member, shape (K, m), or its probabilities of the true class.
        truth: the values, shape (m,): squared error in units of the first mixture's; None: log loss.
        labels: how many labels stand behind the m entries (repeats are no further labels).

    Returns:
        float64, shape (K,), sums to 1.
    """
    kept = np.flatnonzero(weights > 0)
    start, matrix = weights[kept], np.ascontiguousarray(parts[kept], np.float64)
    scale = 1.0
    if truth is not None:
        scale = max(float(np.square(truth - start @ matrix).mean()), 1e-12)
    found, pull = start.copy(), PULL / labels
    for _ in range(STEPS):
        mixed = found @ matrix
        if truth is None:
            slope = -1.0 / np.maximum(mixed, SMALLEST)
        else:
            slope = (mixed - truth) / scale
        gradient = matrix @ slope / len(mixed) + pull * np.log(np.maximum(found, 1e-12) / start)
        moved = np.log(np.maximum(found, 1e-300)) - RATE * (gradient - found @ gradient)
        found = np.exp(moved - moved.max())
        found /= found.sum()
    every = np.zeros(len(weights))
    every[kept] = found
    return every
