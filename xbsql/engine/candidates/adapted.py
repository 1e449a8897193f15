"""Adaptation without labels, with restraint: only where the target lies outside of what home has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.engine.candidate import Candidate
from xbsql.engine.candidates.feature import moved_sample
from xbsql.engine.candidates.instance import rows_of
from xbsql.engine.candidates.relation import SourceScore, share_ratio
from xbsql.engine.design import dense
from xbsql.engine.likeness import proxy_a_distance
from xbsql.features.drawn import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Learner, Predictor, Sample, Source
    from xbsql.features.views import Features

OUTSIDE: Final = 1.5
"""Proxy A-distance (0 alike, 2 told apart without error) from which on the target is outside of home."""

NEARER: Final = 0.5
"""By how much moving the home rows must lessen it."""

FEWEST: Final = 50
MOST: Final = 2000
"""Rows of a market that its distance is measured on."""


def adapted(
    learner: Learner, judge: Learner, classes: int, name: str, prior: float, *, skip: tuple[int, ...] = ()
) -> Candidate:
    """The home rows with each column moved to the target's mean and spread where that is called for.

    Elsewhere it is the home model. Other shares of the classes, or rows from a part of the market, move means
    and spreads too, and an alignment would then do harm. Both leave the target inside of what home has seen.
    So home rows are first drawn with the class shares that EM finds in the target; only if these and the
    target are still told apart almost without error, and the moved rows are much less, the moved rows are
    learned.

    Args:
        learner: fitted on the moved rows.
        judge: two-class learner that tells the markets apart.
        classes: how many.
        name: of the candidate.
        prior: of the candidate.
        skip: columns of 'table' that stay (category codes).
    """

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        sample = rows_of(source)
        here = sample.take(drawn(len(sample), MOST))
        there = unlabelled.take(drawn(len(unlabelled), MOST))
        alike = here.take(_with_shares_of(np.asarray(dense(there["source"]), np.float64), here, classes))
        if min(len(alike), len(there)) < FEWEST:
            return SourceScore()
        apart = proxy_a_distance(alike.x, there, judge)
        if apart < OUTSIDE:
            return SourceScore()
        near = moved_sample(here, there, "table", skip, "columns")
        if proxy_a_distance(near.x, there, judge) > apart - NEARER:
            return SourceScore()
        return learner.fit(moved_sample(sample, unlabelled, "table", skip, "columns"))

    return Candidate(name, "feature", fit, uses_labels=False, prior=prior)


def _with_shares_of(prediction: NDArray[np.float64], home: Sample, classes: int) -> NDArray[np.int64]:
    """Home rows, each once at most, whose classes have the shares of the target; int64, ascending."""
    y = np.asarray(home.y, np.int64)
    counts = np.bincount(y, minlength=classes).astype(np.float64)
    ratio = share_ratio(prediction, counts / counts.sum())[y]
    return np.flatnonzero(np.random.default_rng(0).random(len(y)) < ratio / ratio.max())
