"""The nearest labelled rows vote: what stands beside a row in the embedding says what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from xbsql import kernels
from xbsql.engine.design import dense
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

DECAY = 0.05
"""A neighbour whose cosine is lower than the nearest one's by this has 1 / e of its vote."""

DOUBT = 0.5
"""Votes that are shared out by class frequency, so that no class is ever impossible."""


@restorable("neighbours")
@dataclass(frozen=True)
class NeighbourPredictor:
    """Labelled rows, searched exactly by `kernels.topk`. It holds the embeddings of the rows.

    Attributes:
        text: float32, shape (n, d), rows of length one.
        y: int64 class codes, shape (n,).
        weight: float64, shape (n,): of each row's vote.
        share: float64, shape (classes,): class frequencies.
        k: how many vote.
    """

    text: NDArray[np.float32]
    y: NDArray[np.int64]
    weight: Floats
    share: Floats
    k: int

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes)."""
        if not len(x):
            return np.empty((0, len(self.share)))
        queries = np.ascontiguousarray(dense(x["text"]), np.float32)
        scores, rows = kernels.topk(queries, self.text, min(self.k, len(self.text)))
        near = np.exp((scores - scores[:, :1]).astype(np.float64) / DECAY) * self.weight[rows]
        votes = np.tile(DOUBT * self.share, (len(queries), 1))
        np.add.at(votes, (np.arange(len(queries))[:, None], self.y[rows]), near)
        return np.asarray(votes / votes.sum(axis=1, keepdims=True))

    def state(self) -> State:
        """The predictor as data."""
        arrays: dict[str, NDArray[Any]] = {
            "text": self.text,
            "y": self.y,
            "weight": self.weight,
            "share": self.share,
        }
        config = {"k": self.k, "holds": "embeddings of its training rows"}
        return State("neighbours", config, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        a = state.arrays
        return cls(a["text"], a["y"], a["weight"], a["share"], state.config["k"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class NeighbourVote:
    """Fits a `NeighbourPredictor` on the view 'text'.

    Attributes:
        classes: how many there are.
        k: how many neighbours vote.
    """

    classes: int
    k: int = 10

    def fit(self, sample: Sample) -> NeighbourPredictor:
        """Keep the rows of one sample; weights count in the votes, relative to the smallest."""
        y = np.asarray(sample.y, np.int64)
        weight = np.ones(len(y)) if sample.weight is None else sample.weight / sample.weight.min()
        share = np.bincount(y, weights=weight, minlength=self.classes) + 1.0
        text = np.ascontiguousarray(dense(sample.x["text"]), np.float32)
        return NeighbourPredictor(text, y, weight, share / share.sum(), self.k)
