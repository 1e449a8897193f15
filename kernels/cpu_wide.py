"""The k best of a few queries among all places at once, where k is large: one choice in place of many merges.

A gate that rises from block to block scores and sorts again what it let through; for k = 100 that costs more
than the product. Here the scan scores of some queries lie side by side. The k-th best maximum of small groups
is a score that k rows reach, so what is needed lies within twice the slack of it: little more than k rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.kernels.cpu_request import Request
    from xbsql.kernels.cpu_scan import FloatScan

_LEAST = 32  # results from which on this is faster than a rising gate
_MOST = 1 << 18  # places up to which it is
_SCORES = 1 << 24  # scan scores at a time: 32 MB
_LAST = 0x7FFFFFFF
_NOTHING = np.iinfo(np.int64).min


def is_wide(metric: str, k: int, count: int) -> bool:
    """Whether k of `count` places are best found at once, in float32 even where there are codes."""
    return k >= _LEAST and 8 * k <= count <= _MOST and metric != "l2"


def best_of_all(
    request: Request, scan: FloatScan, k: int, low: int, high: int
) -> tuple[Tensor, Tensor] | None:
    """Scores float32 and places int64 (m, k) of the k best of low..high; None where no bound holds.

    Of equal scores the lower place comes first; -inf and -1 where fewer than k can be returned.
    """
    size = 64
    while size > 4 and (high - low) // size < 8 * k:
        size //= 2
    step = max(1, _SCORES // (high - low))
    exact = _Exact.of(request)
    keys = np.empty((len(request.queries), k), np.int64)
    for first in range(0, len(request.queries), step):
        last = min(first + step, len(request.queries))
        block = scan.block(first, last, low, high)
        if block is None or block.wild:
            return None
        query, column = _chosen(block.score.numpy(), block.slack.numpy(), k, size)
        keys[first:last] = _ranked(exact, range(first, last), query, column + low, k)
    scores = np.where(keys > _NOTHING, _floats((keys >> 32).astype(np.int32)), np.float32(-np.inf))
    places = np.where(keys > _NOTHING, _LAST - (keys & 0xFFFFFFFF), -1)
    return torch.from_numpy(scores), torch.from_numpy(places)


def _chosen(
    score: NDArray[np.float32], slack: NDArray[np.float32], k: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Query and column, ordered by query, of every score that the k best may be among.

    A group is every n / size-th column, so that all maxima are those of whole pieces of a row of scores; the
    last columns are groups of their own.
    """
    m, n = score.shape
    count = n // size
    grouped = score[:, : count * size].reshape(m, size, count)
    whole = torch.from_numpy(grouped).amax(dim=1).numpy()
    peak = np.concatenate([whole, score[:, count * size :]], axis=1)
    floor = np.partition(peak, peak.shape[1] - k, axis=1)[:, peak.shape[1] - k, None] - 2 * slack
    floor = np.maximum(floor, np.finfo(np.float32).min)  # what cannot be returned is below it
    query, group = _where(peak >= floor)
    own = group >= count
    inside = grouped[query[~own], :, group[~own]]
    pair, place = _where(inside >= floor[query[~own]])
    column = group[~own][pair] + place * count
    if not own.any():
        return query[~own][pair], column
    queries = np.concatenate([query[~own][pair], query[own]])
    order = np.argsort(queries, kind="stable")
    return queries[order], np.concatenate([column, group[own] - count + count * size])[order]


def _where(true: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Line and column of what is true: NumPy's nonzero of one dimension takes a third of that of two."""
    line, column = np.divmod(np.flatnonzero(true), true.shape[1])
    return line, column


class _Exact(NamedTuple):
    """Exact scores of one query with some places; `rows` are float32 rows where a product is enough."""

    request: Request
    rows: NDArray[np.float32] | None
    queries: NDArray[np.float64]

    @classmethod
    def of(cls, request: Request) -> _Exact:
        """Look once at what the request needs."""
        plain = request.metric == "dot" and request.weights is None and request.rows is None
        raw = plain and request.corpus.dtype == torch.float32
        return cls(request, request.corpus.numpy() if raw else None, request.queries.numpy())

    def scores(self, query: int, place: NDArray[np.int64]) -> NDArray[np.float32]:
        """Float32 (places,); -inf for NaN."""
        if self.rows is None:
            return self.request.of_query(query, torch.from_numpy(place)).numpy()
        wide = self.rows.take(place, axis=0).astype(np.float64)
        found: NDArray[np.float32] = (wide @ self.queries[query]).astype(np.float32)
        return found


def _ranked(
    exact: _Exact, queries: range, query: NDArray[np.int64], place: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """Keys, int64 (queries, k), of the k best of the chosen pairs, best first.

    A key is the score's bits, made to order like the score, above the place counted from the end.
    """
    bounds = np.searchsorted(query, np.arange(len(queries) + 1))
    shape = len(queries), max(k, int(np.diff(bounds).max()))
    scores, places = np.full(shape, -np.inf, np.float32), np.zeros(shape, np.int64)
    for line, i in enumerate(queries):
        here = place[bounds[line] : bounds[line + 1]]
        scores[line, : len(here)], places[line, : len(here)] = exact.scores(i, here), here
    scores += np.float32(0)  # minus zero equals zero
    keys = (_floats_bits(scores).astype(np.int64) << 32) | (_LAST - places)
    keys[~(scores > -np.inf)] = _NOTHING
    keys.sort(axis=1)
    return keys[:, : -k - 1 : -1]


def _floats_bits(score: NDArray[np.float32]) -> NDArray[np.int32]:
    bits = score.view(np.int32)
    return np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def _floats(bits: NDArray[np.int32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).view(np.float32)
    return found
