"""Words that nobody translates, words that have one translation, words that a market forbids."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Self

from xbsql.store.model import State, restorable
from xbsql.translation.words import FIRST_MARK, MOST_MARKS, plain, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


class Marked(NamedTuple):
    """A text whose kept parts are marks.

    Attributes:
        text: with characters from U+E000 on.
        marks: what each stands for in the translation.
        changed: the terms that were given their translation, 'term -> translation'.
    """

    text: str
    marks: tuple[str, ...]
    changed: tuple[str, ...]


@restorable("translation_terms")
@dataclass(frozen=True)
class Terms:
    """The user's words.

    Attributes:
        kept: words that stay as they are: brands, names.
        given: term, in small letters -> its translation.
        forbidden: words that must not be in a translation, in small letters.
        conflicts: what the user gave twice, 'term: translation | translation'.
    """

    kept: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()

    @classmethod
    def of(cls, kept: Iterable[str], given: Iterable[tuple[str, str]], forbidden: Iterable[str]) -> Self:
        """The user's words; of a term with several translations the first one counts."""
        several: dict[str, list[str]] = {}
        for term, translation in given:
            found = several.setdefault(plain(term).lower(), [])
            if translation not in found:
                found.append(translation)
        twice = [f"{term}: {' | '.join(found)}" for term, found in several.items() if len(found) > 1]
        names = dict.fromkeys(plain(word) for word in kept)
        banned = dict.fromkeys(plain(word).lower() for word in forbidden)
        return cls(
            tuple(name for name in names if name),
            {term: found[0] for term, found in several.items() if term},
            tuple(word for word in banned if word),
            tuple(twice),
        )

    def mark(self, text: str) -> Marked:
        """A text with a mark in place of each kept word and each term, the longest first."""
        if self._pattern is None:
            return Marked(text, (), ())
        marks: list[str] = []
        changed: list[str] = []
        names = self._names

        def put(found: re.Match[str]) -> str:
            if len(marks) >= MOST_MARKS:
                return found[0]
            term = found[0].lower()
            given = self.given.get(term)
            if given is not None and term not in names:
                changed.append(f"{found[0]} -> {given}")
            marks.append(found[0] if given is None or term in names else given)
            return chr(FIRST_MARK + len(marks) - 1)

        marked = self._pattern.sub(put, text)
        return Marked(marked, tuple(marks), tuple(dict.fromkeys(changed)))

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.kept)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        """Every kept word and term, the longest first; inside a word only where its script has no blanks."""
        words = sorted({*self.kept, *self.given}, key=lambda word: (-len(word), word))
        if not words:
            return None
        return re.compile("|".join(map(_bounded, words)), re.IGNORECASE)

    @cached_property
    def banned(self) -> frozenset[str]:
        """Forbidden single words as forms."""
        forms = (split(word).forms for word in self.forbidden)
        return frozenset(found[0] for found in forms if len(found) == 1)

    def broken(self, text: str) -> list[str]:
        """The forbidden words that a translation has."""
        if self._forbidden is None:
            return []
        return list(dict.fromkeys(found[0].lower() for found in self._forbidden.finditer(text)))

    @cached_property
    def _forbidden(self) -> re.Pattern[str] | None:
        if not self.forbidden:
            return None
        return re.compile("|".join(map(_bounded, self.forbidden)), re.IGNORECASE)

    def state(self) -> State:
        """The words as data."""
        config = {
            "kept": list(self.kept), "given": dict(self.given), "forbidden": list(self.forbidden),
            "conflicts": list(self.conflicts),
        }  # fmt: skip
        return State("translation_terms", config)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The words again."""
        config = state.config
        return cls(
            tuple(config["kept"]), config["given"], tuple(config["forbidden"]), tuple(config["conflicts"])
        )


def _bounded(word: str) -> str:
    """A word as a pattern that does not begin or end inside another one."""
    before = "" if _UNSPACED.match(word[0]) or not word[0].isalnum() else r"(?<![^\W_])"
    after = "" if _UNSPACED.match(word[-1]) or not word[-1].isalnum() else r"(?![^\W_])"
    return f"{before}{re.escape(word)}{after}"
