"""A fitted extraction: titles in, the values of their attributes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa

from xbsql.extraction.names import placed
from xbsql.extraction.sheet import Queries, open_queries
from xbsql.extraction.stated import SCORE, stated
from xbsql.extraction.titles import LAYERS, titles_of
from xbsql.store.model import Model, Signature, State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.extraction.answers import Answers
    from xbsql.extraction.canonical import Canonical
    from xbsql.extraction.finder import Finder
    from xbsql.extraction.titles import Titles

ANSWER: Final = pa.struct(
    [
        ("value", pa.string()), ("score", pa.float64()), ("start", pa.int32()), ("stop", pa.int32()),
        ("canonical", pa.string()),
    ]
)  # fmt: skip
OUTPUT: Final = pa.map_(pa.string(), ANSWER)

_WORDS: Final = np.array([words for words, _ in LAYERS])
_CUT: Final = np.array([cut for _, cut in LAYERS])


class Found(NamedTuple):
    """One value in one title.

    Attributes:
        title: the row of the title.
        attribute: the name.
        value: as it is written.
        score: the probability that it is the value.
        start: its first character, from 1.
        stop: its last character.
        canonical: the same value in one spelling for all markets; None where there is none.
    """

    title: int
    attribute: str
    value: str
    score: float
    start: int
    stop: int
    canonical: str | None


@restorable("extraction")
@dataclass(frozen=True)
class Extraction(Model):
    """What finds values.

    Attributes:
        finder: what answers.
        text: the column of titles.
        kind: the column of what they are sold as; None where it reads none.
        label: what it was fitted on.
        canonical: the one spelling of values.
        abstain: probability below which no value is given; None for the tuned one.
        market: what it was fitted for.
    """

    finder: Finder
    text: str
    kind: str | None
    label: str
    canonical: Canonical
    abstain: float | None = None
    market: str | None = None

    @property
    def signature(self) -> Signature:  # type: ignore[override]
        """What it reads and returns."""
        columns = [self.text, *([self.kind] if self.kind else [])]
        return Signature("extract", pa.schema([(name, pa.string()) for name in columns]), OUTPUT, self.label)

    def predict(self, batch: pa.RecordBatch, *, shift: bool = True) -> pa.Array:
        """MAP(attribute, STRUCT(value, score, start, stop, canonical)) of each row; NULL for NULL."""
        return self.asked(batch, None)

    def asked(self, batch: pa.RecordBatch, attributes: Sequence[str] | None) -> pa.Array:
        """The same; with `attributes` titles are asked for these, under any name."""
        texts = batch.column(batch.schema.get_field_index(self.text)).to_pylist()
        kinds = None
        if self.kind is not None:
            kinds = batch.column(batch.schema.get_field_index(self.kind)).to_pylist()
        found: list[list[tuple[str, dict[str, Any]]] | None] = [
            None if text is None else [] for text in texts
        ]
        for each in self.found(texts, kinds, attributes):
            row = found[each.title]
            if row is not None:
                row.append((each.attribute, {name: getattr(each, name) for name in ANSWER.names}))
        return pa.array(found, OUTPUT)

    def found(
        self,
        texts: Sequence[str | None],
        kinds: Sequence[str | None] | None,
        attributes: Sequence[str] | None = None,
    ) -> list[Found]:
        """The values of titles, by title and attribute.

        Args:
            texts: n; NULL has none.
            kinds: of each, or None.
            attributes: those that are asked for, under any name; None asks each title for those of its kind.
        """
        titles = self.titles(texts, kinds)
        if attributes is None:
            names, queries = list(self.finder.names), open_queries(titles, self.finder.asks(titles))
            shown = np.arange(len(names))
        else:
            names = list(dict.fromkeys(attributes))
            place = placed(names, self.finder.names)
            shown = np.flatnonzero(place >= 0)
            n, k = len(titles), len(shown)
            queries = Queries(np.repeat(np.arange(n), k), np.tile(shown, n), np.ones(n * k, bool))
            own = Queries(queries.title, place[queries.attribute], queries.asked)
            return self._shown(titles, own, [names[at] for at in queries.attribute.tolist()])
        return self._shown(titles, queries, [names[at] for at in queries.attribute.tolist()])

    def titles(self, texts: Sequence[str | None], kinds: Sequence[str | None] | None) -> Titles:
        """The titles as words."""
        groups = None if kinds is None else [kind or "" for kind in kinds]
        return titles_of([text or "" for text in texts], groups)

    def answered(self, titles: Titles, queries: Queries) -> tuple[NDArray[np.int64], Answers]:
        """The queries that have an answer, ascending, and these answers."""
        answers = self.finder.answers(titles, queries)
        best, chosen = answers.best(len(queries.title)), answers.chosen(len(queries.title))
        least = self.finder.bars(queries) if self.abstain is None else self.abstain
        given = (chosen >= 0) & (best >= least)
        found = answers.take(chosen[given])
        if self.abstain is None or self.abstain <= SCORE:
            forms = [self.canonical.forms(name) for name in self.finder.names]
            found = found.beside(stated(titles, queries, np.flatnonzero(queries.asked & ~given), forms))
        return found.query, found

    def values(self, titles: Titles, queries: Queries) -> list[tuple[int, str]]:
        """The answers to queries, as they are written: the query and the value."""
        rows, answers = self.answered(titles, queries)
        start, stop = _ends(titles, answers)
        owner = queries.title[rows].tolist()
        cut = zip(rows.tolist(), owner, start.tolist(), stop.tolist(), strict=True)
        return [(row, titles.texts[title][a:b]) for row, title, a, b in cut]

    def _shown(self, titles: Titles, queries: Queries, names: Sequence[str]) -> list[Found]:
        rows, answers = self.answered(titles, queries)
        start, stop = _ends(titles, answers)
        found = []
        for row, a, b, score in zip(
            rows.tolist(), start.tolist(), stop.tolist(), answers.score.tolist(), strict=True
        ):
            title, name = int(queries.title[row]), names[row]
            value = titles.texts[title][a:b]
            known = self.finder.names[int(queries.attribute[row])]
            one = self.canonical.of(known, value)
            found.append(Found(title, name, value, min(score, 1.0), a + 1, b, one))
        return found

    def state(self) -> State:
        """The model as data."""
        config = {
            "text": self.text, "kind": self.kind, "label": self.label, "abstain": self.abstain,
            "market": self.market,
        }  # fmt: skip
        parts = {"finder": self.finder.state(), "canonical": self.canonical.state()}
        return State("extraction", config, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The model again."""
        finder, canonical = (restore(state.parts[name]) for name in ("finder", "canonical"))
        return cls(finder, canonical=canonical, **state.config)


def _ends(titles: Titles, answers: Answers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first character of each answer, from 0, and the one behind its last."""
    last = answers.word + _WORDS[answers.layer] - 1
    return titles.start[answers.word], titles.stop[last] - _CUT[answers.layer]
