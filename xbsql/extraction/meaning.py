"""What words mean, as clusters of the encoder's vectors: 'rot' and 'red' are one, whoever labelled either."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql import errors
from xbsql.extraction.lexicon import Counts
from xbsql.extraction.titles import plain
from xbsql.features.encoder import encoder
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.extraction.titles import Titles

    Ints = NDArray[np.int64]

LEVELS: Final = (64, 256)
"""Clusters of the coarse and of the fine level."""

MOST_FITTED: Final = 20_000
"""Distinct words that the clusters are made of."""

MOST_KEPT: Final = 200_000
"""Words of other titles that are remembered with their clusters."""


@restorable("meaning")
@dataclass(frozen=True)
class Meaning:
    """Clusters of words.

    Attributes:
        centres: by level, float32 (k, 512): the mean vectors; none where there were hardly any words.
        keys: uint64 (W,), ascending: words that the clusters were made of, as hashes.
        ids: int64 (W, levels): their clusters, from 1.
        version: of the encoder.
        seen: clusters of other words.
    """

    centres: tuple[NDArray[np.float32], ...]
    keys: NDArray[np.uint64]
    ids: Ints
    version: str
    seen: dict[int, tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)

    def of(self, titles: Titles) -> Ints:
        """The clusters of each word.

        Returns:
            int64 (T, levels): from 1; 0 for a word without a letter.
        """
        levels = len(self.centres)
        if not levels or not len(titles.kind):
            return np.zeros((len(titles.kind), levels), np.int64)
        keys, first, place = np.unique(titles.hashes[:, 0], return_index=True, return_inverse=True)
        found = np.zeros((len(keys), levels), np.int64)
        known = Counts(self.keys, np.arange(len(self.keys))).place(keys)
        found[known >= 0] = self.ids[known[known >= 0]]
        new = np.flatnonzero(known < 0)
        self._learn(titles, keys[new], first[new])
        for row, key in zip(new.tolist(), keys[new].tolist(), strict=True):
            found[row] = self.seen.get(key, 0)
        return found[place]

    def _learn(self, titles: Titles, keys: NDArray[np.uint64], first: Ints) -> None:
        """Remember the clusters of words that were not met before."""
        if len(self.seen) > MOST_KEPT:
            self.seen.clear()
        fresh = [
            (key, at) for key, at in zip(keys.tolist(), first.tolist(), strict=True) if key not in self.seen
        ]
        words = [_word(titles, at) for _, at in fresh]
        spoken = [at for at, word in enumerate(words) if word]
        for key, _ in fresh:
            self.seen[key] = (0,) * len(self.centres)
        if spoken:
            if encoder().version != self.version:
                problem = (
                    f"the model reads words by encoder version {self.version}, this is {encoder().version}"
                )
                raise errors.invalid("xb.extract", problem, "fit it again")
            ids = _nearest(_vectors([words[at] for at in spoken]), self.centres).tolist()
            for at, each in zip(spoken, ids, strict=True):
                self.seen[fresh[at][0]] = tuple(each)

    def state(self) -> State:
        """The clusters as data."""
        arrays = {f"centres{level}": each for level, each in enumerate(self.centres)}
        config = {"version": self.version, "levels": len(self.centres)}
        return State("meaning", config, {**arrays, "keys": self.keys.view(np.int64), "ids": self.ids})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The clusters again."""
        arrays, levels = state.arrays, range(int(state.config["levels"]))
        centres = tuple(np.asarray(arrays[f"centres{level}"], np.float32) for level in levels)
        keys = arrays["keys"].view(np.uint64)
        ids = np.asarray(arrays["ids"], np.int64).reshape(len(keys), len(centres))  # either may be 0
        return cls(centres, keys, ids, state.config["version"])


def _word(titles: Titles, at: int) -> str:
    """A word of the titles in its plain form; '' where it has no letter."""
    title = int(np.searchsorted(titles.first, at, side="right")) - 1
    word = plain(titles.texts[title][int(titles.start[at]) : int(titles.stop[at])])
    return word if any(each.isalpha() for each in word) else ""


def _vectors(words: Sequence[str]) -> NDArray[np.float32]:
    return encoder().encode(words)


def _nearest(vectors: NDArray[np.float32], centres: Sequence[NDArray[np.float32]]) -> Ints:
    """The nearest centre of each vector at each level, from 1; (n, levels)."""
    lengths = [np.square(each).sum(axis=1) for each in centres]
    pairs = zip(centres, lengths, strict=True)
    return np.stack([1 + (0.5 * length - vectors @ each.T).argmin(axis=1) for each, length in pairs], axis=1)


def fit_meaning(titles: Titles, seed: int = 0) -> Meaning:
    """Cluster the words of titles; no label is looked at."""
    from sklearn.cluster import MiniBatchKMeans

    keys, first = np.unique(titles.hashes[:, 0], return_index=True)
    words = [_word(titles, at) for at in first.tolist()]
    rows = np.array([at for at, word in enumerate(words) if word], np.int64)
    rows = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST_FITTED])
    counts = [min(count, len(rows) // 2) for count in LEVELS]
    if min(counts) < LEAST_CLUSTERS:
        return Meaning((), keys[:0], np.zeros((0, 0), np.int64), encoder().version)
    vectors = _vectors([words[at] for at in rows.tolist()])
    centres = tuple(
        np.asarray(
            MiniBatchKMeans(count, random_state=seed, n_init=1, batch_size=1024)
            .fit(vectors)
            .cluster_centers_,
            np.float32,
        )
        for count in counts
    )
    return Meaning(centres, keys[rows], _nearest(vectors, centres), encoder().version)


LEAST_CLUSTERS: Final = 4
"""With fewer, words are what they are spelled as."""
