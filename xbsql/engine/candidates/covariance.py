"""How alike two rows are to a process: near in meaning or in looks, and of the same n-grams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

from xbsql.engine.design import dense
from xbsql.features.views import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_ROWS = 4096
"""Labelled rows that a process keeps of a larger sample: a share of each class."""


@dataclass(frozen=True)
class Covariance:
    """How alike two rows are: nearness of their embeddings, and the n-grams that they share.

    Attributes:
        gamma: of the radial part exp(-gamma |a - b|^2) over the view 'text'.
        lexical: share of the cosine over the view 'ngram'.
        picture: share of the radial part over the view 'picture'; that over 'text' has the rest.
        sight: gamma of that part.
    """

    gamma: float = 2.0
    lexical: float = 0.5
    picture: float = 0.0
    sight: float = 1.0

    @property
    def radial(self) -> dict[str, tuple[float, float]]:
        """Gamma and share of the radial parts, by view."""
        every = {
            "text": (self.gamma, 1.0 - self.lexical - self.picture),
            "picture": (self.sight, self.picture),
        }
        return {view: part for view, part in every.items() if part[1] > 0}

    @property
    def views(self) -> tuple[str, ...]:
        """What is read of a row."""
        return (*self.radial, *(("ngram",) if self.lexical else ()))

    def __call__(self, a: Features, b: Features) -> NDArray[np.float32]:
        """The covariance of every row of `a` with every row of `b`; float32, shape (n, m)."""
        found = np.empty((len(a), len(b)), np.float32)
        self._fill(found, a, b, np.full(len(a), len(b)))
        return found

    def read(self, rows: Features) -> Features:
        """The rows with the views that are read."""
        return Features({name: rows[name] for name in self.views})

    def among(self, rows: Features) -> NDArray[np.float32]:
        """The covariance of all the rows with one another, made once; float32, shape (n, n)."""
        return rows.once(self, lambda: _mirrored(self._below(rows)))

    def lower(self, rows: Features) -> NDArray[np.float32]:
        """The covariance of each row with itself and those before; float32, shape (n, n), undefined above."""
        if (part := shared(rows)) is not None:
            whole, chosen = part
            return self.among(whole)[np.ix_(chosen, chosen)]
        return self._below(rows)

    def _below(self, rows: Features) -> NDArray[np.float32]:
        """The same, worked out."""
        found = np.empty((len(rows), len(rows)), np.float32)
        self._fill(found, rows, rows, np.arange(1, len(rows) + 1))
        return found

    def _fill(self, found: NDArray[np.float32], a: Features, b: Features, wanted: NDArray[np.int64]) -> None:
        """Write row i up to column `wanted[i]` at least, ascending, in blocks that stay in the cache."""
        radial = [(dense(a[view]), dense(b[view]), *part) for view, part in self.radial.items()]
        squares = [(np.square(left).sum(axis=1), np.square(right).sum(axis=1)) for left, right, *_ in radial]
        grams = [sparse.csr_matrix(side["ngram"]) for side in (a, b)] if self.lexical else []
        across = grams[1].T.tocsr() if grams else None
        for start in range(0, len(a), _BLOCK):
            rows, stop = slice(start, start + _BLOCK), int(wanted[start : start + _BLOCK].max())
            block = found[rows, :stop]
            block[:] = (grams[0][rows] @ across).toarray()[:, :stop] if grams else 0.0
            block *= np.float32(self.lexical)
            for (left, right, gamma, share), (own, other) in zip(radial, squares, strict=True):
                distance = own[rows, None] + other[:stop] - 2.0 * (left[rows] @ right[:stop].T)
                block += _radial(distance, gamma, share)


USUAL: Final = Covariance()
"""Of titles."""


def shared(rows: Features) -> tuple[Features, NDArray[np.int64]] | None:
    """What the rows are a part of, and which they are, where the covariance of all is worth being kept."""
    return None if rows.part_of is None or len(rows.part_of[0]) > MOST_ROWS else rows.part_of


_BLOCK = 128
"""Rows of a covariance that are worked out at once."""


def _mirrored(below: NDArray[np.float32]) -> NDArray[np.float32]:
    """The symmetric matrix of what is known up to the blocks on the diagonal, in place."""
    for start in range(_BLOCK, len(below), _BLOCK):
        below[:start, start : start + _BLOCK] = below[start : start + _BLOCK, :start].T
    return below


def _radial(distance: NDArray[np.float32], gamma: float, share: float) -> NDArray[np.float32]:
    """Share * exp(-gamma * distance), in place."""
    np.maximum(distance, 0.0, out=distance)
    distance *= np.float32(-gamma)
    np.exp(distance, out=distance)
    distance *= np.float32(share)
    return distance
