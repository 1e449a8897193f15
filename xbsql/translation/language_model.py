"""How the target market writes: trigrams, smoothed (Witten and Bell, IEEE Trans. Inf. Theory 37, 1991)."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from operator import mul
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BEGIN: Final = "<s>"
END: Final = "</s>"
CACHED: Final = 400_000
BLOCK: Final = 100_000
"""Grams that are counted at a time."""


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

    @classmethod
    def counted(cls, texts: Iterable[Sequence[str]], weights: Iterable[float], least: float = 0.0) -> Self:
        """Count the grams of texts.

        Args:
            texts: forms.
            weights: how often each text counts.
            least: pairs and triples that occur less often are left out.
        """
        counts: dict[str, float] = {}
        by_weight: dict[float, tuple[Counter[str], list[str]]] = {}
        for text, weight in zip(texts, weights, strict=True):
            padded = [BEGIN, BEGIN, *text, END]
            counted, grams = by_weight.setdefault(weight, (Counter(), []))
            grams += padded[2:]
            grams += map(" ".join, itertools.pairwise(padded[1:]))
            grams += map(" ".join, zip(padded, padded[1:], padded[2:], strict=False))
            if len(grams) > BLOCK:
                counted.update(grams)
                grams.clear()
        for weight, (counted, grams) in by_weight.items():
            counted.update(grams)
            for gram, often in counted.items():
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
        found = self.alone(word)
        if one in self.follows:
            found = self.after(f"{one} {word}", self.follows[one], found)
            found = self.after(f"{two} {one} {word}", self.follows.get(f"{two} {one}"), found)
        return found

    def alone(self, word: str) -> float:
        """The probability of a word after nothing that is known."""
        total, kinds = self.words
        return (self.counts.get(word, 0.0) + 0.1) / (total + 0.2 * (kinds + 1))

    def after(self, gram: str, follows: tuple[float, float] | None, shorter: float) -> float:
        """The probability of a gram's last word, from that in a context one word shorter; see `follows`."""
        if follows is None:
            return shorter
        kinds, often = follows
        return (self.counts.get(gram, 0.0) + kinds * shorter) / (often + kinds)

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


class _Known:
    """What was asked of several language models, kept at hand.

    Attributes:
        logs: three words -> the logarithm of the last one's probability.
        pairs: two words -> the last one's probability by each model, and the logarithm of their mixture.
        after: one or two words -> what follows them by each model; empty where no model knows two.
        alone: word -> its probability by each model.
    """

    def __init__(self) -> None:
        self.logs: dict[tuple[str, str, str], float] = {}
        self.pairs: dict[tuple[str, str], tuple[list[float], float]] = {}
        self.after: dict[str, list[tuple[float, float] | None]] = {}
        self.alone: dict[str, list[float]] = {}

    def clear(self) -> None:
        """Forget all."""
        for kept in (self.logs, self.pairs, self.after, self.alone):
            kept.clear()


@dataclass(frozen=True)
class Mixture:
    """Several language models, as one.

    Of four pairs of words that a decoder tries to go on from, three stand in no model. What follows these
    follows the last word, so most triples cost no more than their last two words.

    Attributes:
        parts: models and their weights, which sum to 1.
    """

    parts: tuple[tuple[LanguageModel, float], ...]
    _known: _Known = field(default_factory=_Known, repr=False, compare=False)

    def log(self, two: str, one: str, word: str) -> float:
        """Logarithm of the probability of a word after two others."""
        known, key = self._known, (two, one, word)
        found = known.logs.get(key)
        if found is None:
            if len(known.logs) > CACHED:
                known.clear()
            found = known.logs[key] = self._log(two, one, word)
        return found

    def _log(self, two: str, one: str, word: str) -> float:
        chances, found = self._known.pairs.get((one, word)) or self._pair(one, word)
        context = f"{two} {one}"
        after = self._known.after.get(context)
        if after is None:
            models = [model.follows for model, _ in self.parts]
            follows = [known.get(context) if one in known else None for known in models]
            after = self._known.after[context] = follows if any(follows) else []
        return self._mixed(self._after(f"{context} {word}", after, chances)) if after else found

    def _pair(self, one: str, word: str) -> tuple[list[float], float]:
        after, alone = self._known.after.get(one), self._known.alone.get(word)
        if after is None:
            after = self._known.after[one] = [model.follows.get(one) for model, _ in self.parts]
        if alone is None:
            alone = self._known.alone[word] = [model.alone(word) for model, _ in self.parts]
        chances = self._after(f"{one} {word}", after, alone)
        found = self._known.pairs[one, word] = (chances, self._mixed(chances))
        return found

    def _after(
        self, gram: str, after: Sequence[tuple[float, float] | None], shorter: Sequence[float]
    ) -> list[float]:
        """What `LanguageModel.after` says, of each model."""
        return [
            chance if known is None else (counts.get(gram, 0.0) + known[0] * chance) / (known[1] + known[0])
            for counts, known, chance in zip(self._counts, after, shorter, strict=True)
        ]

    def _mixed(self, chances: Sequence[float]) -> float:
        return math.log(max(sum(map(mul, self._weights, chances)), 1e-12))

    @cached_property
    def _counts(self) -> tuple[Mapping[str, float], ...]:
        return tuple(model.counts for model, _ in self.parts)

    @cached_property
    def _weights(self) -> tuple[float, ...]:
        return tuple(weight for _, weight in self.parts)

    def per_word(self, forms: Sequence[str]) -> float:
        """Mean logarithm over the words of a text and its end."""
        two, one, total = BEGIN, BEGIN, 0.0
        for form in (*forms, END):
            total += self.log(two, one, form)
            two, one = one, form
        return total / (len(forms) + 1)
