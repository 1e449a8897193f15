"""The lexical view of text: hashed character and word n-grams, weighted by how rare they are.

It sees what a sentence vector blurs: brands, units, model numbers, compounds; and it works in every language.
Hashing needs no vocabulary: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from xbsql.errors import invalid
from xbsql.features.normal import normal
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BUCKETS: Final = 2**18
MOST_KEPT: Final = 50_000
"""Texts whose n-grams are remembered, before all of them are forgotten."""
MOST_GRAMS: Final = 4_000_000
"""The same of n-grams, 8 bytes each."""
_READ = 10_000  # characters of a text that are looked at
_CHARACTERS = (2, 5)
_WORDS = (1, 2)
_WORD: Final = re.compile(r"\w+")
_CJK: Final = "\u2e80"  # scripts from here on write many words without a space


def folded(text: str) -> str:
    """A text as n-grams see it: normal, NFKC, case folded, its first 10,000 characters.

    The dotted and the dotless i of Turkish are one: capitals do not tell which is meant.
    """
    plain = normal(text[:_READ].encode("utf-8", "replace").decode("utf-8"))
    return unicodedata.normalize("NFKC", plain).casefold().replace("i\u0307", "i").replace("\u0131", "i")


def words(text: str) -> list[str]:
    """The words of a folded text in order; runs of scripts without spaces as pairs of characters."""
    found = []
    for word in _WORD.findall(text):
        if len(word) > 2 and any(character >= _CJK for character in word):
            found += [word[start : start + 2] for start in range(len(word) - 1)]
        else:
            found.append(word)
    return found


def counts(texts: Sequence[str | None]) -> sparse.csr_matrix:
    """How often each hashed n-gram occurs: characters 2 to 5 inside words and at their borders, words 1 to 2.

    Args:
        texts: strings; None counts as the empty text, which has no n-gram.

    Returns:
        float32 csr, shape (n, 262144): 3/4 of the columns for characters and then 1/4 for words. The same
        text gives the same row on every machine.
    """
    clean = [folded(text) if text else "" for text in texts]
    characters, words = _vectorizers()
    parts = [_by_word(characters, clean), words.transform(clean)]
    return sparse.hstack(parts, format="csr", dtype=np.float32)


def _by_word(characters: HashingVectorizer, clean: Sequence[str]) -> sparse.csr_matrix:
    """The n-grams inside the words of texts, those of each different word counted once; float32 csr."""
    split, places = [text.split() for text in clean], dict[str, int]()
    which = [places.setdefault(word, len(places)) for parts in split for word in parts]
    starts = np.cumsum([0, *(len(parts) for parts in split)])
    if not places:
        return sparse.csr_matrix((len(clean), characters.n_features), dtype=np.float32)
    shape = len(clean), len(places)
    held = sparse.csr_matrix((np.ones(len(which), np.float32), which, starts), shape=shape)
    found = held @ characters.transform(list(places))
    found.sort_indices()
    return found


class _Kept:
    """The n-grams of texts that were counted of late; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[dict[str, int], sparse.csr_matrix] = _nothing()

    def counts(self, texts: Sequence[str | None]) -> sparse.csr_matrix:
        """`counts` of texts, each text once; None is the empty one."""
        asked = [text or "" for text in texts]
        with self._lock:
            places, rows = self._held
            if len(places) > MOST_KEPT or rows.nnz > MOST_GRAMS:
                places, rows = _nothing()
            fresh = [text for text in dict.fromkeys(asked) if text not in places]
            if fresh:
                places = places | {text: place for place, text in enumerate(fresh, len(places))}
                rows = sparse.vstack([rows, counts(fresh)], format="csr", dtype=np.float32)
            self._held = places, rows  # at once: whoever is stopped leaves both or neither
        return rows[[places[text] for text in asked]]


def _nothing() -> tuple[dict[str, int], sparse.csr_matrix]:
    return {}, sparse.csr_matrix((0, BUCKETS), dtype=np.float32)


_kept: Final = _Kept()


def _vectorizers() -> tuple[HashingVectorizer, HashingVectorizer]:
    characters = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=_CHARACTERS,
        n_features=BUCKETS * 3 // 4,
        norm=None,
        alternate_sign=False,
        lowercase=False,
        dtype=np.float32,
    )
    words = HashingVectorizer(
        token_pattern=r"\b\w+\b",
        ngram_range=_WORDS,
        n_features=BUCKETS // 4,
        norm=None,
        alternate_sign=False,
        lowercase=False,
        dtype=np.float32,
    )
    return characters, words


@restorable("ngrams")
@dataclass(frozen=True)
class Ngrams:
    """Weights of hashed n-grams, learned from texts without labels.

    Attributes:
        weights: float32, shape (262144,), the smoothed inverse document frequency of each column,
            ln((1 + n) / (1 + df)) + 1; a column that was never seen weighs most.
    """

    weights: NDArray[np.float32]

    @classmethod
    def fit(cls, texts: Sequence[str | None]) -> Self:
        """Learn the weights from texts, best of all markets together.

        Raises:
            XbsqlError: there is no text.
        """
        present = [text for text in texts if text]
        if not present:
            raise invalid("ngrams", "no text to learn from: every row is NULL or empty", "give texts")
        return cls._learned(_kept.counts(present), len(present))

    @classmethod
    def fit_transform(cls, texts: Sequence[str | None]) -> tuple[Self, sparse.csr_matrix]:
        """`fit` and `transform` of the same texts, whose n-grams are counted once."""
        found, present = counts(texts), sum(bool(text) for text in texts)
        ngrams = cls._learned(found, present)
        return ngrams, ngrams._weighted(found)

    @classmethod
    def _learned(cls, found: sparse.csr_matrix, present: int) -> Self:
        seen = np.bincount(found.indices, minlength=BUCKETS)
        return cls((np.log((1 + present) / (1 + seen)) + 1).astype(np.float32))

    def transform(self, texts: Sequence[str | None]) -> sparse.csr_matrix:
        """The weighted rows: sublinear counts (1 + ln count) times the weight, scaled to length one.

        Args:
            texts: strings; None and texts without n-grams give a row of zeros.

        Returns:
            float32 csr, shape (n, 262144).
        """
        return self._weighted(_kept.counts(texts))

    def _weighted(self, matrix: sparse.csr_matrix) -> sparse.csr_matrix:
        matrix.data = (1 + np.log(matrix.data)) * self.weights[matrix.indices]
        return normalize(matrix, copy=False)

    def state(self) -> State:
        """The weights as data."""
        return State("ngrams", arrays={"weights": self.weights})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The weights again."""
        return cls(np.asarray(state.arrays["weights"], dtype=np.float32))
