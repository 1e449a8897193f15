"""Linear discriminant analysis on text: a class is its mean, and directions in which rows scatter count less.

In closed form, so that thousands of classes cost one pass over the rows: Fisher, 1936; the covariance within
classes is drawn to a multiple of the identity (Friedman, "Regularized Discriminant Analysis", JASA 1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from xbsql.engine.candidates.linear import LinearPredictor
from xbsql.engine.candidates.process import sharpest
from xbsql.engine.design import Layout, dense, fit_design

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.metrics.rows import Floats

SHRUNK = 0.1
"""Share of the identity in the covariance within classes."""

ROWS_A_MEAN = 1.0
"""Rows at the mean of all that every class has beside its own: a class of one row is no sure thing."""

MOST_SHARPENED = 2000
"""Rows that say how sharp probabilities may be."""


@dataclass(frozen=True)
class Discriminant:
    """Fits a line on the view 'text' for every class.

    Attributes:
        classes: how many there are; one without rows has the score of a class at the mean of all.
    """

    classes: int

    def fit(self, sample: Sample) -> LinearPredictor:
        """Fit on the rows of one sample, whose weights count."""
        x, y = np.asarray(dense(sample.x["text"]), np.float32), np.asarray(sample.y, np.int64)
        weight = np.ones(len(y)) if sample.weight is None else sample.weight
        count = np.bincount(y, weights=weight, minlength=self.classes).astype(np.float64)
        centre = np.asarray(weight.astype(np.float32) @ x, np.float64) / weight.sum()
        sums = _sums(x, y, weight, self.classes)
        mean = (sums + ROWS_A_MEAN * centre) / (count + ROWS_A_MEAN)[:, None]
        inverse = _inverse(x, y, weight, mean)
        lines = mean @ inverse
        offset = -0.5 * np.einsum("cd,cd->c", lines, mean) + np.log(count + ROWS_A_MEAN)
        factor = self._sharpness(x, y, count, mean, lines, offset)
        design = fit_design(sample.x.take(slice(0, 1)), Layout(("text",)))
        return LinearPredictor(design, np.ascontiguousarray(factor * lines.T), factor * offset, self.classes)

    def _sharpness(
        self, x: NDArray[np.float32], y: NDArray[np.int64], count: Floats, mean: Floats, lines: Floats,
        offset: Floats,
    ) -> float:  # fmt: skip
        """What scores are multiplied by: the least loss on rows whose class has its mean without them."""
        rows = np.random.default_rng(0).permutation(np.flatnonzero(count[y] > 1.5))[:MOST_SHARPENED]
        if len(rows) < 30:
            return 0.3
        scores = x[rows] @ lines.T.astype(np.float32) + offset
        left = 1.0 / (count[y[rows]] + ROWS_A_MEAN)
        away = np.einsum("nd,nd->n", x[rows] - mean[y[rows]], lines[y[rows]])
        scores[np.arange(len(rows)), y[rows]] -= left * away
        return sharpest(scores, y[rows], np.geomspace(0.02, 2.0, 24))


def _sums(x: NDArray[np.float32], y: NDArray[np.int64], weight: Floats, classes: int) -> Floats:
    """The weighted sum of each class's rows, float64, (classes, d)."""
    cells = weight.astype(np.float32), (y, np.arange(len(y)))
    member = csr_matrix(cells, shape=(classes, len(y)))
    return np.asarray(member @ x, np.float64)


def _inverse(x: NDArray[np.float32], y: NDArray[np.int64], weight: Floats, mean: Floats) -> Floats:
    """The inverse of the shrunken covariance within classes, in units of its mean variance."""
    total = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), 16_384):
        part = x[start : start + 16_384] - mean[y[start : start + 16_384]].astype(np.float32)
        total += (part * weight[start : start + 16_384, None].astype(np.float32)).T @ part
    total /= weight.sum()
    size = max(float(np.trace(total)) / len(total), 1e-12)
    shrunk = (1 - SHRUNK) * total + SHRUNK * size * np.eye(len(total))
    return np.asarray(np.linalg.inv(shrunk), np.float64)
