"""Two catalogues and pairs of their rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.engine.nearest import ranks
from xbsql.matching.stated import CONTRADICT
from xbsql.matching.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.matching.stated import Stated

_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?")


@dataclass(frozen=True)
class Side:
    """One of two catalogues.

    Attributes:
        texts: n strings.
        vectors: float32, shape (n, d), of length one.
        block: int64, shape (n,): rows of different blocks are never paired; None for one block.
        stated: the sizes, counts and model numbers that the texts state: rows that contradict each other are
            never paired; None where they may be, as variants of one thing.
        parts: the parts of the texts' words, where they are known already.
    """

    texts: Sequence[str]
    vectors: NDArray[np.float32]
    block: NDArray[np.int64] | None = None
    stated: Stated | None = None
    parts: Tokens | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def tokens(self) -> Tokens:
        """The words of the texts."""
        return Tokens.of(self.texts)

    @cached_property
    def numbers(self) -> list[frozenset[str]]:
        """The numbers that each text names."""
        return [frozenset(_NUMBER.findall(text)) for text in self.texts]


@dataclass(frozen=True)
class CandidatePairs:
    """Candidate pairs, ordered by left row, then right row.

    Attributes:
        i: int64, shape (p,): left rows.
        j: int64, shape (p,): right rows.
        cosine: float64, shape (p,).
        nearness: float64, shape (p,): the cosine corrected for hubs.
        carried: float64, shape (p,): the same of vectors that were carried to the other side.
        spelling: float64, shape (p,): cosine of weighted character and word n-grams.
        stated: float64, shape (p, 2): how far what both state agrees, see `stated.compared`; None where
            nobody looks at it. Pairs that contradict each other are barred: none of them is a match; they
            show what stands nearer to a row than the pairs that may be one.
    """

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    cosine: NDArray[np.float64]
    nearness: NDArray[np.float64]
    carried: NDArray[np.float64]
    spelling: NDArray[np.float64]
    stated: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.i)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Which are not barred, bool, shape (p,)."""
        if self.stated is None:
            return np.ones(len(self), np.bool_)
        return np.asarray((self.stated != CONTRADICT).all(axis=1))

    def at(self, kept: NDArray[np.bool_]) -> CandidatePairs:
        """Some of them."""
        return CandidatePairs(
            self.i[kept],
            self.j[kept],
            self.cosine[kept],
            self.nearness[kept],
            self.carried[kept],
            self.spelling[kept],
            None if self.stated is None else self.stated[kept],
        )


@dataclass(frozen=True)
class Matches:
    """The likely matches that are learned from: every left row has at most one, and no right row two.

    Attributes:
        right: int64, shape (n,): the right row of each left row, -1 for none.
        likely: float64, shape (n,): how likely it is, 0 to 1.
    """

    right: NDArray[np.int64]
    likely: NDArray[np.float64]

    def without(self, rows: NDArray[np.int64]) -> Matches:
        """The same without the matches of some left rows."""
        right, likely = self.right.copy(), self.likely.copy()
        right[rows], likely[rows] = -1, 0.0
        return Matches(right, likely)

    def turned(self, rows: int) -> Matches:
        """The same as seen from the right side, which has so many rows."""
        left, likely = np.full(rows, -1, np.int64), np.zeros(rows)
        there = np.flatnonzero(self.right >= 0)
        left[self.right[there]], likely[self.right[there]] = there, self.likely[there]
        return Matches(left, likely)


def once(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different keys, ascending, and where one of each stands; none is below 0.

    `np.unique` hashes, or sorts stably, which takes four times as long or more.
    """
    order = np.argsort(keys)
    ordered = keys[order]
    first = np.diff(ordered, prepend=-1) > 0
    return ordered[first], order[first]


def rivals(left: Side, right: Side, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows either row of a pair could be paired with, the lesser number, int64, shape (p,)."""
    one, two = left.block, right.block
    if one is None or two is None:
        return np.full(len(i), min(len(left), len(right)), np.int64)
    count = int(max(one.max(initial=0), two.max(initial=0))) + 1
    own, other = (np.bincount(block[block >= 0], minlength=count) for block in (one, two))
    return np.asarray(np.minimum(own, other)[one[i]], np.int64)


def crowding(rows: NDArray[np.int64], values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """The mean of the greatest `most` values among the pairs of each pair's row, shape (p,)."""
    best = ranks(rows, values) < most
    total, count = np.bincount(rows[best], values[best]), np.bincount(rows[best])
    return np.asarray(total[rows] / count[rows])


def gaps(i: NDArray[np.int64], j: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each pair stands behind the best of its left row and of its right row, shape (p, 2)."""
    found = []
    for rows in (i, j):
        best = np.full(int(rows.max()) + 1 if len(rows) else 0, -np.inf)
        np.maximum.at(best, rows, values)
        found.append(best[rows] - values)
    return np.column_stack(found)


def mutual(
    i: NDArray[np.int64], j: NDArray[np.int64], values: NDArray[np.float64], rows: int
) -> Matches:  # fmt: skip
    """The pairs that are each other's best, as matches of so many left rows to learn from.

    Among equals no pair is the best: what cannot be told apart teaches nothing.
    """
    best = np.flatnonzero(gaps(i, j, values).max(axis=1) == 0) if len(i) else np.empty(0, np.int64)
    alone = np.bincount(i[best], minlength=rows)[i[best]] == 1
    alone &= np.bincount(j[best])[j[best]] == 1
    right, likely = np.full(rows, -1, np.int64), np.zeros(rows)
    right[i[best[alone]]], likely[i[best[alone]]] = j[best[alone]], 1.0
    return Matches(right, likely)
