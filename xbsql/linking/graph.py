"""Rows of many catalogues and what is known of pairs of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.matching.stated import contradicting

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from xbsql.matching.stated import Stated

    Ints: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float64]
    Bools: TypeAlias = NDArray[np.bool_]

SUREST: Final = 30.0
"""The greatest log odds of a pair."""
LEAST_PRIOR: Final = 0.05
"""Share of the smaller catalogue that is taken to match at least, for what a pair is worth beforehand."""


@dataclass(frozen=True)
class Graph:
    """Pairs of rows of different markets.

    Attributes:
        market: int64, shape (n,): the market of each row, from 0; -1 takes no part.
        i: int64, shape (p,): a row; pairs are ordered by i, then j, and none is there twice.
        j: int64, shape (p,): a row of another market, i < j.
        odds: float64, shape (p,): log odds that both are one product, by themselves.
        stated: what the texts state: rows that contradict each other are never joined; None: they may be.
        block: int64, shape (n,): rows of different blocks are never joined; None for one block.
        apart: int64, shape (q,): keys (lower row * n + higher row) of pairs that are two products.
        copy: int64, shape (n,): the first row of this market and block that has this text; None: all differ.
    """

    market: Ints
    i: Ints
    j: Ints
    odds: Floats
    stated: Stated | None = None
    block: Ints | None = None
    apart: Ints | None = None
    copy: Ints | None = None

    def __len__(self) -> int:
        return len(self.market)

    @cached_property
    def prior(self) -> Floats:
        """Log odds that a row of one market and a row of another, drawn at random, are one product.

        Float64, shape (markets, markets), symmetric: from how many matches the pairs' own odds promise, of
        which no row has more than one.
        """
        count = int(self.market.max(initial=-1)) + 1
        rows = np.bincount(self.market[self.market >= 0], minlength=count).astype(np.float64)
        likely = 1 / (1 + np.exp(-np.clip(self.odds, -SUREST, SUREST)))
        most = np.zeros(len(self) * count)  # a row's likeliest partner in each market, whichever end it is
        for ends, others in ((self.i, self.j), (self.j, self.i)):
            np.maximum.at(most, ends * count + self.market[others], likely)
        own, other = np.repeat(self.market, count), np.tile(np.arange(count), len(self))
        there = most > 0
        low, high = np.minimum(own, other)[there], np.maximum(own, other)[there]
        best = np.bincount(low * count + high, most[there], minlength=count**2) / 2
        both = best.reshape(count, count)
        smaller = np.minimum(rows[:, None], rows[None, :])
        matches = np.maximum(both + both.T, LEAST_PRIOR * smaller)
        share = np.minimum(matches, smaller) / np.maximum(rows[:, None] * rows[None, :], 1.0)
        share = np.clip(share, 1e-12, 0.5)
        return np.asarray(np.log(share) - np.log1p(-share))

    @cached_property
    def ratio(self) -> Floats:
        """What each pair says beyond the prior: the log of a likelihood ratio, float64, shape (p,)."""
        odds = np.clip(self.odds, -SUREST, SUREST)
        return np.asarray(odds - self.prior[self.market[self.i], self.market[self.j]])

    def barred(self, a: Ints, b: Ints) -> NDArray[np.bool_]:
        """Pairs of rows that cannot be one product whatever else speaks for it, bool, shape (q,)."""
        found = contradicting(self.stated, self.stated, a, b)
        if self.block is not None:
            found |= self.block[a] != self.block[b]
        if self.apart is not None and len(self.apart):
            found |= np.isin(np.minimum(a, b) * len(self) + np.maximum(a, b), self.apart)
        return found
