"""Linear learners on any views: softmax regression and ridge, drawn to zero or to given weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.optimize import Bounds
from scipy.sparse import diags, issparse
from scipy.sparse.linalg import LinearOperator, lsqr
from scipy.special import softmax

from xbsql.engine.candidates.softmax import MOST_COLUMNS, softmax_coefficients
from xbsql.engine.design import Design, Layout, fit_design
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.features.views import Features, Matrix
    from xbsql.metrics.rows import Floats

LARGE = 500_000
"""Cells from which on a dense matrix is multiplied in float32, which takes half the time."""


MANY_CLASSES = 500
"""Classes from which on probabilities are made in float32."""


@restorable("linear")
@dataclass(frozen=True)
class LinearPredictor:
    """A design, and what its columns weigh.

    Attributes:
        design: rows -> matrix with d columns.
        coefficients: float64, shape (d, classes), or (d, 1) for values.
        intercept: float64, shape (classes,) or (1,).
        classes: how many; None for values.
    """

    design: Design
    coefficients: Floats
    intercept: Floats
    classes: int | None

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes), or values, shape (n,)."""
        matrix = self.design(x)
        if self.classes is not None and self.classes >= MANY_CLASSES and not issparse(matrix):
            return self._of_many(np.asarray(matrix, np.float32))
        raw = matrix @ self.coefficients.astype(matrix.dtype, copy=False) + self.intercept
        return np.asarray(raw[:, 0] if self.classes is None else softmax(raw, axis=1), np.float64)

    @cached_property
    def _short(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Coefficients and intercept in float32."""
        return self.coefficients.astype(np.float32), self.intercept.astype(np.float32)

    def _of_many(self, matrix: NDArray[np.float32]) -> Floats:
        """Probabilities of many classes, all in float32: a fifth of the time."""
        coefficients, intercept = self._short
        raw = matrix @ coefficients
        raw += intercept
        raw -= raw.max(axis=1, keepdims=True)
        np.exp(raw, out=raw)
        raw /= raw.sum(axis=1, keepdims=True)
        return raw.astype(np.float64)

    def state(self) -> State:
        """The predictor as data."""
        arrays = {"coefficients": self.coefficients, "intercept": self.intercept}
        return State("linear", {"classes": self.classes}, arrays, parts={"design": self.design.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        a = state.arrays
        design = restore(state.parts["design"])
        return cls(design, a["coefficients"], a["intercept"], state.config["classes"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Linear:
    """Softmax regression or ridge with an L2 penalty.

    Attributes:
        layout: the views it reads.
        classes: how many; None fits values.
        penalty: half of it times the squared coefficients is added to the summed loss (1 / C of
            scikit-learn).
        centre: the penalty draws to this predictor's coefficients instead of zero, and its design is used
            (L2-SP: Li et al., ICML 2018). Only the weights of the source are needed, none of its rows.
    """

    layout: Layout
    classes: int | None
    penalty: float = 10.0
    centre: LinearPredictor | None = None

    def fit(self, sample: Sample) -> LinearPredictor:
        """Fit on the rows of one sample, whose weights count."""
        design = self.centre.design if self.centre else fit_design(sample.x, self.layout)
        return fit_linear(design, sample, self.classes, self.penalty, self.centre)


def fit_linear(
    design: Design,
    sample: Sample,
    classes: int | None,
    penalty: float,
    centre: LinearPredictor | None = None,
    scale: Floats | None = None,
) -> LinearPredictor:
    """Fit the coefficients of a design; arguments as in `Linear`.

    The source's score may be passed over but not turned round: a higher score of a class never makes the
    class less likely. A score that is wrong way round is sooner a mistake in the labels than something to
    build on.

    Args:
        design: rows -> matrix with d columns.
        sample: the rows.
        classes: how many; None fits values.
        penalty: see `Linear`.
        centre: see `Linear`.
        scale: float64, shape (d,): multiplies the columns while fitting; a smaller one is penalised more.
    """
    matrix = design(sample.x)
    if scale is not None:
        matrix = matrix @ diags(scale) if issparse(matrix) else matrix * scale.astype(matrix.dtype)
    weight = np.ones(len(sample)) if sample.weight is None else sample.weight
    start = np.zeros((matrix.shape[1] + 1, classes or 1))
    if centre:
        start = np.vstack([centre.coefficients, centre.intercept])
    if classes is None:
        found = _ridge(matrix, np.asarray(sample.y, np.float64), weight, penalty, start, design.source_width)
    else:
        limits = _limits(start.shape, design.source_width)
        if matrix.shape[0] * matrix.shape[1] > LARGE:
            matrix = matrix.astype(np.float32, copy=False)
        y = np.asarray(sample.y, np.int64)
        found = softmax_coefficients(matrix, y, weight, penalty, start, limits)
    coefficients = found[:-1] if scale is None else found[:-1] * scale[:, None]
    return LinearPredictor(design, coefficients, found[-1], classes)


def _limits(shape: tuple[int, ...], source_width: int) -> Bounds | None:
    """Bounds that let no class fall as the source's score of it rises."""
    if not source_width:
        return None
    lower, upper = np.full(shape, -np.inf), np.full(shape, np.inf)
    if source_width == 1:
        lower[0, 1], upper[0, 0] = 0.0, 0.0
    else:
        own = np.arange(source_width)
        lower[own, own] = 0.0
    return Bounds(lower.ravel(), upper.ravel())


def _ridge(
    matrix: Matrix, y: Floats, weight: Floats, penalty: float, centre: Floats, source_width: int
) -> Floats:
    """Minimise sum of weight * (y - value)^2 + penalty * |coefficients - centre|^2; the intercept is free.

    Where the source's one coefficient comes out negative the best one that is not is 0, and the others are
    fitted without it.

    Returns:
        float64, shape (d + 1, 1), the intercept last.
    """
    total = weight.sum()
    mean = np.asarray(matrix.T @ weight, np.float64) / total
    residual = y - matrix @ centre[:-1, 0]
    offset = float(weight @ residual / total)
    if issparse(matrix) and matrix.shape[1] <= MOST_COLUMNS:
        gram = (matrix.T @ (diags(weight) @ matrix)).toarray() - total * np.outer(mean, mean)
        gram[np.diag_indices_from(gram)] += penalty
        moment = matrix.T @ (weight * residual) - offset * total * mean
        away = np.linalg.solve(gram, moment)
    elif issparse(matrix):
        root = np.sqrt(weight)
        operator = LinearOperator(
            matrix.shape,
            matvec=lambda w: root * (matrix @ w - mean @ w),
            rmatvec=lambda r: matrix.T @ (root * r) - mean * (root @ r),
        )
        away = lsqr(operator, root * (residual - offset), damp=np.sqrt(penalty), atol=1e-9, btol=1e-9)[0]
    else:
        centred = np.asarray(matrix, np.float64) - mean
        gram = centred.T @ (weight[:, None] * centred)
        gram[np.diag_indices_from(gram)] += penalty
        away = np.linalg.solve(gram, centred.T @ (weight * (residual - offset)))
    found = centre[:, 0].copy()
    found[:-1] += away
    found[-1] = float(weight @ (y - matrix @ found[:-1]) / total)
    if source_width and found[0] < 0:
        rest = _ridge(matrix[:, source_width:], y, weight, penalty, centre[source_width:], 0)
        return np.vstack([np.zeros((source_width, 1)), rest])
    return found[:, None]
