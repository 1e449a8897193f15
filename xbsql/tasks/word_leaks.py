"""What gives a label away inside a text: a word that stands in the texts of one class alone, a number."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from xbsql.features.ngrams import folded, words
from xbsql.metrics import rows as metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats, Labels

READ = 1000
"""Characters of a text that are looked at."""

MOST_NUMBERS = 4
"""Numbers of a text that are looked at, the first ones."""

MOST_WORDS = 5000
"""Words that are looked at, those that most texts hold."""

_NUMBER = re.compile(r"(?<![\d.,])\d{1,15}(?:[.,]\d{1,6})?(?![\d.,]*\d)")


class Telling(NamedTuple):
    """How well single words tell classes.

    Attributes:
        auc: out of fold.
        words: the most telling word of each class, without repeats.
    """

    auc: float
    words: tuple[str, ...]


def words_tell(texts: Sequence[str], y: Labels, classes: int, fold: NDArray[np.int64]) -> Telling:
    """Guess the class of each text by whether one word stands in it, the most telling one of each class.

    Of a class that word tells most, there or not, for which the shares of the class's texts that hold it and
    of the other texts differ most (Youden, "Index for rating diagnostic tests", Cancer 1950); it is chosen on
    the other folds. So a class of many words is not told by one of them, however well all together do.

    Args:
        texts: n of them.
        y: class codes, shape (n,).
        classes: how many.
        fold: int64, shape (n,): the fold of each text.
    """
    known, held = _held(texts)
    if not known:
        return Telling(0.0, ())
    guess = np.zeros((len(texts), classes))
    for out in np.unique(fold):
        best, sign = _most_telling(held[fold != out], y[fold != out], classes)
        guess[fold == out] = held[fold == out][:, best].toarray() * sign
    best, _ = _most_telling(held, y, classes)
    named = dict.fromkeys(known[place] for place in best)
    return Telling(float(np.nan_to_num(metrics.auc(y, guess))), tuple(named))


def numbers_in(texts: Sequence[str]) -> Floats:
    """The first numbers of each text, NaN where it has fewer; float64, shape (n, 4)."""
    found = np.full((len(texts), MOST_NUMBERS), np.nan)
    for row, text in enumerate(texts):
        for place, number in enumerate(islice(_NUMBER.finditer(text[:READ]), MOST_NUMBERS)):
            found[row, place] = float(number[0].replace(",", "."))
    return found


def _held(texts: Sequence[str]) -> tuple[list[str], sparse.csr_matrix]:
    """The words, and which text holds which; float64 csr, shape (n, words)."""
    bags = [set(words(folded(text[:READ]))) for text in texts]
    counts = Counter(word for bag in bags for word in bag)
    known = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]
    places = {word: place for place, word in enumerate(known)}
    held = [sorted(places[word] for word in bag if word in places) for bag in bags]
    start = np.cumsum([0, *(len(row) for row in held)])
    columns = np.array([place for row in held for place in row], np.int64)
    return known, sparse.csr_matrix((np.ones(len(columns)), columns, start), (len(texts), len(known)))


def _most_telling(
    held: sparse.csr_matrix, y: Labels, classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The word of each class, and 1 where it stands in the class, -1 where in others; shape (classes,)."""
    own = np.eye(classes)[np.asarray(y, np.int64)]
    size = own.sum(axis=0)[:, None]
    inside = (held.T @ own).T
    total = np.asarray(held.sum(axis=0))
    apart = inside / np.maximum(size, 1) - (total - inside) / np.maximum(len(own) - size, 1)
    best = np.abs(apart).argmax(axis=1)
    return best, np.where(apart[np.arange(classes), best] < 0, -1, 1)
