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
from xbsql.features.views import Itself
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
        adopted: the a adopted rows.
        scores: gives the scores of the adopted rows, each left out; float32, shape (a, classes). It is
            called when the first adopted row is to be predicted, so folds do not pay for it.
    """

    def __init__(
        self, process: Process, first: int, adopted: Features, scores: Callable[[], NDArray[np.float32]]
    ) -> None:
        self.process, self.first, self.adopted = process, first, adopted
        self._find = scores

    @cached_property
    def scores(self) -> NDArray[np.float32]:
        """Scores of the adopted rows, each left out."""
        return self._find()

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes)."""
        found = self.process.predict(x)
        if len(x) and len(self.adopted):
            nearest = self._nearest(x)
            same = nearest >= 0
            if same.any():
                sharp = self.process.sharpness * self.scores[nearest[same]].astype(np.float64)
                found[same] = softmax(sharp, axis=1)
        return found

    def _nearest(self, x: Features) -> NDArray[np.int64]:
        """Which adopted row each row is, -1 for none; of a part of other rows it is found once for these."""
        if x.part_of is not None:
            whole, rows = x.part_of
            return whole.once(("adopted", Itself(self.adopted)), lambda: self._nearest(whole))[rows]
        nearest, place = kernels.topk(_text(x), _text(self.adopted), 1)
        return np.where(nearest[:, 0] >= SAME, place[:, 0], -1)

    def state(self) -> State:
        """The predictor as data."""
        config = {"first": self.first, "count": len(self.adopted)}
        return State("unechoed", config, {"scores": self.scores}, parts={"process": self.process.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        config, scores = state.config, state.arrays["scores"]
        process = restore(state.parts["process"])
        held = process.rows.take(slice(config["first"], config["first"] + config["count"]))
        return cls(process, config["first"], held, lambda: np.asarray(scores, np.float32))


def _text(x: Features) -> NDArray[np.float32]:
    return np.ascontiguousarray(dense(x["text"]), np.float32)
