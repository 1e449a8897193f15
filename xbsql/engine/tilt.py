"""Answers for a metric that does not count every row alike: rare classes are answered sooner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbsql.metrics import rows as metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats, Labels

TILTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""Powers of a class's share that its probability is divided by: 0 answers the likeliest class, 1 the one that
gained most over its share, which is best for balanced accuracy; F1 lies between."""

RESAMPLES = 50


def factors(y: Labels, classes: int, tilt: float) -> Floats:
    """What each class's probability is multiplied by before the largest is answered.

    Args:
        y: class codes, shape (n,), for the classes' shares; a class without rows counts as one.
        classes: how many.
        tilt: see `TILTS`.

    Returns:
        float64, shape (classes,), the largest 1.
    """
    share = np.maximum(np.bincount(y, minlength=classes), 1.0)
    found = share**-tilt
    return np.asarray(found / found.max())


def tilted(probability: Floats, factor: Floats) -> Floats:
    """Probabilities times factors, summing to 1 again; shape (..., classes)."""
    found = probability * factor
    return np.asarray(found / np.maximum(found.sum(axis=-1, keepdims=True), 1e-300))


def fit_tilt(y: Labels, held_out: Floats, score: Callable[[Labels, Floats, Floats], Floats]) -> float:
    """The tilt that serves a score best, the mean over resamples of the rows: few labels move it little.

    Args:
        y: class codes, shape (n,).
        held_out: out-of-fold probabilities, shape (repeats, n, classes).
        score: of rows with weights, higher is better.
    """
    counts = metrics.bootstrap_counts(len(y), RESAMPLES, 0)
    found = [
        np.mean(
            [score(y, tilted(one, factors(y, held_out.shape[2], tilt)), counts) for one in held_out], axis=0
        )
        for tilt in TILTS
    ]
    best = np.nan_to_num(np.stack(found), nan=-np.inf).argmax(axis=0)
    return float(np.mean(np.array(TILTS)[best]))


def tilted_apart(
    y: Labels, held_out: Floats, folds: NDArray[np.int64], score: Callable[[Labels, Floats, Floats], Floats]
) -> Floats:
    """Predictions with the tilt of the other folds, so that no row has chosen its own.

    Args:
        y: class codes, shape (n,).
        held_out: shape (repeats, n, classes).
        folds: int64, shape (repeats, n).
        score: see `fit_tilt`.
    """
    found = np.empty_like(held_out)
    for repeat, fold in enumerate(folds):
        for out in np.unique(fold):
            others = fold != out
            tilt = fit_tilt(y[others], held_out[repeat : repeat + 1, others], score)
            factor = factors(y[others], held_out.shape[2], tilt)
            found[repeat, ~others] = tilted(held_out[repeat, ~others], factor)
    return found
