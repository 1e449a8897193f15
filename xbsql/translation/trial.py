"""Pairs translated as if they were not known: what each origin says, and what a chooser makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.features.drawn import drawn
from xbsql.metrics.texts import chrf
from xbsql.translation.chooser import NAMES, Chooser, chosen, features
from xbsql.translation.knowledge import MANY, Knowledge
from xbsql.translation.proposals import ORIGINS, Asked
from xbsql.translation.translator import BATCH
from xbsql.translation.words import is_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from xbsql.translation.learn import Taught
    from xbsql.translation.shelf import Encode
    from xbsql.translation.translator import Stock

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST: Final = 1_000
"""Pairs that are tried; more tell the origins apart no better."""
FOLDS: Final = 4
HIDDEN: Final = 0.2
"""Share of the pairs that are withheld with all that share a word with them."""
FEWEST: Final = 30
"""Pairs from which on a chooser is learnt."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of texts, read.

    Attributes:
        source: n texts as they are read; target: their translations as written.
        words: the forms of the targets.
        unit: int64, shape (n,): equal sources are one.
    """

    source: Sequence[str]
    target: Sequence[str]
    words: Sequence[Sequence[str]]
    unit: Ints


class Choice(NamedTuple):
    """What was chosen for each pair, by a chooser that has not seen it.

    Attributes:
        expected: its expected chrF; true: its chrF; float64, shape (t,).
        origins: where it came from.
    """

    expected: Floats
    true: Floats
    origins: list[str]


class Strange(NamedTuple):
    """What was proposed for pairs with a word that nothing else shows.

    Attributes:
        x, y: as `Tried` has them.
        sizes: how many proposals each pair has.
        fold: int64, one a pair.
    """

    x: Floats
    y: Floats
    sizes: Sequence[int]
    fold: Ints


@dataclass(frozen=True)
class Tried:
    """What was proposed for pairs that were held out.

    Attributes:
        rows: int64, shape (t,): the pairs.
        fold: int64, shape (t,): in which they were held out.
        x: float64, shape (p, f): what speaks for each proposal.
        y: float64, shape (p,): its chrF.
        came: where each proposal came from.
        sizes: how many proposals each pair has.
        alone: by origin, the chrF of what it alone says of each pair, float64, shape (t,).
        strange: the same of pairs that were tried without all others that have one of their words.
        seed: of choosers.
    """

    rows: Ints
    fold: Ints
    x: Floats
    y: Floats
    came: Sequence[str]
    sizes: Sequence[int]
    alone: dict[str, Floats]
    strange: Strange
    seed: int

    @cached_property
    def choice(self) -> Choice:
        """The chosen proposals, by choosers of the other folds."""
        expected, _ = self._expected
        places = chosen(expected, self.sizes)
        return Choice(expected[places], self.y[places], [self.came[place] for place in places])

    @cached_property
    def _expected(self) -> tuple[Floats, Floats]:
        """Expected chrF of each proposal, and of each strange one, by choosers of the other folds."""
        owner, odd = np.repeat(self.fold, self.sizes), np.repeat(self.strange.fold, self.strange.sizes)
        expected, strange = np.empty(len(self.y)), np.empty(len(self.strange.y))
        for fold in np.unique(self.fold):
            rest = owner != fold
            chooser = self._learned(rest if rest.any() else ~rest, odd != fold)
            expected[~rest] = chooser.expected(self.x[~rest])
            strange[odd == fold] = chooser.expected(self.strange.x[odd == fold])
        return expected, strange

    def chooser(self) -> Chooser:
        """A chooser of all that was tried; its score is straightened by what was chosen out of fold."""
        odd = self._expected[1]
        places = chosen(odd, self.strange.sizes)
        expected = np.concatenate([self.choice.expected, odd[places]])
        true = np.concatenate([self.choice.true, self.strange.y[places]])
        everything = np.ones(len(self.y), bool), np.ones(len(self.strange.y), bool)
        return replace(self._learned(*everything), line=_line(expected, true))

    def _learned(self, rows: NDArray[np.bool_], strange: NDArray[np.bool_]) -> Chooser:
        """A chooser of some of the proposals."""
        x, y = (self.x[rows], self.strange.x[strange]), (self.y[rows], self.strange.y[strange])
        return Chooser.learned(np.concatenate(x), np.concatenate(y), self.seed)


def _line(expected: Floats, true: Floats) -> tuple[float, float]:
    """Constant and slope of least squares, the slope between .3 and 1.3."""
    spread = expected.var()
    slope = float(np.cov(expected, true, bias=True)[0, 1] / spread) if spread > 0 else 1.0
    slope = float(np.clip(slope, 0.3, 1.3))
    return float(true.mean() - slope * expected.mean()), slope


def tried(
    pairs: Pairs, taught: Taught, stock: Stock, encode: Encode, seed: int, told: Callable[[str], None]
) -> Tried:
    """Translate pairs by what the others teach.

    Args:
        pairs: that can be tried; the first ones of the stock's memory are these, in their order.
        taught: aligned, these pairs first.
        stock: that is delivered.
        encode: texts -> vectors.
        seed: of the folds.
        told: called after each fold.
    """
    rows = drawn(len(pairs.source), MOST)
    units, place = np.unique(pairs.unit[rows], return_inverse=True)
    folds = 1 if len(pairs.source) >= MANY else FOLDS
    dealt = np.random.default_rng(seed).permutation(len(units)) % folds
    fold = dealt[place]
    parts, done = [], []
    for number in range(folds):
        mine = rows[fold == number]
        parts.append(_held_out(pairs, taught, stock, encode, mine, _without(pairs, taught, mine)))
        done.append(mine)
        told(f"fold {number + 1} of {folds}")
    held = np.repeat(np.arange(folds), [len(mine) for mine in done])
    if folds == 1:
        held = np.arange(len(held)) % FOLDS
    alone = {name: np.concatenate([part.alone[name] for part in parts]) for name in parts[0].alone}
    strange_rows, kept = _without_words(pairs, taught, rows, seed)
    told("words that no other pair has")
    odd = _held_out(pairs, taught, stock, encode, strange_rows, kept)
    fold_of = dict(zip(np.concatenate(done).tolist(), held.tolist(), strict=True))
    strange = Strange(
        odd.x, odd.y, odd.sizes, np.array([fold_of[row] for row in strange_rows.tolist()], np.int64)
    )
    return Tried(
        np.concatenate(done),
        held,
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        [name for part in parts for name in part.came],
        [size for part in parts for size in part.sizes],
        alone,
        strange,
        seed,
    )


class _Part(NamedTuple):
    """One fold of a trial, as `Tried` has it."""

    x: Floats
    y: Floats
    came: list[str]
    sizes: list[int]
    alone: dict[str, Floats]


def _without(pairs: Pairs, taught: Taught, rows: Ints) -> NDArray[np.bool_]:
    """Which pairs and entries are left without some pairs."""
    kept = np.ones(len(taught.weight), bool)
    kept[: len(pairs.source)] = ~np.isin(pairs.unit, pairs.unit[rows])
    return kept


def _without_words(pairs: Pairs, taught: Taught, rows: Ints, seed: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Pairs with some words of the source, and what is left without all that have one of these."""
    left = taught.left
    owner = np.repeat(np.arange(len(left.lengths)), left.lengths)
    both = np.unique(np.stack([left.ids, owner]), axis=1)
    often = np.bincount(both[0], minlength=len(left.words))
    most = HIDDEN * len(left.lengths)
    kept = np.ones(len(left.lengths), bool)
    for word in np.random.default_rng(seed).permutation(len(left.words)).tolist():
        if 1 < often[word] <= most and is_word(left.words[word]):
            mine = both[1][np.searchsorted(both[0], word) : np.searchsorted(both[0], word, "right")]
            kept[mine] = False
        if (~kept).sum() >= most:
            break
    mine = rows[~kept[rows]]
    return mine[drawn(len(mine), MOST // FOLDS)], kept & _without(pairs, taught, mine)


def _held_out(
    pairs: Pairs, taught: Taught, stock: Stock, encode: Encode, rows: Ints, kept: NDArray[np.bool_]
) -> _Part:
    """Proposals for some pairs from those that are kept."""
    memory = stock.memory.take(kept[: len(stock.memory)])
    there = replace(stock, own=Knowledge.of(taught, pairs.words, kept), memory=memory)
    proposer = there.proposer(encode)
    xs, ys, came, sizes = [], [], [], []
    alone: dict[str, list[float]] = {name: [] for name in ORIGINS if name in stock.only}
    for block in _blocks(rows):
        marked = [stock.terms.mark(pairs.source[row]) for row in block]
        asked = [Asked.of(each.text, each.marks) for each in marked]
        found, vectors = proposer.propose(asked)
        xs.append(features(asked, found, vectors, proposer))
        for row, several in zip(block, found, strict=True):
            truth = [chrf(each.text, pairs.target[row]) for each in several]
            ys += truth
            came += [each.origin for each in several]
            sizes.append(len(several))
            for name, values in alone.items():
                values.append(_of_origin(name, several, truth))
    shown = {name: np.array(values) for name, values in alone.items()}
    none = [np.empty((0, len(NAMES)))]
    return _Part(np.concatenate(xs or none), np.array(ys), came, sizes, shown)


def _of_origin(name: str, several: Sequence, truth: Sequence[float]) -> float:  # type: ignore[type-arg]
    """The chrF of what an origin says first; 0 where it says nothing."""
    own = [
        (each.origins[name], value)
        for each, value in zip(several, truth, strict=True)
        if name in each.origins
    ]
    return max(own, key=lambda pair: pair[0])[1] if own else 0.0


def _blocks(rows: Ints) -> Iterator[list[int]]:
    for begin in range(0, len(rows), BATCH):
        yield rows[begin : begin + BATCH].tolist()
