"""Titles that nearly repeat one another: variants of one product must not stand on both sides of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.extraction.titles import Titles

ALIKE: Final = 0.9
"""Share of rare words, by cosine, from which on two titles nearly repeat one another."""

BATCH: Final = 1024
MOST: Final = 30_000
"""Titles that are compared with one another; of more only those of the same words are one cluster."""


def clusters(titles: Titles) -> NDArray[np.int64]:
    """A number for each title, the same for titles that nearly repeat one another.

    Args:
        titles: n titles.

    Returns:
        int64 (n,).
    """
    vectors = _vectors(titles)
    if not vectors.shape[1]:
        return np.arange(len(titles))
    pairs = _alike(vectors) if len(titles) <= MOST else _same(vectors)
    graph = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (len(titles),) * 2)
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _vectors(titles: Titles) -> sparse.csr_matrix:
    """Unit vectors of words, rare ones weighing more."""
    words, place = np.unique(titles.hashes[:, 0], return_inverse=True)
    shape = (len(titles), len(words))
    there = sparse.coo_matrix((np.ones(len(place)), (titles.owner, place)), shape).tocsr()
    there.data[:] = 1.0
    often = np.asarray(there.sum(axis=0)).ravel()
    weighed = there @ sparse.diags(np.log((1 + len(titles)) / (1 + often)) + 0.1)
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.maximum(length, 1e-12)) @ weighed).tocsr().astype(np.float32)


def _alike(vectors: sparse.csr_matrix) -> NDArray[np.int64]:
    found = []
    for at in range(0, vectors.shape[0], BATCH):
        like = (vectors[at : at + BATCH] @ vectors.T).tocoo()
        near = like.data >= ALIKE
        found.append(np.stack([like.row[near] + at, like.col[near]], axis=1))
    return np.concatenate(found)


def _same(vectors: sparse.csr_matrix) -> NDArray[np.int64]:
    draw = np.random.default_rng(0).standard_normal((vectors.shape[1], 2))
    seen = np.round(vectors @ draw, 5)
    place = np.unique(seen, axis=0, return_inverse=True)[1].ravel()
    first = np.full(place.max() + 1, -1)
    first[place[::-1]] = np.arange(len(place))[::-1]
    return np.stack([np.arange(len(place)), first[place]], axis=1)
