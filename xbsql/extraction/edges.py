"""Words at the edges of values: which begin and end them, and which stand before and behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.extraction.lexicon import Counts, keyed
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.extraction.sheet import Sheet
    from xbsql.extraction.titles import Hashes, Titles

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

PLACES: Final = ("before", "begins", "within", "ends", "behind")
_EDGE: Final = np.uint64(3)
"""Stands for the word before the first one and the one behind the last."""


@restorable("edges")
@dataclass(frozen=True)
class Edges:
    """How often a word has a place in the values of an attribute.

    Attributes:
        words: how often each word occurs.
        places: by place, word and attribute -> how often.
    """

    words: Counts
    places: tuple[Counts, ...]

    def say(self, titles: Titles, word: Ints, length: Ints, attribute: Ints) -> list[Floats]:
        """How usual the words at the edges of runs are there, and the least usual one within; each (c,)."""
        number = attribute.astype(np.uint64)
        rows = _edges(titles, word, length)
        found = []
        for place, hashes in zip((0, 1, 3, 4), rows, strict=True):
            count, total = self.places[place](keyed(hashes, number)), self.words(hashes)
            found.append((count + 0.2) / (total + 2.0))
        return [*found, self._least(titles, word, length, number)]

    def _least(self, titles: Titles, word: Ints, length: Ints, number: Hashes) -> Floats:
        least = np.ones(len(word))
        for step in range(int(length.max(initial=0))):
            rows = np.flatnonzero(length > step)
            hashes = titles.hashes[word[rows] + step, 0]
            count, total = self.places[2](keyed(hashes, number[rows])), self.words(hashes)
            least[rows] = np.minimum(least[rows], (count + 0.2) / (total + 2.0))
        return least

    def state(self) -> State:
        """The counts as data."""
        arrays = self.words.arrays("words")
        for name, counts in zip(PLACES, self.places, strict=True):
            arrays |= counts.arrays(name)
        return State("edges", {}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The counts again."""
        found = [Counts.stored(state.arrays, name) for name in ("words", *PLACES)]
        return cls(found[0], tuple(found[1:]))


def _edges(titles: Titles, word: Ints, length: Ints) -> tuple[Hashes, Hashes, Hashes, Hashes]:
    """The words before, at the beginning, at the end and behind runs."""
    hashes, owner = titles.hashes[:, 0], titles.owner
    last = word + length - 1
    before = np.where(word > titles.first[owner[word]], hashes[np.maximum(word - 1, 0)], _EDGE)
    following = np.minimum(last + 1, len(hashes) - 1)
    behind = np.where(last + 1 < titles.first[owner[word] + 1], hashes[following], _EDGE)
    return before, hashes[word], hashes[last], behind


def fit_edges(sheet: Sheet) -> Edges:
    """Count the words at the edges of labelled values."""
    said = np.flatnonzero(sheet.length > 0)
    word, length, number = sheet.word[said], sheet.length[said], sheet.attribute[said].astype(np.uint64)
    titles = sheet.titles
    before, begins, ends, behind = (keyed(each, number) for each in _edges(titles, word, length))
    steps = np.repeat(word - np.concatenate([[0], np.cumsum(length)[:-1]]), length) + np.arange(length.sum())
    within = keyed(titles.hashes[steps, 0], np.repeat(number, length))
    outside = np.full(2 * len(titles), _EDGE)
    words = Counts.of(np.concatenate([titles.hashes[:, 0], outside]))
    return Edges(words, tuple(Counts.of(each) for each in (before, begins, within, ends, behind)))
