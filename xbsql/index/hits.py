"""What a search finds, and how the findings of several segments become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
