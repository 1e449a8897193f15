"""Exact top-k and all pairs on a device: scan for bounds of groups, score the best again, prove the result.

The scan reads stand-ins of the rows (`kernels/scan.py`: bfloat16, int8 codes, or the rows themselves) and
leaves for each group of rows a bound that no exact score exceeds. The groups with the best bounds are scored
in float64; where a group left out could still reach the k-th score found, the last kernel goes through all
groups whose bound does. So a search of a prepared corpus is the same few launches whatever the data, without
waiting for the device, and nothing is right by luck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xbsql.kernels import queries, similarity
from xbsql.kernels.cpu_request import Request
from xbsql.kernels.cpu_topk import exhaustive
from xbsql.kernels.device_exact import MOST, WIDE, Exact
from xbsql.kernels.replay import FEW
from xbsql.kernels.scan import scan_of
from xbsql.kernels.stand_ins import GROUP, StandIns
from xbsql.kernels.tuning import group_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xbsql.kernels.prepared import Prepared

_PEAKS = 1 << 28  # bounds of groups at a time: 512 MB
_PAIRS = 1 << 20  # groups scored at a time
_SHARE = 8  # beyond one group in so many, scoring everything is cheaper
_FEW = 10  # one row in so many: what a mask leaves is copied together from here on down
_JOIN = 32  # rows of a group in a join


class Search(NamedTuple):
    """What is searched: see `xbsql.kernels.topk`; any layout, on one device.

    Args:
        queries: (m, d).
        corpus: (n, d), the same dtype.
        metric: "dot", "cosine" or "l2".
        weights: float64 (d,), contiguous, or None.
        mask: bool (n,), contiguous, or None.
    """

    queries: Tensor
    corpus: Tensor
    metric: str = "dot"
    weights: Tensor | None = None
    mask: Tensor | None = None

    def at(self, some: slice | Tensor) -> Search:
        """The same for some of the queries."""
        return self._replace(queries=self.queries[some])

    def by_rows(self) -> Search:
        """The same with the values of each row of the corpus side by side, as the kernels read them."""
        x = self.corpus
        return self if x.stride(1) == 1 or x.shape[1] == 1 else self._replace(corpus=x.contiguous())

    def request(self) -> Request:
        """The same for the ways that score everything."""
        return Request.of(self.queries, self.corpus, self.metric, self.weights, self.mask, gather=0.0)

    def exact(self, folded: Tensor, size: int) -> Exact:
        """What scores groups of `size` rows for folded queries."""
        return Exact(folded, self.weights, self.corpus, self.mask, self.metric, size)


def topk(
    search: Search,
    k: int,
    prepared: Prepared | None = None,
    dtype: torch.dtype = torch.bfloat16,
    proof: bool = True,
) -> tuple[Tensor, Tensor]:
    """The k best rows of every query: scores float32 (m, k), rows int64 (m, k); see `xbsql.kernels.topk`.

    Args:
        search: on a CUDA device (or anywhere, under Triton's interpreter).
        k: how many.
        prepared: what `prepare` made of the corpus, with its scan.
        dtype: of the stand-ins of rows that are not prepared as codes.
        proof: whether to go on until the result is proven.
    """
    search = search.by_rows()
    left = _few_left(search, k)
    if left is not None:
        scores, rows = topk(search._replace(corpus=search.corpus[left], mask=None), k, None, dtype, proof)
        return scores, torch.where(rows >= 0, left[rows.clamp(min=0)], rows)
    coded = prepared is not None and prepared.codes is not None
    n, count = len(search.corpus), first_choice(k, coded)
    size = group_size(n, count)
    if not len(search.queries) or count * size * _SHARE > n:
        return exhaustive(search.request(), k)
    scan = scan_of(search.corpus, search.metric, search.weights, prepared, dtype).masked(search.mask)
    sizes = k, count, size
    if prepared is not None and _replayed(search, k):

        def once(some: Tensor) -> tuple[Tensor, Tensor]:
            return _chunk(search._replace(queries=some), scan, sizes, proof)

        return prepared.replays.search(search.queries, search.corpus, (k, dtype, proof), once)
    step = max(1, _PEAKS // (n // size + WIDE))
    parts = [
        _chunk(search.at(slice(s, s + step)), scan, sizes, proof) for s in range(0, len(search.queries), step)
    ]
    if len(parts) == 1:
        return parts[0]
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def _replayed(search: Search, k: int) -> bool:
    """Whether a search of a prepared corpus is captured: few queries, and nothing that waits or passes."""
    return search.queries.is_cuda and len(search.queries) <= FEW and search.mask is None and k <= MOST


def first_choice(k: int, coded: bool) -> int:
    """Groups to score at first: so many that they prove the result where vectors are random."""
    return (6 * k + 8) if coded else k + int(4 * k**0.5) + 8


def _few_left(search: Search, k: int) -> Tensor | None:
    """The rows that a mask leaves, int64, where it is worth copying them together; at least k are kept."""
    if search.mask is None:
        return None
    count = int(search.mask.sum())
    return search.mask.nonzero()[:, 0] if k <= count < len(search.mask) // _FEW else None


def _chunk(search: Search, scan: StandIns, sizes: tuple[int, int, int], proof: bool) -> tuple[Tensor, Tensor]:
    """The k best rows of a chunk of queries."""
    k, count, size = sizes
    folded = queries.folded(search.queries, search.weights, search.metric)
    exact = search.exact(folded, size)
    upper = similarity.peaks(*queries.asked(folded, scan, search.metric), scan, size)
    picked, picks, wide = _picked(upper, count + 1)
    keys = exact.keys(picks, wide, count).topk(k, dim=1).values
    if k <= MOST:
        return exact.finish(keys, upper, picked, count, proof)
    scores, rows = _read(keys)
    outside = picked[:, count].float()
    sure = (outside < scores[:, -1]) | (outside == -torch.inf)
    open_ = (~sure).nonzero()[:, 0] if proof else picks[:0, 0]
    if len(open_):
        scores[open_], rows[open_] = exhaustive(search.at(open_).request(), k)
    return scores, rows


def _picked(upper: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """The `count` best bounds of each query, best first, and their places: of groups, or within wide ones.

    The best groups lie within the wide ones (WIDE groups each) with the best maxima, so that two small
    choices take the place of one among all.
    """
    m, groups = upper.shape
    if groups // WIDE <= count:
        picked = upper.topk(min(count, groups), dim=1)
        return picked.values, picked.indices, None
    wide = upper.view(m, -1, WIDE)
    chosen = wide.amax(dim=2).topk(count, dim=1).indices
    inside = wide.gather(1, chosen[:, :, None].expand(-1, -1, WIDE)).view(m, -1)
    picked = inside.topk(count, dim=1)
    return picked.values, picked.indices, chosen


def _read(keys: Tensor) -> tuple[Tensor, Tensor]:
    """Scores float32 and rows int64 of keys, as `rescore.scored` reads them."""
    bits = (keys >> 32).to(torch.int32)
    scores = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).view(torch.float32)
    none = keys < torch.iinfo(torch.int64).min + 4096
    rows = 0x7FFFFFFF - (keys & 0xFFFFFFFF)
    return torch.where(none, -torch.inf, scores), torch.where(none, -1, rows)


def threshold_join(
    search: Search, threshold: float, itself: bool, most: int | None, dtype: torch.dtype = torch.bfloat16
) -> tuple[Tensor, Tensor, Tensor]:
    """Every pair whose score is at least the threshold, ordered by (i, j); see `cpu_join.threshold_join`.

    The bounds of the scan say which groups can hold a pair; only those are scored. Where the left side is the
    corpus, a chunk of it is compared with the rows from its own first one on.
    """
    search, x = search.by_rows(), search.corpus
    none = torch.empty(0, dtype=torch.int64, device=x.device)
    count, parts = 0, [(none, none, torch.empty(0, device=x.device))]
    m, n = len(search.queries), len(x)
    scan = scan_of(x, search.metric, search.weights, None, dtype).masked(search.mask) if m and n else None
    first = 0
    while scan is not None and first < m:
        start = first // GROUP * GROUP if itself else 0
        last = min(m, first + max(GROUP, _PEAKS // ((n - start) // _JOIN + WIDE) // GROUP * GROUP))
        for query, row, score in _reaching(search, scan, (first, last, start), threshold):
            keep = row > query if itself else torch.ones_like(query, dtype=torch.bool)
            if itself and search.mask is not None:
                keep &= search.mask[query]
            parts.append((query[keep], row[keep], score[keep]))
            count += len(parts[-1][0])
            if most is not None and count > most:
                message = f"threshold_join: more than max_pairs={most} pairs reach {threshold}; raise either"
                raise ValueError(message)
        first = last
    left, right, score = (torch.cat(column) for column in zip(*parts, strict=True))
    order = (left * max(1, n) + right).argsort()
    return left[order], right[order], score[order]


def _reaching(
    search: Search, scan: StandIns, where: tuple[int, int, int], threshold: float
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Queries, rows and scores of the pairs of queries first..last and rows from start on that reach it."""
    first, last, start = where
    folded = queries.folded(search.queries[first:last], search.weights, search.metric)
    rest = scan.after(start)
    upper = similarity.peaks(*queries.asked(folded, rest, search.metric), rest, _JOIN)
    query, group = (upper >= _down(float(threshold))).nonzero(as_tuple=True)
    exact = search.exact(folded, _JOIN)
    for s in range(0, len(query), _PAIRS):
        part = query[s : s + _PAIRS], group[s : s + _PAIRS] + start // _JOIN
        score = exact.pairs(*part)
        pair, inside = (score >= threshold).nonzero(as_tuple=True)
        yield part[0][pair] + first, part[1][pair] * _JOIN + inside, score[pair, inside]


def _down(value: float) -> float:
    """The largest bfloat16 that is not above a float32: comparing with it loses nothing."""
    bits = np.float32(value).view(np.int32)
    return float(((bits + 0xFFFF if bits < 0 else bits) & np.int32(-65536)).view(np.float32))
