"""How alike two domains are, and which sources and features fit the labels.

Unlabelled likeness does not predict the gain of a transfer: these measures explain, and choose only where
there is no label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from xbsql import kernels, metrics
from xbsql.engine.design import dense, fit_design
from xbsql.engine.instance import out_of_fold_market
from xbsql.features.views import stack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Learner, Sample
    from xbsql.engine.design import Layout
    from xbsql.features.views import Features
    from xbsql.metrics import Floats


def proxy_a_distance(source: Features, target: Features, judge: Learner, seed: int = 0) -> float:
    """2 * (1 - 2 * error) of a classifier that tells the markets apart (Ben-David et al., 2007).

    The error is out of fold and balanced, so that unequal numbers of rows do not count.

    Returns:
        0 where they cannot be told apart (negative only by chance), 2 where they are entirely different.
    """
    market, probability = out_of_fold_market(source, target, judge, seed=seed)
    share = market.mean()
    wrong = (probability > share) != (market == 1)
    error = 0.5 * (wrong[market == 1].mean() + wrong[market == 0].mean())
    return float(2.0 * (1.0 - 2.0 * error))


def mean_discrepancy(source: Features, target: Features, layout: Layout) -> float:
    """Squared maximum mean discrepancy of the layout's design (RBF, median width); about 0 if equal."""
    design = fit_design(stack([source, target]), layout)
    return float(kernels.mmd2(dense(design(source)), dense(design(target))))


def source_auc(sample: Sample) -> float:
    """AUC of the home model's score on labelled target rows: below 0.5 it points the wrong way."""
    return float(metrics.auc(sample.y, np.asarray(dense(sample.x["source"]), np.float64)))


def select_sources(predictions: Floats, truth: Floats, *, draws: int = 200, seed: int = 0) -> Floats:
    """Weights of several sources by non-negative stacking; a source whose interval holds 0 is dropped.

    Args:
        predictions: of each source on labelled target rows, shape (sources, n) or (sources, n, classes).
        truth: values, shape (n,), or one-hot classes, shape (n, classes).
        draws: bootstrap resamples of the rows.
        seed: of these.

    Returns:
        float64, shape (sources,), sums to 1; all 0 where no source holds.
    """
    stacked = predictions - predictions.mean(axis=1, keepdims=True)
    goal = truth - truth.mean(axis=0)
    counts = metrics.bootstrap_counts(len(truth), draws, seed)
    found = np.stack([_stack(stacked, goal, row) for row in counts])
    weights = _stack(stacked, goal, np.ones(len(truth)))
    weights = np.where(np.quantile(found, 0.025, axis=0) > 0, weights, 0.0)
    return weights / weights.sum() if weights.sum() > 0 else weights


def _stack(predictions: Floats, truth: Floats, count: Floats) -> Floats:
    root = np.sqrt(count)[:, None] if truth.ndim == 2 else np.sqrt(count)
    matrix = (predictions * root).reshape(len(predictions), -1).T
    return np.asarray(nnls(matrix, (truth * root).ravel())[0], np.float64)


def logme(features: Floats, y: NDArray[np.generic], classes: int | None) -> float:
    """Log evidence a row of a linear model on these features (LogME: You et al., ICML 2021).

    The higher, the better a backbone's features fit the labels; no model has to be tuned for it.

    Args:
        features: shape (n, d).
        y: class codes, or values.
        classes: how many; None for values.
    """
    columns = (
        np.asarray(y, np.float64)[:, None] if classes is None else np.eye(classes)[np.asarray(y, np.int64)]
    )
    left, singular, _ = np.linalg.svd(np.asarray(features, np.float64), full_matrices=False)
    return float(
        np.mean([_log_evidence(left.T @ goal, singular**2, goal, features.shape) for goal in columns.T])
    )


def _log_evidence(projected: Floats, energy: Floats, goal: Floats, shape: tuple[int, ...]) -> float:
    """Maximise the evidence over the precisions of weights and noise by MacKay's fixed point."""
    n, d = shape
    alpha, beta = 1.0, 1.0
    squared = projected**2
    outside = max(float(goal @ goal - squared.sum()), 0.0)
    for _ in range(50):
        precision = alpha + beta * energy
        used = float((beta * energy / precision).sum())
        size = float((beta**2 * energy * squared / precision**2).sum())
        residual = float((squared * (alpha / precision) ** 2).sum()) + outside
        before = alpha
        alpha, beta = used / max(size, 1e-12), (n - used) / max(residual, 1e-12)
        if abs(alpha - before) < 1e-4 * before:
            break
    log_det = float(np.log(alpha + beta * energy).sum()) + (d - len(energy)) * np.log(alpha)
    fit = n * np.log(beta) + d * np.log(alpha) - n * np.log(2 * np.pi) - log_det
    return float((fit - beta * residual - alpha * size) / (2 * n))
