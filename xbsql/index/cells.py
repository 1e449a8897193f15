"""Rows by cell: an approximate search looks into the cells nearest to a query, and the build says how well.

An inverted file (Jegou, Douze, Schmid, TPAMI 2011, section IV): k-means finds about as many centres as
cells have rows, a row belongs to its nearest centre, and the rows of a cell stand together. What the
nearest 1, 2, 3 ... cells hold of the true neighbours is measured on the index's own rows when it is built;
a search names the recall that it wants and looks into as many cells as that took.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import torch

from xbsql import kernels
from xbsql.index.draft import BLOCK
from xbsql.index.hits import RECALL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.index.draft import IndexRows
    from xbsql.kernels.prepared import Prepared

_ROUNDS = 8
_PER_CENTRE = 48  # rows of the sample that the centres are found from
_ASKED = 1000  # rows that stand for queries when recall is measured
_DEPTH = 10  # recall is of so many neighbours


@dataclass(frozen=True)
class Cells:
    """The cells of a segment.

    Attributes:
        centre: float32, shape (c, d).
        start: int64, shape (c + 1,): the rows start[i] to start[i + 1] of the segment are cell i.
        rank: int64, shape (n,): each row's place by id.
        curve: float32, shape (c,): recall of 10 that the nearest 1, 2, 3 ... cells reach, less two standard
            errors.
    """

    centre: NDArray[np.float32]
    start: NDArray[np.int64]
    rank: NDArray[np.int64]
    curve: NDArray[np.float32]

    def visits(self, recall: float) -> int:
        """How many cells to look into for a recall; all of them where no fewer are known to reach it."""
        return min(int(np.searchsorted(self.curve, recall)) + 1, len(self.centre))


class Space(NamedTuple):
    """How the vectors of a segment are compared.

    Args:
        metric: 'cosine', 'dot' or 'l2'.
        weights: float64 (d,) or None.
    """

    metric: str
    weights: NDArray[np.float64] | None

    def home(self, rows: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.int64]:
        """The cell of each row, int64 of shape (n,); under 'dot', which is no distance, by l2."""
        weights = None if self.metric == "dot" else self.weights
        metric = "l2" if self.metric == "dot" else self.metric
        return kernels.topk(rows, centre, 1, metric=metric, weights=weights)[1][:, 0]

    def nearest(
        self, queries: NDArray[np.float32], centre: NDArray[np.float32], count: int
    ) -> NDArray[np.int64]:
        """The cells nearest to each query, best first, int64 of shape (m, count); -1 for a query with NaN."""
        return kernels.topk(queries, centre, count, metric=self.metric, weights=self.weights)[1]


def partition(
    rows: IndexRows, space: Space
) -> tuple[IndexRows, NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Rows ordered by cell, then id; the centres; where each cell starts; the rank of each row by id."""
    centre = _centres(rows, space, max(1, round(len(rows) ** 0.5)))
    cell = np.concatenate([space.home(block, centre) for block in rows.blocks()])
    cell = np.maximum(cell, 0)  # a row that no metric can place
    rank = np.argsort(cell, kind="stable")
    start = np.searchsorted(cell[rank], np.arange(len(centre) + 1))
    postings = None if rows.postings is None else rows.postings.take(rank)
    moved = replace(rows, ids=rows.ids.take(pa.array(rank)), order=rows.order[rank], postings=postings)
    return moved, centre, start, rank


def _centres(rows: IndexRows, space: Space, count: int) -> NDArray[np.float32]:
    """Lloyd's k-means on a sample of the rows, float32 (count, d); a centre that loses all rows stays."""
    rng = np.random.default_rng(0)
    some = np.sort(rng.permutation(len(rows))[: _PER_CENTRE * count])
    parts = [rows.gather(rows.order[some[s : s + BLOCK]]) for s in range(0, len(some), BLOCK)]
    points = np.concatenate(parts)
    if space.metric == "cosine":
        points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    centre = points[rng.permutation(len(points))[:count]].copy()
    for _ in range(_ROUNDS):
        cell = np.maximum(space.home(points, centre), 0)
        total = torch.zeros(centre.shape).index_add_(0, torch.from_numpy(cell), torch.from_numpy(points))
        held = np.bincount(cell, minlength=count)
        centre[held > 0] = total.numpy()[held > 0] / held[held > 0, None]
    return centre


def measured(
    vectors: NDArray[np.float32], prepared: Prepared, space: Space, centre: NDArray[np.float32],
    start: NDArray[np.int64],
) -> tuple[NDArray[np.float32], float]:  # fmt: skip
    """The curve of `Cells`, and the recall of 10 at the default effort.

    Rows of the index stand for queries, each without itself. One half of them gives the curve, which says how
    many cells to look into; the other half says what recall that has.
    """
    count = len(centre)
    asked = np.sort(np.random.default_rng(1).permutation(len(vectors))[:_ASKED])
    depth = min(_DEPTH + 1, len(vectors))
    queries = np.ascontiguousarray(vectors[asked])
    _, found = kernels.topk(
        queries, vectors, depth, metric=space.metric, weights=space.weights, prepared=prepared
    )
    order = space.nearest(queries, centre, count)
    turn = np.empty((len(asked), count), np.int64)
    np.put_along_axis(turn, np.maximum(order, 0), np.arange(count), axis=1)
    cell = np.searchsorted(start, np.maximum(found, 0), side="right") - 1
    needed = np.where((found >= 0) & (found != asked[:, None]), np.take_along_axis(turn, cell, axis=1), count)
    shares = [_shares(needed[half::2], count) for half in (0, 1)]
    error = shares[0].std(axis=0) / max(1, len(shares[0])) ** 0.5
    curve = np.maximum.accumulate(shares[0].mean(axis=0) - 2 * error).astype(np.float32)
    visits = min(int(np.searchsorted(curve, RECALL)) + 1, count)
    other = shares[1] if len(shares[1]) else shares[0]
    return curve, float(other[:, visits - 1].mean())


def _shares(needed: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Share of each query's neighbours in the nearest 1, 2, 3 ... cells, (queries, count); 1 without any."""
    inside = np.zeros((len(needed), count + 1))
    np.add.at(inside, (np.arange(len(needed))[:, None], needed), 1)
    total = (needed < count).sum(axis=1, keepdims=True)
    return np.where(total > 0, inside[:, :count].cumsum(axis=1) / np.maximum(total, 1), 1.0)
