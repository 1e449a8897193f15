"""The candidates for pictures: what a catalogue's icons can do for photos of a shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.candidates.centred import Centred, Centring, centre_of, centred
from xbsql.engine.candidates.process import Covariance, GaussianProcess, Process
from xbsql.tasks.candidates import alone
from xbsql.tasks.classify.text_candidates import with_labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor, Source
    from xbsql.features.views import Features

LOOKS = Covariance(lexical=0.0, picture=1.0)
"""Pictures alone."""

WHOLE = Covariance(lexical=0.25, picture=0.5)
"""Titles and pictures, each counting half."""

BESIDE = 0.5
"""The prior of candidates that read pictures alone, where there is text as well."""


@dataclass(frozen=True)
class Way:
    """A way to read rows with pictures.

    Attributes:
        name: how candidates that read so end.
        covariance: of two rows.
        prior: of its candidates, relative to others.
    """

    name: str
    covariance: Covariance
    prior: float = 1.0


def ways(*, text: bool) -> list[Way]:
    """By pictures alone, and with text also by both."""
    if not text:
        return [Way("pictures", LOOKS)]
    return [Way("pictures", LOOKS, BESIDE), Way("whole", WHOLE)]


def target_only(classes: int, *, text: bool) -> list[Candidate]:
    """A process on the market's own rows, for each way to read them."""
    learners = {way.name: Centring(GaussianProcess(classes, way.covariance)) for way in ways(text=text)}
    return [alone(f"target_only:{name}", learner) for name, learner in learners.items()]


def picture_candidates(classes: int, parts: list[Centred], *, text: bool) -> list[Candidate]:
    """What can be tried with the processes of a home model.

    Args:
        classes: how many, over source and target together.
        parts: of the home model, see `target_only`; none where no row left home.
        text: whether there is text beside.

    Returns:
        Candidates with unique names; target-only ones come first.
    """
    found = target_only(classes, text=text)
    for way in ways(text=text):
        for home in parts:
            if isinstance(home.inner, Process) and home.inner.covariance == way.covariance:
                found += Laid(home.centre, home.inner, classes).candidates(way)
    return found


class Laid:
    """A home process laid over the target: each side less its own mean, so that icon meets photo.

    Args:
        centre: of the home pictures.
        home: the process on home rows less that.
        classes: how many, over source and target together.
    """

    def __init__(self, centre: NDArray[np.float32], home: Process, classes: int) -> None:
        self.centre, self.home, self.classes = centre, home, classes

    def candidates(self, way: Way) -> list[Candidate]:
        """With the target's labels, and without any."""
        name, prior = way.name, way.prior
        return [
            Candidate(f"centred:{name}", "feature", self.alone, uses_labels=False, prior=prior),
            Candidate(f"centred_pool:{name}", "instance", self.pooled, prior=2.0 * prior, pooled=True),
        ]

    def alone(self, source: Source, target: Sample, unlabelled: Features) -> Predictor:
        """The home process as it is, for pictures of the target less their own mean."""
        return Centred(self.home.factor.fitted(self.classes), self._there(unlabelled))

    def pooled(self, source: Source, target: Sample, unlabelled: Features) -> Predictor:
        """The home process with the target's labels."""
        centre = self._there(unlabelled)
        rows = target.x.through(("centred", self), lambda x: centred(x, centre))
        return Centred(with_labels(self.home.factor, rows, target, self.home, self.classes)[1], centre)

    def _there(self, unlabelled: Features) -> NDArray[np.float32]:
        """The mean of the target's pictures; few of them hardly move that of home."""
        return unlabelled.once(("centre", self), lambda: centre_of(unlabelled, self.centre))
