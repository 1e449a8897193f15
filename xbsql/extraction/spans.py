"""Runs of words that may be the value of an attribute, and what speaks for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

from xbsql.extraction.lexicon import Lexicon, fit_lexicon, keyed
from xbsql.extraction.neighbours import Near, Neighbours, fit_neighbours
from xbsql.extraction.sheet import Queries, word_counts
from xbsql.extraction.tagger import LEAST, Tagger, fit_tagger
from xbsql.extraction.titles import CAPITAL, CAPITALS, DIGIT, LAYERS, LONGEST, SIGN, runs
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.extraction.meaning import Meaning
    from xbsql.extraction.sheet import Sheet
    from xbsql.extraction.titles import Hashes, Titles

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Table = NDArray[np.float32]

_WORDS: Final = np.array([words for words, _ in LAYERS])
_CUT: Final = np.array([cut for _, cut in LAYERS])

WITNESSES: Final = ("meaning", "tagger", "lexicon", "neighbours")

BLOCK: Final = 512
"""Titles that are looked at together: what is known of more of them leaves the processor's cache."""

MOST_TAUGHT, MOST_COMPARED = 5_000, 20_000
"""Labelled titles that teach the tagger, and those that titles are compared with."""

MOST: Final = 8
"""Candidates of a query."""

KNOWN_KIND: Final = 2
"""Titles of a kind from which on its own counts are looked at. No judge has met a kind of one title: where
that is held out, none is left."""


class Candidates(NamedTuple):
    """Runs of words, c of them, ordered by query.

    Attributes:
        query: int64 (c,).
        word: int64 (c,): the first word, of all the titles' words.
        layer: int64 (c,): which of `LAYERS` it is.
        value: uint64 (c,): stands for the run, see `joined`.
    """

    query: Ints
    word: Ints
    layer: Ints
    value: Hashes

    @property
    def length(self) -> Ints:
        """Words of each."""
        return np.asarray(_WORDS[self.layer])

    def take(self, rows: Ints) -> Candidates:
        """Some of the runs."""
        return Candidates(self.query[rows], self.word[rows], self.layer[rows], self.value[rows])


@dataclass(frozen=True)
class Seen:
    """What is known of some titles before anything is asked of them.

    Attributes:
        titles: n titles.
        number: uint64 (len(LAYERS), T): stands for each run of words.
        spans: float64 (LONGEST, T, A): how likely the tagger holds each run for a value.
        known: int64 (len(LAYERS), T): which value of the dictionary each run is.
        near: labelled titles like them.
    """

    titles: Titles
    number: Hashes
    spans: Floats
    known: Ints
    near: Near


