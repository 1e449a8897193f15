"""The vocabulary of the transfer engine: samples, sources, learners, predictors and candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from xbsql.store.model import Restorable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from xbsql.features.views import Features, Rows

Family = Literal["target", "source", "instance", "feature", "parameter", "relation"]


@dataclass(frozen=True)
class Sample:
    """Labelled rows of one market.

    Attributes:
        x: the rows' features.
        y: int64 class codes (0 .. classes - 1) or float64 values, shape (n,).
        weight: float64, shape (n,); None counts every row once.
        group: int64, shape (n,): rows of one group never stand on both sides of a split.
        sampling: float64, shape (n,), of mean 1: how many rows of the market a label stands for, where it was
            not drawn at random. Evidence counts it and fits do not. None where all stand for as many.
    """

    x: Features
    y: NDArray[np.generic]
    weight: NDArray[np.float64] | None = None
    group: NDArray[np.int64] | None = None
    sampling: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Rows) -> Sample:
        """The given rows."""
        return Sample(
            self.x.take(rows),
            self.y[rows],
            None if self.weight is None else self.weight[rows],
            None if self.group is None else self.group[rows],
            None if self.sampling is None else self.sampling[rows],
        )


class Predictor(Restorable, Protocol):
    """What came out of a fit."""

    def predict(self, x: Features) -> NDArray[np.float64]:
        """Class probabilities, shape (n, classes), or values, shape (n,)."""
        ...


class Learner(Protocol):
    """What can be fitted."""

    def fit(self, sample: Sample) -> Predictor:
        """Fit on the rows of one sample."""
        ...


@dataclass(frozen=True)
class Source:
    """The rich market: its model, and its rows where they may still be read.

    Attributes:
        predictor: the home model; the engine adds its prediction to all features as the view 'source'.
        sample: the home market's labelled rows, or None where only the model left home.
        market: int64, shape (n,): which of `markets` each row of the sample is from; None where all are one.
        markets: names of the home markets.
    """

    predictor: Predictor
    sample: Sample | None = None
    market: NDArray[np.int64] | None = None
    markets: tuple[str, ...] = ()


class Entry(Protocol):
    """What the evidence and the verdict ask of a candidate, however it is fitted."""

    @property
    def name(self) -> str:
        """Unique in a task."""
        ...

    @property
    def family(self) -> Family:
        """What it reuses."""
        ...

    @property
    def prior(self) -> float:
        """Weight relative to the other candidates before any evidence."""
        ...

    @property
    def pooled(self) -> bool:
        """Whether it stands as the arm 'pooled' in the verdict."""
        ...


@dataclass(frozen=True)
class Candidate:
    """One way to use the source for the target: a learner plus a transfer method.

    Attributes:
        name: unique in a task, '<method>:<learner>', e.g. 'balanced_pool:boosted'.
        family: what it reuses; 'target' uses no source at all, 'source' no target at all.
        fit: (source, labelled target, unlabelled target) -> predictor. A candidate without labels is
            given an empty labelled sample.
        uses_labels: False when the target's labels do not enter the fit; it is then fitted once, can be
            scored on every target row, and serves with no label at all.
        prior: weight relative to the other candidates before any evidence.
        pooled: True for the one candidate that stands as the arm 'pooled' in the verdict.
    """

    name: str
    family: Family
    fit: Callable[[Source, Sample, Features], Predictor]
    uses_labels: bool = True
    prior: float = 1.0
    pooled: bool = False
