"""Candidates that several tasks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xbsql.engine.candidate import Candidate
from xbsql.engine.design import Layout

if TYPE_CHECKING:
    from xbsql.engine.candidate import Learner, Predictor, Sample, Source
    from xbsql.features.views import Features

TEXT: Final = Layout(("text",))


def alone(name: str, learner: Learner) -> Candidate:
    """A target-only candidate."""

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return learner.fit(target)

    return Candidate(name, "target", fit, prior=0.5)
