"""Home rows that are the same product as a target row, found in the embeddings without a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xbsql import kernels
from xbsql.features.drawn import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAREST = 10
"""Home rows that are looked at beside each target row; they also say how crowded it is around it."""

SAME = 0.99999
"""Cosine from which two rows are one text; float32 rounding stays above it."""

MOST_MUTUAL = 0.65
"""Share of rows that are mutually nearest from which a catalogue is listed abroad as a whole: the nearest
row of all others is their twin then as well. Without twins it is less than a half."""

MOST_ROWS = 2000
"""Target rows that say whether there are twins at all."""

MOST_OTHERS = 20_000
"""Unlabelled rows that say how crowded it is around a home row, and whose nearest it is."""

CLEARLY = 1.5
"""Standard errors by which gaps must be wider than chance makes them. A twin that is overlooked flatters by
far more than a neighbour costs that is taken for one, so little evidence is enough."""

FEWEST = 10
"""Target rows below which nothing can be said of how they lie."""


class Twins(NamedTuple):
    """Twins of labelled target rows.

    Attributes:
        target: bool, shape (n,): labelled rows that have one.
        partner: int64, shape (n,): the home text nearest to each row, by its number.
        texts: int64, shape (m,): the number of each home row's text.
    """

    target: NDArray[np.bool_]
    partner: NDArray[np.int64]
    texts: NDArray[np.int64]

    @property
    def home(self) -> NDArray[np.bool_]:
        """Home rows that are a twin of a labelled row; bool, shape (m,)."""
        return self.of(np.ones(len(self.target), bool))

    def of(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Home rows that are a twin of one of these labelled rows; bool, shape (m,)."""
        return np.isin(self.texts, self.partner[rows & self.target])


class _Near(NamedTuple):
    """The home rows nearest to some target rows, crowded places discounted, the nearest first.

    Attributes:
        rows: int64, shape (n, k).
        scores: CSLS, float32, shape (n, k), descending.
        back: int64, shape (n,): the target row nearest to the first of them.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    back: NDArray[np.int64]


def twins(labelled: NDArray[np.float32], everyone: NDArray[np.float32], home: NDArray[np.float32]) -> Twins:
    """Find the home twins of labelled target rows.

    Equal embeddings are twins. Others only where rows lie nearer to their nearest home row than neighbours
    lie by chance, see `_wider`; then rows that are each other's nearest are twins, crowded places discounted
    (CSLS: Conneau et al., ICLR 2018).

    Args:
        labelled: float32, shape (n, d), n >= 1, rows of length one.
        everyone: float32, shape (p, d): all target rows, the labelled ones first.
        home: float32, shape (m, d), m >= 1.
    """
    others = everyone[len(labelled) :]
    everyone = np.concatenate([labelled, others[drawn(len(others), MOST_OTHERS)]])
    copies, first = _copies(home)
    distinct = home[first]
    nearest, partners = kernels.topk(labelled, distinct, 1)
    partner, found = partners[:, 0], nearest[:, 0] >= SAME
    if len(distinct) > 4 and len(everyone) >= FEWEST:
        some = everyone[drawn(len(everyone), MOST_ROWS)]
        if _wider(_near(some, everyone, distinct).scores):
            near = _near(labelled, everyone, distinct)
            partner = np.where(found, partner, near.rows[:, 0])
            mutual = found | (near.back == np.arange(len(labelled)))
            found = mutual | (mutual.mean() > MOST_MUTUAL)
    return Twins(found, partner.astype(np.int64), copies)


def _near(rows: NDArray[np.float32], everyone: NDArray[np.float32], home: NDArray[np.float32]) -> _Near:
    there, found = kernels.topk(rows, home, min(NEAREST, len(home)))
    asked = np.unique(found)
    back, back_rows = kernels.topk(home[asked], everyone, min(NEAREST, len(everyone)))
    place = np.searchsorted(asked, found)
    scores = 2.0 * there - there.mean(axis=1)[:, None] - back.mean(axis=1)[place]
    order = np.argsort(-scores, axis=1, kind="stable")
    first = np.take_along_axis(place, order[:, :1], axis=1)[:, 0]
    return _Near(
        np.take_along_axis(found, order, axis=1),
        np.take_along_axis(scores, order, axis=1),
        back_rows[first, 0],
    )


def _wider(scores: NDArray[np.float32]) -> bool:
    """Whether the first home row stands out: its gap to the second is wider than later gaps would have it.

    Among neighbours at random k times the gap from the k-th to the next has one mean for every k where the
    tail of their nearness is exponential, and the first is narrower where it is lighter (Rényi, "On the
    theory of order statistics", 1953).
    """
    gaps = (scores[:, :4] - scores[:, 1:5]) * np.arange(1.0, 5.0)
    apart = gaps[:, 0] - gaps[:, 1:].mean(axis=1)
    return bool(apart.mean() > CLEARLY * apart.std(ddof=1) / np.sqrt(len(apart)))


def _copies(home: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same number for equal rows, shape (m,), and the first row of each number."""
    places: dict[bytes, int] = {}
    codes = np.array([places.setdefault(row.tobytes(), len(places)) for row in home], np.int64)
    return codes, np.unique(codes, return_index=True)[1]
