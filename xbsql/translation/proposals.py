"""All ways to say a text in the target language that are at hand, each with what speaks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.harmonise.quantities import Measure, measures
from xbsql.translation.decoder import Decoder
from xbsql.translation.language_model import Mixture
from xbsql.translation.memory import edited
from xbsql.translation.overlap import Overlap
from xbsql.translation.words import JOINER, KEPT, is_word, joined, numbers, plain, split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.translation.casing import Casing
    from xbsql.translation.external import External
    from xbsql.translation.knowledge import Knowledge
    from xbsql.translation.language_model import LanguageModel
    from xbsql.translation.lexicon import Lexicon
    from xbsql.translation.shelf import Encode, Shelf
    from xbsql.translation.words import Words

ORIGINS: Final = ("memory", "edit", "phrases", "pooled", "home", "external", "catalogue", "guess", "copy")
"""Where a proposal can come from, most telling first: a pair that is remembered, the same edited; phrases of
the market's own pairs, of these and home's, of home's alone; a network of the user's; the catalogue's
nearest phrase; phrases with the encoder's lexicon for unknown words; the source itself."""
FAMILY: Final = {
    "memory": "target", "edit": "target", "phrases": "target", "catalogue": "target", "guess": "target",
    "copy": "target", "external": "target", "pooled": "instance", "home": "source",
}  # fmt: skip
BEST: Final = 4
"""Translations of the best decoder that are looked at."""
REMEMBERED: Final = 3
"""Pairs of the nearest meaning that are looked at, and edited."""
WAYS: Final = 3
"""Translations of what differs that an edit tries."""
ATTESTING: Final = 16
"""Pairs of near meaning whose targets attest words."""
SHARING: Final = 4
"""Pairs that share most words, which are edited."""
CLOSE: Final = 0.55
"""Cosine from which on a word may be another's translation."""
PULL: Final = 4.0
NEAR: Final = 3
SHORT: Final = 2
"""Letters of a word whose meaning nobody guesses."""
BRACKETS: Final = ("()", "[]", "\uff08\uff09")
MOST_GUESSED: Final = 100_000
"""Words and parts of texts whose translations are kept at hand."""


class Asked(NamedTuple):
    """A text to translate.

    Attributes:
        text: as it is read, with marks for what is kept.
        words: its tokens.
        known: the text with what its marks stand for.
        numbers: of that, sorted.
        measures: of that, the numbers before a unit, and the unit.
    """

    text: str
    words: Words
    known: str
    numbers: tuple[str, ...]
    measures: Mapping[str, Measure]

    @classmethod
    def of(cls, text: str, marks: Sequence[str] = ()) -> Asked:
        """A text, and what its marks stand for."""
        shown = "".join(marks[ord(s) - 0xE000] if 0xE000 <= ord(s) < 0xE000 + len(marks) else s for s in text)
        found = tuple(numbers(shown))
        return cls(text, split(text, marks), shown, found, measures(shown) if found else {})


@dataclass
class Proposal:
    """One translation.

    Attributes:
        text: it.
        words: its tokens.
        origins: where it came from, with a score each.
        alike: of the remembered text that it is an edit of, the share of words in common; 0 for others.
        votes: how many remembered texts it is an edit of.
    """

    text: str
    words: Words
    origins: dict[str, float] = field(default_factory=dict)
    alike: float = 0.0
    votes: int = 0

    @property
    def origin(self) -> str:
        """The most telling origin; a text that stays as it is was copied, wherever else it is from."""
        if "copy" in self.origins and "memory" not in self.origins:
            return "copy"
        return next(name for name in ORIGINS if name in self.origins)


