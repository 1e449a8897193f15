"""The scan by products of bfloat16s, where the processor multiplies these much faster than float32.

Sapphire Rapids multiplies bfloat16 four to eight times as fast as float32. Rows, queries and scores are
rounded, so the slack is a hundred times that of float32: more rows are scored exactly, which costs far less
than the product where there are many queries.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch

from xbsql.kernels.cpu_product import reach, seconds
from xbsql.kernels.cpu_request import Block
from xbsql.kernels.cpu_scan import FloatScan
from xbsql.kernels.slack import HALF, TINY, UNDERFLOW, flushed, summed, up

if TYPE_CHECKING:
    from xbsql.kernels.cpu_request import Request
    from xbsql.kernels.cpu_scan import Slab
    from xbsql.kernels.prepared import Prepared

MANY = 64  # queries from which on rounding the rows costs little beside the product


class HalfScan:
    """Bfloat16 scores under dot or cosine; a block's scores last until the next block.

    `unit`: a score is rounded by at most this share of itself, which the slack leaves out.
    """

    unit = HALF

    def __init__(self, request: Request, prepared: Prepared | None) -> None:
        self.full = FloatScan.of(request, prepared)
        folded = self.full.folded
        self.queries, self.cosine = folded.bfloat16(), request.metric == "cosine"
        self.weighted = self.cosine and request.weights is not None
        self.length = self.full.query_length.numpy()[:, None]
        rest = torch.linalg.vector_norm(folded - self.queries.float(), dim=1).numpy()[:, None]
        # Under weights the terms are bounded, but the folded query and the row may both be long.
        self.rest = HALF * self.length if self.weighted else 1.001 * rest + TINY
        self._place, self._rows, self._off = (-1, -1), self.queries, 0.0
        self._room, self._half, self._rest = self.queries[:0].reshape(-1), self.queries[:0], folded[:0]

    def block(self, first: int, last: int, start: int, stop: int) -> Block | None:
        """See `Scan.block`."""
        if not self.full.tame:
            return None
        slab = self._round(start, stop)
        count, d = (last - first) * len(self._rows), self._rows.shape[1]
        if len(self._room) < count:
            self._room = torch.empty(count, dtype=torch.bfloat16)
        score = self._room[:count].view(last - first, -1)
        torch.mm(self.queries[first:last], self._rows.T, out=score)
        if len(slab.wild):
            score.index_fill_(1, slab.wild, torch.inf)
        if len(slab.dead):
            score.index_fill_(1, slab.dead, -torch.inf)
        longest = 1.001 if self.cosine else float(slab.longest)
        q, rest = self.length[first:last], self.rest[first:last]
        off = self._off + 1.02 * summed(d) * longest + flushed(d)
        slack = q * off + rest * (longest + self._off) + (flushed(d) * longest + UNDERFLOW)
        return Block(score, torch.from_numpy(slack), wild=len(slab.wild) > 0)

    def _round(self, start: int, stop: int) -> Slab:
        """Make the rows of a block, under cosine divided by their lengths, ready: bfloat16 (b, d)."""
        slab = self.full.slab(start, stop)
        if self._place != (start, stop):
            x = slab.x
            if self.cosine:
                x = x * torch.where(slab.length > 0, 1 / slab.length, 0.0)[:, None]
            if len(slab.dead) + len(slab.wild):
                x = x.index_fill(0, torch.cat([slab.dead, slab.wild]), 0.0)
            # Fresh memory would cost more than what is done with it.
            if len(self._half) < len(x):
                self._half, self._rest = torch.empty(x.shape, dtype=torch.bfloat16), torch.empty(x.shape)
            self._place, self._rows = (start, stop), self._half[: len(x)].copy_(x)
            self._off = HALF
            if not self.weighted:
                rest = torch.sub(x, self._rows, out=self._rest[: len(x)])
                self._off = up(x.shape[1]) * reach(rest) + TINY
        return slab


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
