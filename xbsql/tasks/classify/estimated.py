"""What a classifier is worth where there are too few labels to measure it: an arm named ESTIMATED."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.blend import with_source
from xbsql.engine.estimate import estimate
from xbsql.engine.transfer import transfer
from xbsql.engine.verdict import Arm
from xbsql.features.drawn import drawn
from xbsql.features.views import Features, stack
from xbsql.tasks.trial import FEWEST_LEFT, twins_at_home

if TYPE_CHECKING:
    from xbsql.engine.candidate import Source
    from xbsql.engine.estimate import Confidence, Estimate
    from xbsql.engine.transfer import Transfer
    from xbsql.tasks.classify.classifier import Classifier
    from xbsql.tasks.classify.options import ClassifyOptions
    from xbsql.tasks.row_problem import RowProblem

    Problem = RowProblem[ClassifyOptions, Classifier]

MOST_JUDGED = 200
"""Target rows that are looked at: their twins leave home, and what is estimated is a home without them."""

FEWEST_JUDGED = 50
MOST_LOST = 0.15
"""Home rows that it may lack: more would show in the estimate."""

MANY_TWINS = 0.1
"""Share of them that home sells too, from which on there are two figures."""

ARM = "ESTIMATED"


def estimated(problem: Problem, found: Transfer) -> Transfer:
    """What was found, with the accuracy that the blend will have by all that can be told without labels.

    Where home sells many of the target's products the arm ESTIMATED is for others: the blend is then made
    once more from a home without these. 'ESTIMATED, home catalogue' is for those that it sells.
    """
    home, origin = problem.home, problem.origin
    if home is None or origin is None or home.confidence is None or found.verdict.metric != "accuracy":
        return found
    if problem.reader.pictures:  # how sure a model is of icons says little of photos
        return found
    everyone = _stacked(problem.sample.x, problem.pool)
    rows = problem.home_rows
    most = MOST_JUDGED if rows is None else min(MOST_JUDGED, max(FEWEST_JUDGED, int(MOST_LOST * len(rows))))
    chosen = np.isin(np.arange(len(everyone)), drawn(len(everyone), most))
    judged, others = everyone.take(chosen), everyone.take(~chosen)
    twins = None if rows is None else twins_at_home(judged, others, rows)
    if twins is None or twins.target.mean() < MANY_TWINS:
        return _with(found, {ARM: _told(home.confidence, found, judged, origin)})
    sold = _told(home.confidence, found, judged, origin, sold=True)
    arms = {f"{ARM}, home catalogue": sold}
    left = ~twins.home
    fresh = problem.without(left) if left.sum() >= FEWEST_LEFT else None
    if fresh is not None and fresh.origin is not None:
        names = found.weights.keys()
        again = [candidate for candidate in fresh.candidates() if candidate.name in names]
        judge = problem.task.objective(problem)
        apart = transfer(again, fresh.origin, problem.sample, problem.pool, judge)
        arms = {ARM: _told(home.confidence, apart, judged, fresh.origin), **arms}
    return _with(found, arms)


def _stacked(own: Features, others: Features) -> Features:
    """Both, where both have rows."""
    parts = [part for part in (own, others) if part.views and len(part)]
    return stack(parts) if len(parts) > 1 else parts[0]


def _told(
    confidence: Confidence, found: Transfer, judged: Features, origin: Source, *, sold: bool = False
) -> Estimate:
    """The estimate for some rows."""
    shown = with_source(judged, origin.predictor)
    members = {name: part.predict(shown) for name, part in found.blend.members.items()}
    return estimate(confidence, members, found.blend.weights, sold=sold)


def _with(found: Transfer, arms: dict[str, Estimate]) -> Transfer:
    more = tuple(Arm(name, *one) for name, one in arms.items())
    return replace(found, verdict=replace(found.verdict, arms=(*found.verdict.arms, *more)))
