"""Nearest neighbours by meaning, both ways, corrected for hubs.

A row that is near to everything is no match for it (CSLS: Conneau et al., "Word Translation Without Parallel
Data", ICLR 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.engine.nearest import nearest, ranks
from xbsql.matching.pairs import mutual
from xbsql.matching.products import products, turned
from xbsql.matching.stated import contradicting

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from numpy.typing import NDArray
    from scipy import sparse

    from xbsql.matching.pairs import Matches, Side

    Products: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.floating]]

_BACK: Final = 10  # left rows of each right row; also the neighbours that tell a hub
_CHOSEN: Final = 30  # right rows that chose a left row and are kept, the nearest of more
_PAIRS: Final = 20_000
_CELLS: Final = 4_000_000  # of a product that is held at once


@dataclass(frozen=True)
class TwoWayNeighbours:
    """Who is near whom, block by block.

    Attributes:
        left: the left catalogue.
        right: the right one.
        i: int64, shape (p,): left rows of the neighbouring pairs, each pair once, by left row and right row.
        j: int64, shape (p,): their right rows.
        near: float64, shape (p,): their cosine corrected for hubs.
        hub_left: float64, shape (left rows,): the mean cosine of each row's nearest.
        hub_right: the same of the right rows.
    """

    left: Side
    right: Side
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    near: NDArray[np.float64]
    hub_left: NDArray[np.float64]
    hub_right: NDArray[np.float64]

    @classmethod
    def of(cls, left: Side, right: Side, most: int) -> Self:
        """Find `most` right rows for each left row, and ten left rows for each right one.

        Of the right rows that choose one left row the 30 nearest are kept: memory is bounded by the smaller
        side.
        """
        hubs = np.zeros(len(left)), np.zeros(len(right))
        keys, cosines = [np.empty(0, np.int64)], [np.empty(0)]
        for own, other in blocks(left, right):
            a, b = left.vectors[own], right.vectors[other]
            (forth, to_right), (back, to_left) = nearest(a, b, most, _BACK)
            hubs[0][own] = forth[:, :_BACK].mean(axis=1, dtype=np.float64)
            hubs[1][other] = back.mean(axis=1, dtype=np.float64)
            chosen = own[to_left].ravel()
            nearness = (2 * back.astype(np.float64) - hubs[1][other][:, None]).ravel() - hubs[0][chosen]
            kept = np.flatnonzero(ranks(chosen, nearness) < _CHOSEN)
            keys += [
                (own[:, None] * len(right) + other[to_right]).ravel(),
                chosen[kept] * len(right) + np.repeat(other, to_left.shape[1])[kept],
            ]
            cosines += [forth.ravel().astype(np.float64), back.ravel()[kept].astype(np.float64)]
        pairs, first = np.unique(np.concatenate(keys), return_index=True)
        i, j = np.divmod(pairs, max(len(right), 1))
        near = 2 * np.concatenate(cosines)[first] - hubs[0][i] - hubs[1][j]
        return cls(left, right, i, j, near, *hubs)

    def nearness(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
        """The cosine of any pairs corrected for hubs: twice it less the mean of either row's nearest."""
        return 2 * cosines(self.left, self.right, i, j) - self.hub_left[i] - self.hub_right[j]

    def mutual(self) -> Matches:
        """The pairs that are each other's nearest; a row whose nearest contradicts it teaches nothing."""
        found = mutual(self.i, self.j, self.near, len(self.left))
        rows = np.flatnonzero(found.right >= 0)
        return found.without(
            rows[contradicting(self.left.stated, self.right.stated, rows, found.right[rows])]
        )


def cosines(left: Side, right: Side, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
    """The cosine of pairs, both rows of one block each, float64, shape (p,).

    They are cut from the products of whole blocks, which cost less than to gather two rows for each pair, and
    no more than the search for neighbours did.
    """

    def of(other: NDArray[np.int64]) -> Products:
        theirs = right.vectors[other].T
        return lambda rows: left.vectors[rows] @ theirs

    return _cut(left, right, i, j, of)


def likenesses(
    left: Side, right: Side, own: sparse.csr_matrix, other: sparse.csr_matrix, i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    """The same of sparse rows, one a row of either side: the products of pairs, float64, shape (p,)."""

    def of(rows: NDArray[np.int64]) -> Products:
        theirs = turned(other[rows])
        return lambda rows: products(own[rows], theirs)

    return _cut(left, right, i, j, of)


def _cut(
    left: Side, right: Side, i: NDArray[np.int64], j: NDArray[np.int64],
    products: Callable[[NDArray[np.int64]], Products],
) -> NDArray[np.float64]:  # fmt: skip
    """Pairs cut from products of blocks: right rows -> (left rows -> their products, (left, right))."""
    found, place, order = np.empty(len(i)), np.empty(len(right), np.int64), np.argsort(i, kind="stable")
    heads = i[order]
    for own, other in blocks(left, right):
        place[other], product = np.arange(len(other)), products(other)
        step = max(1, _CELLS // len(other))
        for start in range(0, len(own), step):
            rows = own[start : start + step]
            low, high = (np.searchsorted(heads, rows, side) for side in ("left", "right"))
            count = high - low
            turn = np.repeat(np.arange(len(rows)), count)
            pairs = order[np.arange(len(turn)) + np.repeat(low - np.cumsum(count) + count, count)]
            found[pairs] = product(rows)[turn, place[j[pairs]]]
    return found


def blocks(left: Side, right: Side) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The rows of both sides that may be paired with each other."""
    if left.block is None or right.block is None:
        both = (np.arange(len(left)), np.arange(len(right)))
        return [both] if len(left) and len(right) else []
    shared = np.intersect1d(left.block, right.block)
    shared = shared[shared >= 0]
    own, other = (_rows_of(side.block, shared) for side in (left, right) if side.block is not None)
    return list(zip(own, other, strict=True))


def _rows_of(block: NDArray[np.int64], wanted: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The rows of each wanted block, ascending."""
    order = np.argsort(block, kind="stable")
    low, high = (np.searchsorted(block[order], wanted, side) for side in ("left", "right"))
    return [order[a:b] for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def rowwise(count: int, work: Callable[[slice], NDArray[np.floating]]) -> NDArray[np.float64]:
    """What `work` makes of so many pairs, a piece at a time so that memory stays flat."""
    parts = [work(slice(start, start + _PAIRS)) for start in range(0, count, _PAIRS)]
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