@dataclass(frozen=True)
class Proposer:
    """What is known of a market, ready to propose.

    Attributes:
        own: what the market's pairs teach; None without any.
        home: what home's teach.
        memory: the market's pairs by meaning of their source.
        phrases: phrases of the catalogue; words: single words of the target language.
        titles: how the catalogue is written; None without one.
        casing: the market's capitals.
        encode: texts -> vectors.
        banned: forms that are never used.
        only: the origins that are tried.
        external: a network of the user's.
        bridge: source word -> words of a third language; None without.
    """

    own: Knowledge | None
    home: Knowledge | None
    memory: Shelf
    phrases: Shelf
    words: Shelf
    titles: LanguageModel | None
    casing: Casing
    encode: Encode
    banned: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset(ORIGINS)
    external: External | None = None
    bridge: Lexicon | None = None
    _split: dict[str, Words] = field(default_factory=dict, repr=False)
    _said: dict[Words, list[Sequence[str]]] = field(default_factory=dict, repr=False)
    _guessed: dict[str, list[tuple[str, float]]] = field(default_factory=dict, repr=False)
    _heard: dict[str, float] = field(default_factory=dict, repr=False)

    def propose(self, asked: Sequence[Asked]) -> tuple[list[list[Proposal]], NDArray[np.float32]]:
        """The proposals for each text, and the texts' vectors, float32 (n, d)."""
        vectors = self.encode([one.known for one in asked])
        self._guess_all(asked)
        near, rows = self.memory.nearest(vectors, REMEMBERED)
        alike, places = self.phrases.nearest(vectors, 2)
        network = None if "external" not in self.only else self.external
        networked = [] if network is None else network.say([one.known for one in asked])
        found = []
        for k, one in enumerate(asked):
            pool: dict[str, Proposal] = {}
            self._decoded(one, pool)
            self._remembered(one, vectors[k], rows[k].tolist(), near[k].tolist(), pool)
            for score, place in zip(alike[k].tolist(), places[k].tolist(), strict=True):
                forms = self.phrases.texts[place].split(" ")
                self._add(pool, "catalogue", forms, score, one)
            for said, sure in networked[k : k + 1]:
                self._add(pool, "external", (), sure, one, text=with_units(one, said))
            shown = [KEPT + token for token in one.words.shown]
            self._add(pool, "copy", shown, 1.0, one, text=one.known)
            found.append(list(pool.values()))
        return found, vectors

    def _decoded(self, one: Asked, pool: dict[str, Proposal]) -> None:
        for origin, decoder in self._decoders.items():
            if origin not in self.only or (origin == "guess" and not self._guesses(one)):
                continue
            main = origin == self._main
            for rank, result in enumerate(decoder.decode(one.words, BEST if main else 1)):
                score = result.score / max(len(one.words), 1) - 0.01 * rank
                self._add(pool, origin, result.shown, score, one)

    def _remembered(
        self,
        one: Asked,
        vector: NDArray[np.float32],
        rows: Sequence[int],
        near: Sequence[float],
        pool: dict[str, Proposal],
    ) -> None:
        """Add the nearest pairs as they are, and edits of these and of those that share most words."""
        for row, score in zip(rows, near, strict=True):
            target = self._words(self.memory.others[row])
            self._add(pool, "memory", [KEPT + token for token in target.shown], score, one)
        if "edit" not in self.only or not len(self.memory):
            return
        for row in dict.fromkeys([*rows, *self._overlap.nearest(one.words.forms, SHARING)]):
            source, target = self._words(self.memory.texts[row]), self._words(self.memory.others[row])
            found = edited(one.words, source, target, self.lexicon, self._ways, self.language)
            if found is not None:
                score = float(self.memory.vectors[row] @ vector)
                self._add(pool, "edit", found.shown, score, one, alike=found.alike)

    @cached_property
    def _overlap(self) -> Overlap:
        """The words of the remembered sources."""
        return Overlap.of([self._words(text).forms for text in self.memory.texts])

    def _ways(self, words: Words) -> list[Sequence[str]]:
        """The best ways to say a part of a text; the same part comes back in many edits."""
        found = self._said.get(words)
        if found is None:
            if len(self._said) > MOST_GUESSED:
                self._said.clear()
            best = self._decoders[self._main].decode(words, WAYS)
            found = self._said[words] = [each.shown for each in best]
        return found

    def _add(
        self,
        pool: dict[str, Proposal],
        origin: str,
        shown: Sequence[str],
        score: float,
        one: Asked,
        text: str = "",
        alike: float = 0.0,
    ) -> None:
        """Add a proposal, unless it loses or invents something that stays, or says nothing."""
        if origin not in self.only:
            return
        said = closed(one, text or with_units(one, joined(self.casing.of(shown))))
        if not (said and speaks(one, said)) or (origin != "copy" and not keeps(one, said)):
            return
        words = self._words(said)
        if origin != "copy" and self.banned.intersection(words.forms):
            return
        there = pool.setdefault(said, Proposal(said, words))
        there.origins[origin] = max(there.origins.get(origin, -np.inf), score)
        there.alike, there.votes = max(there.alike, alike), there.votes + (origin == "edit")

    def _words(self, text: str) -> Words:
        found = self._split.get(text)
        if found is None:
            if len(self._split) > 100_000:
                self._split.clear()
            found = self._split[text] = split(plain(text))
        return found

    def attested(
        self, vectors: NDArray[np.float32], found: Sequence[Sequence[Proposal]]
    ) -> list[list[float]]:
        """How far the targets of pairs of near meaning have the words of each proposal, 0 .. 1.

        A word counts by the similarity of the nearest pair whose target has it.
        """
        near, rows = self.memory.nearest(vectors, ATTESTING)
        told = []
        for score, row, several in zip(near.tolist(), rows.tolist(), found, strict=True):
            worth: dict[str, float] = {}
            for value, place in zip(score, row, strict=True):
                for form in self._words(self.memory.others[place]).forms:
                    worth.setdefault(form, value)
            own = [[worth.get(form, 0.0) for form in each.words.forms if is_word(form)] for each in several]
            told.append([sum(each) / max(len(each), 1) for each in own])
        return told

    def heard(self, form: str) -> float:
        """How often target texts have a word, as log1p: titles, the market's pairs, home's."""
        found = self._heard.get(form)
        if found is None:
            if len(self._heard) > MOST_GUESSED:
                self._heard.clear()
            bare = form.strip(JOINER)
            often = sum(model.counts.get(bare, 0.0) for model, _ in self.language.parts)
            found = self._heard[form] = float(np.log1p(often))
        return found

    @cached_property
    def language(self) -> Mixture:
        """How the target is written, by all that is known."""
        own, home = (part.language if part else None for part in (self.own, self.home))
        models = ((own, 0.5), (self.titles, 0.3), (home, 0.2))
        parts = [(model, weight) for model, weight in models if model is not None and model.words[1]]
        total = sum(weight for _, weight in parts)
        return Mixture(tuple((model, weight / total) for model, weight in parts))

    @cached_property
    def lexicon(self) -> Lexicon:
        """Source word -> target words: the market's own, which began with home's."""
        from xbsql.translation.lexicon import Lexicon

        home = self.home.forth.table if self.home else {}
        own = self.own.forth.table if self.own else {}
        return Lexicon({**home, **own})

    @cached_property
    def backwards(self) -> Lexicon:
        """Target word -> source words."""
        from xbsql.translation.lexicon import Lexicon

        home = self.home.back.table if self.home else {}
        own = self.own.back.table if self.own else {}
        return Lexicon({**home, **own})

    @cached_property
    def _decoders(self) -> dict[str, Decoder]:
        own, home = (part.table if part else None for part in (self.own, self.home))
        found = {}
        if own:
            found["phrases"] = Decoder((own, None), self.language, None, self.banned)
        if home:
            found["home"] = Decoder((None, home), self.language, None, self.banned)
        if own and home:
            found["pooled"] = Decoder((own, home), self.language, None, self.banned)
        if len(self.words):
            found["guess"] = Decoder((own, home), self.language, self._guess, self.banned)
        return found or {"phrases": Decoder((None, None), self.language, None, self.banned)}

    @cached_property
    def _main(self) -> str:
        return next(name for name in ("pooled", "home", "phrases", "guess") if name in self._decoders)

    def _guess(self, form: str) -> list[tuple[str, float]]:
        """Words near in meaning to one that no table knows, with log probabilities."""
        return self._guessed.get(form.strip(JOINER), [])

    def _guesses(self, one: Asked) -> bool:
        """Whether a text has a word that can be guessed."""
        return any(self._guess(form) for form in one.words.forms)

    def _guess_all(self, asked: Sequence[Asked]) -> None:
        """Find the nearest words of all unknown ones of some texts at once."""
        if "guess" not in self.only or not len(self.words):
            return
        if len(self._guessed) > MOST_GUESSED:
            self._guessed.clear()
        bare = dict.fromkeys(form.strip(JOINER) for one in asked for form in one.words.forms)
        new = [form for form in bare if form not in self._guessed and self._is_unknown(form)]
        if not new:
            return
        vectors = self.encode(new)
        self._guess_near(new, vectors)
        lost = [k for k, form in enumerate(new) if not self._guessed[form]]
        if self.bridge is not None and lost:
            forms = [new[k] for k in lost]
            self._guess_near(forms, self._meant(forms, vectors[lost], self.bridge))

    def _guess_near(self, forms: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep the words of the target language that are near enough to each of some vectors."""
        scores, places = self.words.nearest(vectors, NEAR)
        for form, score, place in zip(forms, scores.tolist(), places.tolist(), strict=True):
            near = zip(score, place, strict=True)
            self._guessed[form] = [(self.words.texts[p], PULL * (s - 1.0)) for s, p in near if s > CLOSE]

    def _meant(
        self, words: Sequence[str], vectors: NDArray[np.float32], bridge: Lexicon
    ) -> NDArray[np.float32]:
        """The mean, of length one, of each word's vector and of that of a third language's word for it."""
        said = [bridge.best(word) for word in words]
        known = [k for k, word in enumerate(said) if word is not None and is_word(word)]
        found = vectors.copy()
        if known:
            found[known] += self.encode([str(said[k]).strip(JOINER) for k in known])
            found[known] /= np.linalg.norm(found[known], axis=1, keepdims=True)
        return found

    def _is_unknown(self, form: str) -> bool:
        """Whether a form is a word that no table translates."""
        tables = (part.table for part in (self.own, self.home) if part is not None)
        return is_word(form) and len(form) > SHORT and not any(form in table.sources for table in tables)


def keeps(one: Asked, said: str) -> bool:
    """Whether a translation has the numbers and terms that stay, no other number, and no other unit with one.

    A unit that is not read, such as a word for pieces, may become any word.
    """
    if tuple(numbers(said)) != one.numbers or not all(token in said for token in one.words.fixed):
        return False
    return not _other_units(one, said)


def speaks(one: Asked, said: str) -> bool:
    """Whether a translation has letters where its source has."""
    return any(map(str.isalpha, said)) or not any(map(str.isalpha, one.known))


def closed(one: Asked, said: str) -> str:
    """A translation without brackets that it leaves open, or closes alone, where its source does not."""
    for opening, closing in BRACKETS:
        lone = _lone(said, opening, closing)
        if lone and len(lone) != len(_lone(one.known, opening, closing)):
            kept = "".join(sign for place, sign in enumerate(said) if place not in lone)
            said = " ".join(kept.split())
    return said


def _lone(text: str, opening: str, closing: str) -> frozenset[int]:
    """Where brackets of a kind stand that have no partner."""
    if opening not in text and closing not in text:
        return frozenset()
    open_: list[int] = []
    lone: list[int] = []
    for place, sign in enumerate(text):
        if sign == opening:
            open_.append(place)
        elif sign == closing and open_:
            open_.pop()
        elif sign == closing:
            lone.append(place)
    return frozenset((*lone, *open_))


def with_units(one: Asked, said: str) -> str:
    """A translation with the source's units where it has others behind the same numbers."""
    for number, (own, other) in _other_units(one, said).items():
        said = said.replace(f"{number}{other.written}", f"{number}{own.written}")
    return said


def _other_units(one: Asked, said: str) -> dict[str, tuple[Measure, Measure]]:
    """The numbers behind which a translation has another unit: the source's, and that."""
    there = measures(said) if one.measures else {}
    both = ((number, own, there.get(number, own)) for number, own in one.measures.items())
    return {number: (own, other) for number, own, other in both if own.unit != other.unit}
