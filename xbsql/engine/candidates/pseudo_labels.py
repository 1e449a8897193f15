"""Pseudo-labels: unlabelled target rows take their partner's class, and do not believe it of themselves."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import softmax

from xbsql import kernels
from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.alignment import mutual_pairs
from xbsql.engine.design import dense
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xbsql.engine.candidates.process import Process
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

SAME = 0.99999
"""Cosine from which a row is held for the adopted row itself; float32 rounding stays above it."""


def adopted(pool: Features, source: Sample, most: int) -> Sample:
    """Unlabelled target rows with the class of their partner in the source: pseudo-labels.

    Only rows that have a partner are taken, the closest pairs first.

    Args:
        pool: unlabelled rows of the target, already moved.
        source: the labelled rows of the source.
        most: how many are taken.
    """
    pairs = mutual_pairs(_text(pool), _text(source.x))
    rows = pairs.target[:most]
    return Sample(pool.take(rows), source.y[pairs.source[:most]])


@restorable("unechoed")
class Unechoed:
    """A process with adopted rows, none of which hears its own pseudo-label.

    A pseudo-label is often wrong, and a row that was fitted on one would be given it back with confidence. So
    an adopted row is predicted as if it had not been adopted, which is also how the evidence sees labelled
    rows: they are never in the pool.

    Args:
        process: fitted on home rows, adopted rows and labels.
        first: the first adopted row of the process.
        scores: gives the scores of the adopted rows, each left out; float32, shape (a, classes). It is
            called when the first adopted row is to be predicted, so folds do not pay for it.
        count: a, how many were adopted.
    """

    def __init__(
        self, process: Process, first: int, count: int, scores: Callable[[], NDArray[np.float32]]
    ) -> None:
        self.process, self.first, self.count = process, first, count
        self._find = scores

    @cached_property
    def scores(self) -> NDArray[np.float32]:
        """Scores of the adopted rows, each left out."""
        return self._find()

    @cached_property
    def _memory(self) -> NDArray[np.float32]:
        return _text(self.process.rows.take(slice(self.first, self.first + self.count)))

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes)."""
        found = self.process.predict(x)
        if len(x) and self.count:
            nearest, rows = kernels.topk(_text(x), self._memory, 1)
            same = nearest[:, 0] >= SAME
            if same.any():
                sharp = self.process.sharpness * self.scores[rows[same, 0]].astype(np.float64)
                found[same] = softmax(sharp, axis=1)
        return found

    def state(self) -> State:
        """The predictor as data."""
        config = {"first": self.first, "count": self.count}
        return State("unechoed", config, {"scores": self.scores}, parts={"process": self.process.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        config, scores = state.config, state.arrays["scores"]
        process = restore(state.parts["process"])
        return cls(process, config["first"], config["count"], lambda: np.asarray(scores, np.float32))


def _text(x: Features) -> NDArray[np.float32]:
    return np.ascontiguousarray(dense(x["text"]), np.float32)
