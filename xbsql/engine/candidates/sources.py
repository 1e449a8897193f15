"""Several home markets: one model each, and as much weight for each as the target's labels give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.optimize import nnls

from xbsql.engine.blend import LEAST_WEIGHT
from xbsql.engine.candidate import Candidate
from xbsql.engine.candidates.instance import rows_of
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Learner, Predictor, Sample, Source
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

FEWEST_ROWS = 50
"""A home market with fewer labelled rows has no model of its own."""

MOST_MARKETS = 12
"""So many of them have one, those with the most rows."""

PULL = 20.0
"""How many labels it takes to move the weights half-way from equal ones to what the labels say."""

LEAST_PROBABILITY = 0.005

STACKED = "stacked_sources"
"""The method, as the names of its candidates begin."""


@restorable("stacked_sources")
@dataclass(frozen=True)
class StackedSources:
    """A weighted sum of one model a home market, and a constant.

    Attributes:
        members: by home market.
        weights: not negative, by home market; they need not sum to 1.
        constant: float64, shape (classes,), or (1,) for values.
        classes: how many; None for values.
    """

    members: Mapping[str, Predictor]
    weights: Mapping[str, float]
    constant: Floats
    classes: int | None

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes), or values, shape (n,)."""
        shape = (len(x),) if self.classes is None else (len(x), self.classes)
        total = np.full(shape, self.constant if self.classes else float(self.constant[0]))
        for name in sorted(self.members):
            total += self.weights[name] * self.members[name].predict(x)
        if self.classes is None:
            return total
        held = np.clip(total, LEAST_PROBABILITY, 1.0)
        return np.asarray(held / held.sum(axis=1, keepdims=True))

    def state(self) -> State:
        """The predictor as data."""
        names = list(self.members)
        arrays = {"weights": np.array([self.weights[name] for name in names]), "constant": self.constant}
        parts = {f"member{i}": self.members[name].state() for i, name in enumerate(names)}
        return State("stacked_sources", {"names": names, "classes": self.classes}, arrays, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        names, a = state.config["names"], state.arrays
        members = {name: restore(state.parts[f"member{i}"]) for i, name in enumerate(names)}
        weights = dict(zip(names, a["weights"].tolist(), strict=True))
        return cls(members, weights, np.asarray(a["constant"], np.float64), state.config["classes"])


def stacked_sources(learner: Learner, classes: int | None, name: str, prior: float = 1.0) -> Candidate:
    """One model a home market, stacked with weights that are not negative (Breiman, 1996).

    Args:
        learner: fitted on the rows of each home market.
        classes: how many; None for values.
        name: of the candidate.
        prior: of the candidate.
    """
    last: list[tuple[Source, dict[str, Predictor]]] = []

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        if not last or last[0][0] is not source:
            last[:] = [(source, one_a_market(source, learner))]
        members = last[0][1]
        scores = np.stack([members[market].predict(target.x) for market in members])
        y = np.asarray(target.y, np.float64) if classes is None else np.eye(classes)[target.y]
        weights, constant = stacked(scores, y)
        kept = {m: float(w) for m, w in zip(members, weights, strict=True) if w >= LEAST_WEIGHT}
        return StackedSources({m: members[m] for m in kept}, kept, constant, classes)

    return Candidate(name, "relation", fit, prior=prior)


def several(source: Source) -> bool:
    """Whether two home markets or more have rows enough for a model each."""
    return len(_large(source)) > 1


def one_a_market(source: Source, learner: Learner) -> dict[str, Predictor]:
    """A predictor for each home market that has rows enough, by its name."""
    sample, market = rows_of(source), source.market
    return {
        source.markets[code]: learner.fit(sample.take(np.flatnonzero(market == code)))
        for code in _large(source)
    }


def stacked(scores: Floats, truth: Floats, pull: float = PULL) -> tuple[Floats, Floats]:
    """Weights of several scores, not negative and drawn to equal ones that sum to 1.

    Minimises |truth - constant - sum of weight * score|^2 + pull * v * |weight - 1 / S|^2 with v the mean
    variance of a score.

    Args:
        scores: shape (S, n) or (S, n, classes).
        truth: values, shape (n,), or one-hot classes, shape (n, classes).
        pull: how many labels the equal weights are worth.

    Returns:
        Weights float64, shape (S,), and the constant, shape (1,) or (classes,).
    """
    level, goal = scores.mean(axis=1), truth.mean(axis=0)
    centred = (scores - level[:, None]).reshape(len(scores), -1)
    spread = float(np.square(centred).sum()) / (len(scores) * max(scores.shape[1], 1))
    root = np.sqrt(pull * max(spread, 1e-12))
    matrix = np.concatenate([centred.T, root * np.eye(len(scores))])
    wanted = np.concatenate([(truth - goal).ravel(), np.full(len(scores), root / len(scores))])
    weights = np.asarray(nnls(matrix, wanted)[0], np.float64)
    return weights, np.atleast_1d(goal - np.tensordot(weights, level, 1))


def _large(source: Source) -> NDArray[np.int64]:
    """Codes of the home markets with a model of their own, most rows first."""
    if source.market is None:
        return np.empty(0, np.int64)
    rows = np.bincount(source.market, minlength=len(source.markets))
    order = np.argsort(-rows, kind="stable")[:MOST_MARKETS]
    return order[rows[order] >= FEWEST_ROWS]
