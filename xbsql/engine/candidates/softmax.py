"""Softmax regression with an L2 penalty: the coefficients that lose least.

L-BFGS needs few steps where the loss curves alike in all directions. So it walks along directions in which
rows and penalty together do so while classes are about equally likely; of few rows there are fewer directions
than columns. What it finds is what it would find by the coefficients themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import Bounds, minimize
from scipy.sparse import csr_matrix, issparse

from xbsql.engine.design import SPARSE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xbsql.features.views import Matrix
    from xbsql.metrics.rows import Floats

    Loss = Callable[[Floats], tuple[float, Floats]]

INTERCEPT_PENALTY = 0.01
"""Keeps the intercept of a class without rows finite."""

LOOKED_AT: Final = 4096
"""Rows that directions are found from; any directions serve, these need the fewest steps."""

MOST_COLUMNS: Final = 2000
"""Of a matrix that directions are found for: their number grows with its square, the time with its cube."""

CURVED: Final = 0.3
"""How far the loss curves on the way, as a share of how it does while all classes are equally likely."""

NONE: Final = 1e-9
"""Share of the greatest curvature below which no row moves a direction."""

OPTIONS: Final = {"maxiter": 300, "gtol": 1e-5, "ftol": 1e-9}


class Directions(NamedTuple):
    """What is walked along.

    Attributes:
        moves: float64, shape (d + 1, r): how the coefficients and the intercept move.
        pull: float64, shape (r, 1): the penalty of a step along each.
    """

    moves: Floats
    pull: Floats


def softmax_coefficients(
    matrix: Matrix,
    y: NDArray[np.int64],
    weight: Floats,
    penalty: float,
    centre: Floats,
    limits: Bounds | None,
) -> Floats:
    """Minimise sum of weight * log loss + penalty / 2 * |coefficients - centre|^2.

    Args:
        matrix: shape (n, d).
        y: class codes, shape (n,).
        weight: of each row, shape (n,).
        penalty: of the coefficients; that of the intercept is 0.01.
        centre: shape (d + 1, classes), the intercept last.
        limits: of the flattened coefficients; None holds nothing.

    Returns:
        float64, shape (d + 1, classes), the intercept last.
    """
    if not issparse(matrix) and np.count_nonzero(matrix) < SPARSE * matrix.size:
        matrix = csr_matrix(matrix)
    pull = np.full((len(centre), 1), penalty)
    pull[-1] = INTERCEPT_PENALTY
    start = centre
    if matrix.shape[1] <= MOST_COLUMNS:
        along = _directions(matrix, weight, pull[:, 0], centre.shape[1])
        steps = np.zeros((along.moves.shape[1], centre.shape[1]))
        start = centre + along.moves @ _least(_walked(matrix, y, weight, centre, along), steps, None)
        if limits is None or bool(((start.ravel() >= limits.lb) & (start.ravel() <= limits.ub)).all()):
            return start
        start = np.clip(start.ravel(), limits.lb, limits.ub).reshape(centre.shape)
    return _least(_plain(matrix, y, weight, pull, centre), start, limits)


def _least(loss: Loss, start: Floats, limits: Bounds | None) -> Floats:
    """The argument at which a loss is least, in the shape of `start`, by L-BFGS."""
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", bounds=limits, options=OPTIONS)
    least: Floats = np.asarray(found.x, np.float64)
    return least.reshape(start.shape)


def _directions(matrix: Matrix, weight: Floats, pull: Floats, classes: int) -> Directions:
    """The directions of all coefficients of a class; rows and penalty together curve along each alike."""
    step = -(-matrix.shape[0] // LOOKED_AT)
    few: Any = matrix[::step]
    rows = np.ones((few.shape[0], len(pull)))
    rows[:, :-1] = few.toarray() if issparse(few) else few
    share = weight[::step] * (weight.sum() / max(float(weight[::step].sum()), 1e-300))
    rows *= np.sqrt(share)[:, None] / np.sqrt(pull)
    if step == 1 and len(rows) < len(pull):
        curve, ends = eigh(rows @ rows.T, driver="evd")
        kept = curve > NONE * curve[-1]
        curve, ways = curve[kept], rows.T @ (ends[:, kept] / np.sqrt(curve[kept]))
    else:
        rows = rows.astype(np.float32)  # half the time, and any directions serve
        curve, ways = (part.astype(np.float64) for part in eigh(rows.T @ rows, driver="evd"))
    shorter = 1.0 / (CURVED * np.maximum(curve, 0.0) / classes + 1.0)
    return Directions(ways * np.sqrt(shorter) / np.sqrt(pull)[:, None], shorter[:, None])


def _walked(matrix: Matrix, y: NDArray[np.int64], weight: Floats, centre: Floats, along: Directions) -> Loss:
    """The loss and its slope by the steps along directions."""
    scores = _Scores(y, weight)
    base = matrix @ centre[:-1] + centre[-1]
    shape = (along.moves.shape[1], centre.shape[1])
    moves = along.moves.astype(matrix.dtype)
    ahead = None if issparse(matrix) else matrix @ moves[:-1] + moves[-1]

    def loss(flat: Floats) -> tuple[float, Floats]:
        steps = flat.reshape(shape)
        short = steps.astype(matrix.dtype, copy=False)
        raw = matrix @ (moves[:-1] @ short) + moves[-1] @ short if ahead is None else ahead @ short
        value, residual = scores.of(raw + base)
        held = residual.astype(matrix.dtype, copy=False)
        if ahead is None:
            slope = moves[:-1].T @ (matrix.T @ held) + moves[-1][:, None] * held.sum(axis=0)
        else:
            slope = ahead.T @ held
        value += 0.5 * float((along.pull * np.square(steps)).sum())
        return scores.scale * value, scores.scale * (slope + along.pull * steps).ravel()

    return loss


def _plain(matrix: Matrix, y: NDArray[np.int64], weight: Floats, pull: Floats, centre: Floats) -> Loss:
    """The loss and its slope by the coefficients themselves."""
    scores = _Scores(y, weight)

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(centre.shape)
        value, residual = scores.of(matrix @ w[:-1].astype(matrix.dtype, copy=False) + w[-1])
        away = w - centre
        slope = pull * away
        slope[:-1] += matrix.T @ residual.astype(matrix.dtype, copy=False)
        slope[-1] += residual.sum(axis=0)
        value += 0.5 * float((pull * np.square(away)).sum())
        return scores.scale * value, scores.scale * slope.ravel()

    return loss


class _Scores:
    """The log loss of scores.

    Attributes:
        scale: the losses of all rows times this are their mean.
    """

    def __init__(self, y: NDArray[np.int64], weight: Floats) -> None:
        self.scale = 1.0 / max(float(weight.sum()), 1.0)
        self._y, self._weight, self._rows = y, weight, np.arange(len(y))

    def of(self, raw: Floats) -> tuple[float, Floats]:
        """The summed loss, and its slope by each score, shape (n, classes)."""
        raw = raw - raw.max(axis=1, keepdims=True)
        likely = np.exp(raw)
        total = likely.sum(axis=1)
        value = float(self._weight @ (np.log(total) - raw[self._rows, self._y]))
        likely *= (self._weight / total)[:, None]
        likely[self._rows, self._y] -= self._weight
        return value, likely
