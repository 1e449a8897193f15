"""Fixed share: weights over experts that follow whoever is best at the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xbsql.metrics.rows import Floats

SHARE = 0.01
"""What every unit gives back to the prior: an expert that was wrong for long returns within some units."""

WORST = 5.0
"""A unit's loss counts as at most so much more than the least one, so that one outlier decides nothing."""


def fixed_share(losses: Floats, prior: Floats, start: Floats | None = None, share: float = SHARE) -> Floats:
    """The weights before each unit and after the last.

    Herbster and Warmuth, "Tracking the best expert", Machine Learning 32 (1998): a weight falls by
    exp(-loss), then all give a share back, here to the prior. With log losses it is the Bayesian mixture
    of all sequences of experts that change with probability `share`.

    Args:
        losses: float64, shape (n, K): log losses, or squared errors over twice their usual size.
        prior: shape (K,), positive, sums to 1.
        start: weights before the first unit; None: the prior.
        share: 0 .. 1.

    Returns:
        float64, shape (n + 1, K), each row sums to 1.
    """
    found = np.empty((len(losses) + 1, len(prior)))
    found[0] = prior if start is None else start
    factor = np.exp(-np.minimum(losses - losses.min(axis=1, keepdims=True), WORST))
    for unit, each in enumerate(factor):
        moved = found[unit] * each
        found[unit + 1] = (1.0 - share) * moved / moved.sum() + share * prior
    return found
