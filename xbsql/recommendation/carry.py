"""Recommendations by the engine's rules: methods, evidence on held-out items, blend, verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.engine.candidate import Sample
from xbsql.engine.decision import decided, undecided
from xbsql.engine.evidence import Evidence, mean_loss, of_units, weigh
from xbsql.engine.folds import FEWEST_LABELS
from xbsql.engine.objective import Objective
from xbsql.features.views import Features
from xbsql.metrics.ranking import ndcg, ndcg_loss, ndcg_of
from xbsql.recommendation import lengths
from xbsql.recommendation.blend import Blend, worth
from xbsql.recommendation.rankers import part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xbsql.engine.verdict import Verdict
    from xbsql.recommendation.events import Floats
    from xbsql.recommendation.methods import Method
    from xbsql.recommendation.rankers import Ranker
    from xbsql.recommendation.trial import Trial

METRIC: Final = "ndcg@10"


@dataclass(frozen=True)
class Recommended:
    """What came out.

    Attributes:
        blend: what is delivered.
        rankers: every method's, by name.
        weights: every method's weight by name; they sum to 1.
        evidence: of held-out items; None where users are too few.
        verdict: whether the other markets helped.
        by_length: the blend's score by how many items are known of a user, in words; None without evidence.
    """

    blend: Blend
    rankers: Mapping[str, Ranker]
    weights: Mapping[str, float]
    evidence: Evidence | None
    verdict: Verdict
    by_length: str | None = None

    def noted(self, notes: Sequence[str]) -> Self:
        """The same with further notes behind those of the verdict."""
        return replace(self, verdict=self.verdict.noted(notes))


def enough(trial: Trial | None) -> bool:
    """Whether there are users enough to try methods on."""
    return trial is not None and trial.users >= FEWEST_LABELS


def weighed(
    methods: Sequence[Method], trial: Trial | None, seed: int, told: Callable[[float, str], None],
    rehearsal: Trial | None = None,
) -> Recommended:  # fmt: skip
    """Try the methods on items that they have not seen, weigh them, and learn from all that is known.

    Where the target's users are too few, what the methods did in home markets that stood in its place is
    their prior.

    Args:
        methods: at least one of the family 'target', with unique names; those that are learnt only where
            `enough(trial)`.
        trial: users with held-out items; None where there are none.
        seed: of the bootstrap.
        told: the share done, 0 to 1, and a method's name.
        rehearsal: users of other markets, see `rehearsed`; None: there are none.
    """
    objective = Objective(METRIC, None if trial is None else trial.x.shape[1], ndcg_loss, ndcg)
    ordered = sorted(methods, key=lambda method: method.name)
    evidence = by_length = None
    if trial is not None and enough(trial):
        evidence = _evidence(ordered, trial, objective, told)
        decision = decided(ordered, evidence, objective, seed)
        if decision.held_out is not None:
            by_length = lengths.said(trial.lengths, ndcg_of(trial.y, decision.held_out[0]))
    else:
        units = 0 if trial is None else trial.users
        sample = Sample(Features({}), np.zeros(units), group=np.arange(units))
        source = any(method.family != "target" for method in methods)
        if rehearsal is not None:
            ordered = _as_rehearsed(ordered, rehearsal)
        decision = undecided(ordered, sample, objective, units / FEWEST_LABELS, source=source)
    rankers = {
        m.name: m.ranker(trial) for m in ordered if m.fixed is not None or decision.weights[m.name] > 0
    }
    members = {name: rankers[name] for name, weight in decision.weights.items() if weight > 0}
    blend = Blend(members, {name: decision.weights[name] for name in members})
    return Recommended(blend, rankers, decision.weights, evidence, decision.verdict, by_length)


def _evidence(
    methods: Sequence[Method], trial: Trial, objective: Objective, told: Callable[[float, str], None]
) -> Evidence:
    """What each method makes of users whose held-out items it was not shown."""
    predictions: dict[str, Floats] = {}
    for at, method in enumerate(methods):
        predictions[method.name] = _predicted(method, trial)[None]
        told((at + 1) / len(methods), method.name)
    names = tuple(predictions)
    losses = np.stack([mean_loss(objective, trial.y, predictions[name]) for name in names])
    prior = np.array([method.prior for method in methods])
    return Evidence(names, prior, trial.y, trial.group, trial.folds[None], predictions, losses)


def _as_rehearsed(methods: Sequence[Method], rehearsal: Trial) -> list[Method]:
    """The methods with priors by what those that use other markets did in the rehearsal; their sum stays.

    What was learnt of the rehearsal is judged in each market as learnt of the others.
    """
    judged = [m for m in methods if m.family != "target"]
    losses = np.stack(
        [
            ndcg_loss(rehearsal.y, _predicted(m if m.fit is None else replace(m, fixed=None), rehearsal))
            for m in judged
        ]
    )
    prior = np.array([m.prior for m in judged])
    weight = prior.sum() * weigh(of_units(losses, rehearsal.group), prior)
    by_name = dict(zip((m.name for m in judged), weight.tolist(), strict=True))
    return [replace(m, prior=by_name.get(m.name, m.prior)) for m in methods]


def _predicted(method: Method, trial: Trial) -> Floats:
    """What the places of the candidates are worth, float64 (n, c)."""
    if method.fixed is not None:
        return _ordered(method.fixed, trial)
    found = np.zeros(trial.there.shape)
    for fold in np.unique(trial.folds):
        held = trial.folds == fold
        found[held] = _ordered(method.ranker(trial.take(~held)), trial.take(held))
    return found


def _ordered(ranker: Ranker, trial: Trial) -> Floats:
    return worth(ranker.score(part(trial.x, trial.names, ranker.reads)), trial.there)
