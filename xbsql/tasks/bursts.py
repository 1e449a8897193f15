"""Photos of one thing one after the other: on both sides of a fold they are remembered, not learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR: Final = 0.6
"""Cosine, less the mean of all, from which two pictures of a class are one scene. Of different classes the
nearest hardly reach it."""

FEWEST: Final = 3
"""Groups of a class at least, where it has so many rows: a fold must leave some of it to learn from."""

MOST_ROWS: Final = 2000
"""Rows of a class that are compared with each other; further ones are with their like."""


def bursts(pictures: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """A group for each row: rows of a class whose pictures are all alike are one (complete linkage).

    Args:
        pictures: shape (n, d), 0 throughout where there is none: such a row is a group of its own.
        y: class codes, shape (n,).

    Returns:
        int64, shape (n,).
    """
    there = pictures.any(axis=1)
    moved = pictures - pictures[there].mean(axis=0) if there.any() else pictures
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    moved = moved / np.maximum(length, 1e-12)
    found, taken = np.arange(len(y)), len(y)
    for code in np.unique(y[there]):
        members = np.flatnonzero(there & (y == code))
        for start in range(0, len(members), MOST_ROWS):
            some = members[start : start + MOST_ROWS]
            found[some] = taken + _scenes(moved[some])
            taken = int(found[some].max()) + 1
    return found


def _scenes(rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """Groups of rows of one class, from 0."""
    if len(rows) < 2:
        return np.zeros(len(rows), np.int64)
    tree = linkage(rows, "complete", "cosine")
    apart = fcluster(tree, 1.0 - NEAR, "distance")
    if apart.max() < FEWEST:
        apart = fcluster(tree, min(FEWEST, len(rows)), "maxclust")
    return np.asarray(apart, np.int64) - 1
