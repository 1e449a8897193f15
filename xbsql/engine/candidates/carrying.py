"""Where rows of another language land among names: a map of meaning and parts of words, without a label.

Rows and names that are each other's nearest teach a ridge regression from a row's vector and its n-grams to
the name's vector; what it brought nearer teaches it once more (self-learning: Artetxe, Labaka and Agirre, ACL
2017). N-grams are hashed into few columns, as rows confirm their own mistakes in many: with 2,048 in place of
768 a third of what is sure of Polish names was lost.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from xbsql.engine.candidates.alignment import mutual_pairs
from xbsql.engine.design import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

WIDTH = 768
"""Columns that n-grams are hashed into."""

ROUNDS = 2
PULL = 1.0
"""Ridge penalty; adds up with the squared lengths of the paired rows: few pairs move little."""


def learnt_map(rows: Vectors, grams: sparse.csr_matrix, names: Vectors) -> Vectors:
    """What is added to rows so that they come nearest to their partners among the names.

    Args:
        rows: float32, shape (n, d), of length one.
        grams: csr, shape (n, grams): their n-grams.
        names: float32, shape (m, d), of length one.

    Returns:
        float32, shape (d + 768, d), see `carried`.
    """
    x, here = _inputs(rows, grams), np.ascontiguousarray(rows)
    found = np.zeros((x.shape[1], rows.shape[1]), np.float32)
    for _ in range(ROUNDS):
        pairs = mutual_pairs(here, names)
        taught = x[pairs.target]
        gram = taught.T @ taught
        gram[np.diag_indices(len(gram))] += np.float32(PULL)
        goal = taught.T @ (names[pairs.source] - rows[pairs.target])
        found = np.asarray(cho_solve(cho_factor(gram), goal), np.float32)
        here = _brought(rows, x, found)
    return found


def carried(rows: Vectors, grams: sparse.csr_matrix, across: Vectors) -> Vectors:
    """The mean of rows and of where the map brings them, which is not believed alone; of length one."""
    return _brought(rows, _inputs(rows, grams), across)


def _brought(rows: Vectors, inputs: Vectors, across: Vectors) -> Vectors:
    return unit(rows + unit(rows + inputs @ across))


def older_map(linear: Vectors) -> Vectors:
    """The same of a map of vectors alone, float32, shape (d, d), saying where rows lie."""
    nothing = np.zeros((WIDTH, len(linear)), np.float32)
    return np.vstack([linear - np.eye(len(linear), dtype=np.float32), nothing])


def _inputs(rows: Vectors, grams: sparse.csr_matrix) -> Vectors:
    """Vectors, and beside them hashed n-grams."""
    hashed = sparse.csr_matrix(grams) @ _hashing(grams.shape[1])
    return np.hstack([rows, hashed.toarray()]).astype(np.float32)


@lru_cache(maxsize=2)
def _hashing(width: int) -> sparse.csr_matrix:
    """One column and sign for each n-gram; csr, shape (width, 768)."""
    mixed = np.arange(width, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    column = ((mixed >> np.uint64(40)) % np.uint64(WIDTH)).astype(np.int64)
    sign = 1.0 - 2.0 * ((mixed >> np.uint64(33)) & np.uint64(1)).astype(np.float32)
    return sparse.csr_matrix((sign.astype(np.float32), (np.arange(width), column)), shape=(width, WIDTH))
