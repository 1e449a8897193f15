"""Cholesky factors of float32 covariances, made in place: LAPACK sees the transpose and copies no cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_solve
from scipy.linalg.lapack import spotrf, strtri

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
    found, wrong = spotrf(matrix.T, lower=False, clean=False, overwrite_a=True)
    if wrong:
        message = "the covariance of these rows with their noise is not positive definite"
        raise np.linalg.LinAlgError(message)
    lower: NDArray[np.float32] = found.T
    return lower


def solved(lower: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """(L L')^-1 times `right`, shape (n, r)."""
    return np.asarray(cho_solve((lower.T, False), right, check_finite=False), np.float32)


def inverse_root(lower: NDArray[np.float32]) -> NDArray[np.float32]:
    """L^-1, undefined above the diagonal."""
    found: NDArray[np.float32] = strtri(lower.T)[0].T
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
