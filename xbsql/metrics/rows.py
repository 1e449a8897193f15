"""Scores and losses: one loss per unit, then the mean.

Every score takes optional weights of shape (..., n) and returns shape (...): one weight vector gives one
score, and a matrix of bootstrap counts gives all resampled scores at once. Scores that a resample leaves
undefined (one class only, no variance) are NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Floats: TypeAlias = "NDArray[np.float64]"
Labels: TypeAlias = "NDArray[Any]"

SMALLEST_PROBABILITY = 1e-4

MOST_DRAWN = 10_000
"""Independent units that a bootstrap draws; of more, random bundles of a size, whose means vary alike."""


def log_loss(y: Labels, probability: Floats) -> Floats:
    """Negative log probability of the true class, per unit.

    Probabilities are clipped at 1e-4 from below, so one confident miss costs at most 9.2.

    Args:
        y: integer class codes, shape (n,).
        probability: shape (n, classes).

    Returns:
        float64, shape (n,).
    """
    true = probability[np.arange(len(y)), y]
    return np.asarray(-np.log(np.clip(true, SMALLEST_PROBABILITY, 1.0)))


def squared_error(y: Labels, value: Floats) -> Floats:
    """(y - value)^2 per unit; float64, shape (n,)."""
    return np.square(np.asarray(y, np.float64) - value)


def absolute_error(y: Labels, value: Floats) -> Floats:
    """|y - value| per unit; float64, shape (n,)."""
    return np.abs(np.asarray(y, np.float64) - value)


def hits(y: Labels, probability: Floats) -> Floats:
    """1 where the most probable class is the true one, else 0; the lower class wins a tie. Shape (n,)."""
    return np.asarray(probability.argmax(axis=1) == y, np.float64)


def mean(loss: Floats, weight: Floats | None = None) -> Floats:
    """Weighted mean of a per-unit loss.

    Args:
        loss: shape (n,).
        weight: shape (..., n), or None for equal weights.

    Returns:
        float64, shape (...).
    """
    if weight is None:
        return np.asarray(loss.mean())
    return _ratio(weight @ loss, weight.sum(axis=-1))


def accuracy(y: Labels, probability: Floats, weight: Floats | None = None) -> Floats:
    """Share of units whose most probable class is the true one; weight as in `mean`."""
    return mean(hits(y, probability), weight)


def macro_f1(y: Labels, probability: Floats, weight: Floats | None = None) -> Floats:
    """Mean over the classes that occur, in truth or as a prediction, of their F1; weight as in `mean`."""
    weight = _weights(y, weight)
    guess, classes = probability.argmax(axis=1), probability.shape[1]
    both = 2.0 * _by_class(weight * (guess == y), y, classes)
    occurring = _by_class(weight, y, classes) + _by_class(weight, guess, classes)
    f1 = _ratio(both, occurring)
    return np.asarray(_ratio(np.nansum(f1, axis=-1), (occurring > 0).sum(axis=-1)))


def balanced_accuracy(y: Labels, probability: Floats, weight: Floats | None = None) -> Floats:
    """Mean over the classes that occur of the share of their units that are found; weight as in `mean`."""
    weight, classes = _weights(y, weight), probability.shape[1]
    size = _by_class(weight, y, classes)
    found = _ratio(_by_class(weight * hits(y, probability), y, classes), size)
    return np.asarray(_ratio(np.nansum(found, axis=-1), (size > 0).sum(axis=-1)))


def f1(y: Labels, probability: Floats, weight: Floats | None = None) -> Floats:
    """F1 of the rarest class of `y`, of equally rare ones the last; weight as in `mean`.

    NaN where it neither occurs nor is predicted.
    """
    weight = _weights(y, weight)
    classes = np.arange(probability.shape[1])
    counts = np.bincount(y, minlength=len(classes))
    present = classes[counts > 0]
    rare = present[counts[present] == counts[present].min()][-1]
    truth, guess = y == rare, probability.argmax(axis=1) == rare
    return _ratio(2.0 * (weight @ (truth & guess)), weight @ truth + weight @ guess)


def auc(y: Labels, probability: Floats, weight: Floats | None = None) -> Floats:
    """Area under the ROC curve; ties count half.

    With two classes that of class 1; with more the mean over the classes that occur of class against rest.

    Args:
        y: integer class codes, shape (n,).
        probability: shape (n, classes).
        weight: shape (..., n), or None.

    Returns:
        float64, shape (...); NaN where only one class has weight.
    """
    weight = _weights(y, weight)
    if probability.shape[1] == 2:
        return _binary_auc(y == 1, probability[:, 1], weight)
    areas = [_binary_auc(y == code, probability[:, code], weight) for code in np.unique(y)]
    defined = ~np.isnan(areas)
    return np.asarray(_ratio(np.where(defined, areas, 0.0).sum(axis=0), defined.sum(axis=0)))


def r2(y: Labels, value: Floats, weight: Floats | None = None) -> Floats:
    """1 - squared error / squared deviation from the weighted mean; weight as in `mean`."""
    weight = _weights(y, weight)
    y = np.asarray(y, np.float64)
    total = weight.sum(axis=-1)
    centred = y - y.mean()
    squares = weight @ np.square(centred)
    deviation = squares - _ratio(np.square(weight @ centred), total)
    deviation = np.where(deviation > 1e-12 * squares, deviation, 0.0)
    return np.asarray(1.0 - _ratio(weight @ squared_error(y, value), deviation))


def mae(y: Labels, value: Floats, weight: Floats | None = None) -> Floats:
    """Mean absolute error (lower is better); weight as in `mean`."""
    return mean(absolute_error(y, value), weight)


def calibration_error(y: Labels, probability: Floats, weight: Floats | None = None, bins: int = 10) -> Floats:
    """Expected calibration error of the most probable class over equally filled bins.

    The weighted mean over the bins of |accuracy - mean confidence| (Naeini et al., 2015); equally filled bins
    because a small set leaves most equally wide ones empty.

    Args:
        y: integer class codes, shape (n,).
        probability: shape (n, classes).
        weight: shape (..., n), or None.
        bins: how many; no more than n are used.

    Returns:
        float64, shape (...), between 0 and 1.
    """
    weight = _weights(y, weight)
    confidence = probability.max(axis=1)
    order = np.argsort(confidence, kind="stable")
    edges = np.linspace(0, len(y), min(bins, len(y)) + 1).astype(int)[:-1]
    gap = (weight * (hits(y, probability) - confidence))[..., order]
    return np.asarray(_ratio(np.abs(np.add.reduceat(gap, edges, axis=-1)).sum(axis=-1), weight.sum(axis=-1)))


def bootstrap_counts(n: int, draws: int, seed: int, group: NDArray[np.integer] | None = None) -> Floats:
    """How often each of n units occurs in each of `draws` resamples with replacement.

    Args:
        n: units.
        draws: resamples.
        seed: of the generator.
        group: shape (n,): whole groups are drawn, as units of a group are not independent; None draws units.

    Returns:
        float64, shape (draws, n).
    """
    generator = np.random.default_rng(seed)
    if group is None and n <= MOST_DRAWN:
        return generator.multinomial(n, np.full(n, 1.0 / n), size=draws).astype(np.float64)
    member = np.arange(n) if group is None else np.unique(group, return_inverse=True)[1]
    groups = int(member.max()) + 1
    if groups > MOST_DRAWN:
        member, groups = (generator.permutation(groups) % MOST_DRAWN)[member], MOST_DRAWN
    counts = generator.multinomial(groups, np.full(groups, 1.0 / groups), size=draws)
    return counts.astype(np.float64).take(member, axis=1)


def interval(draws: Floats, level: float = 0.95) -> tuple[float, float]:
    """The central interval of bootstrap draws, NaN draws left out; (NaN, NaN) where none is left."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return float("nan"), float("nan")
    tail = (1.0 - level) / 2.0
    lo, hi = np.quantile(known, [tail, 1.0 - tail])
    return float(lo), float(hi)


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share of n units (Wilson, JASA 1927): it has a width where all are alike."""
    n, z2 = max(n, 1.0), 1.96**2
    centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n)
    radius = 1.96 / (1.0 + z2 / n) * np.sqrt(share * (1.0 - share) / n + z2 / (4.0 * n * n))
    return max(float(centre - radius), 0.0), min(float(centre + radius), 1.0)


def _weights(y: Labels, weight: Floats | None) -> Floats:
    return np.ones(len(y)) if weight is None else weight


def _by_class(weight: Floats, y: Labels, classes: int) -> Floats:
    """The sum of the weights of each class's units; (..., n) -> float64 (..., classes)."""
    order = np.argsort(y, kind="stable")
    there, first = np.unique(y[order], return_index=True)
    found = np.zeros((*weight.shape[:-1], classes))
    if len(there):
        found[..., there] = np.add.reduceat(weight[..., order], first, axis=-1)
    return found


def _ratio(above: Floats, below: Floats) -> Floats:
    """`above / below`, NaN where below is 0."""
    below = np.asarray(below, np.float64)
    empty = np.full(np.broadcast(above, below).shape, np.nan)
    return np.asarray(np.divide(above, below, out=empty, where=below != 0))


def _binary_auc(positive: NDArray[np.bool_], score: Floats, weight: Floats) -> Floats:
    """Weighted Mann-Whitney statistic: scores sorted once, ties summed, then cumulative weights."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sorted_weight = weight[..., order]
    above, below = sorted_weight * positive[order], sorted_weight * ~positive[order]
    if len(starts) < len(score):
        above, below = (np.add.reduceat(side, starts, axis=-1) for side in (above, below))
    won = above * (np.cumsum(below, axis=-1) - 0.5 * below)
    return _ratio(won.sum(axis=-1), above.sum(axis=-1) * below.sum(axis=-1))
