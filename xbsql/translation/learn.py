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

    from xbsql.translation.phrases import Cut


@dataclass(frozen=True)
class Taught:
    """Aligned pairs.

    Attributes:
        left: source texts.
        right: target texts.
        phrases: cut from them.
        weight: float64, one a pair.
        forth: source word -> target words.
        back: target word -> source words.
    """

    left: Side
    right: Side
    phrases: Cut
    weight: NDArray[np.float64]
    forth: Lexicon
    back: Lexicon

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
        there, again = Cells.of(one, two), Cells.of(two, one)
        own = known or (None, None)
        posterior, keys, rate = lexical(one, two, there, weight, own[0])
        forth = Lexicon.learned(one.words, two.words, keys, rate)
        reverse, keys, rate = lexical(two, one, again, weight, own[1])
        back = Lexicon.learned(two.words, one.words, keys, rate)
        order = np.lexsort((again.target, again.source))  # its cells as `there` has them
        phrases = cut(one, two, there, links(one, two, there, posterior, reverse[order]))
        return cls(one, two, phrases, weight, forth, back)

    def table(self, share: NDArray[np.float64] | None = None, least: float = 0.0) -> PhraseTable:
        """The phrase table of these pairs.

        Args:
            share: float64, one a pair, what it counts beside its weight: 0 leaves it out.
            least: see `PhraseTable.counted`.
        """
        weight = self.weight if share is None else self.weight * share
        return PhraseTable.counted(
            self.left, self.right, self.phrases, weight[self.phrases.pair], self.forth, least
        )
