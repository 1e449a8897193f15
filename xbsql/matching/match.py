"""Match two catalogues: candidates, what is said of each pair, a first guess, and what the guess teaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from xbsql.engine.nearest import ranks
from xbsql.harmonise.assignment import assigned
from xbsql.matching import columns
from xbsql.matching.candidates import candidate_pairs
from xbsql.matching.carried import carried
from xbsql.matching.neighbours import cosines
from xbsql.matching.pairs import Matches, crowding, gaps, rivals
from xbsql.matching.similarities import described
from xbsql.matching.tokens import Tokens
from xbsql.matching.translation import translated
from xbsql.matching.words import WordVectors
from xbsql.progress import part, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from xbsql.matching.pairs import CandidatePairs, Side
    from xbsql.matching.words import Encode

    Judge: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
    Split: TypeAlias = Callable[[Sequence[str]], list[list[str]]]

NOTHING: Final = -20.0
"""Log odds below which a pair teaches nothing."""
SUREST: Final = 30.0
"""Log odds beyond all that a scorer says."""
HOPELESS: Final = -6.0
"""Log odds by the first round below which only a row's nearest pairs are looked at closely."""
CLOSELY: Final = 30
"""The most likely pairs of a row that are looked at closely, however unlikely."""
HUBS: Final = 10
"""Candidates of a row that tell how near it is to everything."""


@dataclass(frozen=True)
class Described:
    """Candidate pairs and what is known of them.

    Attributes:
        pairs: p of them, none barred.
        table: float64, shape (p, 34), columns `columns.PAIR_COLUMNS`.
        rivals: int64, shape (p,), see `pairs.rivals`.
    """

    pairs: CandidatePairs
    table: NDArray[np.float64]
    rivals: NDArray[np.int64]


def describe(
    left: Side,
    right: Side,
    encode: Encode,
    pieces: Split,
    judges: Sequence[Judge],
    *,
    selective: bool = False,
) -> Described:
    """Find the candidate pairs and say all that is known of them.

    Args:
        left: n rows.
        right: the rows that they may match.
        encode: texts -> float32 vectors of length one.
        pieces: texts -> the parts of their words.
        judges: columns -> log odds of a match: the first reads `columns.SIMILARITIES`, each later one
            `columns.PAIR_COLUMNS`, and teaches the next round.
        selective: whether only promising pairs are judged a second time: fewer pairs, and .005 less of p1.
    """
    parts = left.parts or Tokens.split(pieces(left.texts)), right.parts or Tokens.split(pieces(right.texts))
    with part(0.0, 0.6):
        found = candidate_pairs(left, right, parts)
    if not len(found):
        return Described(found, np.empty((0, len(columns.PAIR_COLUMNS))), np.empty(0, np.int64))
    tell(0.6, f"comparing {len(found)} pairs")
    table = known = described(left, right, found, WordVectors.of(left, right, encode))
    for turn, judge in enumerate(judges):
        tell(0.75 + 0.25 * turn / len(judges), f"judging {len(found)} pairs")
        odds = judge(table)
        if turn == 0 and selective:
            kept = promising(found, odds)
            found, known, odds = found.at(kept), known[kept], odds[kept]
        table = taught(left, right, parts, found, known, odds)
    able = found.at(found.allowed)
    return Described(able, table[found.allowed], rivals(left, right, able.i, able.j))


def promising(pairs: CandidatePairs, odds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The pairs that are looked at closely, bool, shape (p,): likely ones, and the best of either row.

    The others are no match whatever is learned. The nearest stay also where they are none, since what stands
    before a pair speaks against it.
    """
    able = np.where(pairs.allowed, odds, -SUREST)
    best = [
        ranks(rows, values) < most
        for rows in (pairs.i, pairs.j)
        for values, most in ((able, CLOSELY), (pairs.carried, HUBS))
    ]
    return np.asarray((able > HOPELESS) | np.any(best, axis=0))


def taught(
    left: Side, right: Side, parts: tuple[Tokens, Tokens], pairs: CandidatePairs, first: NDArray[np.float64],
    odds: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """The first columns, the guess, and what its likely matches teach: `columns.PAIR_COLUMNS`.

    A barred pair is no match, whatever was guessed.
    """
    odds = np.where(pairs.allowed, odds, -SUREST)
    chosen = assigned(pairs.i, pairs.j, odds, NOTHING, (len(left), len(right)))
    there = chosen >= 0
    partner = np.where(there, pairs.j[chosen], -1)
    likely = np.where(there, 1 / (1 + np.exp(-np.clip(odds[chosen], -SUREST, SUREST))), 0.0)
    matches = Matches(partner, likely)
    found = translated(*parts, matches, pairs.i, pairs.j)
    both = found[:, 0] + found[:, 1]
    near = cosines(*carried(left, right, parts, matches), pairs.i, pairs.j)
    near = 2 * near - crowding(pairs.i, near, HUBS) - crowding(pairs.j, near, HUBS)
    behind = [gaps(pairs.i, pairs.j, values) for values in (odds, both, near)]
    return np.column_stack([first, odds, behind[0], found, behind[1], near, behind[2]])
