"""Exact top-k on the CPU: scan a block, gate it by the best found so far, score again what passes.

The scan is a blocked matrix product (float32, or int8 where the corpus was prepared). Of each block only the
maximum of every GROUP neighbouring scores is compared with the gate; single scores are looked at in the few
groups that pass. The gate is the k-th best exact score less the scan's proven slack, so no row that belongs
to the result is lost, and the survivors' float64 scores decide. A block that passes almost whole (ties
everywhere, Inf) is scored in float64. Queries that the codes' head says little about take the float32 scan.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from xbsql.kernels.cpu_gate import leaders, least_of_best, passing
from xbsql.kernels.cpu_scan import block_shape, scan_of
from xbsql.kernels.cpu_threads import ranges, spread
from xbsql.kernels.cpu_wide import best_of_all, is_wide
from xbsql.kernels.stand_ins import GROUP

if TYPE_CHECKING:
    from xbsql.kernels.cpu_request import Block, Request
    from xbsql.kernels.cpu_scan import Scan
    from xbsql.kernels.prepared import Prepared

_PIECE = 1 << 22  # products that are worth a thread
_EXACT = 2048  # rows at a time in float64
_STRANGE = 16  # rows of a block that no bound holds for, and that do not spoil its first floor
_MANY = 256  # queries a thread from which on threads share the queries instead of the rows


def topk(request: Request, k: int, prepared: Prepared | None = None) -> tuple[Tensor, Tensor]:
    """The k best rows of every query: scores float32 (m, k), rows int64 (m, k); see `xbsql.kernels.topk`."""
    strange = _strange(request, prepared)
    if prepared is not None and strange is not None:
        scores, places = Best.empty(len(request.queries), k)
        for some, ready in ((~strange, prepared), (strange, replace(prepared, codes=None))):
            part = replace(request, queries=request.queries[some])
            scores[some], places[some] = _shared_out(part, k, ready)
        return scores, places
    return _shared_out(request, k, prepared)


def _strange(request: Request, prepared: Prepared | None) -> Tensor | None:
    """The queries for which codes are of no use, bool (m,); None where there is none."""
    if prepared is None or prepared.codes is None or prepared.codes.head is None:
        return None
    found = prepared.codes.head.strange(request.direct())
    return found if bool(found.any()) else None


def _shared_out(request: Request, k: int, prepared: Prepared | None) -> tuple[Tensor, Tensor]:
    """The queries by ranges, a thread each, where there are many; else the corpus, and the best of all.

    A range of rows has to find its own floor first, so that ranges of queries have less to score.
    """
    if len(request.queries) >= _MANY * torch.get_num_threads():
        own = spread(
            lambda part: _search(request.at(*part), k, prepared, 0, len(request)),
            ranges(len(request.queries), 1, _MANY),
        )
        scores, places = (torch.cat(column) for column in zip(*own, strict=True))
        return scores, request.row(places)
    each = 1 + _PIECE // max(1, len(request.queries) * request.corpus.shape[1])
    parts = spread(lambda part: _search(request, k, prepared, *part), ranges(len(request), GROUP, each))
    if not parts:
        best = Best.empty(len(request.queries), k)
    else:
        best = Best(*(torch.cat(column, dim=1) for column in zip(*parts, strict=True)))
    # A part's places all lie beyond those of the part before: a stable sort keeps ties right.
    order = best.scores.sort(dim=1, descending=True, stable=True).indices[:, :k]
    return best.scores.gather(1, order), request.row(best.places.gather(1, order))


def _below(floor: Tensor) -> Tensor:
    """The next smaller score: an equal one of a lower place may still come."""
    return torch.nextafter(floor, torch.tensor(-torch.inf))


def _search(request: Request, k: int, prepared: Prepared | None, low: int, high: int) -> Best:
    """The k best of the places low..high; low is a multiple of GROUP."""
    if not is_wide(request.metric, len(request.queries), k, high - low):
        return _gated(request, k, prepared, low, high)
    rows = None if prepared is None else replace(prepared, codes=None)
    found = best_of_all(request, rows, k, low, high)
    if found is None:
        return _gated(request, k, prepared, low, high)
    best, open_ = Best(found.scores, found.places), ~found.sure
    if bool(open_.any()):
        part = replace(request, queries=request.queries[open_])
        best.scores[open_], best.places[open_] = _gated(part, k, prepared, low, high)
    return best


def _gated(request: Request, k: int, prepared: Prepared | None, low: int, high: int) -> Best:
    """The same block by block, each gated by the best so far."""
    scan, (chunk, step) = scan_of(request, prepared), block_shape(request, prepared)
    best = Best.empty(len(request.queries), k)
    for start in range(low, high, step):
        stop = min(start + step, high)
        for first in range(0, len(request.queries), chunk):
            _visit(request, scan, best.at(first, first + chunk), first, start, stop)
    return best


def exhaustive(request: Request, k: int) -> tuple[Tensor, Tensor]:
    """The same by float64 scores of every row, on the request's device: for what no scan can prove."""
    m = len(request.queries)
    best = Best.empty(m, k, request.corpus.device)
    for first in range(0, m, _EXACT):
        last = min(first + _EXACT, m)
        for start in range(0, len(request), _EXACT):
            score = request.exact(first, last, start, min(start + _EXACT, len(request)))
            _merge_all(best.at(first, last), score, start)
    return best.scores, request.row(best.places)


