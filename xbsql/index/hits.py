"""What a search finds, and how several findings become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FUSION = 60
"""The constant of reciprocal rank fusion: Cormack, Clarke and Buettcher, SIGIR 2009."""

RECALL = 0.95
"""What an approximate search aims at unless it is told otherwise."""

HIT = pa.struct([("id", pa.string()), ("score", pa.float32()), ("rank", pa.int32())])


@dataclass(frozen=True)
class Hits:
    """The best rows of each query.

    Attributes:
        scores: float32, shape (m, k), descending.
        rows: int64, shape (m, k), -1 where fewer than k rows match.
    """

    scores: NDArray[np.float32]
    rows: NDArray[np.int64]


def merged(parts: Sequence[Hits], k: int) -> Hits:
    """The k best of several lists of hits; of equal scores the lower row comes first."""
    if len(parts) == 1:
        return parts[0]
    scores = np.concatenate([part.scores for part in parts], axis=1)
    rows = np.concatenate([part.rows for part in parts], axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Hits(np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1))


def by_rank(hits: Hits, rank: NDArray[np.int64]) -> Hits:
    """The same hits, those of equal scores by the rank of their rows, int64 of shape (n,)."""
    place = np.where(hits.rows >= 0, rank[hits.rows], len(rank))
    order = np.lexsort((place, -hits.scores), axis=1)
    return Hits(np.take_along_axis(hits.scores, order, 1), np.take_along_axis(hits.rows, order, 1))


def fused(lists: Sequence[Hits], k: int) -> Hits:
    """Reciprocal rank fusion of ranked lists of the same queries; of equal scores the lower row first."""
    queries = len(lists[0].rows)
    scores, rows = np.full((queries, k), -np.inf, np.float32), np.full((queries, k), -1, np.int64)
    for query in range(queries):
        seen = np.concatenate([part.rows[query] for part in lists])
        worth = np.concatenate([1 / (FUSION + np.arange(1, part.rows.shape[1] + 1)) for part in lists])
        distinct, place = np.unique(seen[seen >= 0], return_inverse=True)
        total = np.bincount(place, worth[seen >= 0], minlength=len(distinct))
        order = np.argsort(-total, kind="stable")[:k]
        scores[query, : len(order)], rows[query, : len(order)] = total[order], distinct[order]
    return Hits(scores, rows)
