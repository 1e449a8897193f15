"""The value dictionary: which runs of words have been values, of what, where and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.extraction.titles import BASE, runs
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.extraction.sheet import Sheet
    from xbsql.extraction.titles import Hashes, Titles

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """Numbers by key.

    Attributes:
        keys: uint64, ascending.
        counts: int64.
    """

    keys: Hashes
    counts: Ints

    @classmethod
    def of(cls, keys: Hashes) -> Counts:
        """How often each key occurs."""
        return cls(*np.unique(keys, return_counts=True))

    @classmethod
    def stored(cls, arrays: Mapping[str, NDArray[np.generic]], name: str) -> Counts:
        """Those that `arrays` holds under a name."""
        keys, counts = arrays[f"{name}_keys"].view(np.uint64), arrays[f"{name}_counts"]
        return cls(keys, np.asarray(counts, np.int64))

    def arrays(self, name: str) -> dict[str, NDArray[np.generic]]:
        """The numbers as a model holds them, under a name."""
        return {f"{name}_keys": self.keys.view(np.int64), f"{name}_counts": self.counts}

    def __call__(self, keys: Hashes) -> Ints:
        """The number of each key; 0 for one that there is not."""
        place = self.place(keys)
        return (
            np.where(place >= 0, self.counts[place], 0) if len(self.keys) else np.zeros(keys.shape, np.int64)
        )

    def place(self, keys: Hashes) -> Ints:
        """Where each key stands; -1 for one that there is not."""
        if not len(self.keys):
            return np.full(keys.shape, -1)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place, -1)


@restorable("lexicon")
@dataclass(frozen=True)
class Lexicon:
    """What has been a value. Values stand as hashes.

    Attributes:
        values: distinct values, and how often each is one.
        occurs: value -> titles in which it stands, value or not.
        inside: the same by value and kind of title.
        shares: int64 (V, A): how often a value is one of an attribute.
        local: value, kind of title and attribute -> how often.
        kinds: kind of title -> how many titles.
        asks: int64 (A,): labels of each attribute, also those that say there is no value.
    """

    values: Counts
    occurs: Counts
    inside: Counts
    shares: Ints
    local: Counts
    kinds: Counts
    asks: Ints

    def known(self, titles: Titles) -> Ints:
        """Which value each run of words is; int64 (len(LAYERS), T), -1 for none."""
        return self.values.place(runs(titles))

    def usual(self) -> tuple[Floats, Floats]:
        """How often titles of a kind have each attribute, and how many they are: means over kinds.

        Returns:
            Two of float64 (A,): what is taken for titles of a kind that was never met.
        """
        attributes = np.arange(self.shares.shape[1], dtype=np.uint64)
        nothing = np.zeros((len(self.kinds.keys), len(attributes)), np.uint64)
        often = self.local(keyed(nothing, self.kinds.keys[:, None], attributes[None, :]))
        there = often > 0
        count = np.maximum(there.sum(axis=0), 1)
        return often.sum(axis=0) / count, (there * self.kinds.counts[:, None]).sum(axis=0) / count

    def state(self) -> State:
        """The dictionary as data."""
        arrays: dict[str, NDArray[np.generic]] = {"shares": self.shares, "asks": self.asks}
        for name in ("values", "occurs", "inside", "local", "kinds"):
            counts: Counts = getattr(self, name)
            arrays |= counts.arrays(name)
        return State("lexicon", {}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The dictionary again."""
        arrays = state.arrays
        found = {
            name: Counts.stored(arrays, name) for name in ("values", "occurs", "inside", "local", "kinds")
        }
        shares, asks = (np.asarray(arrays[name], np.int64) for name in ("shares", "asks"))
        return cls(shares=shares, asks=asks, **found)


def keyed(*parts: Hashes | np.uint64) -> Hashes:
    """One key of several."""
    first, *rest = parts
    for part in rest:
        first = first * BASE + part
    return np.asarray(first, np.uint64)


def fit_lexicon(sheet: Sheet) -> Lexicon:
    """Count the values of labelled titles."""
    said = np.flatnonzero(sheet.length > 0)
    value, attribute = sheet.value[said], sheet.attribute[said]
    group = sheet.titles.group[sheet.title[said]]
    values = Counts.of(value)
    place = values.place(runs(sheet.titles))
    _, word = np.nonzero(place >= 0)
    title, which = sheet.titles.owner[word], place[place >= 0]
    pairs = np.unique(np.stack([title, which]), axis=1) if len(which) else np.zeros((2, 0), np.int64)
    there = values.keys[pairs[1]]
    shares = np.zeros((len(values.keys), len(sheet.names)), np.int64)
    np.add.at(shares, (values.place(value), attribute), 1)
    number = attribute.astype(np.uint64)
    return Lexicon(
        values,
        Counts.of(there),
        Counts.of(keyed(there, sheet.titles.group[pairs[0]])),
        shares,
        Counts.of(np.concatenate([keyed(value, group, number), keyed(np.zeros_like(value), group, number)])),
        Counts.of(sheet.titles.group),
        np.bincount(sheet.attribute, minlength=len(sheet.names)),
    )
