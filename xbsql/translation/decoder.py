"""From phrases to a text: stack decoding with little reordering (Koehn, Pharaoh, AMTA 2004)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from xbsql.translation.language_model import BEGIN, END
from xbsql.translation.phrases import LONGEST
from xbsql.translation.words import FIXED, KEPT, is_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xbsql.translation.language_model import Mixture
    from xbsql.translation.table import Entry, PhraseTable
    from xbsql.translation.words import Words

FORTH, BACK, LEXICAL, LANGUAGE, WORD, PHRASE, JUMP = 0.35, 0.2, 0.2, 0.45, 0.5, -0.15, 0.15
"""Weights of the log-linear sum."""
UNTRANSLATED: Final = -4.0
GUESSED: Final = -3.0
OPTIONS: Final = 8
"""Translations of a span that are tried."""
BEAM: Final = 12
REACH: Final = 3
"""Words that may be jumped over."""
BELIEF: Final = 1.0
"""Occurrences of a phrase in the market's own pairs from which on these are believed as much as home's."""


class Option(NamedTuple):
    """One way to translate a span.

    Attributes:
        forms: target forms.
        shown: as they will be shown.
        score: without the language model.
    """

    forms: tuple[str, ...]
    shown: tuple[str, ...]
    score: float


Key: TypeAlias = tuple[int, int, str, str]
"""Words covered, where the last span ended, the last two words."""
Span: TypeAlias = tuple[int, int, list[Option]]
"""Where it ends, the words that it covers, the ways to translate it."""


_NONE: Final[tuple[float, tuple[Option, ...]]] = (-math.inf, ())


class Found(NamedTuple):
    """A translation.

    Attributes:
        forms: target forms.
        shown: tokens to show, not cased yet.
        score: the log-linear sum.
    """

    forms: tuple[str, ...]
    shown: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class _Search:
    """Hypotheses by how many words they cover.

    Attributes:
        options: see `Decoder._options`.
        ahead: see `_future`.
        stacks: what covers so many words: state -> score, and the options that led there.
        best: how many translations are asked for.
    """

    options: list[list[Span]]
    ahead: list[list[float]]
    stacks: list[dict[Key, tuple[float, tuple[Option, ...]]]]
    best: int

    @classmethod
    def of(cls, options: list[list[Span]], best: int) -> _Search:
        """With the hypothesis that covers nothing."""
        stacks: list[dict[Key, tuple[float, tuple[Option, ...]]]] = [{} for _ in range(len(options) + 1)]
        stacks[0][0, 0, BEGIN, BEGIN] = (0.0, ())
        return cls(options, _future(options, len(options)), stacks, best)

    @property
    def size(self) -> int:
        """Words of the source."""
        return len(self.options)

    def live(self, done: int) -> list[tuple[Key, float, tuple[Option, ...]]]:
        """The best hypotheses that cover so many words, by what they have and what may come."""
        found = [
            (score + _rest(key[0], self.ahead, self.size), key, score, path)
            for key, (score, path) in self.stacks[done].items()
        ]
        found.sort(key=lambda each: (-each[0], each[1][:2]))
        return [(key, score, path) for _, key, score, path in found[:BEAM]]

    def whole(self, key: Key, path: tuple[Option, ...], choice: Option) -> Key:
        """The state of a whole translation: each text for itself where several are asked for."""
        if self.best == 1:
            return key
        return (*key[:2], " ".join(form for option in path for form in option.forms), " ".join(choice.forms))


@dataclass(frozen=True)
class Decoder:
    """Phrase tables, a language model and guesses for words that no table knows.

    Attributes:
        tables: the market's own and home's, either may be None.
        language: of the target.
        guess: an unknown word -> forms that may translate it, with log probabilities.
        banned: target forms that are never used.
    """

    tables: tuple[PhraseTable | None, PhraseTable | None]
    language: Mixture
    guess: Callable[[str], Sequence[tuple[str, float]]] | None = None
    banned: frozenset[str] = frozenset()
    _spans: dict[str, list[tuple[tuple[str, ...], float]]] = field(default_factory=dict, repr=False)

    def decode(self, words: Words, best: int = 1) -> list[Found]:
        """The best translations of a text, best first; each text once."""
        size = len(words)
        if not size:
            return []
        search = _Search.of(self._options(words), best)
        for done in range(size):
            self._extend(search, done)
        ranked = sorted(search.stacks[size].values(), key=lambda found: -found[0])
        return [_found(score, path) for score, path in ranked[:best]]

    def _extend(self, search: _Search, done: int) -> None:
        """Add one span to the best hypotheses that cover so many words."""
        size, options = search.size, search.options
        for (covered, last, two, one), score, path in search.live(done):
            first = (~covered & (covered + 1)).bit_length() - 1
            for begin in range(max(first, last - REACH - LONGEST), min(first + REACH + 1, size)):
                begun = score - JUMP * abs(begin - last)
                for end, mask, choices in options[begin]:
                    if covered & mask:
                        continue
                    stack = search.stacks[done + end - begin]
                    for choice in choices:
                        total, a, b = self._said(begun + choice.score, two, one, choice.forms)
                        key: Key = (covered | mask, end, a, b)
                        if done + end - begin == size:
                            total += LANGUAGE * self.language.log(a, b, END)
                            key = search.whole(key, path, choice)
                        if total > stack.get(key, _NONE)[0]:
                            stack[key] = (total, (*path, choice))

    def _said(self, score: float, two: str, one: str, forms: tuple[str, ...]) -> tuple[float, str, str]:
        """The score with the language model's, and the last two words."""
        log = self.language.log
        for form in forms:
            score += LANGUAGE * log(two, one, form)
            two, one = one, form
        return score, two, one

    def _options(self, words: Words) -> list[list[Span]]:
        """Of each first word the spans: end, mask, and the ways to translate them."""
        found: list[list[Span]] = []
        for begin in range(len(words)):
            spans = []
            for end in range(begin + 1, min(begin + LONGEST, len(words)) + 1):
                choices = self._choices(words, begin, end)
                if choices:
                    spans.append((end, ((1 << (end - begin)) - 1) << begin, choices))
            found.append(spans)
        return found

    def _choices(self, words: Words, begin: int, end: int) -> list[Option]:
        forms, shown = words.forms[begin:end], words.shown[begin:end]
        fixed = [token for form, token in zip(forms, shown, strict=True) if is_fixed(form)]
        if end - begin == 1 and fixed:
            return [Option(forms, (KEPT + shown[0],), 0.0)]
        found = [
            Option(target, _filled(target, fixed), score)
            for target, score in self._span(" ".join(forms))
            if sum(map(is_fixed, target)) == len(fixed) and not self.banned.intersection(target)
        ]
        if end - begin == 1 and not found:
            found = self._unknown(forms[0], shown[0])
        return found[:OPTIONS]

    def _unknown(self, form: str, shown: str) -> list[Option]:
        symbol = not form.strip("\uffed")[:1].isalpha()
        if symbol:
            return [Option((form,), (KEPT + shown,), 0.0)]
        guesses = self.guess(form) if self.guess else ()
        found = [Option((form,), (KEPT + shown,), UNTRANSLATED + WORD)]
        found += [
            Option((word,), (word,), GUESSED + score + WORD)
            for word, score in guesses
            if word not in self.banned
        ]
        return found

    def _span(self, source: str) -> list[tuple[tuple[str, ...], float]]:
        """Translations of a phrase by both tables, with the sum of their scores."""
        found = self._spans.get(source)
        if found is None:
            found = self._mixed(source)
            if len(self._spans) > 100_000:
                self._spans.clear()
            self._spans[source] = found
        return found

    def _mixed(self, source: str) -> list[tuple[tuple[str, ...], float]]:
        own, home = self.tables
        mine = {e.target: e for e in own.entries(source)} if own else {}
        theirs = {e.target: e for e in home.entries(source)} if home else {}
        seen = next((e.seen for e in mine.values()), 0.0)
        share = 1.0 if not theirs else seen / (seen + BELIEF)
        scored = []
        for target in (*mine, *(t for t in theirs if t not in mine)):
            forth, back, lexical = _weighed(mine.get(target), theirs.get(target), share)
            score = FORTH * math.log(forth) + BACK * math.log(back) + LEXICAL * lexical
            scored.append((target, score + PHRASE + WORD * len(target)))
        return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[: 2 * OPTIONS]


