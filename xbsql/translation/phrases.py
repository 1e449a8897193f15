"""Phrases that translate each other, cut from aligned pairs (Koehn, Och, Marcu, NAACL 2003).

A phrase of the source and one of the target belong together where no link leaves the two. All spans of all
pairs are looked at as arrays: the least and largest linked word of a span are running minima.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.translation.alignment import Side

    Ints = NDArray[np.int64]
    Short = NDArray[np.int32]

LONGEST: Final = 4
"""Words of a source phrase; a target phrase may have one more."""
WIDEST: Final = LONGEST + 1


class Cut(NamedTuple):
    """Phrase pairs, one an occurrence; all int32 of one shape.

    Attributes:
        pair: the pair it was cut from.
        source: its first source word among all; size: how many.
        target: its first target word; width: how many.
    """

    pair: Short
    source: Short
    size: Short
    target: Short
    width: Short


def cut(left: Side, right: Side, source: Short, target: Short) -> Cut:
    """All phrase pairs of aligned texts, with unlinked words at the edges of the target ones or without.

    Args:
        left: source texts.
        right: target texts.
        source: the source words that are linked, as places among all.
        target: what each is linked with.
    """
    low, high = _ends(source, target, len(left.ids))
    back_low, back_high = _ends(target, source, len(right.ids))
    pair_of = np.repeat(np.arange(len(left.lengths)), left.lengths)
    last = left.starts[1:][pair_of]
    bound = right.starts[:-1], right.starts[1:]
    lone = np.r_[back_high < 0, False]
    parts = []
    lowest, highest = low.copy(), high.copy()
    narrow = [back_low], [back_high]
    for width in range(2, WIDEST + 1):
        narrow[0].append(np.minimum(narrow[0][-1], _shifted(back_low, width - 1, len(left.ids))))
        narrow[1].append(np.maximum(narrow[1][-1], _shifted(back_high, width - 1, -1)))
    inner_low, inner_high = np.stack(narrow[0]), np.stack(narrow[1])
    for size in range(1, LONGEST + 1):
        if size > 1:
            lowest = np.minimum(lowest, _shifted(low, size - 1, len(right.ids)))
            highest = np.maximum(highest, _shifted(high, size - 1, -1))
        begin = np.flatnonzero((np.arange(len(low)) + size <= last) & (highest >= 0))
        first, wide = lowest[begin], highest[begin] - lowest[begin] + 1
        fits = wide <= WIDEST
        begin, first, wide = begin[fits], first[fits], wide[fits]
        whole = (inner_low[wide - 1, first] >= begin) & (inner_high[wide - 1, first] < begin + size)
        parts += _widened(pair_of[begin[whole]], begin[whole], size, first[whole], wide[whole], lone, bound)
    columns = zip(*parts, strict=True)
    return Cut(*(np.concatenate(each, dtype=np.int32, casting="same_kind") for each in columns))


def _ends(word: Short, other: Short, words: int) -> tuple[Ints, Ints]:
    """The first and last linked word opposite, (words,); a huge number and -1 where there is none."""
    low, high = np.full(words, np.iinfo(np.int64).max), np.full(words, -1)
    np.minimum.at(low, word, other)
    np.maximum.at(high, word, other)
    return low, high


def _shifted(values: Ints, by: int, fill: int) -> Ints:
    shifted: Ints = np.r_[values[by:], np.full(min(by, len(values)), fill)]
    return shifted


def _widened(
    pair: Ints,
    begin: Ints,
    size: int,
    first: Ints,
    width: Ints,
    lone: NDArray[np.bool_],
    bound: tuple[Ints, Ints],
) -> list[tuple[Ints, ...]]:
    """The phrase pairs, and those with one more unlinked target word on either side, or on both."""
    found: list[tuple[Ints, ...]] = []
    for before in (0, 1):
        for after in (0, 1):
            start, end = first - before, first + width + after
            kept = (start >= bound[0][pair]) & (end <= bound[1][pair]) & (end - start <= WIDEST)
            if before:
                kept &= lone[np.maximum(start, 0)]
            if after:
                kept &= lone[np.minimum(end - 1, len(lone) - 1)]
            rows = np.flatnonzero(kept)
            sizes = np.full(len(rows), size)
            found.append((pair[rows], begin[rows], sizes, start[rows], (end - start)[rows]))
    return found
