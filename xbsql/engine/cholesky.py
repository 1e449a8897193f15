"""Cholesky factors of float32 covariances, made in place: LAPACK sees the transpose and copies no cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine import lapack

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 256


def lower_root(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The lower factor L of L L' = `matrix`, which it overwrites.

    Args:
        matrix: C-ordered, shape (n, n), symmetric and positive definite; only what is on and below the
            diagonal is read.

    Returns:
        Shape (n, n), undefined above the diagonal.

    Raises:
        LinAlgError: it is not positive definite.
    """
    lower = np.ascontiguousarray(matrix, np.float32)
    if lapack.call("spotrf", b"U", len(lower), lower, max(len(lower), 1)):
        message = "the covariance of these rows with their noise is not positive definite"
        raise np.linalg.LinAlgError(message)
    return lower


def solved(lower: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """(L L')^-1 times `right`, shape (n, r)."""
    found = np.array(right, np.float32, order="F")
    step = max(len(lower), 1)
    lapack.call("spotrs", b"U", len(lower), found.shape[1], lower, step, found, step)
    return found


def inverse_root(lower: NDArray[np.float32]) -> NDArray[np.float32]:
    """L^-1, undefined above the diagonal."""
    found = np.array(lower, np.float32, order="C")
    lapack.call("strtri", b"U", b"N", len(found), found, max(len(found), 1))
    return found


def inverse_diagonal(lower: NDArray[np.float32]) -> NDArray[np.float32]:
    """The diagonal of (L L')^-1, shape (n,)."""
    inverse, found = inverse_root(lower), np.zeros(len(lower), np.float32)
    for start in range(0, len(lower), _BLOCK):
        rows = inverse[start : start + _BLOCK]
        before, own = rows[:, :start], np.tril(rows[:, start : start + _BLOCK])
        found[:start] += np.einsum("ij,ij->j", before, before)
        found[start : start + _BLOCK] += np.einsum("ij,ij->j", own, own)
    return found
