"""A home model that hears of more classes than it was fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.engine.contribution import contributions
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from xbsql.engine.candidate import Predictor
    from xbsql.engine.question import Question
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats


@restorable("widened")
@dataclass(frozen=True)
class Widened:
    """A predictor whose classes are the first of `classes`; the others have probability 0.

    Attributes:
        inner: the predictor.
        classes: how many there are now.
    """

    inner: Predictor
    classes: int

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes)."""
        known = self.inner.predict(x)
        return np.pad(known, ((0, 0), (0, self.classes - known.shape[1])))

    def contributions(self, asked: Question) -> Floats:
        """See `contributions`: nothing is added to a class that the predictor does not know."""
        return contributions(self.inner, asked)

    def state(self) -> State:
        """The predictor as data."""
        return State("widened", {"classes": self.classes}, parts={"inner": self.inner.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        return cls(restore(state.parts["inner"]), state.config["classes"])


def widened(predictor: Predictor, known: int, classes: int) -> Predictor:
    """The predictor over `classes` classes, of which it knows the first `known`."""
    return predictor if known == classes else Widened(predictor, classes)
