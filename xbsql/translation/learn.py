"""What pairs teach: aligned once, their phrases cut once, counted as often as folds ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xbsql.translation.alignment import Cells, Side, lexical, links
from xbsql.translation.lexicon import Lexicon
from xbsql.translation.phrases import cut
from xbsql.translation.table import PhraseTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.translation.alignment import Learnt
    from xbsql.translation.phrases import Cut


@dataclass(frozen=True)
class Taught:
    """Aligned pairs.

    Attributes:
        left: source texts.
        right: target texts.
        phrases: cut from them.
        weight: float64, one a pair.
        learnt: what source words become; what target words were.
        pairs: int32: the pair of each cell of both.
    """

    left: Side
    right: Side
    phrases: Cut
    weight: NDArray[np.float64]
    learnt: tuple[Learnt, Learnt]
    pairs: tuple[NDArray[np.int32], NDArray[np.int32]]

    @classmethod
    def of(
        cls,
        left: Sequence[Sequence[str]],
        right: Sequence[Sequence[str]],
        weight: NDArray[np.float64],
        known: tuple[Lexicon, Lexicon] | None = None,
    ) -> Taught:
        """Align pairs.

        Args:
            left: forms of each source text; none is empty.
            right: of each target text.
            weight: how often each pair counts.
            known: lexicons of both directions that are known already.
        """
        one, two = Side.of(left), Side.of(right)
        own = known or (None, None)
        there = Cells.of(one, two)
        pairs, forth = there.pair, lexical(one, two, there, weight, own[0])
        del there  # made again below: of many pairs the cells are most of the memory
        back, again, posterior = _backwards(one, two, weight, own[1])
        phrases = _phrases(one, two, forth.posterior, posterior)
        return cls(one, two, phrases, weight, (forth, back), (pairs, again))

    def lexicons(self, share: NDArray[np.float64] | None = None) -> tuple[Lexicon, Lexicon]:
        """Source word -> target words, and target word -> source words.

        Args:
            share: float64, one a pair, what it counts beside its weight: 0 leaves it out; None: all count.
        """
        words = self.left.words, self.right.words
        return self._lexicon(0, *words, share), self._lexicon(1, *words[::-1], share)

    def _lexicon(
        self, way: int, left: Sequence[str], right: Sequence[str], share: NDArray[np.float64] | None
    ) -> Lexicon:
        learnt = self.learnt[way]
        rate = learnt.rate if share is None else learnt.counted((self.weight * share)[self.pairs[way]])
        return Lexicon.learned(left, right, learnt.keys, rate)

    def table(
        self, forth: Lexicon, share: NDArray[np.float64] | None = None, least: float = 0.0
    ) -> PhraseTable:
        """The phrase table of these pairs.

        Args:
            forth: source word -> target words.
            share: float64, one a pair, what it counts beside its weight: 0 leaves it out.
            least: see `PhraseTable.counted`.
        """
        weight = self.weight if share is None else self.weight * share
        return PhraseTable.counted(
            self.left, self.right, self.phrases, weight[self.phrases.pair], forth, least
        )


def _backwards(
    left: Side, right: Side, weight: NDArray[np.float64], known: Lexicon | None
) -> tuple[Learnt, NDArray[np.int32], NDArray[np.float64]]:
    """What target words were, the pair of each cell of it, and its posteriors by the cells forwards."""
    again = Cells.of(right, left)
    back = lexical(right, left, again, weight, known)
    return back, again.pair, back.posterior[np.lexsort((again.target, again.source))]


def _phrases(left: Side, right: Side, forth: NDArray[np.float64], back: NDArray[np.float64]) -> Cut:
    """The phrase pairs of texts whose words are linked where both directions say so."""
    cells = Cells.of(left, right)
    linked = links(left, right, cells, forth, back)
    source, target = cells.source[linked], cells.target[linked]
    del cells
    return cut(left, right, source, target)
