"""What one search asks for: folded queries, exact scores in float64, and the scores of a block in float32.

A scan only has to be near the truth: every block of scan scores comes with a slack, a proven bound on its
distance from the exact score (`kernels/slack.py`), and what survives the slack is scored again in float64.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from xbsql.kernels.slack import TINY

PAIRS = 1 << 20  # elements gathered at a time for the scores of pairs


class Block(NamedTuple):
    """Scan scores of some queries and the rows start..start+b, with exact <= score * scale + slack.

    score: float32 or int32 (m, b); -inf (or the least int) where a row cannot be returned.
    scale, slack: float32, broadcast to (m, b / GROUP) groups of GROUP neighbouring rows; scale None is 1,
    slack is then (m, 1), and also exact >= score - slack.
    wild: whether some rows, for which no bound holds, have the largest score there is: they always pass.
    """

    score: Tensor
    slack: Tensor
    scale: Tensor | None = None
    wild: bool = False


@dataclass(frozen=True)
class Request:
    """Queries and corpus with the metric folded into the queries.

    A place is a position in the search order: the row itself, or an entry of `rows` where few rows are
    searched.

    Args:
        queries: float64 (m, d): w q for l2; the unit vector of w q for cosine; q for dot.
        corpus: (n, d), any of the vector dtypes.
        metric: "dot", "cosine" or "l2".
        weights: float64 (d,) or None.
        mask: bool (n,) or None; False rows are never returned. None where `rows` is given.
        rows: int64 ascending, the only rows searched; None for all.
        length: float64 (n,): lengths of the (weighted) rows where they are known; cosine divides by them.
    """

    queries: Tensor
    corpus: Tensor
    metric: str
    weights: Tensor | None
    mask: Tensor | None
    rows: Tensor | None = None
    length: Tensor | None = None

    @classmethod
    def of(
        cls,
        queries: Tensor,
        corpus: Tensor,
        metric: str,
        weights: Tensor | None,
        mask: Tensor | None,
        gather: float = 0.5,
        length: Tensor | None = None,
    ) -> Request:
        """Fold metric and weights into the queries; a mask of under `gather` of the rows becomes `rows`."""
        q = queries.double()
        if metric != "dot" and weights is not None:
            q = q * weights
        if metric == "cosine":
            q = unit(q)
        if gather and mask is not None and int(mask.sum()) < gather * len(mask):
            return cls(q, corpus, metric, weights, None, mask.nonzero()[:, 0], length)
        return cls(q, corpus, metric, weights, mask, None, length)

    def at(self, first: int, last: int) -> Request:
        """The same question for the queries first..last only."""
        return replace(self, queries=self.queries[first:last])

    def __len__(self) -> int:
        """How many places there are."""
        return len(self.corpus if self.rows is None else self.rows)

    @property
    def dense_share(self) -> int:
        """One survivor in so many scores: from there on scoring everything costs less than gathering."""
        return 5 if self.metric == "l2" else 64

    def take(self, start: int, stop: int) -> Tensor:
        """The rows at the places start..stop, in the corpus's dtype."""
        return (
            self.corpus[start:stop]
            if self.rows is None
            else self.corpus.index_select(0, self.rows[start:stop])
        )

    def row(self, place: Tensor) -> Tensor:
        """Row numbers of places; -1 stays -1."""
        if self.rows is None or not len(self.rows):
            return place
        return torch.where(place >= 0, self.rows[place.clamp(min=0)], place)

    def folded(self) -> Tensor:
        """The float64 vectors whose inner product with a raw row orders the rows: (m, d)."""
        return self.queries if self.weights is None else self.queries * self.weights

    def direct(self) -> Tensor:
        """The float64 vectors whose inner product with the (unit, weighted) rows orders them: (m, d)."""
        return self.folded() if self.metric == "dot" else self.queries

    def pairs(self, query: Tensor, place: Tensor) -> Tensor:
        """Exact scores of query[i] with the row at place[i], float64 rounded to float32; NaN becomes -inf."""
        step, row = max(1, PAIRS // self.corpus.shape[1]), self.row(place)
        parts = [self._pairs(query[s : s + step], row[s : s + step]) for s in range(0, len(row), step)]
        return settled(torch.cat(parts)) if parts else torch.empty(0, device=query.device)

    def _pairs(self, query: Tensor, row: Tensor) -> Tensor:
        q, x = self.queries.index_select(0, query), self.corpus.index_select(0, row).double()
        if self.metric == "l2":
            return q.sub_(x if self.weights is None else x.mul_(self.weights)).square_().sum(dim=1).neg_()
        x = x if self.weights is None else x.mul_(self.weights)
        length = None if self.length is None else self.length.index_select(0, row)
        return self._divided(q.mul_(x).sum(dim=1), x, length)

    def wide(self, start: int, stop: int) -> tuple[Tensor, Tensor | None]:
        """The (weighted) rows at some places in float64, and under cosine what divides their scores."""
        x = self.take(start, stop).double()
        x = x if self.weights is None else x * self.weights
        place = slice(start, stop) if self.rows is None else self.rows[start:stop]
        length = None if self.length is None else self.length[place]
        return x, None if self.metric != "cosine" else _divisor(x, length)

    def exact(self, first: int, last: int, start: int, stop: int) -> Tensor:
        """Exact scores of the queries first..last at the places start..stop, float32; masked rows -inf."""
        (x, length), q = self.wide(start, stop), self.queries[first:last]
        s = _minus_squares(q, x) if self.metric == "l2" else q @ x.T
        s = settled(s if length is None else s.div_(length))
        if self.mask is not None:
            s[:, ~self.mask[start:stop]] = -torch.inf
        return s

    def _divided(self, product: Tensor, x: Tensor, length: Tensor | None) -> Tensor:
        """Inner products with the rows x as scores: under cosine divided by the rows' length."""
        return product if self.metric == "dot" else product.div_(_divisor(x, length))


def _divisor(x: Tensor, length: Tensor | None) -> Tensor:
    """What divides the scores of rows under cosine: their lengths, measured where not known, or 1 for 0."""
    length = torch.linalg.vector_norm(x, dim=1) if length is None else length
    return torch.where(length == 0, 1.0, length)


def settled(scores: Tensor) -> Tensor:
    """Float64 scores rounded to float32, NaN as -inf."""
    return torch.nan_to_num(scores.float(), nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


def _minus_squares(q: Tensor, x: Tensor) -> Tensor:
    """Minus the squared distances by differences, not by expansion: equal rows are at distance 0."""
    s = torch.empty(len(q), len(x), dtype=q.dtype, device=q.device)
    for row, out in zip(q, s, strict=True):
        torch.sum((x - row).square_(), dim=1, out=out)
    return s.neg_()


def unit(x: Tensor) -> Tensor:
    """Rows divided by their length; zero rows stay zero."""
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / torch.where(length == 0, torch.ones_like(length), length)


def lengths(x: Tensor, weights: Tensor | None, metric: str) -> Tensor:
    """Float32 lengths of the (weighted) rows of a float32 block, marked like those of `marked`."""
    x = x if weights is None else x * weights
    length: Tensor = torch.linalg.vector_norm(x, dim=1)
    if metric == "cosine":
        short = (length < TINY).nonzero()[:, 0]
        if len(short):
            length[short] = torch.where(x[short].any(dim=1), torch.inf, 0.0)
    return length


def marked(length: Tensor, metric: str) -> Tensor:
    """Exact lengths, float64, as float32 for a scan.

    Under cosine a row whose squares underflow, though it is not zero, gets Inf: its block is scored in
    float64.
    """
    if metric != "cosine":
        return length.float()
    return torch.where((length > 0) & (length < TINY), torch.inf, length).float()