@restorable("witnesses")
@dataclass(frozen=True)
class Witnesses:
    """What has been learnt of values: meanings of words, a tagger, a dictionary, labelled titles."""

    meaning: Meaning
    tagger: Tagger
    lexicon: Lexicon
    neighbours: Neighbours

    def see(self, titles: Titles) -> Seen:
        """Look at titles once."""
        spans = self.tagger.spans(titles, self.meaning.of(titles))
        near = self.neighbours.near(titles)
        return Seen(titles, runs(titles), spans, self.lexicon.known(titles), near)

    def state(self) -> State:
        """All of them as data."""
        parts = {name: getattr(self, name).state() for name in WITNESSES}
        return State("witnesses", parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """All of them again."""
        return cls(*(restore(state.parts[name]) for name in WITNESSES))


def fit_witnesses(sheet: Sheet, meaning: Meaning) -> Witnesses:
    """Learn from labelled titles, with clusters of words that need not be of these.

    The dictionary is of all titles; of many a part teaches the tagger and is compared with.
    """
    taught, kept = some(sheet, MOST_TAUGHT), some(sheet, MOST_COMPARED)
    tagger = fit_tagger(taught.titles, meaning.of(taught.titles), taught.labels(), len(sheet.names))
    return Witnesses(meaning, tagger, fit_lexicon(sheet), fit_neighbours(kept))


def some(sheet: Sheet, most: int) -> Sheet:
    """At most so many of the labelled titles, drawn."""
    count = len(sheet.titles)
    if count <= most:
        return sheet
    return sheet.take(np.sort(np.random.default_rng(0).permutation(count)[:most]))


def looked_up(witnesses: Witnesses, titles: Titles, queries: Queries) -> tuple[Candidates, Table]:
    """The candidates of each query, and what speaks for each of them.

    Args:
        witnesses: who are asked.
        titles: n titles; they are looked at `BLOCK` at a time.
        queries: of these, in any order.

    Returns:
        The candidates, and float32 (c, F): no column names an attribute.
    """
    found, tables = [], []
    block = queries.title // BLOCK
    for number in range(max(-(-len(titles) // BLOCK), 1)):
        rows, at = np.flatnonzero(block == number), number * BLOCK
        shown = titles.take(np.arange(at, min(at + BLOCK, len(titles))))
        own = Queries(queries.title[rows] - at, queries.attribute[rows], queries.asked[rows])
        seen = witnesses.see(shown)
        part = _candidates(seen, witnesses, own)
        tables.append(_features(seen, witnesses, own, part))
        found.append(part._replace(query=rows[part.query], word=part.word + titles.first[at]))
    whole = Candidates(*(np.concatenate(each) for each in zip(*found, strict=True)))
    order = np.argsort(whole.query, kind="stable")
    return whole.take(order), np.concatenate(tables)[order]


def _candidates(seen: Seen, witnesses: Witnesses, queries: Queries) -> Candidates:
    """The runs of words that may answer each query: at most `MOST`, the tagger's likeliest first.

    A run begins and ends with a word and is not the whole title; what the dictionary does not know has no cut
    word.
    """
    titles, attributes = seen.titles, seen.spans.shape[2]
    pair, which = np.unique(queries.title * attributes + queries.attribute, return_inverse=True)
    place = np.full(len(titles) * attributes, -1)
    place[pair] = np.arange(len(pair))
    layer, word, attribute, score = _likely(seen, witnesses.lexicon)
    owner = place[titles.owner[word] * attributes + attribute]
    kept = np.flatnonzero(owner >= 0)
    kept = kept[np.lexsort((word[kept], layer[kept], -score[kept], owner[kept]))]
    owner, layer, word = owner[kept], layer[kept], word[kept]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    owner, layer, word = owner[rank < MOST], layer[rank < MOST], word[rank < MOST]
    first = np.searchsorted(owner, np.arange(len(pair) + 1))
    counts = np.diff(first)[which]
    query = np.repeat(np.arange(len(which)), counts)
    start = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rows = np.repeat(first[which] - start, counts) + np.arange(len(query))
    return Candidates(query, word[rows], layer[rows], seen.number[layer[rows], word[rows]])


def _likely(seen: Seen, lexicon: Lexicon) -> tuple[Ints, Ints, Ints, Floats]:
    """Runs that the tagger or the dictionary holds for a value: layer, word, attribute and a score."""
    possible = _possible(seen.titles)
    spans = seen.spans
    layer, word, attribute = np.nonzero(spans > LEAST)
    kept = np.flatnonzero(possible[layer, word])
    layer, word, attribute = layer[kept], word[kept], attribute[kept]
    score = spans[layer, word, attribute]
    if not len(lexicon.shares):
        return layer, word, attribute, score
    run, at = np.nonzero((seen.known >= 0) & possible)
    row, theirs = np.nonzero(lexicon.shares[seen.known[run, at]])
    run, at = run[row], at[row]
    own = spans[_WORDS[run] - 1, at, theirs]
    beside = (_CUT[run] > 0) | (own <= LEAST)  # the others are there already
    score[:] += 0.02 * _told(seen.known, lexicon, layer, word, attribute)
    parts = ((layer, run), (word, at), (attribute, theirs), (score, own + 0.02))
    found = [np.concatenate([one, other[beside]]) for one, other in parts]
    return found[0], found[1], found[2], found[3]


def _told(known: Ints, lexicon: Lexicon, layer: Ints, word: Ints, attribute: Ints) -> NDArray[np.bool_]:
    """Which runs the dictionary holds for values of these attributes."""
    value = known[layer, word]
    return np.asarray((value >= 0) & (lexicon.shares[value, attribute] > 0))


def _possible(titles: Titles) -> NDArray[np.bool_]:
    """Runs that begin and end with a word and leave out one; bool (len(LAYERS), T)."""
    sign = (titles.kind & SIGN) > 0
    total, left = len(sign), titles.first[1:][titles.owner] - np.arange(len(sign))
    spoken = np.concatenate([[0], np.cumsum(~sign)])
    whole = word_counts(titles)[titles.owner]
    found = np.zeros((LONGEST, total), bool)
    for k in range(LONGEST):
        there = np.flatnonzero((left > k) & ~sign)
        there = there[~sign[there + k]]
        found[k, there] = spoken[there + k + 1] - spoken[there] < whole[there]
    return np.asarray(found[_WORDS - 1])


def _features(seen: Seen, witnesses: Witnesses, queries: Queries, found: Candidates) -> Table:
    """What speaks for each candidate; float32 (c, F)."""
    titles, lexicon = seen.titles, witnesses.lexicon
    title, attribute = queries.title[found.query], queries.attribute[found.query]
    k = found.length - 1
    own = seen.spans[k, found.word, attribute]
    best, total = _best(found.query, own, len(queries.title))
    rivals = seen.spans[k, found.word].copy()
    rivals[np.arange(len(rivals)), attribute] = 0
    columns = [own, best, own / np.maximum(best, 1e-9), total, rivals.max(axis=1, initial=0)]
    columns += _counted(seen, lexicon, found, title, attribute)
    columns += _shaped(titles, found, title)
    columns.append(_CUT[found.layer])
    columns += _nested(found, len(queries.title))
    columns += _neighbourly(seen, witnesses.neighbours, found, title, attribute)
    columns.append(queries.asked[found.query])
    return np.stack(columns, axis=1).astype(np.float32)


def _best(query: Ints, own: Floats, count: int) -> tuple[Floats, Floats]:
    """The largest and the sum of the tagger's scores in each candidate's query."""
    best, total = np.zeros(count), np.zeros(count)
    np.maximum.at(best, query, own)
    np.add.at(total, query, own)
    return best[query], total[query]


def _counted(seen: Seen, lexicon: Lexicon, found: Candidates, title: Ints, attribute: Ints) -> list[Floats]:
    """What the dictionary says."""
    group, number = seen.titles.group[title], attribute.astype(np.uint64)
    place = lexicon.values.place(found.value)
    occurs = lexicon.inside(keyed(found.value, group))
    hits = lexicon.local(keyed(found.value, group, number))
    kind = lexicon.kinds(group)
    usual = lexicon.local(keyed(np.zeros_like(found.value), group, number))
    anywhere = lexicon.occurs(found.value)
    unmet = kind < KNOWN_KIND
    shares = lexicon.shares[place, attribute] * (place >= 0) if len(lexicon.shares) else 0 * place
    said = np.where(place >= 0, lexicon.values(found.value), 0)
    if unmet.any():
        often, titles = lexicon.usual()
        occurs, hits = np.where(unmet, anywhere, occurs), np.where(unmet, shares, hits)
        usual, kind = np.where(unmet, often[attribute], usual), np.where(unmet, titles[attribute], kind)
    return [
        occurs, hits, (hits + 0.5) / (occurs + 1.5), anywhere, shares, (shares + 0.3) / (anywhere + 1.0),
        said, (shares + 0.3) / (said + 1.0), usual, usual / np.maximum(kind, 1), lexicon.asks[attribute],
    ]  # fmt: skip


def _shaped(titles: Titles, found: Candidates, title: Ints) -> list[Floats]:
    """What the run looks like and where it stands."""
    last = found.word + found.length - 1
    begin, end = titles.first[title], titles.first[title + 1]
    kind = titles.kind
    before = np.where(found.word > begin, kind[np.maximum(found.word - 1, 0)] & SIGN, -1)
    behind = np.where(last + 1 < end, kind[np.minimum(last + 1, len(kind) - 1)] & SIGN, -1)
    digits = np.concatenate([[0], np.cumsum((kind & DIGIT) > 0)])
    return [
        found.length, titles.stop[last] - titles.start[found.word], found.word - begin, end - 1 - last,
        (found.word - begin) / np.maximum(end - begin, 1), end - begin, before, behind,
        digits[last + 1] - digits[found.word], kind[found.word] & CAPITAL, kind[last] & CAPITALS,
        kind[last] & CAPITAL,
    ]  # fmt: skip


def _nested(found: Candidates, queries: int) -> list[Floats]:
    """How many candidates a query has, and how many of them hold this one or lie in it."""
    counts = np.bincount(found.query, minlength=queries)
    first = np.concatenate([[0], np.cumsum(counts)])
    padded = np.full((queries, MOST, 2), -1, np.int64)
    slot = np.arange(len(found.query)) - first[found.query]
    stop = found.word + found.length
    padded[found.query, slot, 0] = found.word
    padded[found.query, slot, 1] = stop
    others = padded[found.query]
    there = others[:, :, 0] >= 0
    holds = there & (others[:, :, 0] <= found.word[:, None]) & (others[:, :, 1] >= stop[:, None])
    lies = there & (others[:, :, 0] >= found.word[:, None]) & (others[:, :, 1] <= stop[:, None])
    return [counts[found.query], holds.sum(axis=1) - 1, lies.sum(axis=1) - 1]


def _neighbourly(
    seen: Seen, neighbours: Neighbours, found: Candidates, title: Ints, attribute: Ints
) -> list[Floats]:
    """What the labelled titles like this one say."""
    row, weight = seen.near.row[title], seen.near.weight[title]
    said, value = neighbours.said(row, attribute[:, None])
    same = value == found.value[:, None]
    total = np.maximum(weight.sum(axis=1), 1e-9)
    return [
        (weight * (said == 1)).sum(axis=1) / total, (weight * (said >= 0)).sum(axis=1) / total,
        (weight * same).sum(axis=1) / total, (weight * same).max(axis=1, initial=0),
        (weight * (said == 1)).max(axis=1, initial=0), weight.max(axis=1, initial=0),
    ]  # fmt: skip
