"""What a translation says that its source does not: another colour, another material, another thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xbsql.translation.words import is_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xbsql.translation.lexicon import Lexicon

SURE: Final = 0.25
"""Probability from which on a target word is known to translate a source word."""
LINKED: Final = 0.2
"""Share of a word's best probability, from which on another word may be its translation too."""
STEM: Final = 0.7
"""Share of the longer of two words that both begin with, from which on they are forms of one word."""
SHORTEST: Final = 4
"""Letters of a common beginning."""


def alien(source: Sequence[str], target: Sequence[str], forth: Lexicon, back: Lexicon) -> float:
    """The share of a translation's words that are known to translate what its source does not say, 0 .. 1.

    A word that no lexicon knows speaks neither for nor against.

    Args:
        source: forms of the source.
        target: forms of the translation.
        forth: source word -> target words.
        back: target word -> source words.
    """
    own = [form for form in target if is_word(form)]
    there = set(source)
    return sum(_is_alien(form, there, forth, back.table.get(form, {})) for form in own) / max(len(own), 1)


def _is_alien(form: str, source: set[str], forth: Lexicon, was: Mapping[str, float]) -> bool:
    """Whether a word surely translates something and nothing of the source."""
    likely = [head for head, value in was.items() if value >= SURE]
    if not likely or form in source:
        return False
    if any(_among_best(was, head) or _among_best(forth.table.get(head, {}), form) for head in source):
        return False
    return not any(same_stem(head, other) for head in likely for other in source)


def _among_best(chances: Mapping[str, float], form: str) -> bool:
    """Whether a form is one of the likeliest."""
    return form in chances and chances[form] >= LINKED * max(chances.values())


def same_stem(one: str, other: str) -> bool:
    """Whether two words look like forms of one: 'butter' and 'butters'."""
    size = next(
        (k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return size >= SHORTEST and size >= STEM * max(len(one), len(other))
