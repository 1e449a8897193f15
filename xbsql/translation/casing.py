"""Capitals as the target market writes them: of each word, of the first one, of words that nobody knows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from xbsql.store.model import State, restorable
from xbsql.translation.words import JOINER, KEPT, is_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from xbsql.translation.words import Words

MOSTLY: Final = 0.5


@restorable("translation_casing")
@dataclass(frozen=True)
class Casing:
    """The market's habits.

    Attributes:
        words: form -> how it is written inside a text.
        first: whether a text begins with a capital.
        rest: whether a word that is not known begins with one.
    """

    words: Mapping[str, str]
    first: bool = True
    rest: bool = False

    @classmethod
    def learned(cls, own: Iterable[Words], others: Iterable[Words] = ()) -> Self:
        """From the market's own texts; what they do not show is learnt from others."""
        seen: dict[str, Counter[str]] = {}
        begins, inside = Counter[bool](), Counter[bool]()
        for text in own:
            _count(text, seen, begins, inside)
        known = {form: _usual(found) for form, found in seen.items()}
        more: dict[str, Counter[str]] = {}
        _, elsewhere = Counter[bool](), Counter[bool]()
        for text in others:
            _count(text, more, Counter(), elsewhere)
        rest = _mostly(inside, default=_mostly(elsewhere, default=False))
        if not rest:
            known = {form: _usual(found) for form, found in more.items()} | known
        return cls(known, _mostly(begins, default=True), rest)

    def of(self, shown: Sequence[str]) -> list[str]:
        """Shown tokens with capitals; those that are `KEPT` stay."""
        out, first = [], True
        for token in shown:
            if token.startswith(KEPT) or not is_word(token):
                out.append(token)
                first = first and not any(sign.isalnum() for sign in token)
                continue
            bare = token.strip(JOINER)
            written = self.words.get(bare)
            if written is None:
                written = _capital(bare) if self.rest else bare
            if first and self.first:
                written = _capital(written)
            out.append(token.replace(bare, written))
            first = False
        return out

    def state(self) -> State:
        """The habits as data."""
        text = "\n".join(f"{form}\t{written}" for form, written in self.words.items())
        return State("translation_casing", {"first": self.first, "rest": self.rest}, texts={"words": text})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The habits again."""
        text = state.texts["words"]
        words = dict(line.split("\t", 1) for line in text.split("\n")) if text else {}
        return cls(words, state.config["first"], state.config["rest"])


def _count(text: Words, seen: dict[str, Counter[str]], begins: Counter[bool], inside: Counter[bool]) -> None:
    first = True
    shouted = all(token.upper() == token for token in text.shown)
    for form, shown in zip(text.forms, text.shown, strict=True):
        if not is_word(form) or shouted:
            continue
        written = shown.strip(JOINER)
        capital = written[:1].isupper()
        if first:
            begins[capital] += 1
        else:
            seen.setdefault(form.strip(JOINER), Counter())[written] += 1
            if len(written) > 3:
                inside[capital] += 1
        first = False


def _usual(found: Counter[str]) -> str:
    return max(sorted(found), key=lambda written: found[written])


def _mostly(found: Counter[bool], *, default: bool) -> bool:
    return found[True] > MOSTLY * sum(found.values()) if found else default


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
