"""Labelled titles: which words of a title are the value of an attribute, and what was asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xbsql.extraction.titles import LAYERS, LONGEST, SIGN, joined, runs, titles_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.extraction.titles import Hashes, Titles

    Ints = NDArray[np.int64]


class Queries(NamedTuple):
    """What is asked of titles: the value of an attribute, q times.

    Attributes:
        title: int64 (q,): row of the titles.
        attribute: int64 (q,): of the names.
        asked: bool (q,): whether somebody says that the attribute is one of this title.
    """

    title: Ints
    attribute: Ints
    asked: NDArray[np.bool_]


@dataclass(frozen=True)
class Sheet:
    """Titles with the values of attributes, m of them.

    Attributes:
        titles: n titles.
        names: A names of attributes.
        title: int64 (m,): of each label.
        attribute: int64 (m,): of each label.
        word: int64 (m,): the word of the titles that the value begins with; -1 where the title has none.
        length: int64 (m,): words of the value; 0 where there is none.
        layer: int64 (m,): which of `LAYERS` it is; -1 for none.
        value: uint64 (m,): stands for the value, see `joined`; 0 for none.
        cluster: int64 (n,): titles of one cluster nearly repeat one another.
    """

    titles: Titles
    names: tuple[str, ...]
    title: Ints
    attribute: Ints
    word: Ints
    length: Ints
    layer: Ints
    value: Hashes
    cluster: Ints

    def take(self, rows: Ints) -> Sheet:
        """Some titles, in this order, each once, with their labels."""
        place = np.full(len(self.titles), -1)
        place[rows] = np.arange(len(rows))
        kept = np.flatnonzero(place[self.title] >= 0)
        titles = self.titles.take(rows)
        old = self.title[kept]
        moved = titles.first[place[old]] - self.titles.first[old]
        word = np.where(self.word[kept] >= 0, self.word[kept] + moved, -1)
        return Sheet(
            titles, self.names, place[old], self.attribute[kept], word, self.length[kept], self.layer[kept],
            self.value[kept], self.cluster[rows],
        )  # fmt: skip

    def named(self, names: Sequence[str], place: Ints) -> Sheet:
        """The same under other names; labels whose place is -1 are left out."""
        kept = np.flatnonzero(place[self.attribute] >= 0)
        return replace(
            self, names=tuple(names), title=self.title[kept], attribute=place[self.attribute[kept]],
            word=self.word[kept], length=self.length[kept], layer=self.layer[kept],
            value=self.value[kept],
        )  # fmt: skip

    def stacked(self, other: Sheet) -> Sheet:
        """These titles and those of another sheet behind them, under the same names; clusters stay apart."""
        titles = self.titles.stacked(other.titles)
        words, rows = len(self.titles.kind), len(self.titles)
        word = np.where(other.word >= 0, other.word + words, -1)
        cluster = other.cluster + self.cluster.max(initial=-1) + 1
        return Sheet(
            titles, self.names, _both(self.title, other.title + rows), _both(self.attribute, other.attribute),
            _both(self.word, word), _both(self.length, other.length), _both(self.layer, other.layer),
            _both(self.value, other.value), _both(self.cluster, cluster),
        )  # fmt: skip

    def truth(self, queries: Queries) -> Hashes:
        """The value that each query asks for; 0 for none."""
        count = len(self.names)
        key = self.title * count + self.attribute
        order = np.argsort(key, kind="stable")
        asked = queries.title * count + queries.attribute
        if not len(key):
            return np.zeros(len(asked), np.uint64)
        place = np.minimum(np.searchsorted(key[order], asked), len(key) - 1)
        return np.where(key[order][place] == asked, self.value[order][place], np.uint64(0))

    def labels(self) -> Ints:
        """What the tagger learns, see `fit_tagger`: of values that overlap the longer one counts."""
        found, count = np.zeros(len(self.titles.kind), np.int64), len(self.names)
        for each in np.argsort(-self.length, kind="stable").tolist():
            at, size = int(self.word[each]), int(self.length[each])
            if size and not found[at : at + size].any():
                found[at] = 1 + self.attribute[each]
                found[at + 1 : at + size] = 1 + count + self.attribute[each]
        return found

    def queries(self) -> Queries:
        """The labels as questions."""
        return Queries(self.title, self.attribute, np.ones(len(self.title), bool))


def open_queries(titles: Titles, likely: Sequence[NDArray[np.int64]]) -> Queries:
    """Every title asked for the attributes that are likely of it.

    Args:
        titles: n titles.
        likely: attributes of each title.
    """
    counts = [len(each) for each in likely]
    title = np.repeat(np.arange(len(titles)), counts)
    attribute = np.concatenate(likely) if len(likely) else np.zeros(0, np.int64)
    return Queries(title, attribute.astype(np.int64), np.zeros(len(title), bool))


def _both(one: NDArray[np.generic], other: NDArray[np.generic]) -> Any:  # noqa: ANN401 - of their type
    return np.concatenate([one, other])


class Unfound(NamedTuple):
    """Values that are left out, by why.

    Attributes:
        absent: they do not occur in their title.
        whole: they are the whole title.
        long: they have too many words.
    """

    absent: int
    whole: int
    long: int


def sheet_of(
    titles: Titles,
    names: Sequence[str],
    title: Ints,
    attribute: Ints,
    values: Sequence[str | None],
    cluster: Ints | None = None,
) -> tuple[Sheet, Unfound]:
    """Find the values in their titles; the first place counts.

    Args:
        titles: n titles.
        names: of attributes.
        title: int64 (m,): the title of each value.
        attribute: int64 (m,).
        values: m; None says that the title has none.
        cluster: see `Sheet`; None makes each title its own.
    """
    plain = titles_of([value or "" for value in values])
    number, whole = runs(titles), word_counts(titles)
    word, length = np.full(len(values), -1), np.zeros(len(values), np.int64)
    layer = np.full(len(values), -1)
    stands, kept, missing = np.zeros(len(values), np.uint64), np.ones(len(values), bool), [0, 0, 0]
    for row, value in enumerate(values):
        if value is None:
            continue
        a, b = int(plain.first[row]), int(plain.first[row + 1])
        size, stand = b - a, joined(plain.hashes[a:b, 0])
        at, end = titles.first[title[row]], titles.first[title[row] + 1]
        hit = _first(number[:, at:end], size, stand) if 0 < size <= LONGEST else None
        spoken = int((plain.kind[a:b] & SIGN == 0).sum())
        if hit is not None and 0 < spoken < whole[title[row]]:
            word[row], layer[row], length[row], stands[row] = at + hit[1], hit[0], size, stand
        else:
            kept[row] = False
            missing[2 if size > LONGEST else 0 if hit is None else 1] += 1
    rows = np.flatnonzero(kept)
    cluster = np.arange(len(titles)) if cluster is None else cluster
    sheet = Sheet(
        titles, tuple(names), title[rows], attribute[rows], word[rows], length[rows], layer[rows],
        stands[rows], cluster,
    )  # fmt: skip
    return sheet, Unfound(*missing)


def _first(number: Hashes, size: int, stand: int) -> tuple[int, int] | None:
    """Layer and word of the first run that stands for a value, one of whole words before one that is cut."""
    for layer, (words, _) in enumerate(LAYERS):
        if words == size and len(hit := np.flatnonzero(number[layer] == stand)):
            return layer, int(hit[0])
    return None


def word_counts(titles: Titles) -> Ints:
    """Words of each title that are no sign."""
    spoken = np.concatenate([[0], np.cumsum(titles.kind & SIGN == 0)])
    return np.asarray(spoken[titles.first[1:]] - spoken[titles.first[:-1]], np.int64)
