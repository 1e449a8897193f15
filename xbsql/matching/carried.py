"""Vectors of one catalogue carried to where their counterparts in the other one lie.

Likely matches show how this side's words land on the other's meaning. A Gaussian process regression from a
row's vector and parts of words to the matched row's vector learns it, in both directions; what it learned
finds matches that teach it again (self-learning: Artetxe, Labaka and Agirre, ACL 2017). A match says nothing
for itself: rows that are learned from are predicted by all others (leave one out: Rasmussen and Williams,
"Gaussian Processes for Machine Learning", 2006, equation 5.12).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.preprocessing import normalize

from xbsql.engine.cholesky import inverse_diagonal, lower_root, solved
from xbsql.matching.products import products, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.matching.pairs import Matches, Side
    from xbsql.matching.tokens import Tokens

MOST_TAUGHT: Final = 4000
"""Matches that are learned from, the likeliest of more; time grows with its third power."""
_LEAST: Final = 0.2  # likelihood of a match that is learned from
_NOISE: Final = 0.3  # of a certain match; an unlikely one has more
_MEANING: Final = 0.5  # variance that the vectors explain
_WORDS: Final = 0.6  # and the words


def carried(
    left: Side, right: Side, parts: tuple[Tokens, Tokens], matches: Matches, most: int | None = None
) -> tuple[Side, Side]:  # fmt: skip
    """Both sides with vectors that lie in either side's space: their cosine is the mean of both directions.

    Args:
        left: n rows, vectors of d features.
        right: m rows.
        parts: the parts of their words.
        matches: what is learned from.
        most: the likeliest of more matches; None for MOST_TAUGHT.

    Returns:
        The sides with vectors of 2 d features, of length one.
    """
    most = MOST_TAUGHT if most is None else most
    there = _moved(left.vectors, parts[0], right.vectors, matches, most)
    back = _moved(right.vectors, parts[1], left.vectors, matches.turned(len(right)), most)
    return (
        replace(left, vectors=_both(there, left.vectors)),
        replace(right, vectors=_both(right.vectors, back)),
    )


def _both(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of length one side by side, again of length one."""
    found = np.hstack([first, second])
    found *= np.float32(np.sqrt(0.5))
    return found


def _moved(
    own: NDArray[np.float32], parts: Tokens, other: NDArray[np.float32], matches: Matches, most: int
) -> NDArray[np.float32]:
    """Where each row's counterpart lies, float32 of length one; the rows themselves without a match."""
    used = np.flatnonzero((matches.right >= 0) & (matches.likely > _LEAST))
    if len(used) > most:
        likeliest = np.argsort(-matches.likely[used], kind="stable")
        used = np.sort(used[likeliest[:most]])
    if not len(used):
        return own
    bags, middle, centre = parts.bags.astype(np.float32), own.mean(axis=0), other.mean(axis=0)
    taught, words = own[used] - middle, bags[used]
    gram = _MEANING * (taught @ taught.T) + _WORDS * products(words, turned(words))
    gram[np.diag_indices(len(used))] += (_NOISE / matches.likely[used]).astype(np.float32)
    root = lower_root(gram)
    goal = other[matches.right[used]] - centre
    pull = solved(root, goal)
    # Both covariances are inner products, so what the matches teach fits into a matrix a feature and a word.
    by_meaning, by_words = _MEANING * (taught.T @ pull), _WORDS * (words.T @ pull)
    moved = own @ by_meaning
    moved += bags @ by_words
    moved += centre - middle @ by_meaning
    moved[used] = other[matches.right[used]] - pull / inverse_diagonal(root)[:, None]
    return np.asarray(normalize(moved, copy=False), np.float32)
