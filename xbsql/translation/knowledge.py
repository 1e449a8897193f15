"""What pairs and titles of one market teach of translating, at rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.store.model import State, restorable, restore
from xbsql.translation.language_model import LanguageModel
from xbsql.translation.learn import Taught

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.translation.lexicon import Lexicon
    from xbsql.translation.table import PhraseTable
    from xbsql.translation.words import Words

MANY: Final = 20_000
"""Pairs from which on what was seen once is left out of the tables."""


@restorable("translation_knowledge")
@dataclass(frozen=True)
class Knowledge:
    """Everything that a decoder asks of one market.

    Attributes:
        table: its phrases.
        language: how its target texts are written.
        forth: source word -> target words.
        back: target word -> source words.
    """

    table: PhraseTable
    language: LanguageModel
    forth: Lexicon
    back: Lexicon

    @classmethod
    def of(
        cls, taught: Taught, right: Sequence[Sequence[str]], kept: NDArray[np.bool_] | None = None
    ) -> Self:
        """From aligned pairs.

        Args:
            taught: the pairs.
            right: the forms of their target texts.
            kept: bool, one a pair: those that count; None: all.
        """
        there = np.ones(len(right), bool) if kept is None else kept
        least = 1.5 if len(right) >= MANY else 0.0
        weight = taught.weight * there
        texts = [(text, share) for text, share in zip(right, weight.tolist(), strict=True) if share > 0]
        language = LanguageModel.counted((text for text, _ in texts), (share for _, share in texts), least)
        share = there.astype(np.float64)
        forth, back = taught.lexicons(None if kept is None else share)
        return cls(taught.table(forth, share, least), language, forth, back)

    def state(self) -> State:
        """The knowledge as data."""
        parts = {name: getattr(self, name).state() for name in ("table", "language", "forth", "back")}
        return State("translation_knowledge", parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The knowledge again."""
        return cls(*(restore(state.parts[name]) for name in ("table", "language", "forth", "back")))


def taught(
    pairs: Sequence[tuple[Words, Words]], weight: NDArray[np.float64], home: Knowledge | None = None
) -> Taught:
    """Pairs aligned, with home's lexicons to begin from.

    Args:
        pairs: no side is empty.
        weight: how often each counts.
        home: what is known from elsewhere.
    """
    known = None if home is None else (home.forth, home.back)
    return Taught.of([a.forms for a, _ in pairs], [b.forms for _, b in pairs], weight, known)
