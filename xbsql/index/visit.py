"""The approximate search of one segment on the CPU: every query in its nearest cells, cell by cell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from xbsql.index.cells import Space
from xbsql.index.hits import Hits, by_rank
from xbsql.kernels.cpu_request import Request
from xbsql.kernels.cpu_scan import FloatScan
from xbsql.kernels.cpu_threads import ranges, spread
from xbsql.kernels.cpu_topk import first_k

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.index.cells import Cells
    from xbsql.kernels.prepared import Prepared

_AT_ONCE = 1024  # queries
_WORTH = 16  # cells that are worth a thread


def visit(
    vectors: torch.Tensor, prepared: Prepared, cells: Cells, asked: torch.Tensor, k: int, visits: int,
    alive: NDArray[np.bool_] | None,
) -> Hits:  # fmt: skip
    """The k best rows of each query among those of its nearest cells; of equal scores the smaller id first.

    Cells are scanned in float32; what is found is scored again in float64, like everywhere.

    Args:
        vectors: float32, shape (n, d), ordered by cell.
        prepared: what `kernels.prepare` made of them.
        cells: where each cell is.
        asked: float32, shape (m, d).
        k: how many; fewer where the cells hold fewer.
        visits: how many cells each query looks into.
        alive: bool, shape (n,): the rows that may be found; None for all.
    """
    weights = None if prepared.weights is None else prepared.weights.numpy()
    mask = None if alive is None else torch.from_numpy(alive)
    length = None if prepared.metric == "l2" else prepared.length
    parts = []
    for s in range(0, len(asked), _AT_ONCE):
        some = asked[s : s + _AT_ONCE]
        request = Request.of(some, vectors, prepared.metric, prepared.weights, mask, 0.0, length)
        nearest = Space(prepared.metric, weights).nearest(some.numpy(), cells.centre, visits)
        parts.append(by_rank(_best(request, prepared, cells, nearest, k), cells.rank))
    return Hits(np.concatenate([p.scores for p in parts]), np.concatenate([p.rows for p in parts]))


def _best(
    request: Request, prepared: Prepared, cells: Cells, nearest: NDArray[np.int64], k: int
) -> Hits:  # fmt: skip
    """The k best rows of each query in its nearest cells, int64 of shape (m, visits), -1 for none."""
    m, visits = nearest.shape
    width = min(k, int(np.diff(cells.start).max()))
    scores = torch.full((m * visits, width), -torch.inf)
    rows = torch.full((m * visits, width), -1, dtype=torch.int64)
    order = np.argsort(nearest.ravel(), kind="stable")
    edge = np.searchsorted(nearest.ravel()[order], np.arange(len(cells.centre) + 1))
    wanted = np.flatnonzero((np.diff(edge) > 0) & (np.diff(cells.start) > 0)).tolist()

    def search(part: tuple[int, int]) -> None:
        for cell in wanted[slice(*part)]:
            line = torch.from_numpy(order[edge[cell] : edge[cell + 1]])
            start, stop = int(cells.start[cell]), int(cells.start[cell + 1])
            score = _within(request, prepared, line // visits, start, stop)
            column = first_k(score, min(width, stop - start))
            scores[line, : column.shape[1]] = score.gather(1, column)
            rows[line, : column.shape[1]] = column + start

    spread(search, ranges(len(wanted), 1, _WORTH))
    scores, rows = scores.view(m, -1), rows.view(m, -1)
    best = first_k(scores, min(k, visits * width))
    place = torch.where(scores.gather(1, best) > -torch.inf, rows.gather(1, best), -1)
    query = torch.arange(m)[:, None].expand_as(place)
    exact = request.pairs(query.reshape(-1), place.clamp(min=0).reshape(-1)).view(place.shape)
    return _padded(torch.where(place >= 0, exact, -torch.inf).numpy(), place.numpy(), k)


def _within(request: Request, prepared: Prepared, query: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    """Scores of some queries with the rows of a cell, float32; -inf for rows that cannot be returned."""
    own = replace(request, queries=request.queries[query])
    block = FloatScan.of(own, prepared).block(0, len(query), start, stop)
    return own.exact(0, len(query), start, stop) if block is None else block.score


def _padded(scores: NDArray[np.float32], rows: NDArray[np.int64], k: int) -> Hits:
    """Hits of k columns."""
    more = ((0, 0), (0, k - scores.shape[1]))
    return Hits(np.pad(scores, more, constant_values=-np.inf), np.pad(rows, more, constant_values=-1))
