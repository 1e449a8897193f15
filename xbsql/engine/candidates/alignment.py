"""Two markets' embeddings laid upon each other without a label: pairs of nearest rows, a map between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from xbsql.engine.design import dense
from xbsql.engine.nearest import nearest
from xbsql.features.views import Features, Itself
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.metrics.rows import Floats

NEIGHBOURHOOD = 10
"""Neighbours that say how crowded it is around a row."""


class Partners(NamedTuple):
    """Rows that are each other's nearest, the closest pair first.

    Attributes:
        target: int64 row numbers, shape (p,).
        source: int64, shape (p,).
        score: float32, shape (p,), descending.
    """

    target: NDArray[np.int64]
    source: NDArray[np.int64]
    score: NDArray[np.float32]


def mutual_pairs(target: NDArray[np.float32], source: NDArray[np.float32]) -> Partners:
    """Pairs of rows that are nearest to each other once crowded places are discounted.

    Nearness is the cosine less the mean cosine of each side with its 10 nearest rows of the other (CSLS:
    Conneau et al., "Word Translation Without Parallel Data", ICLR 2018); without it a few rows are
    everybody's neighbour. A row's partner is looked for among its 10 nearest.

    Args:
        target: float32, shape (n, d), rows of length one.
        source: float32, shape (m, d), rows of length one.
    """
    k = min(NEIGHBOURHOOD, len(target), len(source))
    (there, there_rows), (back, back_rows) = nearest(target, source, k, k)
    crowd_target, crowd_source = there.mean(axis=1), back.mean(axis=1)
    scores = 2.0 * there - crowd_target[:, None] - crowd_source[there_rows]
    best = scores.argmax(axis=1)
    partner = there_rows[np.arange(len(target)), best]
    best_back = (2.0 * back - crowd_source[:, None] - crowd_target[back_rows]).argmax(axis=1)
    returned = back_rows[np.arange(len(source)), best_back]
    mutual = np.flatnonzero(returned[partner] == np.arange(len(target)))
    score = scores[mutual, best[mutual]]
    order = np.argsort(-score, kind="stable")
    return Partners(mutual[order], partner[mutual[order]], score[order])


def map_between(
    target: NDArray[np.float32], source: NDArray[np.float32], pull: float = 1.0
) -> NDArray[np.float32]:
    """The linear map that brings target rows nearest to their partners in the source.

    Ridge regression on the mutual pairs, drawn to the identity: where there are few pairs little moves.

    Args:
        target: float32, shape (n, d), rows of length one.
        source: float32, shape (m, d), rows of length one.
        pull: of the identity; adds up with the squared lengths of the paired rows.

    Returns:
        float32, shape (d, d); `moved` applies it.
    """
    pairs = mutual_pairs(target, source)
    here, there = target[pairs.target].astype(np.float64), source[pairs.source].astype(np.float64)
    gram = here.T @ here + pull * np.eye(target.shape[1])
    return np.asarray(np.eye(target.shape[1]) + np.linalg.solve(gram, here.T @ (there - here)), np.float32)


def moved(x: Features, across: NDArray[np.float32]) -> Features:
    """The rows with their view 'text' mapped and brought back to length one; other views stay."""
    text = dense(x["text"]) @ across
    length = np.linalg.norm(text, axis=1, keepdims=True)
    views = {name: x[name] for name in x.views if name not in ("text", "source")}
    return Features({**views, "text": text / np.maximum(length, 1e-12)})


def laid(x: Features, across: NDArray[np.float32]) -> Features:
    """The same; of a part of other rows these are mapped once."""
    return x.through(("moved", Itself(across)), lambda rows: moved(rows, across))


@restorable("moved")
@dataclass(frozen=True)
class Moved:
    """A predictor that sees target rows where `across` brings them.

    Attributes:
        inner: the predictor.
        across: float32, shape (d, d), see `map_between`.
    """

    inner: Predictor
    across: NDArray[np.float32]

    def predict(self, x: Features) -> Floats:
        """What the inner predictor says of the moved rows."""
        return self.inner.predict(laid(x, self.across))

    def state(self) -> State:
        """The predictor as data."""
        return State("moved", arrays={"across": self.across}, parts={"inner": self.inner.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        return cls(restore(state.parts["inner"]), state.arrays["across"])  # type: ignore[arg-type]
