"""A fitted translation: texts in, and out what they are in the target language, how good, and where from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

from xbsql.harmonise.remeasured import remeasured
from xbsql.store.model import State, restorable, restore
from xbsql.translation.chooser import chosen, features
from xbsql.translation.pieces import pieces, written
from xbsql.translation.proposals import Asked, Proposer
from xbsql.translation.words import plain, remembered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from xbsql.translation.casing import Casing
    from xbsql.translation.chooser import Chooser
    from xbsql.translation.external import External
    from xbsql.translation.knowledge import Knowledge
    from xbsql.translation.language_model import LanguageModel
    from xbsql.translation.lexicon import Lexicon
    from xbsql.translation.pieces import Piece
    from xbsql.translation.shelf import Encode, Shelf
    from xbsql.translation.terms import Marked, Terms

BATCH: Final = 256
"""Texts whose proposals are held at a time."""
SURE: Final = 100.0
"""The score of what was translated before."""


class Answer(NamedTuple):
    """A translation.

    Attributes:
        text: it.
        score: expected chrF, 0 to 100; None where there was nothing to translate, or nothing was measured.
        origin: where it is from.
        changed: terms that were given their translation, and forbidden words that could not be avoided.
    """

    text: str
    score: float | None
    origin: str
    changed: tuple[str, ...] = ()


@restorable("translation_stock")
@dataclass(frozen=True)
class Stock:
    """All that a translator is made of, beside its chooser.

    Attributes:
        own: what the market's pairs teach; None without any.
        home: what home's teach.
        memory: the market's pairs.
        phrases: the catalogue's phrases.
        words: words of the target language.
        titles: how the catalogue is written.
        casing: the market's capitals.
        terms: the user's words.
        only: the origins that are tried.
        external: a network of the user's.
        market: whose sizes a text is given; '' where they stay as they are.
        bridge: source word -> words of a third language; None without.
    """

    own: Knowledge | None
    home: Knowledge | None
    memory: Shelf
    phrases: Shelf
    words: Shelf
    titles: LanguageModel | None
    casing: Casing
    terms: Terms
    only: frozenset[str]
    external: External | None = None
    market: str = ""
    bridge: Lexicon | None = None

    def proposer(self, encode: Encode) -> Proposer:
        """Ready to propose."""
        return Proposer(
            self.own, self.home, self.memory, self.phrases, self.words, self.titles, self.casing, encode,
            self.terms.banned, self.only, self.external, self.bridge,
        )  # fmt: skip

    def state(self) -> State:
        """The stock as data."""
        names = (
            "own",
            "home",
            "memory",
            "phrases",
            "words",
            "titles",
            "casing",
            "terms",
            "external",
            "bridge",
        )
        parts = {name: getattr(self, name).state() for name in names if getattr(self, name) is not None}
        config = {"only": sorted(self.only), "market": self.market}
        return State("translation_stock", config, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The stock again."""
        parts = {name: restore(part) for name, part in state.parts.items()}
        return cls(
            parts.get("own"), parts.get("home"), parts["memory"], parts["phrases"], parts["words"],
            parts.get("titles"), parts["casing"], parts["terms"], frozenset(state.config["only"]),
            parts.get("external"), state.config.get("market", ""), parts.get("bridge"),
        )  # fmt: skip


