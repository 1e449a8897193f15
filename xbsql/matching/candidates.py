"""Pairs that may be matches: by meaning, by meaning carried across, by spelling, and word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.features.ngrams import Ngrams
from xbsql.matching.carried import carried
from xbsql.matching.neighbours import TwoWayNeighbours, blocks, cosines, rowwise
from xbsql.matching.pairs import CandidatePairs
from xbsql.matching.stated import compared
from xbsql.matching.tokens import best_of_rows
from xbsql.matching.translation import suggested
from xbsql.progress import tell

if TYPE_CHECKING:
    from scipy import sparse

    from xbsql.matching.pairs import Side
    from xbsql.matching.tokens import Tokens

_ALIKE: Final = 10  # by spelling, and word by word


NEIGHBOURS: Final = 30
"""Right rows by meaning that each left row is paired with."""
LESSONS: Final = 3
"""How often vectors are carried across before pairs are judged; each time learns from the one before."""


def candidate_pairs(left: Side, right: Side, parts: tuple[Tokens, Tokens]) -> CandidatePairs:
    """The pairs that meaning, spelling or a word by word translation suggests, block by block.

    Those that contradict each other in what they state are among them, barred.

    Args:
        left: n rows.
        right: the rows that they may match.
        parts: the parts of the left words and of the right ones.
    """
    if not len(left) or not len(right):
        return CandidatePairs(*(np.empty(0, np.int64),) * 2, *(np.empty(0),) * 4)
    tell(0.0, "finding neighbours")
    near = TwoWayNeighbours.of(left, right, NEIGHBOURS)
    matches, further = near.mutual(), near
    for lesson in range(LESSONS):
        tell((1 + lesson) / (2 + LESSONS), "finding neighbours")
        further = TwoWayNeighbours.of(*carried(left, right, parts, matches), NEIGHBOURS)
        matches = further.mutual()
    tell((1 + LESSONS) / (2 + LESSONS), "comparing spellings")
    spelled = _spelled(left, right)
    i, j = suggested(*parts, matches, _ALIKE)
    if left.block is not None and right.block is not None:
        same = left.block[i] == right.block[j]
        i, j = i[same], j[same]
    keys = [heads * len(right) + tails for heads, tails in ((near.i, near.j), (further.i, further.j), (i, j))]
    for own, other in blocks(left, right):
        a, b = best_of_rows(spelled[0][own], spelled[1][other], _ALIKE)
        keys.append(own[a] * len(right) + other[b])
    i, j = np.divmod(np.unique(np.concatenate(keys)), len(right))
    spelling = rowwise(
        len(i), lambda s: np.asarray(spelled[0][i[s]].multiply(spelled[1][j[s]]).sum(axis=1)).ravel()
    )
    cosine = cosines(left, right, i, j)
    nearness = 2 * cosine - near.hub_left[i] - near.hub_right[j]
    stated = compared(left.stated, right.stated, i, j)
    return CandidatePairs(i, j, cosine, nearness, further.nearness(i, j), spelling, stated)


def _spelled(left: Side, right: Side) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """The n-grams of both sides, weighted by how rare they are in the two together."""
    found = Ngrams.fit([*left.texts, *right.texts])
    return found.transform(left.texts), found.transform(right.texts)