def _weighed(own: Entry | None, home: Entry | None, share: float) -> tuple[float, float, float]:
    """Both tables' probabilities, mixed."""
    forth = (share * own.forth if own else 0.0) + ((1 - share) * home.forth if home else 0.0)
    back = (share * own.back if own else 0.0) + ((1 - share) * home.back if home else 0.0)
    lexical = max(own.lexical if own else -99.0, home.lexical if home else -99.0)
    return max(forth, 1e-6), max(back, 1e-6), lexical


def _filled(target: tuple[str, ...], fixed: Sequence[str]) -> tuple[str, ...]:
    """Target forms as shown, what stays put in in its order."""
    rest = iter(fixed)
    return tuple(KEPT + next(rest) if form == FIXED else form if not is_fixed(form) else
                 KEPT + form.replace(FIXED, next(rest).strip("\uffed")) for form in target)  # fmt: skip


def _future(options: list[list[Span]], size: int) -> list[list[float]]:
    """The best score of each span, an estimate of the language model with it."""
    best = [[-1e9] * (size + 1) for _ in range(size + 1)]
    for begin, spans in enumerate(options):
        for end, _, choices in spans:
            best[begin][end] = max(choice.score - 0.7 * len(choice.forms) for choice in choices)
    for length in range(2, size + 1):
        for begin in range(size - length + 1):
            end = begin + length
            row = best[begin]
            row[end] = max(row[end], *(row[middle] + best[middle][end] for middle in range(begin + 1, end)))
    return best


def _rest(covered: int, ahead: list[list[float]], size: int) -> float:
    """What the words that are left may bring."""
    total, i = 0.0, 0
    while i < size:
        if covered >> i & 1:
            i += 1
            continue
        j = i
        while j < size and not covered >> j & 1:
            j += 1
        total += ahead[i][j]
        i = j
    return total


def _found(score: float, path: tuple[Option, ...]) -> Found:
    forms = tuple(form for option in path for form in option.forms)
    shown = tuple(token for option in path for token in option.shown)
    return Found(forms, shown, score)
