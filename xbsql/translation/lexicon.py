"""Which word stands for which, and how likely: what pairs teach, what encoders suggest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LEAST: Final = 0.01
"""The least probability that is kept."""


@restorable("translation_lexicon")
@dataclass(frozen=True)
class Lexicon:
    """Translations of single words.

    Attributes:
        table: source form -> target form -> probability of the target form.
    """

    table: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def learned(
        cls, left: Sequence[str], right: Sequence[str], keys: NDArray[np.int64], rate: NDArray[np.float64]
    ) -> Self:
        """From the keys of `alignment.lexical`."""
        kept = np.flatnonzero(rate >= LEAST)
        heads, tails = np.divmod(keys[kept], max(len(right), 1))
        table: dict[str, dict[str, float]] = {}
        for head, tail, value in zip(heads.tolist(), tails.tolist(), rate[kept].tolist(), strict=True):
            table.setdefault(left[head], {})[right[tail]] = value
        return cls(table)

    def of(
        self,
        left: Sequence[str],
        right: Sequence[str],
        heads: NDArray[np.int64],
        tails: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """The probability of pairs of words, float64, 0 where they are not known."""
        tables = [self.table.get(word) for word in left]
        found = np.zeros(len(heads))
        known = np.array([table is not None for table in tables], bool)
        for place in np.flatnonzero(known[heads]).tolist() if len(heads) else ():
            table = tables[heads[place]]
            found[place] = 0.0 if table is None else table.get(right[tails[place]], 0.0)
        return found

    def best(self, form: str) -> str | None:
        """The likeliest translation of a word; None where it is not known."""
        found = self.table.get(form)
        return max(sorted(found), key=lambda word: found[word]) if found else None

    def covered(self, source: Sequence[str], target: Sequence[str]) -> float:
        """The share of the source words that a word of the target translates, 0 .. 1; words alone count."""
        if not source:
            return 0.0
        there = set(target)
        return sum(self._met(form, there) for form in source) / len(source)

    def _met(self, form: str, target: set[str]) -> float:
        found = self.table.get(form)
        if not found:
            return float(form in target)
        best = max((found.get(word, 0.0) for word in target), default=0.0)
        return float(min(1.0, best / 0.25) if best else form in target)

    def state(self) -> State:
        """The lexicon as data."""
        pairs = [(head, tail, value) for head, found in self.table.items() for tail, value in found.items()]
        text = "\n".join(f"{head}\t{tail}" for head, tail, _ in pairs)
        values = np.array([value for *_, value in pairs], np.float32)
        return State("translation_lexicon", arrays={"values": values}, texts={"pairs": text})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The lexicon again."""
        table: dict[str, dict[str, float]] = {}
        text = state.texts["pairs"]
        for line, value in zip(
            text.split("\n") if text else (), state.arrays["values"].tolist(), strict=True
        ):
            head, _, tail = line.partition("\t")
            table.setdefault(head, {})[tail] = value
        return cls(table)
