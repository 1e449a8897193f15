"""Fans: what may come at each step of each series, as nine quantiles and a mean.

A fan is float64 of shape (n, horizon, 10): columns 0 .. 8 are the quantiles at `LEVELS`, ascending, column 9
is the mean. The nine levels are those of the M5 Uncertainty competition (Makridakis et al., 2022): with the
median they are the ends of the 50, 67, 95 and 99 % intervals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVELS: Final = np.array([0.005, 0.025, 0.165, 0.25, 0.5, 0.75, 0.835, 0.975, 0.995])
MEDIAN, MEAN, COLUMNS = 4, 9, 10
SCORES: Final = ndtri(LEVELS)
"""The levels as standard normal scores: between and beyond them quantiles are read off linearly in these."""


def fan_of(quantiles: Floats, mean: Floats) -> Floats:
    """The fan of quantiles, float64 (..., 9), which are sorted, and means, (...)."""
    return np.concatenate([np.sort(quantiles, axis=-1), mean[..., None]], axis=-1)


def mean_of(quantiles: Floats) -> Floats:
    """The mean of what has these nine quantiles, linear between them and nothing beyond: (..., 9) -> (...).

    A mean that is estimated for itself follows single large orders, which the quantiles do not.
    """
    edges = np.concatenate([[0.0], (LEVELS[1:] + LEVELS[:-1]) / 2, [1.0]])
    return np.asarray(quantiles @ np.diff(edges))


def normal_fan(mean: Floats, deviation: Floats) -> Floats:
    """The fan of normal distributions; both arguments of one shape (...)."""
    return fan_of(mean[..., None] + deviation[..., None] * SCORES, mean)


def repeated(fan: Floats, horizon: int) -> Floats:
    """One column set a series, (n, 10), as the fan of every step: (n, horizon, 10)."""
    return np.repeat(fan[:, None], horizon, axis=1)


def weighted_quantiles(values: Floats, weight: Floats, levels: Floats) -> Floats:
    """Weighted quantiles of each row, linear between the middles of the weights.

    Args:
        values: (n, m).
        weight: (n, m), not negative; some of each row positive.
        levels: (k,), ascending, between 0 and 1.

    Returns:
        float64 (n, k).
    """
    order = np.argsort(values, axis=1, kind="stable")
    values, weight = np.take_along_axis(values, order, 1), np.take_along_axis(weight, order, 1)
    place = np.cumsum(weight, axis=1) - 0.5 * weight
    place /= weight.sum(axis=1, keepdims=True)
    found = [np.interp(levels, at, row) for at, row in zip(place, values, strict=True)]
    return np.asarray(found, np.float64).reshape(len(values), len(levels))


def interval(fan: Floats, level: float) -> tuple[Floats, Floats]:
    """The ends of the central interval that holds this share.

    Returns:
        float64 (n, horizon) each.
    """
    wanted = ndtri(np.array([0.5 - level / 2, 0.5 + level / 2]))
    right = np.clip(np.searchsorted(SCORES, wanted), 1, len(SCORES) - 1)
    share = (wanted - SCORES[right - 1]) / (SCORES[right] - SCORES[right - 1])
    ends = fan[..., right - 1] + share * (fan[..., right] - fan[..., right - 1])
    return ends[..., 0], ends[..., 1]


def pinball(y: Floats, fan: Floats) -> Floats:
    """Mean of the nine quantiles' pinball losses.

    Args:
        y: (...).
        fan: (..., 10).

    Returns:
        float64 (...).
    """
    beyond = y[..., None] - fan[..., :MEAN]
    return np.asarray(np.maximum(LEVELS * beyond, (LEVELS - 1.0) * beyond).mean(axis=-1))
