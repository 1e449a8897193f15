"""Nearest neighbours by meaning, both ways, corrected for hubs.

A row that is near to everything is no match for it (CSLS: Conneau et al., "Word Translation Without Parallel
Data", ICLR 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.engine.nearest import nearest, nearest_of, ranks
from xbsql.matching.pairs import mutual, once
from xbsql.matching.products import products, turned
from xbsql.matching.stated import contradicting

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from numpy.typing import NDArray
    from scipy import sparse

    from xbsql.matching.pairs import Matches, Side

    Products: TypeAlias = Callable[[slice], NDArray[np.floating]]

_BACK: Final = 10  # left rows of each right row; also the neighbours that tell a hub
_CHOSEN: Final = 30  # right rows that chose a left row and are kept, the nearest of more
_PAIRS: Final = 20_000
_CELLS: Final = 4_000_000  # of a product that is held at once
_KEPT: Final = 2**24  # of all products of a search, up to which they are kept for other pairs


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
        products: of each block, float32, a row for each right row; None where they would be too large.
    """

    left: Side
    right: Side
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    near: NDArray[np.float64]
    hub_left: NDArray[np.float64]
    hub_right: NDArray[np.float64]
    products: list[NDArray[np.float32]] | None = None

    @classmethod
    def of(cls, left: Side, right: Side, most: int) -> Self:
        """Find `most` right rows for each left row, and ten left rows for each right one.

        Of the right rows that choose one left row the 30 nearest are kept: memory is bounded by the smaller
        side.
        """
        hubs = np.zeros(len(left)), np.zeros(len(right))
        keys, cosines = [np.empty(0, np.int64)], [np.empty(0)]
        both = blocks(left, right)
        made: list[NDArray[np.float32]] = []
        few = sum(len(own) * len(other) for own, other in both) <= _KEPT
        for own, other in both:
            a, b = left.vectors[own], right.vectors[other]
            if few:
                made.append(b @ a.T)
            found = nearest_of(made[-1], most, _BACK) if few else nearest(a, b, most, _BACK)
            (forth, to_right), (back, to_left) = found
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
        pairs, first = once(np.concatenate(keys))
        i, j = np.divmod(pairs, max(len(right), 1))
        near = 2 * np.concatenate(cosines)[first] - hubs[0][i] - hubs[1][j]
        return cls(left, right, i, j, near, *hubs, made if few else None)

    def cosines(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
        """The cosine of any pairs."""
        made = self.products
        if made is None:
            return cosines(self.left, self.right, i, j)
        return _cut(self.left, self.right, i, j, lambda turn, own, other: lambda rows: made[turn].T[rows])

    def nearness(
        self, i: NDArray[np.int64], j: NDArray[np.int64], cosine: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """The cosine of any pairs corrected for hubs: twice it less the mean of either row's nearest."""
        cosine = self.cosines(i, j) if cosine is None else cosine
        return 2 * cosine - self.hub_left[i] - self.hub_right[j]

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

    def of(_: int, own: NDArray[np.int64], other: NDArray[np.int64]) -> Products:
        theirs = right.vectors[other].T
        return lambda rows: left.vectors[own[rows]] @ theirs

    return _cut(left, right, i, j, of)


def likenesses(
    left: Side, right: Side, own: sparse.csr_matrix, other: sparse.csr_matrix, i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    """The same of sparse rows, one a row of either side: the products of pairs, float64, shape (p,)."""

    def of(_: int, here: NDArray[np.int64], there: NDArray[np.int64]) -> Products:
        theirs = turned(other[there])
        return lambda rows: products(own[here[rows]], theirs)

    return _cut(left, right, i, j, of)


def _cut(
    left: Side, right: Side, i: NDArray[np.int64], j: NDArray[np.int64],
    products: Callable[[int, NDArray[np.int64], NDArray[np.int64]], Products],
) -> NDArray[np.float64]:  # fmt: skip
    """Pairs cut from products of blocks.

    Args:
        left: the left catalogue.
        right: the right one.
        i: int64, shape (p,): left rows.
        j: int64, shape (p,): right rows, each of its left row's block.
        products: of a block, which has this place, these left rows and these right ones: some of the left
            rows -> their products with all right ones.
    """
    found, place, order = np.empty(len(i)), np.empty(len(right), np.int64), np.argsort(i, kind="stable")
    heads = i[order]
    for turn, (own, other) in enumerate(blocks(left, right)):
        place[other], product = np.arange(len(other)), products(turn, own, other)
        step = max(1, _CELLS // len(other))
        for start in range(0, len(own), step):
            rows = own[start : start + step]
            low, high = (np.searchsorted(heads, rows, side) for side in ("left", "right"))
            count = high - low
            head = np.repeat(np.arange(len(rows)), count)
            pairs = order[np.arange(len(head)) + np.repeat(low - np.cumsum(count) + count, count)]
            found[pairs] = product(slice(start, start + step))[head, place[j[pairs]]]
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
