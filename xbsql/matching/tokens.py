"""Texts as rows of word numbers, for what compares texts word by word."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

from xbsql.features.ngrams import folded, words
from xbsql.matching.products import products, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_WORDS: Final = 16
"""Words of a text that are looked at."""
_PIECE: Final = 2_000  # pairs whose words are compared at a time
_ROWS: Final = 128  # whose products with all others are held at a time
_FEW: Final = 4096  # others up to which products of 0 are held too


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
        held = np.sort(rows, axis=1)
        first = (held >= 0) & (np.diff(held, axis=1, prepend=-1) != 0)
        seen = np.bincount(held[first], minlength=len(places))
        return cls(tuple(places), rows, np.log((1 + len(texts)) / (1 + seen)) + 1)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many words each text has, shape (n,)."""
        return np.asarray((self.rows >= 0).sum(axis=1))

    @cached_property
    def bags(self) -> sparse.csr_matrix:
        """Every text as its words' worth, float64 csr of shape (n, v), rows of length one."""
        there = self.rows >= 0
        rows = np.broadcast_to(np.arange(len(self.rows))[:, None], there.shape)[there]
        words = self.rows[there]
        shape = (len(self.rows), len(self.words))
        return normalize(sparse.csr_matrix((self.worth[words], (rows, words)), shape=shape))

    def held(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Words of some texts, int64, shape (m, w): as many columns as the longest of them has words."""
        found = self.rows[rows]
        return found[:, : int(self.counts[rows].max(initial=1))]

    def weights(self, words: NDArray[np.int64]) -> NDArray[np.float64]:
        """How much each word counts, the shape of the words; 0 after the last one of a text."""
        return np.where(words >= 0, self.worth[words], 0.0)


def distinct(words: Ints, count: int) -> tuple[Ints, Ints]:
    """The different words, ascending, and the place of each word among them: `np.unique` without a sort.

    Args:
        words: int64, any shape: places in a vocabulary, -1 for none.
        count: words of the vocabulary.
    """
    there = np.zeros(count + 1, np.bool_)
    there[words + 1] = True
    return np.flatnonzero(there) - 1, (np.cumsum(there) - 1)[words + 1]


def by_pieces(left: Tokens, right: Tokens, i: Ints, j: Ints, work: Callable[[Ints, Ints], Floats]) -> Floats:
    """What `work` makes of pairs of texts, row by row, a piece of them at a time.

    Texts of as many words stand together, so that no piece is as wide as the longest text of all.

    Args:
        left: the left texts.
        right: the right texts.
        i: int64, shape (p,): the left row of each pair.
        j: int64, shape (p,): its right row.
        work: rows of a piece, left and right -> float64, shape (piece, columns).

    Returns:
        Float64, shape (p, columns); of no pair without columns.
    """
    order = np.lexsort((right.counts[j], left.counts[i]))
    parts = [order[start : start + _PIECE] for start in range(0, len(order), _PIECE)]
    if not parts:
        return np.empty((0, 0))
    made = np.concatenate([work(i[part], j[part]) for part in parts])
    found = np.empty_like(made)
    found[order] = made
    return found


def best_of_rows(
    left: sparse.csr_matrix, right: sparse.csr_matrix, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of `right` whose product with each row of `left` is greatest.

    Args:
        left: csr, shape (n, v).
        right: csr, shape (m, v).
        most: how many a left row, at most; products of 0 are left out. Of equal products the lower row wins.

    Returns:
        int64, shape (p,): left rows, ascending, and right rows. Memory holds the products of 128 left rows.
    """
    rows, columns, few = [np.empty(0, np.int64)], [np.empty(0, np.int64)], right.shape[0] <= _FEW
    other = turned(right) if few else right.T.tocsr()
    for start in range(0, left.shape[0], _ROWS):
        own = left[start : start + _ROWS]
        if few:
            heads, tails = np.nonzero(_greatest_of_rows(products(own, other), most))
            rows.append(heads + start)
            columns.append(tails)
            continue
        alike = (own @ other).tocsr()
        alike.sort_indices()
        for row, (low, high) in enumerate(pairwise(alike.indptr.tolist())):
            best = _greatest(alike.data[low:high], most)
            rows.append(np.full(len(best), start + row, np.int64))
            columns.append(alike.indices[low:high][best].astype(np.int64))
    return np.concatenate(rows), np.concatenate(columns)


def _greatest_of_rows(values: NDArray[np.floating], most: int) -> NDArray[np.bool_]:
    """Which are the greatest of each row and above 0, at most so many; of equal ones the first."""
    if values.shape[1] <= most:
        return np.asarray(values > 0)
    least = np.maximum(np.partition(values, -most, axis=1)[:, -most, None], 0)
    above = values > least
    equal = (values == least) & (least > 0)
    first = equal.cumsum(axis=1) <= most - above.sum(axis=1, keepdims=True)
    return np.asarray(above | (equal & first))


def _greatest(values: NDArray[np.floating], most: int) -> NDArray[np.int64]:
    """Places of the greatest values, ascending; of equal ones the first."""
    if len(values) <= most:
        return np.flatnonzero(values > 0)
    least = max(np.partition(values, -most)[-most], 0)
    above = np.flatnonzero(values > least)
    equal = np.flatnonzero(values == least)[: most - len(above)] if least > 0 else above[:0]
    return np.sort(np.concatenate([above, equal]))
