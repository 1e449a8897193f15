"""All pairs above a threshold on the CPU: the scan of `cpu_topk` with a fixed gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from xbsql.kernels.cpu_gate import passing
from xbsql.kernels.cpu_scan import block_shape, scan_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xbsql.kernels.cpu_request import Request
    from xbsql.kernels.cpu_scan import Scan

_EXACT = 1024  # rows at a time in float64


class Pairs(NamedTuple):
    """Left rows int64, right places int64 and float32 scores of some pairs."""

    left: Tensor
    place: Tensor
    score: Tensor


def threshold_join(
    request: Request, threshold: float, itself: bool, most: int | None, mask: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Every pair whose score is at least the threshold, ordered by (i, j).

    Args:
        request: its queries are the left side.
        threshold: compared with the float32 scores.
        itself: the left side is the corpus: only pairs of rows i < j.
        most: raise ValueError once there are more pairs than this.
        mask: the mask behind the request, for the left side where it is the corpus.
    """
    scan, (chunk, step) = scan_of(request, None), block_shape(request, None)
    least = torch.tensor(threshold, dtype=torch.float32)
    none = torch.empty(0, dtype=torch.int64)
    count, parts = 0, [Pairs(none, none, torch.empty(0))]
    for start in range(0, len(request), step):
        stop = min(start + step, len(request))
        left_end = min(len(request.queries), int(request.row(torch.tensor(stop - 1)))) if itself else None
        for first in range(0, len(request.queries) if left_end is None else left_end, chunk):
            last = min(first + chunk, len(request.queries))
            for found in _candidates(request, scan, (first, last, start, stop), least):
                keep = found.score >= least
                if itself:
                    keep &= found.left < request.row(found.place)
                    keep &= True if mask is None else mask[found.left]
                parts.append(Pairs(*(each[keep] for each in found)))
                count += len(parts[-1].left)
            if most is not None and count > most:
                message = f"threshold_join: more than max_pairs={most} pairs reach {threshold}; raise either"
                raise ValueError(message)
    return _ordered(request, parts)


def _candidates(
    request: Request, scan: Scan, where: tuple[int, int, int, int], least: Tensor
) -> Iterator[Pairs]:
    """Exactly scored pairs of a block that hold all that reach the threshold."""
    first, last, start, stop = where
    block = scan.block(*where)
    if block is not None:
        below = torch.nextafter(least, torch.tensor(-torch.inf)).expand(last - first, 1)
        query, column = passing(block, below)
        if len(query) * request.dense_share <= block.score.numel():
            left, place = query + first, column + start
            yield Pairs(left, place, request.pairs(left, place))
            return
    for low in range(start, stop, _EXACT):
        score = request.exact(first, last, low, min(low + _EXACT, stop))
        query, column = (score >= least).nonzero(as_tuple=True)
        yield Pairs(query + first, column + low, score[query, column])


def _ordered(request: Request, parts: list[Pairs]) -> tuple[Tensor, Tensor, Tensor]:
    """The parts as one, ordered by (i, j)."""
    left, place, score = (torch.cat(column) for column in zip(*parts, strict=True))
    row = request.row(place)
    order = (left * len(request.corpus) + row).argsort()
    return left[order], row[order], score[order]
