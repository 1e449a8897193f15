"""Edits of what was translated before: other numbers, other brands, another word.

Koehn and Senellart, "Convergence of Translation Memory and Statistical Machine Translation", AMTA 2010: what
differs between the remembered source and the new one is exchanged in the remembered target.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from xbsql.translation.words import JOINER, KEPT, Words, is_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from xbsql.translation.lexicon import Lexicon

    Translate: TypeAlias = Callable[[Words], Sequence[str]]

LINKED: Final = 0.03
"""Probability from which on a target word is taken for a translation."""
LEAST_ALIKE: Final = 0.3
"""Share of words in common below which nothing is edited."""


def edited(
    asked: Words, source: Words, target: Words, forth: Lexicon, translate: Translate
) -> list[str] | None:
    """The remembered target, changed where the new source differs from the remembered one.

    Args:
        asked: the new source text.
        source: the remembered one.
        target: its translation.
        forth: source word -> target words.
        translate: words -> shown tokens.

    Returns:
        Shown tokens; None where too little is alike or what stays would be lost.
    """
    matcher = SequenceMatcher(None, source.forms, asked.forms, autojunk=False)
    if matcher.ratio() < LEAST_ALIKE:
        return None
    tokens: list[list[str]] = [[shown if not is_fixed(form) else ""] for form, shown in _shown(target)]
    owner = _owners(source, target, forth)
    tail: list[str] = []
    for kind, begin, end, start, stop in matcher.get_opcodes():
        if kind == "equal":
            continue
        new = list(translate(_part(asked, start, stop))) if stop > start else []
        places = [j for j, i in enumerate(owner) if begin <= i < end]
        for j in places:
            tokens[j] = []
        if places:
            tokens[places[0]] = new
        else:
            tail += new
    return _with_fixed([token for part in tokens for token in part] + tail, asked)


def _shown(target: Words) -> list[tuple[str, str]]:
    return list(zip(target.forms, target.shown, strict=True))


def _part(words: Words, begin: int, end: int) -> Words:
    return Words(words.forms[begin:end], words.shown[begin:end])


def _owners(source: Words, target: Words, forth: Lexicon) -> list[int]:
    """Which source word each target word most likely translates, -1 for none."""
    found = []
    for word in target.forms:
        chances = [
            1.0 if form == word and not is_fixed(word) else forth.table.get(form, {}).get(word, 0.0)
            for form in source.forms
        ]
        best = max(range(len(chances)), key=chances.__getitem__) if chances else -1
        found.append(best if chances and chances[best] >= LINKED else -1)
    return found


def _with_fixed(tokens: list[str], asked: Words) -> list[str] | None:
    """The tokens with what stays of the new source in place of the old one's; None where one has more."""
    wanted = list(asked.fixed)
    given = [token for token in tokens if token.startswith(KEPT)]
    for token in given:
        bare = token.replace(KEPT, "").strip(JOINER)
        if bare in wanted:
            wanted.remove(bare)
    holes = sum(token == "" for token in tokens)
    if holes != len(wanted):
        return None
    rest = iter(wanted)
    return [KEPT + next(rest) if token == "" else token for token in tokens]
