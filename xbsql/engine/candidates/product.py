"""Views that say different things of a row: their probabilities multiplied, as naive Bayes does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import softmax

from xbsql.metrics.rows import SMALLEST_PROBABILITY
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from xbsql.engine.candidate import Predictor
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats


@restorable("product")
@dataclass(frozen=True)
class Product:
    """Predictors of the same classes, each from a view of its own."""

    parts: tuple[Predictor, ...]

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes): all classes alike beforehand."""
        logs = (np.log(np.maximum(part.predict(x), SMALLEST_PROBABILITY)) for part in self.parts)
        return np.asarray(softmax(sum(logs), axis=1))

    def state(self) -> State:
        """The predictors as data."""
        parts = {f"part{place}": part.state() for place, part in enumerate(self.parts)}
        return State("product", {"parts": len(self.parts)}, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictors again."""
        return cls(tuple(restore(state.parts[f"part{i}"]) for i in range(state.config["parts"])))
