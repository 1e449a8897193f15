"""The approximate search of one segment: every query in its nearest cells, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from xbsql import kernels
from xbsql.index.cells import Space
from xbsql.index.hits import Hits
from xbsql.kernels.cpu_threads import ranges, spread
from xbsql.kernels.prepared import GROUP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.index.cells import Cells
    from xbsql.kernels.prepared import Prepared

_AT_ONCE = 4096  # queries
Found = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.float32]"]
"""Queries, rows and scores of some pairs."""


def visit(
    vectors: torch.Tensor, prepared: Prepared, cells: Cells, asked: torch.Tensor, k: int, visits: int,
    alive: NDArray[np.bool_] | None,
) -> Hits:  # fmt: skip
    """The k best rows of each query among those of its nearest cells; of equal scores the smaller id first.

    Args:
        vectors: float32, shape (n, d), ordered by cell.
        prepared: what `kernels.prepare` made of them.
        cells: where each cell is.
        asked: float32, shape (m, d), on the same device.
        k: how many; fewer where the cells hold fewer.
        visits: how many cells each query looks into.
        alive: bool, shape (n,): the rows that may be found; None for all.
    """
    weights = None if prepared.weights is None else prepared.weights.cpu().numpy()
    space, parts = Space(prepared.metric, weights), []
    for s in range(0, len(asked), _AT_ONCE):
        some = asked[s : s + _AT_ONCE]
        nearest = space.nearest(some.cpu().numpy(), cells.centre, visits)
        order = np.argsort(nearest.ravel(), kind="stable")
        query, cell = order // visits, nearest.ravel()[order]
        edge = np.searchsorted(cell, np.arange(len(cells.centre) + 1))
        wanted = [c for c in np.flatnonzero(np.diff(edge)) if cells.start[c] < cells.start[c + 1]]

        def search(
            part: tuple[int, int], some: torch.Tensor = some, query: NDArray[np.int64] = query,
            edge: NDArray[np.int64] = edge, wanted: list[int] = wanted,
        ) -> list[Found]:  # fmt: skip
            return [
                _within(vectors, prepared, cells, some, query[edge[c] : edge[c + 1]], c, k, alive)
                for c in wanted[slice(*part)]
            ]

        found = [one for part in spread(search, ranges(len(wanted), 1, 8)) for one in part]
        parts.append(_best(found, cells.rank, len(some), k))
    return Hits(np.concatenate([p.scores for p in parts]), np.concatenate([p.rows for p in parts]))


def _within(
    vectors: torch.Tensor, prepared: Prepared, cells: Cells, asked: torch.Tensor, query: NDArray[np.int64],
    cell: int, k: int, alive: NDArray[np.bool_] | None,
) -> Found:  # fmt: skip
    """What one cell holds for its queries. Codes are cut where their groups are, and the rest is masked."""
    start, stop = int(cells.start[cell]), int(cells.start[cell + 1])
    low, high = start // GROUP * GROUP, min(-(-stop // GROUP) * GROUP, len(vectors))
    inside = np.zeros(high - low, dtype=bool)
    inside[start - low : stop - low] = True if alive is None else alive[start:stop]
    scores, rows = kernels.topk(
        asked[torch.from_numpy(query).to(asked.device)], vectors[low:high], min(k, high - low),
        metric=prepared.metric, weights=prepared.weights, prepared=prepared.between(low, high),
        mask=torch.from_numpy(inside).to(asked.device),
    )  # fmt: skip
    line, place = np.nonzero(rows.cpu().numpy() >= 0)
    return query[line], rows.cpu().numpy()[line, place] + low, scores.cpu().numpy()[line, place]


def _best(found: list[Found], rank: NDArray[np.int64], queries: int, k: int) -> Hits:
    """The k best of all pairs of each query."""
    hits = Hits(np.full((queries, k), -np.inf, np.float32), np.full((queries, k), -1, np.int64))
    if found:
        query, row, score = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((rank[row], -score, query))
        query, row, score = query[order], row[order], score[order]
        place = np.arange(len(query)) - np.searchsorted(query, query)
        kept = place < k
        hits.rows[query[kept], place[kept]] = row[kept]
        hits.scores[query[kept], place[kept]] = score[kept]
    return hits
