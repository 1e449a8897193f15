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
_SCORES = 1 << 21  # scan scores at a time: 8 MB
_WHOLE = 1 << 22  # values of a corpus that is turned into float64 at once: 32 MB
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
    while size > 4 and (high - low) // size < 16 * k:
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
    query, group = np.nonzero(peak >= floor)
    own = group >= count
    inside = grouped[query[~own], :, group[~own]]
    pair, place = np.nonzero(inside >= floor[query[~own]])
    column = group[~own][pair] + place * count
    if not own.any():
        return query[~own][pair], column
    queries = np.concatenate([query[~own][pair], query[own]])
    order = np.argsort(queries, kind="stable")
    return queries[order], np.concatenate([column, group[own] - count + count * size])[order]


class _Exact(NamedTuple):
    """Exact scores of one query with some places: float64 rows, where they are few enough to be kept so."""

    request: Request
    rows: NDArray[np.float64] | None
    queries: NDArray[np.float64]

    @classmethod
    def of(cls, request: Request) -> _Exact:
        """Rows as float64 at once where that takes little memory."""
        plain = request.metric == "dot" and request.weights is None and request.rows is None
        few = request.corpus.numel() <= _WHOLE and plain
        return cls(request, request.corpus.double().numpy() if few else None, request.queries.numpy())

    def scores(self, query: int, place: NDArray[np.int64]) -> NDArray[np.float32]:
        """Float32 (places,); -inf for NaN."""
        if self.rows is None:
            return self.request.of_query(query, torch.from_numpy(place)).numpy()
        found: NDArray[np.float32] = (self.rows.take(place, axis=0) @ self.queries[query]).astype(np.float32)
        return found


def _ranked(
    exact: _Exact, queries: range, query: NDArray[np.int64], place: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """Keys, int64 (queries, k), of the k best of the chosen pairs, best first.

    A key is the score's bits, made to order like the score, above the place counted from the end.
    """
    first = queries.start
    bounds = np.searchsorted(query, np.arange(len(queries) + 1))
    keys = np.full((len(queries), max(k, int(np.diff(bounds).max()))), _NOTHING)
    for i in queries:
        here = place[bounds[i - first] : bounds[i - first + 1]]
        score = exact.scores(i, here) + np.float32(0)
        bits = _floats_bits(score).astype(np.int64)
        key = (bits << 32) | (_LAST - here)
        keys[i - first, : len(here)] = np.where(score > -np.inf, key, _NOTHING)
    keys.sort(axis=1)
    return keys[:, : -k - 1 : -1]


def _floats_bits(score: NDArray[np.float32]) -> NDArray[np.int32]:
    bits = score.view(np.int32)
    return np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def _floats(bits: NDArray[np.int32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).view(np.float32)
    return found
