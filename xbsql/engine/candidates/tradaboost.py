"""TrAdaBoost: source rows that the model keeps getting wrong lose weight, target rows gain it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.blend import Blend
from xbsql.engine.candidate import Candidate
from xbsql.engine.candidates.instance import InTarget, pool, rows_of

if TYPE_CHECKING:
    from xbsql.engine.candidate import Learner, Predictor, Sample, Source
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats, Labels


def tradaboost(
    learner: Learner, classes: int | None, name: str, prior: float = 1.0, rounds: int = 4
) -> Candidate:
    """TrAdaBoost (Dai et al., ICML 2007), for values TrAdaBoost.R2 (Pardoe and Stone, ICML 2010).

    The later half of the rounds vote. It has not won on any task it was measured on, so it is not among the
    default candidates.
    """

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return _boost(learner, classes, rows_of(source), target, rounds)

    return Candidate(name, "instance", fit, prior=prior)


def _boost(learner: Learner, classes: int | None, source: Sample, target: Sample, rounds: int) -> Predictor:
    both = pool(source, target)
    own = np.arange(len(both)) >= len(source)
    weight = both.weight if both.weight is not None else np.ones(len(both))
    fade = 1.0 / (1.0 + np.sqrt(2.0 * np.log(max(len(source), 2)) / rounds))
    members: list[Predictor] = []
    votes: list[float] = []
    for _ in range(rounds):
        share = weight / weight.sum()
        predictor = InTarget(learner.fit(replace(both, weight=share * len(both))))
        error = _errors(both.y, predictor.predict(both.x), classes)
        wrong = float(np.clip((share[own] @ error[own]) / share[own].sum(), 1e-3, 0.49))
        odds = wrong / (1.0 - wrong)
        weight = share * np.where(own, odds**-error, fade**error)
        members.append(predictor)
        votes.append(-np.log(odds))
    late = range(rounds // 2, rounds)
    total = sum(votes[i] for i in late)
    return Blend({f"round{i}": members[i] for i in late}, {f"round{i}": votes[i] / total for i in late})


def _errors(y: Labels, prediction: Floats, classes: int | None) -> Floats:
    """Error of each row, 0 to 1."""
    if classes is not None:
        return np.asarray(prediction.argmax(axis=1) != y, np.float64)
    error = np.abs(y - prediction)
    return np.asarray(error / max(float(error.max()), 1e-12))
