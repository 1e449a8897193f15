"""From what was read to what a translator is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.features.drawn import drawn
from xbsql.tasks.translate.reading import as_words, units_of
from xbsql.tasks.translate.translation import encode
from xbsql.translation.casing import Casing
from xbsql.translation.knowledge import Knowledge, taught
from xbsql.translation.language_model import LanguageModel
from xbsql.translation.proposals import ORIGINS
from xbsql.translation.shelf import Shelf, phrases_of, words_of
from xbsql.translation.translator import Stock
from xbsql.translation.trial import FEWEST, Pairs, tried
from xbsql.translation.words import plain

if TYPE_CHECKING:
    from xbsql.tasks.translate.reading import Material
    from xbsql.tasks.translate.translation import Translation
    from xbsql.translation.chooser import Chooser
    from xbsql.translation.external import External
    from xbsql.translation.learn import Taught
    from xbsql.translation.lexicon import Lexicon
    from xbsql.translation.words import Words

MOST_REMEMBERED: Final = 20_000
MOST_TITLES: Final = 40_000
MOST_CASED: Final = 20_000
OF_DICTIONARY: Final = 0.6
"""What an entry of a dictionary counts beside a pair."""


@dataclass(frozen=True)
class OwnPart:
    """A market's pairs, learnt from.

    Attributes:
        pairs: that can be tried.
        taught: aligned, with dictionaries behind.
        split: their words.
    """

    pairs: Pairs
    taught: Taught
    split: list[tuple[Words, Words]]


@dataclass(frozen=True)
class HomePart:
    """What a source knows.

    Attributes:
        knowledge: of its pairs; None where it is of other languages.
        words: of its target language.
        chooser: its own; None where nothing was tried.
        casing: its capitals.
        src: its source language; dst: its target language.
        notes: one line each.
        external: its network.
        titles: how its titles are written, where its target language is the market's.
        bridge: what its words mean, where only the source language is the market's: source word -> words of
            another language.
    """

    knowledge: Knowledge | None
    words: Shelf
    chooser: Chooser | None
    casing: Casing
    src: str
    dst: str
    notes: tuple[str, ...] = ()
    external: External | None = None
    titles: LanguageModel | None = None
    bridge: Lexicon | None = None

    @classmethod
    def of_model(cls, model: Translation, target: Material) -> HomePart:
        """A home model: its phrases where it has the target's languages, its chooser in any case."""
        stock = model.stock
        knowledge = stock.own if stock.own is not None else stock.home
        if _apart(model.dst, target.dst) or _apart(model.src, target.src):
            return cls._other(stock, knowledge, model.chooser, (model.src, model.dst), target)
        rest = (model.chooser, stock.casing, model.src, model.dst)
        return cls(knowledge, stock.words, *rest, external=stock.external, titles=stock.titles)

    @classmethod
    def _other(
        cls,
        stock: Stock,
        knowledge: Knowledge | None,
        chooser: Chooser | None,
        languages: tuple[str, str],
        target: Material,
    ) -> HomePart:
        """A home of other languages: how it chooses; of the same source language also what its words mean."""
        src, dst = languages
        shared = knowledge is not None and src == target.src
        bridge = knowledge.forth if knowledge is not None and shared else None
        lent = "how it chooses and what its words mean are" if shared else "only how it chooses is"
        note = f"home translates {src} to {dst}: {lent} carried over"
        empty = Shelf((), (), stock.words.vectors[:0])
        return cls(None, empty, chooser, stock.casing, src, dst, (note,), bridge=bridge)

    @classmethod
    def of_rows(cls, home: Material, target: Material, *, trained: bool, seed: int) -> HomePart:
        """Home's pairs; a chooser is learnt from them where the target has too few pairs for one."""
        other = _apart(home.dst, target.dst) or _apart(home.src, target.src)
        own, stock = stock_of(home, None, frozenset(ORIGINS), seed, remembers=trained)
        chooser = None
        if trained and len(np.unique(own.pairs.unit)) >= FEWEST:
            chooser = tried(own.pairs, own.taught, stock, encode, seed, lambda text: None).chooser()
        if other:
            return cls._other(stock, stock.own, chooser, (home.src, home.dst), target)
        return cls(stock.own, stock.words, chooser, stock.casing, home.src, home.dst, titles=stock.titles)


