"""Parameter transfer: the home model's own numbers are where the target's fit starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from xbsql.engine.blend import Blend
from xbsql.engine.candidate import Candidate
from xbsql.engine.candidates.boosted import Boosted, BoostedPredictor
from xbsql.engine.candidates.leaves import shrink_leaves
from xbsql.engine.candidates.linear import Linear, LinearPredictor, fit_linear
from xbsql.engine.design import Layout, fit_design

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbsql.engine.candidate import Learner, Predictor, Sample, Source
    from xbsql.features.views import Features

P = TypeVar("P")


def home_model(source: Source, kind: type[P], classes: int | None, views: tuple[str, ...]) -> P | None:
    """The heaviest part of the home model that is of this kind, reads these views and has as many classes.

    None where there is none: LightGBM cannot go on with other classes, nor a line with other columns.
    """
    parts = [source.predictor]
    if isinstance(source.predictor, Blend):
        blend = source.predictor
        parts = [blend.members[name] for name in sorted(blend.members, key=lambda name: -blend.weights[name])]
    for part in parts:
        if isinstance(part, kind) and _reads(part) == (views, classes):
            return part
    return None


def _reads(part: object) -> tuple[tuple[str, ...], int | None] | None:
    """Views and classes of trees or a line; None for any other predictor."""
    if isinstance(part, BoostedPredictor):
        return part.layout.views, part.classes
    return (part.design.layout.views, part.classes) if isinstance(part, LinearPredictor) else None


def fitted_at_home(learner: Learner) -> Callable[[Source], Predictor]:
    """A function from a source to the learner fitted on its rows; the last fit is kept for the next fold."""
    last: list[tuple[Source, Predictor]] = []

    def fit(source: Source) -> Predictor:
        if source.sample is None:
            message = "the source has no rows to fit on"
            raise ValueError(message)
        if not last or last[0][0] is not source:
            last[:] = [(source, learner.fit(source.sample))]
        return last[0][1]

    return fit


def recalibrated(classes: int | None, name: str, penalty: float = 3.0, prior: float = 1.0) -> Candidate:
    """The home model's score, moved and stretched; the penalty draws to the score as it is."""

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        design = fit_design(target.x, Layout(("source",), source_scale=1.0))
        spread, centre = float(design.arrays["source_spread"][0]), design.arrays["source_centre"]
        if classes == 2:
            half = np.array([-0.5, 0.5])
            same = LinearPredictor(design, spread * half[None], centre * half, classes)
        else:
            same = LinearPredictor(design, spread * np.eye(len(centre)), np.array(centre), classes)
        return fit_linear(design, target, classes, penalty, same)

    return Candidate(name, "parameter", fit, prior=prior)


def l2_sp(
    home: Callable[[Source], Predictor],
    layout: Layout,
    classes: int | None,
    name: str,
    penalty: float = 10.0,
    prior: float = 1.0,
) -> Candidate:
    """A line on the target that the penalty draws to the source's line (L2-SP: Li et al., ICML 2018).

    Args:
        home: source -> its line; only weights are needed, no source row.
        layout: of that line.
        classes: how many; None fits values.
        name: of the candidate.
        penalty: see `Linear`.
        prior: of the candidate.
    """

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        line = home(source)
        if not isinstance(line, LinearPredictor):
            message = "L2-SP needs a home model that is linear"
            raise TypeError(message)
        return Linear(layout, classes, penalty, line).fit(target)

    return Candidate(name, "parameter", fit, prior=prior)


def continued(
    home: Callable[[Source], Predictor], learner: Boosted, name: str, prior: float = 1.0
) -> Candidate:
    """More trees on the target, after those of the source. Same classes and columns: see `home_model`."""

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return learner.fit(target, _trees(home(source)))

    return Candidate(name, "parameter", fit, prior=prior)


def shrunken_leaves(
    home: Callable[[Source], Predictor], name: str, tau: float = 5.0, prior: float = 1.0
) -> Candidate:
    """The source's trees with leaf values moved to the target's rows, see `shrink_leaves`."""

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return shrink_leaves(_trees(home(source)), target, tau)

    return Candidate(name, "parameter", fit, prior=prior)


def _trees(predictor: Predictor) -> BoostedPredictor:
    if not isinstance(predictor, BoostedPredictor):
        message = "this candidate needs a home model of boosted trees"
        raise TypeError(message)
    return predictor