def first_k(score: Tensor, k: int) -> Tensor:
    """Columns of the k largest scores of each row, int64 (m, k); of equal scores the first column first."""
    bits = (score + 0.0).view(torch.int32)  # + 0.0: minus zero equals zero
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(torch.int64)
    columns = score.shape[1]
    key = ordered * (1 << 31) + (columns - 1 - torch.arange(columns, device=score.device))
    return key.topk(k, dim=1).indices


class Best(NamedTuple):
    """The k best so far of each query, best first: scores float32, places int64 (m, k); -inf, -1 if none."""

    scores: Tensor
    places: Tensor

    @classmethod
    def empty(cls, m: int, k: int, device: torch.device | None = None) -> Best:
        """Nothing found yet."""
        scores = torch.full((m, k), -torch.inf, device=device)
        return cls(scores, torch.full((m, k), -1, dtype=torch.int64, device=device))

    def at(self, first: int, last: int) -> Best:
        """A view of some queries."""
        return Best(self.scores[first:last], self.places[first:last])

    def merge(self, query: Tensor, place: Tensor, score: Tensor) -> None:
        """Take in scored places: ordered by (query, place), every place beyond those held.

        On equal scores the lower place stays first, which a stable sort gives: what is held comes before.
        """
        count = torch.bincount(query, minlength=len(self.scores))
        touched = count.nonzero()[:, 0]
        if not len(touched):
            return
        k, width = self.scores.shape[1], int(count.max())
        line = torch.zeros_like(count)
        line[touched] = torch.arange(len(touched), device=count.device)
        column = torch.arange(len(query), device=count.device) - (count.cumsum(0) - count)[query]
        scores, places = Best.empty(len(touched), k + width, count.device)
        scores[:, :k], places[:, :k] = self.scores[touched], self.places[touched]
        scores[line[query], k + column], places[line[query], k + column] = score, place
        order = scores.sort(dim=1, descending=True, stable=True).indices[:, :k]
        kept = scores.gather(1, order)
        self.scores[touched] = kept
        self.places[touched] = torch.where(kept > -torch.inf, places.gather(1, order), -1)


def _visit(request: Request, scan: Scan, best: Best, first: int, start: int, stop: int) -> None:
    """Bring the best of the queries from `first` on up to date with the places start..stop."""
    last = first + len(best.scores)
    for way in (partial(scan.quick, k=best.scores.shape[1]), scan.block):
        block = way(first, last, start, stop)
        if block is not None and _taken(request, scan, block, best, first, start):
            return
    for low in range(start, stop, _EXACT):
        high = min(low + _EXACT, stop)
        _merge_all(best, request.exact(first, last, low, high), low)


def _taken(request: Request, scan: Scan, block: Block, best: Best, first: int, start: int) -> bool:
    """Merge what of a block may be among the best; False where that is too much to score it singly."""
    floor = best.scores[:, -1:]
    if bool((floor == -torch.inf).any()):
        floor = torch.maximum(floor, _first_floor(request, block, best.scores.shape[1], first, start))
    query, column = passing(block, floor)
    if len(query) * request.dense_share > block.score.numel():
        return False
    place = column + start
    upper = scan.upper(query + first, place)
    if upper is not None:
        likely = ~(upper <= floor[query, 0])  # NaN: no bound holds
        query, place = query[likely], place[likely]
    best.merge(query, place, request.pairs(query + first, place))
    return True


def _first_floor(request: Request, block: Block, k: int, first: int, start: int) -> Tensor:
    """What the k-th best score cannot be below, float32 (m, 1): the worst of k rows of this block.

    A float scan says that by itself; the slack of codes is so large that the rows are scored.
    """
    m, columns = block.score.shape
    if k > columns:
        return torch.full((m, 1), -torch.inf)
    # Rows that no bound holds for lead whatever their score: with some more leaders, k others are among them.
    count = min(k + _STRANGE, columns) if block.wild else k
    if block.scale is None:
        return _below(least_of_best(block, count))
    column, there = leaders(block, count)
    query = torch.arange(first, first + m)[:, None].expand_as(column)
    score = request.pairs(query.reshape(-1), column.clamp(max=columns - 1).reshape(-1) + start).view(m, count)
    score = torch.where(there, score, -torch.inf)
    return _below(score.topk(k, dim=1).values[:, -1:])


def _merge_all(best: Best, score: Tensor, start: int) -> None:
    """Merge exact scores of whole rows, (m, b), first place `start`."""
    query, column = (score > best.scores[:, -1:]).nonzero(as_tuple=True)
    best.merge(query, column + start, score[query, column])
