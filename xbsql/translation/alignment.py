"""Which word of a pair translates which: IBM model 2 on the diagonal, both ways, made one.

Dyer, Chahuneau, Smith, "A Simple, Fast, and Effective Reparameterization of IBM Model 2", NAACL 2013; the two
directions are joined by 'grow-diag-final-and' (Koehn, Och, Marcu, NAACL 2003), round by round over all pairs.
All pairs are one array of cells, so that a round of learning is four passes over memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.translation.lexicon import Lexicon

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Short = NDArray[np.int32]

ROUNDS: Final = 5
PULL: Final = 0.1
"""How much likelier a word on the diagonal is, to begin with: in titles adjectives change sides."""
STEP: Final = 20.0
LEAST_PULL, MOST_PULL = 0.02, 8.0
"""The pull is learnt with the words, by steps of this size and within these bounds."""
NOTHING: Final = 0.08
"""Share of words that translate none."""
TRUST: Final = 0.3
"""Occurrences that a known lexicon counts for."""


@dataclass(frozen=True)
class Side:
    """The tokens of n texts in one array.

    Attributes:
        words: the distinct forms.
        ids: int64, shape (tokens,): places in `words`.
        starts: int64, shape (n + 1,): where each text begins.
    """

    words: tuple[str, ...]
    ids: Ints
    starts: Ints

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]]) -> Side:
        """Texts as forms."""
        places: dict[str, int] = {}
        ids = [places.setdefault(form, len(places)) for text in texts for form in text]
        starts = np.cumsum([0, *(len(text) for text in texts)])
        return cls(tuple(places), np.array(ids, np.int64), starts.astype(np.int64))

    @property
    def lengths(self) -> Ints:
        """Tokens of each text."""
        return np.diff(self.starts)


@dataclass(frozen=True)
class Learnt:
    """How likely each target word is from each source word, and the cells that say so.

    Attributes:
        posterior: float64, shape (cells,): how likely each cell is a translation.
        keys: int64, ascending: source word * target words + target word.
        rate: float64, one a key: its probability.
        key: int32, shape (cells,): the place of each cell's key.
        head: int64, one a key: its source word.
        before: float64, one a key: occurrences that are known from elsewhere.
    """

    posterior: Floats
    keys: Ints
    rate: Floats
    key: NDArray[np.int32]
    head: Ints
    before: Floats

    def counted(self, share: Floats) -> Floats:
        """The probabilities where each cell counts as often as `share` says, float64, one a key."""
        return _rate(self.key, self.posterior * share, self.head, self.before)


@dataclass(frozen=True)
class Cells:
    """Every source word beside every target word of its pair: target words in order, source words within.

    Of 150,000 pairs there are ten million cells, so they are counted with four bytes.

    Attributes:
        pair: int32, shape (cells,).
        i: int32: the source word's place in its text.
        j: int32: the target word's.
        source: int32: the source word's place among all.
        target: int32: the target word's.
    """

    pair: Short
    i: Short
    j: Short
    source: Short
    target: Short

    @classmethod
    def of(cls, left: Side, right: Side) -> Cells:
        """The cells of pairs."""
        per_word = np.repeat(left.lengths, right.lengths)
        target = np.repeat(np.arange(len(right.ids), dtype=np.int32), per_word)
        pair_of = np.repeat(np.arange(len(right.lengths), dtype=np.int32), right.lengths)
        pair = pair_of[target]
        first = (np.cumsum(per_word) - per_word).astype(np.int32)
        i = np.arange(len(target), dtype=np.int32) - first[target]
        begin, start = left.starts.astype(np.int32), right.starts.astype(np.int32)
        return cls(pair, i, target - start[pair], begin[pair] + i, target)


def lexical(left: Side, right: Side, cells: Cells, weight: Floats, known: Lexicon | None = None) -> Learnt:
    """Learn how likely each target word is from each source word.

    Args:
        left: source texts.
        right: target texts.
        cells: of both.
        weight: float64, one a pair.
        known: probabilities that are known from elsewhere.
    """
    width = len(right.words)
    keys, key = _keys(left, right, cells)
    head = keys // width
    offset = _offset(left, right, cells)
    pull, prior = PULL, _prior(PULL, offset, cells.target)
    before = np.zeros(len(keys)) if known is None else known.of(left.words, right.words, head, keys % width)
    rate = np.full(len(keys), 1.0 / max(width, 1)) + before
    nothing = np.bincount(right.ids, minlength=width) / max(len(right.ids), 1)
    blank = NOTHING * nothing[right.ids]
    posterior = prior
    for _ in range(ROUNDS):
        posterior = rate[key]
        posterior *= prior
        posterior *= 1.0 - NOTHING
        total = np.bincount(cells.target, posterior, minlength=len(right.ids)) + blank
        posterior /= np.maximum(total, 1e-300)[cells.target]
        count = weight[cells.pair]  # gathered anew: it would be another eight bytes a cell
        count *= posterior
        rate = _rate(key, count, head, TRUST * before)
        pull = _tightened(pull, offset, posterior, prior)
        prior = _prior(pull, offset, cells.target)
    return Learnt(posterior, keys, rate, key, head, TRUST * before)


def _keys(left: Side, right: Side, cells: Cells) -> tuple[Ints, Short]:
    """The pairs of words, source word * target words + target word, ascending, and which each cell is."""
    width = len(right.words)
    short = len(left.words) * width < np.iinfo(np.int32).max
    one, two = (ids.astype(np.int32) if short else ids for ids in (left.ids, right.ids))
    both = one[cells.source] * width + two[cells.target]
    keys, key = np.unique(both, return_inverse=True)
    return keys.astype(np.int64), key.astype(np.int32)


def _offset(left: Side, right: Side, cells: Cells) -> Floats:
    """How far the two words of each cell stand from the diagonal, 0 .. 1."""
    offset = (cells.i + 0.5) / left.lengths[cells.pair]
    offset -= (cells.j + 0.5) / right.lengths[cells.pair]
    return np.abs(offset, out=offset)


def _rate(key: NDArray[np.integer], count: Floats, head: Ints, before: Floats) -> Floats:
    """The share of each key in what its source word counts."""
    counts = np.bincount(key, count, minlength=len(head)) + before
    sums = np.bincount(head, counts)
    return np.asarray(counts / np.maximum(sums[head], 1e-12))


def _prior(pull: float, offset: Floats, target: Short) -> Floats:
    """How likely each source word is by its place alone; sums to 1 over the cells of a target word."""
    prior = -pull * offset
    np.exp(prior, out=prior)
    total = np.bincount(target, prior) if len(target) else np.ones(1)
    prior /= np.maximum(total, 1e-300)[target]
    return prior


def _tightened(pull: float, offset: Floats, posterior: Floats, prior: Floats) -> float:
    """The pull a step nearer to where places are as far off as they were found to be."""
    found = float((posterior * offset).sum() / max(posterior.sum(), 1e-12))
    thought = float((prior * offset).sum() / max(prior.sum(), 1e-12))
    return float(np.clip(pull + STEP * (thought - found), LEAST_PULL, MOST_PULL))


def links(left: Side, right: Side, cells: Cells, forth: Floats, back: Floats) -> Ints:
    """The cells that are translations, both directions made one.

    Args:
        left: source texts.
        right: target texts.
        cells: of both.
        forth: posterior of each cell where target words are explained.
        back: where source words are.

    Returns:
        int64: places of the cells, ascending.
    """
    a = _best(forth, cells.target, len(right.ids))
    b = _best(back, cells.source, len(left.ids))
    union = np.flatnonzero(a | b)
    found = (a & b)[union]
    grid = _Grid(left, right, cells, union)
    covered_left, covered_right = np.zeros(len(left.ids), bool), np.zeros(len(right.ids), bool)
    source, target = cells.source[union], cells.target[union]

    def cover() -> None:
        covered_left[source[found]], covered_right[target[found]] = True, True

    cover()
    for _ in range(4):
        new = ~found & grid.touches(found) & ~(covered_left[source] & covered_right[target])
        if not new.any():
            break
        found |= new
        cover()
    found |= ~covered_left[source] & ~covered_right[target]
    return np.asarray(union[found])


def _best(posterior: Floats, word: Short, words: int) -> NDArray[np.bool_]:
    """Whether a cell is the likeliest of its word and likelier than none."""
    best = np.zeros(words)
    np.maximum.at(best, word, posterior)
    rest = 1.0 - np.bincount(word, posterior, minlength=words)
    return (posterior >= best[word]) & (posterior > rest[word])


class _Grid:
    """Cells with a border around each pair, so that neighbours are fixed steps away."""

    def __init__(self, left: Side, right: Side, cells: Cells, chosen: Ints) -> None:
        sizes = (left.lengths + 2) * (right.lengths + 2)
        start = np.cumsum(sizes) - sizes
        pair = cells.pair[chosen]
        self._stride = (left.lengths + 2)[pair]
        self._place = start[pair] + (cells.j[chosen] + 1) * self._stride + cells.i[chosen] + 1
        self._size = int(sizes.sum())

    def touches(self, found: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether one of the eight neighbours of a cell is found."""
        there = np.zeros(self._size, bool)
        there[self._place[found]] = True
        near = np.zeros(len(found), bool)
        for step in (-1, 0, 1):
            for row in (-1, 0, 1):
                near |= there[self._place + step + row * self._stride]
        return near
