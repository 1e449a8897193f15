"""Match two catalogues: candidates, what is said of each pair, a first guess, and what the guess teaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from xbsql.harmonise.assignment import assigned
from xbsql.matching import columns
from xbsql.matching.candidates import WHOLE, Effort, candidate_pairs
from xbsql.matching.carried import carried
from xbsql.matching.neighbours import cosines
from xbsql.matching.pairs import Matches, crowding, gaps, rivals
from xbsql.matching.similarities import closely, standing
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
HOPELESS: Final = 0.0
"""What the sieve says of a pair that is just not looked at closely; of likely matches .2 % have less."""
FEW_RIVALS: Final = 40
"""Rivals up to which all pairs are looked at closely: as long as the scorer of small tables is asked."""
SIEVED: Final = Effort(neighbours=15, lessons=1, taught=800)
"""With a sieve. On seven sets of `bench.entities_belonging` 30 neighbours took a fifth to all of this time
more, and the F1 of entities was .0006 more to .010 less."""
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
    sieve: Judge | None = None,
    known: NDArray[np.int64] | None = None,
    proposed: NDArray[np.int64] | None = None,
) -> Described:
    """Find the candidate pairs and say all that is known of them.

    Args:
        left: n rows.
        right: the rows that they may match.
        encode: texts -> float32 vectors of length one.
        pieces: texts -> the parts of their words.
        judges: columns -> log odds of a match: the first reads `columns.SIMILARITIES`, each later one
            `columns.PAIR_COLUMNS`, and teaches the next round.
        sieve: `columns.STANDING` -> log odds of a match, quickly: what has few is not looked at closely, and
            less is learned, from fewer matches and candidates: a quarter of the time, much the same matches.
        known: int64: keys (left row * right rows + right row) of pairs that something else speaks for, which
            no sieve holds back.
        proposed: the same of pairs that are compared though their texts may not suggest them.
    """
    parts = left.parts or Tokens.split(pieces(left.texts)), right.parts or Tokens.split(pieces(right.texts))
    effort = WHOLE if sieve is None else SIEVED
    with part(0.0, 0.6):
        found = candidate_pairs(left, right, parts, effort, proposed)
    stands = standing(found)
    kept = np.ones(len(found), np.bool_) if sieve is None else promising(left, right, found, sieve(stands))
    if known is not None:
        kept |= np.isin(found.i * len(right) + found.j, known)
    close = found.at(kept)
    if not len(close):
        return Described(close, np.empty((0, len(columns.PAIR_COLUMNS))), np.empty(0, np.int64))
    tell(0.6, f"comparing {len(close)} pairs")
    words = WordVectors.of(left, right, encode)
    table = first = np.hstack([stands[kept], closely(left, right, close, words)])
    for turn, judge in enumerate(judges):
        tell(0.75 + 0.25 * turn / len(judges), f"judging {len(close)} pairs")
        table = taught(left, right, parts, found, first, judge(table), kept, effort.taught)
    able = close.at(close.allowed)
    return Described(able, table[close.allowed], rivals(left, right, able.i, able.j))


def promising(
    left: Side, right: Side, pairs: CandidatePairs, odds: NDArray[np.float64]
) -> NDArray[np.bool_]:  # fmt: skip
    """The pairs that are looked at closely, bool, shape (p,): likely ones, and all of rows with few rivals.

    The others are no match whatever is learned; they still tell what stands before a pair.
    """
    return (odds > HOPELESS) | (rivals(left, right, pairs.i, pairs.j) <= FEW_RIVALS)


def taught(
    left: Side, right: Side, parts: tuple[Tokens, Tokens], pairs: CandidatePairs, first: NDArray[np.float64],
    odds: NDArray[np.float64], kept: NDArray[np.bool_] | None = None, most: int | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """The first columns, the guess, and what its likely matches teach: `columns.PAIR_COLUMNS`.

    A barred pair is no match, whatever was guessed.

    Args:
        left: the left catalogue.
        right: the right one.
        parts: the parts of their words.
        pairs: all candidates.
        first: `columns.SIMILARITIES` of the pairs that are looked at closely.
        odds: what was guessed of these.
        kept: bool: which of all they are; None for all.
        most: matches that are learned from.
    """
    close = pairs if kept is None else pairs.at(kept)
    odds = np.where(close.allowed, odds, -SUREST)
    chosen = assigned(close.i, close.j, odds, NOTHING, (len(left), len(right)))
    there = chosen >= 0
    partner = np.where(there, close.j[chosen], -1)
    likely = np.where(there, 1 / (1 + np.exp(-np.clip(odds[chosen], -SUREST, SUREST))), 0.0)
    matches = Matches(partner, likely)
    found = translated(*parts, matches, close.i, close.j)
    both = found[:, 0] + found[:, 1]
    near = cosines(*carried(left, right, parts, matches, most), pairs.i, pairs.j)
    near = 2 * near - crowding(pairs.i, near, HUBS) - crowding(pairs.j, near, HUBS)
    stands = np.column_stack([near, gaps(pairs.i, pairs.j, near)])
    behind = [gaps(close.i, close.j, values) for values in (odds, both)]
    stands = stands if kept is None else stands[kept]
    return np.column_stack([first, odds, behind[0], found, behind[1], stands])
