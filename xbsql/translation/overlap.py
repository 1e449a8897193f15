"""Which remembered sources share words with a text, rare words counting more: a memory's fuzzy matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.translation.words import is_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LEAST: Final = 0.2
"""Share of words in common below which a source is of no use."""


@dataclass(frozen=True)
class Overlap:
    """The words of n texts, by word.

    Attributes:
        places: word -> int64: the texts that have it.
        rarity: word -> what it counts: the logarithm of n over how many texts have it, and 1.
        total: float64, shape (n,): of each text, what its words count together.
    """

    places: Mapping[str, NDArray[np.int64]]
    rarity: Mapping[str, float]
    total: NDArray[np.float64]

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]]) -> Self:
        """The forms of texts."""
        found: dict[str, list[int]] = {}
        for row, forms in enumerate(texts):
            for form in dict.fromkeys(filter(is_word, forms)):
                found.setdefault(form, []).append(row)
        rarity = {form: 1.0 + float(np.log(len(texts) / len(rows))) for form, rows in found.items()}
        total = np.zeros(len(texts))
        for form, rows in found.items():
            total[rows] += rarity[form]
        return cls({form: np.array(rows, np.int64) for form, rows in found.items()}, rarity, total)

    def nearest(self, forms: Sequence[str], k: int) -> list[int]:
        """At most k texts that share much with a text (Dice, weighted by rarity), the best first."""
        own = [form for form in dict.fromkeys(forms) if is_word(form)]
        known = [form for form in own if form in self.places]
        if not known:
            return []
        rows, place = np.unique(np.concatenate([self.places[form] for form in known]), return_inverse=True)
        worth = np.concatenate([np.full(len(self.places[form]), self.rarity[form]) for form in known])
        unknown = 1.0 + float(np.log(len(self.total)))
        said = sum(self.rarity.get(form, unknown) for form in own)
        alike = 2.0 * np.bincount(place, worth) / (self.total[rows] + said)
        best = np.argsort(-alike, kind="stable")[:k]
        return [int(row) for row in rows[best[alike[best] >= LEAST]]]
