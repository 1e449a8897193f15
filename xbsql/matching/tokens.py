"""Texts as rows of word numbers, for what compares texts word by word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

from xbsql.features.ngrams import folded, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_WORDS: Final = 16
"""Words of a text that are looked at."""


@dataclass(frozen=True)
class Tokens:
    """The words of n texts.

    Attributes:
        words: every distinct word, v of them.
        rows: int64, shape (n, 16): places in `words`, -1 after a text's last word.
        worth: float64, shape (v,): how rare a word is, ln((1 + n) / (1 + df)) + 1.
    """

    words: tuple[str, ...]
    rows: NDArray[np.int64]
    worth: NDArray[np.float64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Tokens:
        """Split texts into words, and runs of scripts without spaces into pairs of characters."""
        return cls.split([words(folded(text)) for text in texts])

    @classmethod
    def split(cls, texts: Sequence[Sequence[str]]) -> Tokens:
        """Texts that are split already; the first 16 parts count, and one without parts gets one, '?'."""
        split = [parts[:MOST_WORDS] or ["?"] for parts in texts]
        places: dict[str, int] = {}
        rows = np.full((len(texts), MOST_WORDS), -1, np.int64)
        for row, parts in enumerate(split):
            rows[row, : len(parts)] = [places.setdefault(word, len(places)) for word in parts]
        seen = np.zeros(len(places), np.int64)
        for held in rows:
            seen[np.unique(held[held >= 0])] += 1
        return cls(tuple(places), rows, np.log((1 + len(texts)) / (1 + seen)) + 1)

    def bags(self) -> sparse.csr_matrix:
        """Every text as its words' worth, float64 csr of shape (n, v), rows of length one."""
        there = self.rows >= 0
        rows = np.broadcast_to(np.arange(len(self.rows))[:, None], there.shape)[there]
        words = self.rows[there]
        shape = (len(self.rows), len(self.words))
        return normalize(sparse.csr_matrix((self.worth[words], (rows, words)), shape=shape))

    def weights(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """How much each word of some texts counts, shape (m, 16); 0 after the last word."""
        return np.where(self.rows[rows] >= 0, self.worth[self.rows[rows]], 0.0)


def ranks(rows: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The place of each pair among those of its row, from 0; the earlier pair first among equals."""
    order = np.lexsort((-values, rows))
    ordered = rows[order]
    first = np.searchsorted(ordered, ordered)
    found = np.empty(len(rows), np.int64)
    found[order] = np.arange(len(rows)) - first
    return found
