"""Pictures of two catalogues: which pairs they propose, and what the pictures of a pair say.

A cosine says little by itself: icons are all alike, and so are a shop's photos. So each side is read less
its own mean, cosines are corrected for pictures that are near to everything, and what counts is how far a
pair stands behind the nearest of either row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.matching.neighbours import TwoWayNeighbours
from xbsql.matching.pairs import Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAREST: Final = 10
"""Pictures of the other side that each one is paired with."""
_DOUBT: Final = 10.0  # pictures that stand for a mean of nothing, so that one picture is not its own mean


@dataclass(frozen=True)
class Looks:
    """The pictures of two catalogues.

    Attributes:
        near: who is near whom among the rows that have a picture.
        left: int64, shape (n,): the place of each left row in `near`, -1 without a picture.
        right: the same of m rows.
    """

    near: TwoWayNeighbours
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        left: NDArray[np.float32],
        right: NDArray[np.float32],
        block: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None] = (None, None),
    ) -> Self:
        """Find the nearest pictures both ways.

        Args:
            left: float32, shape (n, d), of length one, or 0 throughout where there is no picture.
            right: the same of m rows.
            block: of both sides, int64: only rows of one are paired, -1 takes no part; None for one block.
        """
        sides, places = [], []
        for vectors, held in zip((left, right), block, strict=True):
            there = vectors.any(axis=1) if held is None else vectors.any(axis=1) & (held >= 0)
            rows = np.flatnonzero(there)
            places.append(np.where(there, np.cumsum(there) - 1, -1))
            sides.append(
                Side([""] * len(rows), _centred(vectors[rows]), None if held is None else held[rows])
            )
        return cls(TwoWayNeighbours.of(sides[0], sides[1], NEAREST), places[0], places[1])

    @property
    def proposed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pairs of rows that stand near, by left row and right row: int64, shape (p,) each."""
        return np.flatnonzero(self.left >= 0)[self.near.i], np.flatnonzero(self.right >= 0)[self.near.j]

    def there(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which pairs of rows have both a picture, bool, shape (q,)."""
        return np.asarray((self.left[i] >= 0) & (self.right[j] >= 0), np.bool_)

    def nearest(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which pairs of rows with pictures are each other's nearest, bool, shape (q,); among equals none."""
        return np.asarray(self.near.mutual().right[self.left[i]] == self.right[j], np.bool_)

    def behind(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
        """How far pairs of rows that both have a picture stand behind the nearest of either row.

        Float64, shape (q,), from 0: the sum over both rows, in standard deviations of the pairs that stand
        near.
        """
        near, a, b = self.near, self.left[i], self.right[j]
        if not len(a):
            return np.empty(0)
        value, found = near.nearness(a, b), np.zeros(len(a))
        for rows, asked, count in ((near.i, a, len(near.left)), (near.j, b, len(near.right))):
            best = np.full(count, -np.inf)
            np.maximum.at(best, rows, near.near)
            found += np.maximum(best[asked] - value, 0.0)
        return found / (near.near.std() or 1.0)


def _centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors less their mean, which is drawn to 0 where they are few; of length one."""
    moved = vectors - vectors.sum(axis=0) / np.float32(len(vectors) + _DOUBT)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.where(length > 0, length, 1), np.float32)