def _apart(one: str, other: str) -> bool:
    return bool(one and other and one != other)


def stock_of(
    material: Material,
    home: HomePart | None,
    only: frozenset[str],
    seed: int,
    like: Stock | None = None,
    external: External | None = None,
    *,
    remembers: bool = True,
) -> tuple[OwnPart, Stock]:
    """What a translator is made of.

    Args:
        material: the market's.
        home: what the source knows, or None.
        only: the origins that are tried.
        seed: of the order of many pairs.
        like: a stock of the same material, whose vectors are used again.
        external: a network of the user's.
        remembers: whether there is a memory.
    """
    knowledge = None if home is None else home.knowledge
    own = own_part(material, knowledge, seed)
    titles = [as_words(material.titles[i], material.terms) for i in drawn(len(material.titles), MOST_TITLES)]
    count = min(len(own.pairs.source), MOST_REMEMBERED if remembers else 0)
    if like is not None:
        memory, phrases = like.memory, like.phrases
    else:
        memory = Shelf.of(own.pairs.source[:count], own.pairs.target[:count], encode)
        phrases = Shelf.of(phrases_of(titles), (), encode)
    words = _words(own, titles, home, phrases)
    casing = Casing.learned([b for _, b in own.split[:MOST_CASED]] or titles, titles if own.split else ())
    if home is not None and home.knowledge is not None and not casing.rest:
        casing = Casing(
            {**home.casing.words, **casing.words},
            casing.first if own.split or titles else home.casing.first,
            casing.rest,
        )
    language = LanguageModel.counted((t.forms for t in titles), (1.0 for _ in titles)) if titles else None
    if language is None and home is not None:
        language = home.titles
    learnt = Knowledge.of(own.taught, own.pairs.words) if own.split else None
    parts = (learnt, knowledge, memory, phrases, words, language, casing, material.terms, only)
    bridge = None if home is None else home.bridge
    return own, Stock(*parts, external=external, market=material.market, bridge=bridge)


def own_part(material: Material, home: Knowledge | None, seed: int) -> OwnPart:
    """A market's pairs, aligned."""
    order = (
        np.random.default_rng(seed).permutation(len(material.pairs))
        if len(material.pairs) > MOST_REMEMBERED
        else range(len(material.pairs))
    )
    chosen = [(material.measured(material.pairs[i][0]), material.pairs[i][1]) for i in order]
    found = [(pair, as_words(pair[0], material.terms), as_words(pair[1], material.terms)) for pair in chosen]
    found = [each for each in found if len(each[1]) and len(each[2])]
    extra = [(as_words(a, material.terms), as_words(b, material.terms)) for a, b in material.dictionary]
    extra = [pair for pair in extra if len(pair[0]) and len(pair[1])]
    split = [(a, b) for _, a, b in found] + extra
    weight = np.array([1.0] * len(found) + [OF_DICTIONARY] * len(extra))
    sources = [plain(pair[0]) for pair, _, _ in found]
    pairs = Pairs(sources, [pair[1] for pair, _, _ in found], [b.forms for _, b in split], units_of(sources))
    return OwnPart(pairs, taught(split, weight, home), split)


def _words(own: OwnPart, titles: list[Words], home: HomePart | None, phrases: Shelf) -> Shelf:
    """Words of the target language that may translate one that no table knows: the market's, then home's."""
    vectors = dict(zip(phrases.texts, phrases.vectors, strict=True))
    if home is not None:
        vectors = dict(zip(home.words.texts, home.words.vectors, strict=True)) | vectors
    known = [text for text in vectors if " " not in text]
    new = [word for word in words_of([*own.pairs.words, *(t.forms for t in titles)]) if word not in vectors]
    fresh = encode(new or ["a"])[: len(new)]
    there = np.array([vectors[text] for text in known], np.float32).reshape(-1, fresh.shape[1])
    return Shelf((*known, *new), (), np.concatenate([there, fresh]))
