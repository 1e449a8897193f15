"""What is to be explained of a prediction, and which feature each number of its matrix belongs to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.blend import with_source
from xbsql.features.views import Features

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.metrics.rows import Floats


@dataclass(frozen=True)
class Names:
    """Which feature each number belongs to.

    Attributes:
        features: their names, F of them.
        table: int64: the feature of each column of the view 'table'.
        views: the feature of each other view ('text', 'source' ...) as a whole.
        bounds: the feature that gets what the bounds of a regression's members cut off.
    """

    features: tuple[str, ...]
    table: NDArray[np.int64]
    views: Mapping[str, int]
    bounds: int


@dataclass(frozen=True)
class Question:
    """What is to be explained.

    Attributes:
        x: n rows.
        background: rows that stand for an average one.
        names: the features.
        chosen: int64, shape (n,): the class whose probability is explained, a row; None where labels are
            values.
        home: the home model, where a member may read the view 'source'.
        groups: int64, shape (classes,): the group of each class, where `chosen` are groups and their
            probability is that of their classes together, as of a node of a tree; None: each is its own.
    """

    x: Features
    background: Features
    names: Names
    chosen: NDArray[np.int64] | None = None
    home: Predictor | None = None
    groups: NDArray[np.int64] | None = None

    def of(self, prediction: Floats) -> Floats:
        """The value, or the probability of the chosen classes, of each row or of one for all; shape (n,)."""
        if self.chosen is None:
            return prediction
        return np.asarray((prediction * self.wanted(prediction.shape[-1])).sum(axis=1))

    def wanted(self, classes: int) -> NDArray[np.bool_]:
        """Which classes are chosen of each row, bool, shape (n, classes); codes beyond `classes` are none."""
        groups = np.arange(classes) if self.groups is None else self.groups[:classes]
        return np.asarray(groups == np.asarray(self.chosen)[:, None])

    def with_home(self, home: Predictor) -> Question:
        """The same where members read the home model's prediction."""
        x, background = with_source(self.x, home), with_source(self.background, home)
        return replace(self, x=x, background=background, home=home)

    def at_home(self) -> Question:
        """The same of the home model itself."""
        return replace(self, x=bare(self.x), background=bare(self.background), home=None)


def bare(x: Features) -> Features:
    """The features without the home model's prediction."""
    return Features({name: x[name] for name in x.views if name != "source"})
