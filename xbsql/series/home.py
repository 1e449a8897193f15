"""What the home market says of a product: how much it sells there, and whether that grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import softmax

from xbsql import kernels
from xbsql.series.history import context
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

NOW, BEFORE = 4, 8
"""Periods of the two means, one after the other."""
FACTS = 3
LEAST, CAUTION = 0.02, 0.08
"""Shares of a usual product's sales that are added to levels, and to the two sides of a growth."""
NEIGHBOURS, TEMPERATURE = 8, 0.05
"""Home products that speak for another one, and how fast they count less as their titles are less alike."""


@restorable("series_home")
@dataclass(frozen=True)
class Home:
    """The home market's products, by name.

    Attributes:
        names: ascending.
        now: float64 (n,), mean of the last 4 periods; amounts.
        before: float64 (n,), mean of the 8 periods before these.
        vectors: float16 (n, 512), embeddings of their titles, of length one, 0 without a title; None where
            home's table has no titles.
    """

    names: tuple[str, ...]
    now: Floats
    before: Floats
    vectors: NDArray[np.float16] | None = None

    @classmethod
    def of(cls, series: Series) -> Self:
        """The facts at the end of the home market's series."""
        order = sorted(range(len(series)), key=series.names.__getitem__)
        past = context(series, NOW + BEFORE)[order]
        counted = np.isfinite(past)
        filled = np.where(counted, past, 0.0)
        means = [
            filled[:, part].sum(axis=1) / np.maximum(counted[:, part].sum(axis=1), 1)
            for part in (slice(BEFORE, None), slice(0, BEFORE))
        ]
        titles = None if series.titles is None else [series.titles[i] for i in order]
        vectors = None if titles is None else _embedded(titles)
        return cls(tuple(series.names[i] for i in order), means[0], means[1], vectors)

    def facts(self, names: Sequence[str]) -> Floats:
        """What is known of products.

        Returns:
            float64 (n, 3): log of the mean of all 12 periods over that of all products; log of now over
            before, drawn towards 0 where home sells little; 1 where home sells it. 0 in all columns where it
            does not.
        """
        row = self._rows(names)
        sold = row >= 0
        found = np.zeros((len(names), FACTS))
        if sold.any():
            now, before, usual = self._amounts()
            found[sold, 0] = self._levels()[row[sold]]
            least = CAUTION * usual
            found[sold, 1] = np.log((now[row[sold]] + least) / (before[row[sold]] + least))
            found[sold, 2] = 1.0
        return found

    def selling(self, names: Sequence[str]) -> list[str]:
        """Those of these products that the market sold in its last 12 periods."""
        rows = self._rows(names)
        return [
            name
            for name, row in zip(names, rows, strict=True)
            if row >= 0 and self.now[row] + self.before[row] > 0
        ]

    def alike(self, series: Series) -> Floats:
        """What home's products of similar titles say of each product, itself left out.

        Returns:
            float64 (n, 2): mean log level, as in `facts`, of the 8 home products of the most similar titles,
            weighed by how similar; the cosine of the most similar one, 0 or more. 0 in both columns without a
            title here or at home.
        """
        found = np.zeros((len(series), 2))
        if self.vectors is None or series.titles is None or not len(self.names):
            return found
        told = np.array([i for i, title in enumerate(series.titles) if title], np.int64)
        asked = _embedded([series.titles[i] for i in told]).astype(np.float32)
        most = min(NEIGHBOURS + 1, len(self.names))
        scores, rows = kernels.topk(asked, self.vectors.astype(np.float32), most)
        own = rows == self._rows([series.names[i] for i in told])[:, None]
        scores = np.where(own, -np.inf, scores.astype(np.float64))
        weight = softmax(scores / TEMPERATURE, axis=1)
        found[told, 0] = (weight * self._levels()[rows]).sum(axis=1)
        found[told, 1] = np.maximum(scores.max(axis=1), 0.0)
        return found

    def _rows(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Where home has a product of that name, -1 where it has none."""
        rank = {name: i for i, name in enumerate(self.names)}
        return np.array([rank.get(name, -1) for name in names], np.int64)

    def _amounts(self) -> tuple[Floats, Floats, float]:
        """The two means of each product, 0 or more, and what a usual product sells, above 0."""
        now, before = np.maximum(self.now, 0.0), np.maximum(self.before, 0.0)
        return now, before, float(now.mean() + before.mean()) / 2 or 1.0

    def _levels(self) -> Floats:
        """Log of the mean of all 12 periods over that of all products, of each of home's; float64 (n,)."""
        now, before, usual = self._amounts()
        return np.asarray(np.log(((NOW * now + BEFORE * before) / (NOW + BEFORE) + LEAST * usual) / usual))

    def state(self) -> State:
        """The facts as data."""
        arrays: dict[str, NDArray[np.generic]] = {"now": self.now, "before": self.before}
        if self.vectors is not None:
            arrays["vectors"] = self.vectors
        return State("series_home", {"names": list(self.names)}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The facts again."""
        now, before = (np.asarray(state.arrays[name], np.float64) for name in ("now", "before"))
        vectors = state.arrays.get("vectors")
        found = None if vectors is None else np.asarray(vectors, np.float16)
        return cls(tuple(state.config["names"]), now, before, found)


def _embedded(titles: Sequence[str | None]) -> NDArray[np.float16]:
    """The embedding of each title, 0 where there is none; float16 (n, 512)."""
    from xbsql.features.encoder import encoder
    from xbsql.features.text import embed_texts

    reader, distinct = encoder(), list(dict.fromkeys(title for title in titles if title))
    vectors = np.zeros((len(distinct) + 1, reader.dim), np.float16)
    if distinct:
        vectors[:-1] = embed_texts(distinct, reader)
    place = {title: i for i, title in enumerate(distinct)}
    return vectors[[place[title] if title else -1 for title in titles]]
