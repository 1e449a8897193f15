"""Pairs that may be matches: by meaning, by meaning carried across, by spelling, and word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.features.ngrams import Ngrams
from xbsql.matching.carried import carried
from xbsql.matching.neighbours import TwoWayNeighbours, blocks, cosines, likenesses
from xbsql.matching.pairs import CandidatePairs
from xbsql.matching.stated import compared
from xbsql.matching.tokens import best_of_rows
from xbsql.matching.translation import suggested
from xbsql.progress import tell

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from xbsql.matching.pairs import Side
    from xbsql.matching.tokens import Tokens

_ALIKE: Final = 10  # by spelling, and word by word


NEIGHBOURS: Final = 30
"""Right rows by meaning that each left row is paired with."""
LESSONS: Final = 3
"""How often vectors are carried across before pairs are judged."""


def candidate_pairs(
    left: Side,
    right: Side,
    parts: tuple[Tokens, Tokens],
    lessons: int = LESSONS,
    most: int | None = None,
    proposed: NDArray[np.int64] | None = None,
) -> CandidatePairs:
    """The pairs that meaning, spelling or a word by word translation suggests, block by block.

    Those that contradict each other in what they state are among them, barred.

    Args:
        left: n rows.
        right: the rows that they may match.
        parts: the parts of the left words and of the right ones.
        lessons: how often vectors are carried across; each time learns from the one before.
        most: matches that are learned from, each time.
        proposed: int64: keys (left row * right rows + right row) of further pairs within blocks.
    """
    if not len(left) or not len(right):
        return CandidatePairs(*(np.empty(0, np.int64),) * 2, *(np.empty(0),) * 4)
    tell(0.0, "finding neighbours")
    near = TwoWayNeighbours.of(left, right, NEIGHBOURS)
    matches, further = near.mutual(), near
    for lesson in range(lessons):
        tell((1 + lesson) / (2 + lessons), "finding neighbours")
        further = TwoWayNeighbours.of(*carried(left, right, parts, matches, most), NEIGHBOURS)
        matches = further.mutual()
    tell((1 + lessons) / (2 + lessons), "comparing spellings")
    spelled = _spelled(left, right)
    both = blocks(left, right)
    i, j = suggested(*parts, matches, _ALIKE, both)
    keys = [heads * len(right) + tails for heads, tails in ((near.i, near.j), (further.i, further.j), (i, j))]
    for own, other in both:
        a, b = best_of_rows(spelled[0][own], spelled[1][other], _ALIKE)
        keys.append(own[a] * len(right) + other[b])
    if proposed is not None:
        keys.append(proposed)
    i, j = np.divmod(np.unique(np.concatenate(keys)), len(right))
    spelling = likenesses(left, right, *spelled, i, j)
    cosine = cosines(left, right, i, j)
    nearness = 2 * cosine - near.hub_left[i] - near.hub_right[j]
    stated = compared(left.stated, right.stated, i, j)
    return CandidatePairs(i, j, cosine, nearness, further.nearness(i, j), spelling, stated)


def _spelled(left: Side, right: Side) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """The n-grams of both sides, weighted by how rare they are in the two together."""
    found = Ngrams.fit([*left.texts, *right.texts])
    return found.transform(left.texts), found.transform(right.texts)
