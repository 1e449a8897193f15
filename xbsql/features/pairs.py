"""Similarity of two vectors a row; for many against many see `xbsql.kernels.topk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

METRICS = ("cosine", "dot", "l2")
LARGE = 1e9
"""Numbers beyond this may leave float32 when they are squared and summed."""


@np.errstate(over="ignore", invalid="ignore")
def similarity(
    a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]], metric: str
) -> NDArray[np.float32]:
    """Similarity row by row: larger is closer.

    Args:
        a: shape (n, d).
        b: same shape.
        metric: 'dot'; 'cosine', 0 where a vector is all zero; 'l2', minus the squared distance.

    Returns:
        float32, shape (n,); computed in the inputs' precision, in float64 where that is not enough. NaN in a
        vector gives NaN; a product beyond float32 is infinite.
    """
    if max(np.abs(side).max(initial=0.0) for side in (a, b)) > LARGE:
        a, b = a.astype(np.float64), b.astype(np.float64)
    if metric == "l2":
        apart = a - b
        return np.asarray(-np.einsum("nd,nd->n", apart, apart), np.float32)
    dot = np.einsum("nd,nd->n", a, b)
    if metric == "cosine":
        lengths = np.sqrt(np.einsum("nd,nd->n", a, a) * np.einsum("nd,nd->n", b, b))
        dot = dot / np.where(lengths == 0, 1, lengths)
    return np.asarray(dot, np.float32)
