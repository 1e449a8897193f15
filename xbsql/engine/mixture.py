"""Weights moved to where the mixture itself loses least; what its members lose alone is where they start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xbsql.metrics.rows import Floats

PULL = 3.0
"""How many labels' loss a unit of divergence from the first weights costs."""

STEPS = 150
RATE = 2.0
STILL = 1e-6
"""Where no weight moves by more in a step, none moves any further that would be seen."""
SMALLEST = 1e-3
"""A mixture's probability of the truth counts as no less, so that one miss does not decide the weights."""


@dataclass(frozen=True)
class Mixture:
    """What is minimised: the loss of the mixture, and its divergence from the first weights.

    Attributes:
        start: the first weights, positive, shape (K,).
        parts: values of each member, or its probabilities of the true class, shape (K, m).
        truth: values, shape (m,); None for probabilities.
        share: of each entry in the loss, shape (m,), sums to 1.
        pull: what a unit of divergence costs.
    """

    start: Floats
    parts: Floats
    truth: Floats | None
    share: Floats
    pull: float

    @cached_property
    def scale(self) -> float:
        """Squared error of the first mixture; 1 for probabilities."""
        if self.truth is None:
            return 1.0
        return max(float(self.share @ np.square(self.truth - self.start @ self.parts)), 1e-12)

    def at(self, weights: Floats) -> tuple[float, Floats]:
        """What is minimised, and its derivative by the weights up to a constant, shape (K,)."""
        mixed, away = weights @ self.parts, self._logs(weights)
        if self.truth is None:
            held = np.maximum(mixed, SMALLEST)
            loss, each = -(self.share @ np.log(held)), -self.share / held
        else:
            off = mixed - self.truth
            each = self.share * off / self.scale
            loss = 0.5 * (each @ off)
        return float(loss + self.pull * (weights @ away)), self.parts @ each + self.pull * away

    def _logs(self, weights: Floats) -> Floats:
        return np.asarray(np.log(np.maximum(weights, 1e-12) / self.start))


def refined(weights: Floats, parts: Floats, truth: Floats | None, share: Floats, labels: float) -> Floats:
    """The weights whose mixture loses least out of fold, drawn to the given ones.

    Members that err in different places are worth more together than their own losses say. Minimises the
    mean loss of the mixture plus PULL / labels times the Kullback-Leibler divergence from `weights`, by
    exponentiated gradient (Kivinen and Warmuth, 1997); a step that would cost more is tried at half the rate.
    The pull is what keeps few labels from being fitted.

    Args:
        weights: shape (K,), sum to 1; a member without weight gets none.
        parts: out-of-fold values of each member, shape (K, m), or its probabilities of the true class.
        truth: the values, shape (m,): half the squared error in units of the first mixture's; None: log loss.
        share: how much each entry counts, shape (m,), in any unit.
        labels: how many independent labels stand behind the m entries (repeats are no further labels).

    Returns:
        float64, shape (K,), sums to 1; never costs more than `weights`.
    """
    kept = np.flatnonzero(weights > 0)
    shown = np.ascontiguousarray(parts[kept], np.float64)
    mixture = Mixture(weights[kept], shown, truth, share / share.sum(), PULL / labels)
    found, rate = weights[kept], RATE
    least, slope = mixture.at(found)
    for _ in range(STEPS):
        moved = np.log(np.maximum(found, 1e-300)) - rate * (slope - found @ slope)
        tried = np.exp(moved - moved.max())
        tried /= tried.sum()
        cost, ahead = mixture.at(tried)
        if cost <= least:
            still = np.abs(tried - found).max() < STILL
            found, least, slope = tried, cost, ahead
            if still:
                break
        else:
            rate /= 2.0
    every = np.zeros(len(weights))
    every[kept] = found
    return every
