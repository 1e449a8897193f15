"""Full text: BM25 over hashed words and pieces of words, so that it works where words have no spaces.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009. Hashing needs no
vocabulary, so segments of an index can be built and dropped on their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from xbsql.features.ngrams import folded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from numpy.typing import NDArray

BUCKETS: Final = 2**18
_WORD: Final = re.compile(r"\w+")
_CJK: Final = "\u2e80"  # scripts from here on write many words without a space
_SATURATION, _LENGTH_SHARE = 1.2, 0.75
_MOST = 255  # a count is kept in one byte


@dataclass(frozen=True)
class Postings:
    """Which texts hold which terms: a sparse matrix, n texts by 262,144 terms.

    Attributes:
        counts: uint8 csr, shape (n, 262144).
    """

    counts: sparse.csr_matrix

    @classmethod
    def of(cls, texts: Sequence[str | None]) -> Self:
        """The terms of texts: words, and their trigrams (bigrams where a script has no spaces).

        None counts as the empty text.
        """
        counts = _vectorizer().transform([folded(text) if text else "" for text in texts])
        counts.data = np.minimum(counts.data, _MOST).astype(np.uint8)
        return cls(counts)

    @classmethod
    def stack(cls, parts: Sequence[Postings]) -> Self:
        """The texts of all parts, one below the other."""
        return cls(sparse.vstack([part.counts for part in parts], format="csr"))

    def take(self, rows: NDArray[np.int64]) -> Postings:
        """The given texts."""
        return Postings(self.counts[rows])

    def inverted(self) -> Inverted:
        """The same, term by term."""
        columns = self.counts.tocsc()
        columns.sort_indices()
        lengths = np.asarray(self.counts.sum(axis=1, dtype=np.int64)).ravel()
        return Inverted(
            columns.indptr.astype(np.int64),
            columns.indices.astype(np.int32),
            columns.data.astype(np.uint8),
            lengths.astype(np.float32),
        )


@dataclass(frozen=True)
class Inverted:
    """The texts of each term.

    Attributes:
        start: int64, shape (262145,): the texts of term t stand at start[t] .. start[t + 1].
        text: int32, shape (p,), ascending within a term.
        count: uint8, shape (p,).
        length: float32, shape (n,): how many terms a text has.
    """

    start: NDArray[np.int64]
    text: NDArray[np.int32]
    count: NDArray[np.uint8]
    length: NDArray[np.float32]

    def postings(self) -> Postings:
        """The same, text by text."""
        shape = (len(self.length), BUCKETS)
        return Postings(sparse.csc_matrix((self.count, self.text, self.start), shape=shape).tocsr())

    def scores(
        self, terms: NDArray[np.int64], rarity: NDArray[np.float64], mean: float
    ) -> NDArray[np.float32]:
        """BM25 of every text for the terms of one query.

        Args:
            terms: int64, shape (t,).
            rarity: float64, shape (t,): what each term is worth, see `rarity`.
            mean: the mean length of a text in the whole index.

        Returns:
            float32, shape (n,); 0 where no term occurs.
        """
        spans = [slice(int(self.start[t]), int(self.start[t + 1])) for t in terms.tolist()]
        if not spans:
            return np.zeros(len(self.length), np.float32)
        text = np.concatenate([self.text[span] for span in spans])
        count = np.concatenate([self.count[span] for span in spans]).astype(np.float32)
        worth = np.repeat(rarity, [span.stop - span.start for span in spans])
        found = _bm25(worth, count, self.length[text], mean)
        return np.bincount(text, found, minlength=len(self.length)).astype(np.float32)


def ceiling(rarity: NDArray[np.float64], count: NDArray[np.generic], mean: float) -> float:
    """BM25 of a query against a text that is the query itself.

    Args:
        rarity: float64, shape (t,): what each of its terms is worth.
        count: shape (t,): how often it holds each.
        mean: as for `Inverted.scores`.
    """
    often = np.asarray(count, np.float32)
    return float(_bm25(rarity, often, often.sum(), mean).sum())


def _bm25(
    worth: NDArray[np.float64],
    count: NDArray[np.float32],
    length: NDArray[np.float32] | np.float32,
    mean: float,
) -> NDArray[np.float64]:
    """What terms that occur `count` times in texts of these lengths add to their scores."""
    damp = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length / max(mean, 1e-9))
    return np.asarray(worth * count * (_SATURATION + 1) / (count + damp))


def rarity(texts: int, holding: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a term is worth: ln(1 + (n - df + 0.5) / (df + 0.5)), for terms that `holding` of n texts hold."""
    return np.log1p((texts - holding + 0.5) / (holding + 0.5))


def _terms(text: str) -> list[str]:
    """The words of a folded text, and their trigrams with a blank at either end; bigrams for CJK scripts."""
    found = []
    for word in _WORD.findall(text):
        size = 2 if any(character >= _CJK for character in word) else 3
        padded = f" {word} "
        found.append(f"={word}")
        found += [padded[start : start + size] for start in range(len(padded) - size + 1)]
    return found


def _vectorizer() -> HashingVectorizer:
    return HashingVectorizer(
        analyzer=_terms, n_features=BUCKETS, norm=None, alternate_sign=False, dtype=np.float32
    )
