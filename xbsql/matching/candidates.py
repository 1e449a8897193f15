"""Pairs that may be matches: by meaning, by meaning carried across, by spelling, and word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.features.ngrams import Ngrams
from xbsql.matching.carried import carried
from xbsql.matching.neighbours import Neighbours, blocks, rowwise
from xbsql.matching.pairs import Pairs
from xbsql.matching.tokens import ranks
from xbsql.matching.translation import suggested

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from xbsql.matching.pairs import Side
    from xbsql.matching.tokens import Tokens

NEIGHBOURS: Final = 30
"""Right rows by meaning that each left row is paired with."""
LESSONS: Final = 3
"""How often vectors are carried across before pairs are judged; each time learns from the one before."""
_ALIKE: Final = 10  # by spelling, and word by word
_BLOCK: Final = 2048


def candidate_pairs(left: Side, right: Side, parts: tuple[Tokens, Tokens]) -> Pairs:
    """The pairs that meaning, spelling or a word by word translation suggests, block by block.

    Args:
        left: n rows.
        right: the rows that they may match.
        parts: the parts of the left words and of the right ones.
    """
    if not len(left) or not len(right):
        return Pairs(*(np.empty(0, np.int64),) * 2, *(np.empty(0),) * 4)
    near = Neighbours.of(left, right, NEIGHBOURS)
    matches, further = near.mutual(), near
    for _ in range(LESSONS):
        further = Neighbours.of(*carried(left, right, parts, matches), NEIGHBOURS)
        matches = further.mutual()
    ngrams = Ngrams.fit([*left.texts, *right.texts])
    spelled = ngrams.transform(list(left.texts)), ngrams.transform(list(right.texts))
    i, j = suggested(*parts, matches, _ALIKE)
    if left.block is not None and right.block is not None:
        same = left.block[i] == right.block[j]
        i, j = i[same], j[same]
    keys = [heads * len(right) + tails for heads, tails in ((near.i, near.j), (further.i, further.j), (i, j))]
    for own, other in blocks(left, right):
        a, b = _by_spelling(spelled[0][own], spelled[1][other])
        keys.append(own[a] * len(right) + other[b])
    i, j = np.divmod(np.unique(np.concatenate(keys)), len(right))
    spelling = rowwise(
        len(i), lambda s: np.asarray(spelled[0][i[s]].multiply(spelled[1][j[s]]).sum(axis=1)).ravel()
    )
    return Pairs(i, j, near.cosine(i, j), near.nearness(i, j), further.nearness(i, j), spelling)


def _by_spelling(
    left: sparse.csr_matrix, right: sparse.csr_matrix
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The right rows that are spelled most like each left row."""
    rows, columns, other = [], [], right.T.tocsc()
    for start in range(0, left.shape[0], _BLOCK):
        scores = (left[start : start + _BLOCK] @ other).tocsr()
        row = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
        best = ranks(row, scores.data.astype(np.float64)) < _ALIKE
        rows.append(row[best] + start)
        columns.append(scores.indices[best].astype(np.int64))
    return np.concatenate(rows), np.concatenate(columns)
