"""What is said to questions: runs of words and how likely each is the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xbsql.extraction.titles import LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


class Answers(NamedTuple):
    """Runs of words, c of them.

    Attributes:
        query: int64 (c,).
        layer: int64 (c,): which of `LAYERS` it is.
        word: int64 (c,): the first word, of all the titles' words.
        value: uint64 (c,): stands for the run.
        score: float64 (c,): the probability that it is the answer.
    """

    query: Ints
    layer: Ints
    word: Ints
    value: NDArray[np.uint64]
    score: Floats

    @property
    def key(self) -> Ints:
        """One number for query, layer and word."""
        return _key(self.query, self.layer, self.word)

    def of(self, query: Ints, layer: Ints, word: Ints) -> Floats:
        """The score of each of these runs; 0 for one that is no candidate."""
        if not len(self.query):
            return np.zeros(len(query))
        own, asked = self.key, _key(query, layer, word)
        order = np.argsort(own)
        place = np.minimum(np.searchsorted(own[order], asked), len(own) - 1)
        return np.where(own[order][place] == asked, self.score[order][place], 0.0)

    def best(self, queries: int) -> Floats:
        """The largest score of each query; 0 without a candidate."""
        found = np.zeros(queries)
        np.maximum.at(found, self.query, self.score)
        return found

    def chosen(self, queries: int) -> Ints:
        """The likeliest candidate of each query, of equal ones the first; -1 without any."""
        order = np.lexsort((self.word, self.layer, -self.score, self.query))
        found = np.full(queries, -1)
        owner, first = np.unique(self.query[order], return_index=True)
        found[owner] = order[first]
        return found

    def take(self, rows: Ints) -> Answers:
        """Some of the runs."""
        parts = self.query[rows], self.layer[rows], self.word[rows], self.value[rows], self.score[rows]
        return Answers(*parts)

    def beside(self, others: Answers) -> Answers:
        """These and others, by query."""
        whole = Answers(*(np.concatenate(pair) for pair in zip(self, others, strict=True)))
        return whole.take(np.argsort(whole.query, kind="stable"))


def _key(query: Ints, layer: Ints, word: Ints) -> Ints:
    return np.asarray((word * len(LAYERS) + layer) * np.int64(1 << 24) + query, np.int64)


def mixed(parts: Sequence[Answers], weights: Sequence[Floats]) -> Answers:
    """The weighted mean of several answers to the same questions.

    Args:
        parts: at least one.
        weights: of each, (queries,).
    """
    whole = Answers(*(np.concatenate(each) for each in zip(*parts, strict=True)))
    share = np.concatenate([weight[part.query] for part, weight in zip(parts, weights, strict=True)])
    _, first, place = np.unique(whole.key, return_index=True, return_inverse=True)
    return whole.take(first)._replace(
        score=np.asarray(np.bincount(place, whole.score * share, len(first)), np.float64)
    )
