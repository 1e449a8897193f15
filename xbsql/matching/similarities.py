"""What can be said of each pair without knowing the languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.nearest import ranks
from xbsql.matching.pairs import gaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.matching.pairs import CandidatePairs, Side
    from xbsql.matching.words import WordVectors


def described(left: Side, right: Side, pairs: CandidatePairs, words: WordVectors) -> NDArray[np.float64]:
    """What is known of each pair, float64, shape (p, 22), see `columns.SIMILARITIES`."""
    return np.hstack([standing(pairs), closely(left, right, pairs, words)])


def standing(pairs: CandidatePairs) -> NDArray[np.float64]:
    """How near each pair is, and where it stands among those of either row: the first 14 columns.

    All pairs of the rows have to be there.
    """
    return np.column_stack(
        [
            pairs.cosine,
            *_standing(pairs, pairs.nearness),
            *_standing(pairs, pairs.carried),
            pairs.spelling,
            gaps(pairs.i, pairs.j, pairs.spelling),
        ]
    )


def closely(left: Side, right: Side, pairs: CandidatePairs, words: WordVectors) -> NDArray[np.float64]:
    """What is found word by word: the last 8 columns, of any pairs.

    Args:
        left: the left catalogue.
        right: the right one.
        pairs: of their rows.
        words: compares single words.
    """
    places = {frozenset[str](): 0}
    numbers = [
        np.array([places.setdefault(each, len(places)) for each in side.numbers], np.int64)
        for side in (left, right)
    ]
    lengths = [np.array([max(len(text), 1) for text in side.texts]) for side in (left, right)]
    counts = [(tokens.rows >= 0).sum(axis=1) for tokens in (words.left, words.right)]
    i, j = pairs.i, pairs.j
    return np.column_stack(
        [
            words.compare(i, j),
            _same(numbers[0][i], numbers[1][j]),
            np.zeros((len(pairs), 2)) if pairs.stated is None else pairs.stated,
            np.log(lengths[0][i] / lengths[1][j]),
            counts[0][i] - counts[1][j],
        ]
    )


def _standing(pairs: CandidatePairs, values: NDArray[np.float64]) -> list[NDArray[np.floating | np.integer]]:
    """Values, how far behind the best of either row, and the places among the pairs of either row."""
    return [values, gaps(pairs.i, pairs.j, values), ranks(pairs.i, values), ranks(pairs.j, values)]


def _same(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 where both texts name the same numbers, -1 where they differ, 0 where there is none, which is 0."""
    return np.where((left == 0) & (right == 0), 0.0, np.where(left == right, 1.0, -1.0))
