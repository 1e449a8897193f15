"""Labelled titles that are like a title: what they say of an attribute is likely said again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np
from scipy import sparse

from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.extraction.sheet import Sheet
    from xbsql.extraction.titles import Hashes, Titles

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

NEAREST: Final = 8
BATCH: Final = 512


class Near(NamedTuple):
    """The nearest labelled titles of n titles, most like first.

    Attributes:
        row: int64 (n, k).
        weight: float64 (n, k): cosine; 0 where no word is shared.
    """

    row: Ints
    weight: Floats


@restorable("labelled_titles")
@dataclass(frozen=True)
class Neighbours:
    """Labelled titles as weighed words, and their labels; both stand as hashes.

    Attributes:
        words: uint64 (W,), ascending.
        rarity: float64 (W,): the logarithm of how few titles have a word.
        rows: float32 (W, n): unit vectors, a column a title.
        group: uint64 (n,): what each title is sold as.
        labels: int64, ascending: title times A plus attribute.
        values: uint64: the value of each label; 0 for none.
        attributes: A.
    """

    words: Hashes
    rarity: Floats
    rows: sparse.csr_matrix
    group: Hashes
    labels: Ints
    values: Hashes
    attributes: int

    def near(self, titles: Titles) -> Near:
        """The nearest labelled titles; those of another kind count half."""
        k = min(NEAREST, len(self.group))
        row, weight = np.zeros((len(titles), k), np.int64), np.zeros((len(titles), k))
        vectors = _vectors(titles, self.words, self.rarity)
        for at in range(0, len(titles) if k else 0, BATCH):
            like = np.asarray((vectors[at : at + BATCH] @ self.rows).todense())
            like *= np.where(titles.group[at : at + BATCH, None] == self.group, 1.0, 0.5).astype(np.float32)
            best = np.argpartition(-like, k - 1, axis=1)[:, :k]
            score = np.take_along_axis(like, best, axis=1)
            order = np.argsort(-score, axis=1, kind="stable")
            row[at : at + BATCH] = np.take_along_axis(best, order, axis=1)
            weight[at : at + BATCH] = np.take_along_axis(score, order, axis=1)
        return Near(row, weight)

    def said(self, row: Ints, attribute: Ints) -> tuple[Ints, Hashes]:
        """What labelled titles say of an attribute: 1 a value, 0 none, -1 nothing; and the value."""
        if not len(self.labels):
            return np.full(row.shape, -1), np.zeros(row.shape, np.uint64)
        key = row * self.attributes + attribute
        place = np.minimum(np.searchsorted(self.labels, key), len(self.labels) - 1)
        there = self.labels[place] == key
        value = np.where(there, self.values[place], 0)
        return np.where(there, (value > 0).astype(np.int64), -1), value

    def state(self) -> State:
        """The titles as data."""
        arrays = {
            "words": self.words.view(np.int64), "rarity": self.rarity, "data": self.rows.data,
            "columns": self.rows.indices.astype(np.int32), "first": self.rows.indptr.astype(np.int64),
            "group": self.group.view(np.int64), "labels": self.labels, "values": self.values.view(np.int64),
        }  # fmt: skip
        return State("labelled_titles", {"attributes": self.attributes}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The titles again."""
        arrays = state.arrays
        words, group = arrays["words"].view(np.uint64), arrays["group"].view(np.uint64)
        shape = (len(words), len(group))
        rows = sparse.csr_matrix((arrays["data"], arrays["columns"], arrays["first"]), shape)
        rows.check_format(full_check=True)  # scipy's C code trusts these numbers
        return cls(
            words, np.asarray(arrays["rarity"], np.float64), rows, group,
            np.asarray(arrays["labels"], np.int64), arrays["values"].view(np.uint64),
            int(state.config["attributes"]),
        )  # fmt: skip


def _vectors(titles: Titles, words: Hashes, rarity: Floats) -> sparse.csr_matrix:
    """Unit vectors of the words that are known; float32 (n, W)."""
    if not len(words):
        return sparse.csr_matrix((len(titles), 0), dtype=np.float32)
    place = np.minimum(np.searchsorted(words, titles.hashes[:, 0]), len(words) - 1)
    known = words[place] == titles.hashes[:, 0]
    pairs = np.unique(np.stack([titles.owner[known], place[known]]), axis=1)
    found = sparse.csr_matrix((rarity[pairs[1]], (pairs[0], pairs[1])), (len(titles), len(words)))
    length = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.maximum(length, 1e-12)) @ found).tocsr().astype(np.float32)


def fit_neighbours(sheet: Sheet) -> Neighbours:
    """Keep labelled titles to compare with."""
    titles, count = sheet.titles, len(sheet.names)
    pairs = np.unique(np.stack([titles.hashes[:, 0], titles.owner.astype(np.uint64)]), axis=1)
    words, often = np.unique(pairs[0], return_counts=True)
    rarity = np.log((1 + len(titles)) / (1 + often)) + 0.1
    rows = _vectors(titles, words, rarity).T.tocsr()
    key = sheet.title * count + sheet.attribute
    order = np.argsort(key, kind="stable")
    first = np.unique(key[order], return_index=True)[1]
    chosen = order[first]
    return Neighbours(words, rarity, rows, titles.group, key[chosen], sheet.value[chosen], count)
