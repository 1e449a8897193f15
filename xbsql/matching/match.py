"""Match two catalogues: candidates, what is said of each pair, a first guess, and what the guess teaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from xbsql.matching import candidates, columns
from xbsql.matching.assignment import assigned
from xbsql.matching.candidates import WordVectors, gaps
from xbsql.matching.tokens import Tokens
from xbsql.matching.translation import Matches, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from xbsql.matching.candidates import Encode, Pairs, Side

    Judge: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
    Split: TypeAlias = Callable[[Sequence[str]], list[list[str]]]

NOTHING: Final = -20.0
"""Log odds below which a pair teaches nothing."""


@dataclass(frozen=True)
class Described:
    """Candidate pairs and what is known of them.

    Attributes:
        pairs: p of them.
        first: float64, shape (p, 15), columns `columns.SIMILARITIES`.
        table: float64, shape (p, 24), columns `columns.PAIR_COLUMNS`.
    """

    pairs: Pairs
    first: NDArray[np.float64]
    table: NDArray[np.float64]


def describe(
    left: Side,
    right: Side,
    encode: Encode,
    pieces: Split,
    judges: Sequence[Judge],
) -> Described:
    """Find the candidate pairs and say all that is known of them.

    Args:
        left: n rows.
        right: the rows that they may match.
        encode: texts -> float32 vectors of length one.
        pieces: texts -> the parts of their words.
        judges: columns -> log odds of a match: the first reads `columns.SIMILARITIES`, each later one
            `columns.PAIR_COLUMNS`, and teaches the next round.
    """
    parts = Tokens.split(pieces(left.texts)), Tokens.split(pieces(right.texts))
    found = candidates.candidate_pairs(left, right, *parts)
    if not len(found):
        widths = len(columns.SIMILARITIES), len(columns.PAIR_COLUMNS)
        return Described(found, np.empty((0, widths[0])), np.empty((0, widths[1])))
    first = candidates.described(left, right, found, WordVectors.of(left, right, encode))
    return Described(found, first, _rounds(found, parts, first, judges))


def _rounds(
    pairs: Pairs, parts: tuple[Tokens, Tokens], first: NDArray[np.float64], judges: Sequence[Judge]
) -> NDArray[np.float64]:
    table = first
    for judge in judges:
        table = taught(pairs, *parts, first, judge(table))
    return table


def taught(
    pairs: Pairs, left: Tokens, right: Tokens, first: NDArray[np.float64],
    odds: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """The first columns, the guess, and what its likely matches teach: `columns.PAIR_COLUMNS`."""
    chosen = assigned(pairs.i, pairs.j, odds, NOTHING, (len(left.rows), len(right.rows)))
    there = chosen >= 0
    partner = np.where(there, pairs.j[chosen], -1)
    likely = np.where(there, 1 / (1 + np.exp(-np.clip(odds[chosen], -30, 30))), 0.0)
    found = translated(left, right, Matches(partner, likely), pairs.i, pairs.j)
    both = found[:, 0] + found[:, 1]
    return np.column_stack([first, odds, gaps(pairs, odds), found, gaps(pairs, both)])
