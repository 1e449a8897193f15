"""The scan by products of bfloat16s, where the processor multiplies these much faster than float32.

Sapphire Rapids multiplies bfloat16 four to eight times as fast as float32. Rows, queries and scores are
rounded, so the slack is a hundred times that of float32: more rows are scored exactly, which costs far less
than the product where there are many queries.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xbsql.kernels.cpu_product import seconds
from xbsql.kernels.cpu_request import Block
from xbsql.kernels.cpu_scan import FloatScan
from xbsql.kernels.slack import HALF, TINY, UNDERFLOW, flushed, summed, up

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from xbsql.kernels.cpu_request import Request
    from xbsql.kernels.cpu_scan import Slab
    from xbsql.kernels.prepared import Prepared

MANY = 64  # queries from which on rounding the rows costs little beside the product


class HalfScan:
    """Bfloat16 scores under dot or cosine; a block's scores last until the next block.

    `unit`: a score is rounded by at most this share of itself, which the slack leaves out.

    Args:
        request, prepared: as of `FloatScan`.
        fine: multiply each value as the sum of two bfloat16s, without the product of the smaller ones: three
            products, and a slack as small as that of float32.
    """

    unit = HALF

    def __init__(self, request: Request, prepared: Prepared | None, *, fine: bool = False) -> None:
        self.full = FloatScan.of(request, prepared)
        self.fine, self.cosine = fine, request.metric == "cosine"
        self.weighted = self.cosine and request.weights is not None
        folded = self.full.folded
        (m, d), parts = folded.shape, 3 if fine else 1
        self.queries = torch.empty((m, parts * d), dtype=torch.bfloat16)
        self.length = self.full.query_length.numpy()[:, None]
        self.rest, self.low = (
            column[:, None] for column in self._halved(folded, self.queries, 1, self.length[:, 0])
        )
        self._place, self._rows, self._off, self._low = (-1, -1), self.queries, 0.0, 0.0
        self._room, self._half = self.queries[:0].reshape(-1), self.queries[:0]

    def block(self, first: int, last: int, start: int, stop: int) -> Block | None:
        """See `Scan.block`."""
        if not self.full.tame:
            return None
        slab = self._round(start, stop)
        count, columns = (last - first) * len(self._rows), self._rows.shape[1]
        if len(self._room) < count:
            self._room = torch.empty(count, dtype=torch.bfloat16)
        score = self._room[:count].view(last - first, -1)
        torch.mm(self.queries[first:last], self._rows.T, out=score)
        if len(slab.wild):
            score.index_fill_(1, slab.wild, torch.inf)
        if len(slab.dead):
            score.index_fill_(1, slab.dead, -torch.inf)
        longest, lost = 1.001 if self.cosine else float(slab.longest), flushed(columns)
        q, rest, low = (each[first:last] for each in (self.length, self.rest, self.low))
        off = self._off + 1.04 * summed(columns) * longest + lost
        slack = q * off + rest * (longest + self._off) + low * self._low + (lost * longest + UNDERFLOW)
        return Block(score, torch.from_numpy(slack.astype(np.float32)), wild=len(slab.wild) > 0)

    def _round(self, start: int, stop: int) -> Slab:
        """Make the rows of a block, under cosine divided by their lengths, ready: bfloat16."""
        slab = self.full.slab(start, stop)
        if self._place != (start, stop):
            x = slab.x
            if self.cosine:
                x = x * torch.where(slab.length > 0, 1 / slab.length, 0.0)[:, None]
            if len(slab.dead) + len(slab.wild):
                x = x.index_fill(0, torch.cat([slab.dead, slab.wild]), 0.0)
            if len(self._half) < len(x):  # fresh memory would cost more than what is done with it
                self._half = torch.empty((len(x), self.queries.shape[1]), dtype=torch.bfloat16)
            self._place, self._rows = (start, stop), self._half[: len(x)]
            longest = np.full(1, 1.001 if self.cosine else float(slab.longest))
            rest, low = self._halved(x, self._rows, 2, longest)
            self._off, self._low = float(rest.max()), float(low.max())
        return slab

    def _halved(
        self, x: Tensor, out: Tensor, small: int, length: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Round x (n, d) into `out`, bfloat16 (n, d), or (n, 3 d) with the smaller halves as part `small`.

        Returns:
            What bounds the length of what is lost, and of the smaller halves, of each row or of all.
        """
        d = x.shape[1]
        near = out[:, :d].copy_(x)
        rest = x - near
        low = np.zeros_like(length)
        if self.fine:
            out[:, (3 - small) * d : (4 - small) * d] = near
            half = out[:, small * d : (small + 1) * d].copy_(rest)
            low = HALF * length if self.weighted else _lengths(rest)
            rest = rest.sub_(half)
        if self.weighted:
            # The terms are bounded, but the folded query and the row may both be long.
            return (HALF**2 if self.fine else HALF) * length, low
        return _lengths(rest), low


def _lengths(x: Tensor) -> NDArray[Any]:
    """No less than the lengths of float32 rows."""
    rows = x.numpy()
    found: NDArray[Any] = up(x.shape[1]) * np.sqrt(np.vecdot(rows, rows)) + TINY
    return found


def is_chosen(m: int) -> bool:
    """Whether this scan is the better one for m queries."""
    return m >= MANY and is_faster()


@cache
def is_faster() -> bool:
    """Whether this processor multiplies bfloat16 in half of the time of float32, and sums in float32.

    Both are tried once, for a few milliseconds.
    """
    if not torch.backends.mkldnn.is_available() or not torch.ops.mkldnn._is_mkldnn_bf16_supported():  # type: ignore[no-untyped-call]
        return False
    # Sums in bfloat16 would lose all but the first term.
    q, x = torch.ones(64, 512), torch.full((2048, 512), 2.0**-9)
    x[:, 0] = 1.0
    near, far = q.bfloat16(), x.bfloat16()
    off = (near @ far.T).float() - (1 + 511 * 2.0**-9)
    right = bool((off.abs() <= 2 * HALF).all())
    return right and 2 * seconds(lambda: near @ far.T) <= seconds(lambda: q @ x.T)
