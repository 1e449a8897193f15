"""How the target market writes: trigrams, smoothed (Witten and Bell, IEEE Trans. Inf. Theory 37, 1991)."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ORDER: Final = 3
BEGIN: Final = "<s>"
END: Final = "</s>"
CACHED: Final = 400_000


@restorable("translation_lm")
@dataclass(frozen=True)
class LanguageModel:
    """Counts of words, pairs and triples.

    Attributes:
        counts: grams, forms joined by blanks -> how often.
        follows: context -> how many different forms follow it, and how often it is followed.
        words: all words there are, and how many different ones.
    """

    counts: Mapping[str, float]
    follows: Mapping[str, tuple[float, float]]
    words: tuple[float, int]
    _known: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def counted(cls, texts: Iterable[Sequence[str]], weights: Iterable[float], least: float = 0.0) -> Self:
        """Count the grams of texts.

        Args:
            texts: forms.
            weights: how often each text counts.
            least: pairs and triples that occur less often are left out.
        """
        counts: dict[str, float] = {}
        by_weight: dict[float, list[str]] = {}
        for text, weight in zip(texts, weights, strict=True):
            padded = [BEGIN, BEGIN, *text, END]
            grams = by_weight.setdefault(weight, [])
            grams += padded[2:]
            grams += map(" ".join, itertools.pairwise(padded[1:]))
            grams += map(" ".join, zip(padded, padded[1:], padded[2:], strict=False))
        for weight, grams in by_weight.items():
            for gram, often in Counter(grams).items():
                counts[gram] = counts.get(gram, 0.0) + weight * often
        kept = {gram: often for gram, often in counts.items() if often >= least or " " not in gram}
        return cls._of(kept)

    @classmethod
    def _of(cls, counts: Mapping[str, float]) -> Self:
        kinds: Counter[str] = Counter()
        total: defaultdict[str, float] = defaultdict(float)
        words = [0.0, 0]
        for gram, often in counts.items():
            context, blank, _ = gram.rpartition(" ")
            if blank:
                kinds[context] += 1
                total[context] += often
            else:
                words = [words[0] + often, int(words[1]) + 1]
        follows = {context: (float(kinds[context]), float(total[context])) for context in kinds}
        return cls(counts, follows, (float(words[0]), int(words[1])))

    def chance(self, two: str, one: str, word: str) -> float:
        """The probability of a word after two others."""
        gram = f"{two} {one} {word}"
        found = self._known.get(gram)
        if found is None:
            total, kinds = self.words
            found = (self.counts.get(word, 0.0) + 0.1) / (total + 0.2 * (kinds + 1))
            for context in (one, f"{two} {one}"):
                after = self.follows.get(context)
                if after is None:
                    break
                found = (self.counts.get(f"{context} {word}", 0.0) + after[0] * found) / (after[1] + after[0])
            if len(self._known) > CACHED:
                self._known.clear()
            self._known[gram] = found
        return found

    def state(self) -> State:
        """The model as data."""
        counts = np.array(list(self.counts.values()), np.float32)
        return State("translation_lm", arrays={"counts": counts}, texts={"grams": "\n".join(self.counts)})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The model again."""
        values = state.arrays["counts"].tolist()
        grams = state.texts["grams"].split("\n") if values else []
        return cls._of(dict(zip(grams, values, strict=True)))


@dataclass(frozen=True)
class Mixture:
    """Several language models, as one.

    Attributes:
        parts: models and their weights, which sum to 1.
    """

    parts: tuple[tuple[LanguageModel, float], ...]
    _known: dict[tuple[str, str, str], float] = field(default_factory=dict, repr=False, compare=False)

    def log(self, two: str, one: str, word: str) -> float:
        """Logarithm of the probability of a word after two others."""
        key = (two, one, word)
        found = self._known.get(key)
        if found is None:
            chance = sum(weight * model.chance(two, one, word) for model, weight in self.parts)
            found = math.log(max(chance, 1e-12))
            if len(self._known) > CACHED:
                self._known.clear()
            self._known[key] = found
        return found

    def per_word(self, forms: Sequence[str]) -> float:
        """Mean logarithm over the words of a text and its end."""
        two, one, total = BEGIN, BEGIN, 0.0
        for form in (*forms, END):
            total += self.log(two, one, form)
            two, one = one, form
        return total / (len(forms) + 1)
