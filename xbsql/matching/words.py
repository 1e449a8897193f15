"""Single words of both sides compared by meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xbsql.matching.tokens import by_pieces, distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    from xbsql.matching.pairs import Side
    from xbsql.matching.tokens import Tokens

    Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True)
class WordVectors:
    """Words of both sides and their similarity.

    Attributes:
        left: words of the left texts.
        right: words of the right texts.
        left_vectors: float32, shape (left words, d), of length one.
        right_vectors: the same of the right words.
    """

    left: Tokens
    right: Tokens
    left_vectors: NDArray[np.float32]
    right_vectors: NDArray[np.float32]

    @classmethod
    def of(cls, left: Side, right: Side, encode: Encode) -> WordVectors:
        """Encode every distinct word once."""
        tokens = left.tokens, right.tokens
        return cls(*tokens, encode(tokens[0].words), encode(tokens[1].words))

    def compare(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
        """Each word with its best counterpart: mean over the left words, over the right ones, and the worst.

        Returns:
            float64, shape (p, 3).
        """
        return by_pieces(self.left, self.right, i, j, self._compare).reshape(len(i), 3)

    def _compare(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
        a, b = self.left.held(i), self.right.held(j)
        own, place_a = distinct(a, len(self.left.words))
        other, place_b = distinct(b, len(self.right.words))
        near = self.left_vectors[own] @ self.right_vectors[other].T
        near[own < 0], near[:, other < 0] = -1.0, -1.0
        found = near[place_a[:, :, None], place_b[:, None, :]]
        forth, back = found.max(axis=2), found.max(axis=1)
        of_left, of_right = self.left.weights(a), self.right.weights(b)
        worst = np.minimum(np.where(a >= 0, forth, 9.0).min(axis=1), np.where(b >= 0, back, 9.0).min(axis=1))
        means = [(of_left * forth).sum(axis=1) / of_left.sum(axis=1)]
        means.append((of_right * back).sum(axis=1) / of_right.sum(axis=1))
        return np.column_stack([*means, worst])
