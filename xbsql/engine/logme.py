"""How well a line over features could tell labels, without fitting one: the logarithm of maximum evidence.

LogME (You et al., ICML 2021, arXiv:2102.11005): of every class a Bayesian linear regression whose two
variances are those that the labels are likeliest under. It orders features, of networks say, by what can be
learnt on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEPS: Final = 50
CLOSE: Final = 1e-4
_LEAST: Final = 1e-10


def logme(features: NDArray[np.floating], y: NDArray[np.int64]) -> float:
    """The mean over classes of the log evidence a row; larger is better.

    Args:
        features: shape (n, d).
        y: class codes, shape (n,); two classes or more.

    Raises:
        ValueError: one class alone, or shapes that do not agree.
    """
    rows, classes = np.asarray(features, np.float64), np.unique(y)
    if len(rows) != len(y) or len(classes) < 2:
        raise ValueError("logme: give as many labels as rows, of two classes or more")
    ends, lengths, _ = np.linalg.svd(rows, full_matrices=False)
    truth = np.asarray(np.asarray(y)[:, None] == classes, np.float64)
    squares = (ends.T @ truth) ** 2
    rest = np.maximum((truth**2).sum(axis=0) - squares.sum(axis=0), 0.0)
    found = [_evidence(lengths**2, squares[:, k], float(rest[k]), len(rows)) for k in range(len(classes))]
    return float(np.mean(found))


def _evidence(sigma: Floats, squares: Floats, rest: float, n: int) -> float:
    """The greatest log evidence a row of one class's indicator.

    Args:
        sigma: squared singular values of the features, shape (k,).
        squares: squared coordinates of the indicator along them, shape (k,).
        rest: what of its squared length lies outside.
        n: rows.
    """
    alpha = beta = 1.0
    for _ in range(STEPS):
        ratio = alpha / beta
        gamma = float((sigma / (sigma + ratio)).sum())
        weight = float((sigma * squares / (ratio + sigma) ** 2).sum())
        residual = float((squares / (1.0 + sigma / ratio) ** 2).sum()) + rest
        alpha, beta = gamma / (weight + _LEAST), max(n - gamma, _LEAST) / (residual + _LEAST)
        if abs(alpha / beta - ratio) <= CLOSE * ratio:
            break
    found = len(sigma) * np.log(alpha) + n * np.log(beta) - np.log(alpha + beta * sigma).sum()
    found -= beta * residual + alpha * weight + n * np.log(2.0 * np.pi)
    return float(found / (2.0 * n))
