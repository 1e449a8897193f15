"""Pairs that may be matches: by meaning, by meaning carried across, by spelling, and word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.features.ngrams import Ngrams
from xbsql.matching.carried import MOST_TAUGHT, carried
from xbsql.matching.neighbours import TwoWayNeighbours, blocks, likenesses
from xbsql.matching.pairs import CandidatePairs, once
from xbsql.matching.products import shared
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


class Effort(NamedTuple):
    """How much is spent on candidates.

    Attributes:
        neighbours: right rows by meaning that each left row is paired with.
        lessons: how often vectors are carried across before pairs are judged; each time learns from the one
            before.
        taught: matches that are learned from each time, the likeliest of more.
    """

    neighbours: int = 30
    lessons: int = 3
    taught: int = MOST_TAUGHT


WHOLE: Final = Effort()


def candidate_pairs(
    left: Side,
    right: Side,
    parts: tuple[Tokens, Tokens],
    effort: Effort = WHOLE,
    proposed: NDArray[np.int64] | None = None,
) -> CandidatePairs:
    """The pairs that meaning, spelling or a word by word translation suggests, block by block.

    Those that contradict each other in what they state are among them, barred.

    Args:
        left: n rows.
        right: the rows that they may match.
        parts: the parts of the left words and of the right ones.
        effort: how much is spent on them.
        proposed: int64: keys (left row * right rows + right row) of further pairs within blocks.
    """
    if not len(left) or not len(right):
        return CandidatePairs(*(np.empty(0, np.int64),) * 2, *(np.empty(0),) * 4)
    tell(0.0, "finding neighbours")
    near = TwoWayNeighbours.of(left, right, effort.neighbours)
    matches, further = near.mutual(), near
    for lesson in range(effort.lessons):
        tell((1 + lesson) / (2 + effort.lessons), "finding neighbours")
        moved = carried(left, right, parts, matches, effort.taught)
        further = TwoWayNeighbours.of(*moved, effort.neighbours)
        matches = further.mutual()
    tell((1 + effort.lessons) / (2 + effort.lessons), "comparing spellings")
    spelled = _spelled(left, right)
    both = blocks(left, right)
    i, j = suggested(*parts, matches, _ALIKE, both)
    keys = [heads * len(right) + tails for heads, tails in ((near.i, near.j), (further.i, further.j), (i, j))]
    for own, other in both:
        a, b = best_of_rows(spelled[0][own], spelled[1][other], _ALIKE)
        keys.append(own[a] * len(right) + other[b])
    if proposed is not None:
        keys.append(proposed)
    i, j = np.divmod(once(np.concatenate(keys))[0], len(right))
    spelling = likenesses(left, right, *spelled, i, j)
    cosine = near.cosines(i, j)
    nearness = near.nearness(i, j, cosine), further.nearness(i, j)
    stated = compared(left.stated, right.stated, i, j)
    return CandidatePairs(i, j, cosine, *nearness, spelling, stated)


def _spelled(left: Side, right: Side) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """The n-grams that both sides have, weighted by how rare they are in the two together."""
    found = Ngrams.fit([*left.texts, *right.texts])
    return shared(found.transform(left.texts), found.transform(right.texts))
