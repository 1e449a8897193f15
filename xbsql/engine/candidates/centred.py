"""Pictures of two markets laid upon each other: each side less its own mean.

What all icons share (a white ground, one light) says nothing of what they show, nor does what all photos of a
shop share. A vector less the mean of its market keeps what tells its pictures apart.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.engine.design import dense, unit
from xbsql.features.views import Features
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Learner, Predictor, Sample
    from xbsql.features.views import Matrix
    from xbsql.metrics.rows import Floats

DOUBT = 10.0
"""Pictures that a mean known beforehand counts for beside those of a market."""


def centre_of(x: Features, before: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """The mean of the view 'picture' over rows that have one.

    Args:
        x: n rows.
        before: of another market: counts as `DOUBT` rows, so that few rows do not take away what they show.

    Returns:
        float32, shape (d,); zero without a picture.
    """
    view = np.asarray(dense(x["picture"]), np.float32)
    there = view.any(axis=1)
    total, count = view.sum(axis=0), float(there.sum())
    if before is not None:
        total, count = total + np.float32(DOUBT) * before, count + DOUBT
    return np.asarray(total / max(count, 1.0), np.float32)


def centred(x: Features, centre: NDArray[np.float32]) -> Features:
    """The rows with the view 'picture' less a centre, of length one again; a row without a picture stays."""
    view = np.asarray(dense(x["picture"]), np.float32)
    moved = unit(view - centre)
    moved[~view.any(axis=1)] = 0.0
    views: dict[str, Matrix] = {"picture": moved}
    return Features(ChainMap(views, x.views))  # type: ignore[arg-type] # the first map alone is written to


@restorable("centred")
@dataclass(frozen=True)
class Centred:
    """A predictor that sees pictures less the mean of their market.

    Attributes:
        inner: the predictor.
        centre: float32, shape (d,).
    """

    inner: Predictor
    centre: NDArray[np.float32]

    def predict(self, x: Features) -> Floats:
        """What the inner predictor says of the centred rows."""
        return self.inner.predict(centred(x, self.centre))

    def state(self) -> State:
        """The predictor as data."""
        return State("centred", arrays={"centre": self.centre}, parts={"inner": self.inner.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        return cls(restore(state.parts["inner"]), state.arrays["centre"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Centring:
    """Fits a learner on the rows of one market less their mean."""

    learner: Learner

    def fit(self, sample: Sample) -> Centred:
        """Fit on the rows of one sample."""
        centre = centre_of(sample.x)
        moved = replace(sample, x=centred(sample.x, centre))
        return Centred(self.learner.fit(moved), centre)