@dataclass(frozen=True)
class Engine:
    """A stock with its chooser and encoder, that translates.

    Attributes:
        stock: what is known.
        chooser: which proposal is taken.
        encode: texts -> vectors.
    """

    stock: Stock
    chooser: Chooser
    encode: Encode
    _cached: dict[str, Answer] = field(default_factory=dict, repr=False)

    @cached_property
    def proposer(self) -> Proposer:
        """Makes the proposals."""
        return self.stock.proposer(self.encode)

    @cached_property
    def known(self) -> dict[str, str]:
        """Sources, as `remembered` has them, and how they were translated."""
        memory = self.stock.memory
        pairs = zip(memory.texts, memory.others, strict=True)
        return {remembered(plain(source)): target for source, target in reversed(list(pairs))}

    def translate(self, texts: Sequence[str]) -> list[Answer]:
        """The translation of each text."""
        whole = [self._remembered(text) for text in texts]
        parts = [[] if sure else pieces(text) for text, sure in zip(texts, whole, strict=True)]
        asked = dict.fromkeys(piece.text for several in parts for piece in several if piece.speaks)
        found = dict(zip(asked, self._answers(list(asked)), strict=True))
        return [sure or _whole(several, found) for several, sure in zip(parts, whole, strict=True)]

    def _answers(self, texts: list[str]) -> Iterable[Answer]:
        for begin in range(0, len(texts), BATCH):
            yield from self._batch(texts[begin : begin + BATCH])

    def _batch(self, texts: Sequence[str]) -> list[Answer]:
        terms = self.stock.terms
        read = [self.as_read(text) for text in texts]
        marked = [self._marked(*each) for each in read]
        asked = [Asked.of(each.text, each.marks) for each in marked]
        sure = [self._sure(text, each) for (text, _), each in zip(read, marked, strict=True)]
        open_ = [k for k, found in enumerate(sure) if found is None]
        found, vectors = self.proposer.propose([asked[k] for k in open_])
        x = features([asked[k] for k in open_], found, vectors, self.proposer)
        expected = self.chooser.expected(x)
        expected = self._without_broken(expected, [each.text for several in found for each in several])
        said = [each for several in found for each in several]
        places = chosen(expected, [len(several) for several in found])
        scores = self.chooser.score(expected).tolist() if self.chooser.trees else [None] * len(expected)
        answers: dict[int, Answer] = {}
        for k, place in zip(open_, places, strict=True):
            best = said[place]
            answers[k] = _answer(best.text, scores[place], best.origin, marked[k], terms)
        return [
            answers[k] if text is None else _answer(text, SURE, "memory", marked[k], terms)
            for k, text in enumerate(sure)
        ]

    def as_read(self, text: str) -> tuple[str, tuple[str, ...]]:
        """A text as it is read, with the market's sizes where these are asked for, and what was changed."""
        read = plain(text)
        return remeasured(read, self.stock.market) if self.stock.market else (read, ())

    def _marked(self, read: str, changed: tuple[str, ...]) -> Marked:
        """A text as it is read, with marks for what is kept."""
        found = self.stock.terms.mark(read)
        return found._replace(changed=(*changed, *found.changed))

    def _remembered(self, text: str) -> Answer | None:
        """How a whole text was translated before; None where it was not."""
        terms = self.stock.terms
        read, changed = self.as_read(text)
        if remembered(read) not in self.known:
            return None
        marked = self._marked(read, changed)
        found = self._sure(read, marked)
        return None if found is None else _answer(found, SURE, "memory", marked, terms)

    def _sure(self, text: str, marked: Marked) -> str | None:
        """How a text as it is read was translated before, unless a term or a forbidden word bars that."""
        found = self.known.get(remembered(text))
        if found is None or not all(mark in found for mark in marked.marks):
            return None
        return None if self.stock.terms.broken(found) else found

    def _without_broken(self, expected: np.ndarray, said: Sequence[str]) -> np.ndarray:
        """What has a forbidden word comes last."""
        if not self.stock.terms.forbidden:
            return expected
        broken = np.array([bool(self.stock.terms.broken(text)) for text in said], bool)
        return np.where(broken, expected - 1000.0, expected)


def _answer(text: str, score: float | None, origin: str, marked: Marked, terms: Terms) -> Answer:
    broken = [f"forbidden: {word}" for word in terms.broken(text)]
    return Answer(text, 0.0 if broken else score, origin, (*marked.changed, *broken))


def _whole(parts: Sequence[Piece], found: Mapping[str, Answer]) -> Answer:
    """The answer for a text from those for its pieces: scores weigh by length."""
    text = "".join(written(found[p.text].text, p) if p.speaks else p.text for p in parts)
    said = [found[piece.text] for piece in parts if piece.speaks]
    if not said:
        return Answer(text, None, "copy")
    sizes = np.array([len(answer.text) + 1 for answer in said], np.float64)
    scores = np.array([answer.score for answer in said], np.float64)  # NaN where one has none
    mean = None if np.isnan(scores).any() else float(sizes @ scores / sizes.sum())
    longest = said[int(sizes.argmax())]
    changed = tuple(dict.fromkeys(each for answer in said for each in answer.changed))
    return Answer(text, mean, longest.origin, changed)
