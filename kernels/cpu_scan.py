"""Two scans of a block: float32 and int8 matrix products, each with a proven bound on its error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from xbsql.kernels.cpu_once import product_at_once
from xbsql.kernels.cpu_product import FEW, paired, product, reach, with_reach
from xbsql.kernels.cpu_request import PAIRS, Block, lengths, marked
from xbsql.kernels.slack import TINY, UNDERFLOW, WILD, rounding, up
from xbsql.kernels.stand_ins import GROUP, Codes

if TYPE_CHECKING:
    from xbsql.kernels.cpu_request import Request
    from xbsql.kernels.prepared import Prepared

_QUERIES = 512  # in one matrix product
_SCORES = 1 << 21  # scan scores at a time: 8 MB
_VALUES = 1 << 23  # values of the corpus at a time
_NONE = torch.empty(0, dtype=torch.int64)


def scan_of(request: Request, prepared: Prepared | None) -> Scan:
    """The int8 scan where the corpus has codes or is int8 itself, else the float32 scan."""
    if prepared is not None and prepared.codes is not None and request.rows is None:
        return IntScan.of(request, prepared)
    if request.corpus.dtype == torch.int8 and request.metric == "dot" and request.weights is None:
        return IntScan.raw(request)
    return FloatScan.of(request, prepared)


def block_shape(request: Request, prepared: Prepared | None) -> tuple[int, int]:
    """Queries and places to score at a time, so that no block's scores or copied rows are large."""
    chunk = min(max(1, len(request.queries)), _QUERIES)
    step = max(GROUP, _VALUES // request.corpus.shape[1])
    few = request.metric == "dot" and len(request.queries) <= FEW
    if (prepared is not None or few) and request.rows is None and request.corpus.dtype == torch.float32:
        step = _SCORES  # rows are read where they lie, and once
    return chunk, max(GROUP, min(_SCORES // chunk, step) // GROUP * GROUP)


class Scan(Protocol):
    """Scores blocks of the corpus for a request's queries."""

    def block(self, first: int, last: int, start: int, stop: int) -> Block | None:
        """Scan scores of the queries first..last at the places start..stop; None where no bound holds."""

    def quick(self, first: int, last: int, start: int, stop: int, k: int) -> Block | None:
        """The same in less time, with more slack, for the k best; None where that would leave too much."""

    def upper(self, query: Tensor, place: Tensor) -> Tensor | None:
        """What the exact scores of pairs cannot exceed, float32; None where the block already says it."""


def _columns(true: Tensor) -> Tensor:
    return true.nonzero()[:, 0]


def _wild(length: Tensor) -> bool:
    """Whether a length leaves the range in which the bounds hold; NaN does not count."""
    return bool((length > WILD).any())


@dataclass(frozen=True)
class Slab:
    """Rows of the corpus ready for the float32 product.

    Args:
        x: float32 (b, d).
        length: float32 (b,), of the (weighted) rows; 0 for rows that cannot be returned. Of plain rows under
            the inner product only a bound of all, (1,).
        longest: no less than the largest of them, where squares underflow, too.
        dead: int64 columns that cannot be returned: masked, or holding NaN.
        wild: int64 columns whose length leaves the range in which the bounds hold; their length here is 0.
    """

    x: Tensor
    length: Tensor
    longest: Tensor
    dead: Tensor
    wild: Tensor


@dataclass
class FloatScan:
    """The float32 product of raw rows and folded queries; a block's scores last until the next block."""

    unit = 0.0

    request: Request
    prepared: Prepared | None
    folded: Tensor
    query_length: Tensor
    tame: bool
    _place: tuple[int, int] = (-1, -1)
    _slab: Slab | None = None
    _room: Tensor = field(default_factory=lambda: torch.empty(0))

    @classmethod
    def of(cls, request: Request, prepared: Prepared | None) -> FloatScan:
        """Fold the queries once."""
        length = torch.linalg.vector_norm(request.direct(), dim=1).float()
        return cls(request, prepared, request.folded().float(), length, not _wild(length))

    def block(self, first: int, last: int, start: int, stop: int) -> Block | None:
        """See `Scan.block`."""
        q_length = self.query_length[first:last]
        if not self.tame and _wild(q_length):
            return None
        block = self._at_once(first, last, start, stop, q_length)
        if block is not None:
            return block
        slab = self.slab(start, stop)
        score, slack = self._score(self.folded[first:last], q_length, slab)
        if len(slab.wild):
            score.index_fill_(1, slab.wild, torch.inf)
        if len(slab.dead):
            score.index_fill_(1, slab.dead, -torch.inf)
        return Block(score, slack[:, None] + UNDERFLOW, wild=len(slab.wild) > 0)

    def upper(self, query: Tensor, place: Tensor) -> Tensor | None:
        """See `Scan.upper`."""
        return None

    def quick(self, first: int, last: int, start: int, stop: int, k: int) -> Block | None:
        """See `Scan.quick`."""
        x = self._plain(last - first, start, stop)
        found = None if x is None else product_at_once(self.folded[first:last], x, k)
        if found is None:
            return None
        score = self._masked(found.score, start, stop)
        return Block(score, found.slack[:, None] + UNDERFLOW, wild=found.wild)

    def _at_once(self, first: int, last: int, start: int, stop: int, q_length: Tensor) -> Block | None:
        """The block of few queries by one pass over plain rows of unknown lengths; None elsewhere."""
        x = self._plain(len(q_length), start, stop)
        if x is None:
            return None
        score, longest = with_reach(self.folded[first:last], x)
        if not longest <= WILD:
            return None
        # The sum behind the reach has many terms, but it is a sum of squares and of far more than one row.
        slack = rounding(x.shape[1]) * q_length * (1.05 * longest + TINY)
        return Block(self._masked(score, start, stop), slack[:, None] + UNDERFLOW)

    def _plain(self, m: int, start: int, stop: int) -> Tensor | None:
        """The rows of a block as they lie, where m queries are few and lengths unknown; else None."""
        request = self.request
        if m > FEW or request.metric != "dot" or self.prepared is not None or request.rows is not None:
            return None
        x = request.corpus[start:stop]
        return x if x.dtype == torch.float32 and x.is_contiguous() else None

    def _masked(self, score: Tensor, start: int, stop: int) -> Tensor:
        mask = self.request.mask
        return score if mask is None else score.masked_fill_(~mask[start:stop], -torch.inf)

    def _score(self, q: Tensor, q_length: Tensor, slab: Slab) -> tuple[Tensor, Tensor]:
        relative, longest = rounding(q.shape[1]), slab.longest
        if len(self._room) < len(q) * len(slab.x):
            self._room = torch.empty(len(q) * len(slab.x))
        if self.request.metric == "dot":
            return product(q, slab.x, room=self._room), relative * q_length * longest
        if self.request.metric == "cosine":
            inverse = torch.where(slab.length > 0, 1 / slab.length, 0.0)
            score = product(q, slab.x, room=self._room).mul_(inverse)
            return score, 2 * relative * q_length
        score = product(2 * q, slab.x, -slab.length.square(), self._room).sub_(q_length.square()[:, None])
        return score, 2 * relative * (q_length + longest).square()

    def slab(self, start: int, stop: int) -> Slab:
        """The slab of these places, kept for the next queries."""
        if self._slab is None or self._place != (start, stop):
            self._slab, self._place = self._load(start, stop), (start, stop)
        return self._slab

    def _load(self, start: int, stop: int) -> Slab:
        request, x = self.request, self.request.take(start, stop).float()
        mask = None if request.mask is None else request.mask[start:stop]
        known = self.prepared is not None and request.rows is None
        if request.metric == "dot" and not known:
            longest = torch.tensor([up(x.shape[1]) * reach(x) + TINY])
            if bool(longest <= WILD):
                return Slab(x, longest, longest[0], _NONE if mask is None else _columns(~mask), _NONE)
        length = self._lengths(x, start, stop)
        gone = length.isnan()
        if mask is not None:
            gone |= ~mask
        wild = _columns((length > WILD) & ~gone)
        dead = _columns(gone)
        if len(dead) + len(wild):
            length = length.index_fill(0, dead, 0.0).index_fill_(0, wild, 0.0)
        return Slab(x, length, length.amax() + TINY, dead, wild)

    def _lengths(self, x: Tensor, start: int, stop: int) -> Tensor:
        """Float32 lengths of the (weighted) rows of a block, marked."""
        request = self.request
        if self.prepared is not None and request.rows is None:
            return marked(self.prepared.length[start:stop], request.metric)
        w = None if request.weights is None or request.metric == "dot" else request.weights.float()
        return lengths(x, w, request.metric)


@dataclass(frozen=True)
class IntScan:
    """The int8 product of the corpus's codes and the queries' codes.

    With q = a c + q' and x = b e + x' (codes c, e), |q.x - a b (c.e)| <= |q| |x'| + |q'| |b e| by
    Cauchy-Schwarz. The integer product itself is exact. Where the codes have a head, q and x are folded, and
    their product is not below that of the vectors.
    """

    request: Request
    codes: Codes
    length: Tensor | None
    code: Tensor
    scale: Tensor
    rest: Tensor
    query_length: Tensor
    folded: Tensor | None = None

    @classmethod
    def of(cls, request: Request, prepared: Prepared) -> IntScan:
        """Code the folded queries."""
        if prepared.codes is None:
            message = "IntScan needs codes"
            raise TypeError(message)
        v = prepared.codes.fold(request.direct())
        largest = v.abs().amax(dim=1, keepdim=True)
        scale = torch.where(largest > 0, largest / 127, torch.ones_like(largest))
        code = torch.nan_to_num(v / scale).round_().clamp_(-127, 127)
        rest = torch.linalg.vector_norm(v - code * scale, dim=1)
        length = torch.linalg.vector_norm(v, dim=1)
        bounds = (scale[:, 0].float(), rest.float(), length.float())
        folded = request.folded().float()
        return cls(request, prepared.codes, prepared.length, code.to(torch.int8), *bounds, folded)

    @classmethod
    def raw(cls, request: Request) -> IntScan:
        """An int8 corpus under the inner product: its own codes, without a rest."""
        groups = -(-len(request) // GROUP)
        one, zero = torch.ones(groups), torch.zeros(groups)
        # Compared as float32, integers beyond 2^24 are off by a little.
        largest = 127.0**2 * request.corpus.shape[1]
        rest = zero if largest < 2**24 else torch.full_like(zero, largest * 2**-22)
        m = len(request.queries)
        bounds = (torch.ones(m), torch.zeros(m), torch.ones(m))
        codes, own = Codes(request.corpus, one, rest, zero), request.queries.to(torch.int8)
        return cls(request, codes, None, own, *bounds)

    def block(self, first: int, last: int, start: int, stop: int) -> Block | None:
        """See `Scan.block`."""
        q_length, groups = self.query_length[first:last, None], slice(start // GROUP, -(-stop // GROUP))
        length = None if self.length is None else marked(self.length[start:stop], self.request.metric)
        if _wild(q_length):
            return None
        rest, reach = self.codes.rest[groups], self.codes.reach[groups]
        score = torch._int_mm(self.code[first:last], self._code(start, stop).T)
        wild = None if length is None or not _wild(length) else (length > WILD).nonzero()[:, 0]
        if wild is not None:
            score.index_fill_(1, wild, torch.iinfo(torch.int32).max)
        gone = self._gone(start, stop)
        if gone is not None:
            score.index_fill_(1, gone, torch.iinfo(torch.int32).min)
        scale = self.scale[first:last, None] * self.codes.scale[groups]
        off = self.rest[first:last, None] + rounding(self.code.shape[1]) * q_length
        slack = q_length * rest + off * reach
        return Block(score, 1.001 * slack + scale / 4 + UNDERFLOW, scale, wild is not None)

    def quick(self, first: int, last: int, start: int, stop: int, k: int) -> Block | None:
        """See `Scan.quick`."""
        return None

    def upper(self, query: Tensor, place: Tensor) -> Tensor | None:
        """See `Scan.upper`: the float32 product, whose slack is a thousandth of the codes'."""
        if self.folded is None or self.length is None:
            return None
        d = self.request.corpus.shape[1]
        row, step = self.request.row(place), max(1, PAIRS // d)
        pieces = zip(torch.split(query, step), torch.split(row, step), strict=True)
        take, folded = self.request.corpus.index_select, self.folded
        score = torch.cat([paired(folded[one], take(0, other).float()) for one, other in pieces])
        length, relative = marked(self.length[row], self.request.metric), rounding(d)
        if self.request.metric == "dot":
            score.add_(relative * self.query_length[query] * length + UNDERFLOW)
        else:
            score = torch.where(length > 0, score / length, 0.0).add_(2 * relative)
        return score.masked_fill_(length > WILD, torch.inf)

    def _code(self, start: int, stop: int) -> Tensor:
        """Codes of the rows at the places start..stop."""
        if self.request.rows is None:
            return self.codes.code[start:stop]
        return self.codes.code[self.request.rows[start:stop]]

    def _gone(self, start: int, stop: int) -> Tensor | None:
        """Columns that cannot be returned: masked, or holding NaN."""
        gone = None if self.request.mask is None else ~self.request.mask[start:stop]
        if self.length is not None:
            missing = self.length[start:stop].isnan()
            gone = missing if gone is None else gone | missing
        return None if gone is None or not bool(gone.any()) else gone.nonzero()[:, 0]
