"""Edits of what was translated before: other numbers, other brands, another word.

Koehn and Senellart, "Convergence of Translation Memory and Statistical Machine Translation", AMTA 2010: what
differs between the remembered source and the new one is exchanged in the remembered target. Where several
translations or places are possible, the language model of the market takes those that read best.
"""

from __future__ import annotations

import itertools
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, NamedTuple

from xbsql.translation.words import FIXED, JOINER, KEPT, Words, is_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from xbsql.translation.language_model import Mixture
    from xbsql.translation.lexicon import Lexicon

    Translate: TypeAlias = Callable[[Words], Sequence[Sequence[str]]]

LINKED: Final = 0.03
"""Probability from which on a target word is taken for a translation."""
LEAST_ALIKE: Final = 0.3
"""Share of words in common below which nothing is edited."""
WAYS: Final = 24
"""Ways to put in what is new that are compared."""
LATER: Final = 1.0
"""Nats that a translation loses for each that its decoder holds for better."""


class Edit(NamedTuple):
    """A remembered target with its changes.

    Attributes:
        shown: tokens to show.
        alike: share of the words that both sources have in common, 0 .. 1.
    """

    shown: list[str]
    alike: float


class _Change(NamedTuple):
    """What is put in for words of the remembered source that the new one has not.

    Attributes:
        places: of the target words that go.
        at: where the new ones may stand, before which place.
        ways: the new words, best first; one empty way where nothing comes in.
    """

    places: list[int]
    at: list[int]
    ways: Sequence[Sequence[str]]


def edited(
    asked: Words, source: Words, target: Words, forth: Lexicon, translate: Translate, language: Mixture
) -> Edit | None:
    """The remembered target, changed where the new source differs from the remembered one.

    Args:
        asked: the new source text.
        source: the remembered one.
        target: its translation.
        forth: source word -> target words.
        translate: words -> shown tokens, the best ways first.
        language: of the target.

    Returns:
        None where too little is alike or what stays would be lost.
    """
    matcher = SequenceMatcher(None, source.forms, asked.forms, autojunk=False)
    alike = matcher.ratio()
    if alike < LEAST_ALIKE:
        return None
    old = [
        shown if not is_fixed(form) else "" for form, shown in zip(target.forms, target.shown, strict=True)
    ]
    changes = _changes(matcher, asked, target, _owners(source, target, forth), translate)
    ways = itertools.islice(
        itertools.product(*([(at, way) for way in range(len(c.ways)) for at in c.at] for c in changes)), WAYS
    )
    scored = []
    for way in ways:
        tokens = _put(old, changes, way)
        scored.append((_worth(tokens, language) - LATER * sum(rank for _, rank in way), tokens))
    best = max(scored, key=lambda pair: pair[0])[1]
    shown = _with_fixed(best, asked)
    return None if shown is None else Edit(shown, alike)


def _changes(
    matcher: SequenceMatcher[str], asked: Words, target: Words, owner: Sequence[int], translate: Translate
) -> list[_Change]:
    """What goes and what comes, in the order of the source."""
    found = []
    for kind, begin, end, start, stop in matcher.get_opcodes():
        if kind == "equal":
            continue
        ways = translate(_part(asked, start, stop)) if stop > start else [[]]
        places = [j for j, i in enumerate(owner) if begin <= i < end]
        at = places[:1] or _beside(owner, begin, end, len(target))
        found.append(_Change(places, at if stop > start else at[:1], ways or [[]]))
    return found


def _beside(owner: Sequence[int], begin: int, end: int, size: int) -> list[int]:
    """Where words come in that take no place: at the end, or beside their neighbours' translations."""
    behind = [j + 1 for j, i in enumerate(owner) if i == begin - 1][-1:]
    before = [j for j, i in enumerate(owner) if i == end][:1]
    return list(dict.fromkeys([size, *behind, *before]))


def _put(old: Sequence[str], changes: Sequence[_Change], way: Sequence[tuple[int, int]]) -> list[str]:
    """The target with its changes made in one way; '' stands for what stays."""
    parts: list[list[str]] = [[token] for token in old]
    coming: list[list[str]] = [[] for _ in range(len(old) + 1)]
    for change, (at, rank) in zip(changes, way, strict=True):
        for place in change.places:
            parts[place] = []
        coming[at] += change.ways[rank]
    return [token for place in range(len(old) + 1) for token in (*coming[place], *[*parts, []][place])]


def _worth(tokens: Sequence[str], language: Mixture) -> float:
    """The logarithm of how likely the market writes so."""
    forms = [FIXED if not token or _is_kept(token) else token.lower() for token in tokens]
    return language.per_word(forms) * (len(forms) + 1)


def _is_kept(token: str) -> bool:
    return token.startswith(KEPT) and any(sign.isdigit() for sign in token)


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
