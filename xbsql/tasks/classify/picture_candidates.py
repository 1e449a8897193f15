"""The candidates for pictures: what a catalogue's icons can do for photos of a shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.candidates.centred import Centred, Centring, centre_of, centred
from xbsql.engine.candidates.process import Covariance, GaussianProcess, Process
from xbsql.engine.candidates.prototypes import Known, Prototypes, Space, fit_prototypes, fit_space, picture_of
from xbsql.tasks.candidates import alone
from xbsql.tasks.classify.text_candidates import with_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor, Source
    from xbsql.features.views import Features

LOOKS = Covariance(lexical=0.0, picture=1.0, sight=0.5)
"""Pictures alone."""

WHOLE = Covariance(lexical=0.25, picture=0.5, sight=0.5)
"""Titles and pictures, each counting half."""

BESIDE = 0.5
"""The prior of candidates that read pictures alone, where there is text as well."""


@dataclass(frozen=True)
class Pictures:
    """The kind of picture problem, and what candidates are made of beside the source.

    Attributes:
        classes: how many, over source and target together.
        pool: rows without a label, never to be scored on; may be empty.
        text: whether there is text beside.
        labels: whether there are labels. With them only what takes them is tried: a fold leaves few classes
            with a label of their own, and what takes none would look better than it is.
    """

    classes: int
    pool: Features
    text: bool
    labels: bool

    @property
    def ways(self) -> dict[str, tuple[Covariance, float]]:
        """By pictures alone, and with text also by both: the covariance, and the prior of candidates."""
        if not self.text:
            return {"pictures": (LOOKS, 1.0)}
        return {"pictures": (LOOKS, BESIDE), "whole": (WHOLE, 1.0)}

    @property
    def beside(self) -> float:
        """The prior of candidates that read pictures alone."""
        return self.ways["pictures"][1]

    def unlabelled(self, space: Space) -> NDArray[np.float32]:
        """The rows without a label in a space."""
        if not self.pool.views or not len(self.pool):
            return np.zeros((0, len(space.centre)), np.float32)
        return space(picture_of(self.pool))


def picture_candidates(problem: Pictures, parts: list[Centred]) -> list[Candidate]:
    """What can be tried on this problem with the processes of a home model.

    Args:
        problem: the kind of picture problem.
        parts: the processes; none at home, and where no row left home.

    Returns:
        Candidates with unique names; target-only ones come first.
    """
    learners = {
        name: Centring(GaussianProcess(problem.classes, covariance))
        for name, (covariance, _) in problem.ways.items()
    }
    found = [alone(f"target_only:{name}", learner) for name, learner in learners.items()]
    found.append(Candidate("target_only:prototypes", "target", Gathered(problem).fit, prior=0.5))
    for part in parts:
        for name, (covariance, prior) in problem.ways.items():
            if isinstance(part.inner, Process) and part.inner.covariance == covariance:
                laid = Laid(part.centre, part.inner, problem)
                found += laid.processes(name, prior)
                found += laid.prototypes(prior) if name == "pictures" else []
    return found


class Laid:
    """A home process laid over the target: each side less its own mean, so that icon meets photo.

    Args:
        centre: of the home pictures.
        home: the process on home rows less that.
        problem: the kind of picture problem.
    """

    def __init__(self, centre: NDArray[np.float32], home: Process, problem: Pictures) -> None:
        self.centre, self.home, self.problem = centre, home, problem

    def processes(self, name: str, prior: float) -> list[Candidate]:
        """The home process, with the target's labels where there are any."""
        if self.problem.labels:
            return [Candidate(f"centred_pool:{name}", "instance", self.pooled, prior=prior, pooled=True)]
        return [Candidate(f"centred:{name}", "feature", self.alone, uses_labels=False, prior=0.5 * prior)]

    def prototypes(self, prior: float) -> list[Candidate]:
        """Means of the home classes, with the target's labels where there are any."""
        fit = Gathered(self.problem, self).fit
        if self.problem.labels:
            return [Candidate("centred_pool:prototypes", "instance", fit, prior=2.0 * prior)]
        return [Candidate("centred:prototypes", "feature", fit, uses_labels=False, prior=prior)]

    def alone(self, source: Source, target: Sample, unlabelled: Features) -> Predictor:
        """The home process as it is, for pictures of the target less their own mean."""
        return Centred(self.home.factor.fitted(self.problem.classes), self.there(unlabelled))

    def pooled(self, source: Source, target: Sample, unlabelled: Features) -> Predictor:
        """The home process with the target's labels."""
        centre = self.there(unlabelled)
        rows = target.x.through(("centred", self), lambda x: centred(x, centre))
        return Centred(
            with_labels(self.home.factor, rows, target, self.home, self.problem.classes)[1], centre
        )

    def there(self, unlabelled: Features) -> NDArray[np.float32]:
        """The mean of the target's pictures; few of them hardly move that of home."""
        return unlabelled.once(("centre", self), lambda: centre_of(unlabelled, self.centre))

    @property
    def rows(self) -> NDArray[np.float32]:
        """The home pictures less their mean."""
        return picture_of(self.home.rows)


def fine_tuned(network: str, classes: int) -> Candidate:
    """The networks' last layers, fine-tuned on the target's labels."""

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        from xbsql.engine.candidates.tuned import TailTuner

        centre = unlabelled.once(("centre", network), lambda: centre_of(unlabelled))
        return TailTuner(network, classes).fit(target, centre)

    return Candidate("finetuned:pictures", "parameter", fit, prior=0.5)


class _Place(NamedTuple):
    """What does not depend on the target's labels: where pictures are compared, and what lies there."""

    space: Space
    home: Known | None
    pool: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Gathered:
    """Means of classes, drawn to where the unlabelled pictures crowd.

    Attributes:
        problem: the kind of picture problem.
        home: the home rows; None for the target alone.
    """

    problem: Pictures
    home: Laid | None = None

    def fit(self, source: Source, target: Sample, unlabelled: Features) -> Prototypes:
        """See `fit_prototypes`."""
        space, home, pool = unlabelled.once(("place", self), lambda: self._place(unlabelled))
        known = Known(np.zeros((0, len(space.centre)), np.float32), np.zeros(0, np.int64))
        if self.problem.labels and len(target):
            known = Known.of(space, target)
        return fit_prototypes(space, home, known, pool, self.problem.classes)

    def _place(self, unlabelled: Features) -> _Place:
        view = picture_of(unlabelled)
        if self.home is None:
            space = fit_space(centre_of(unlabelled), view)
            return _Place(space, None, self.problem.unlabelled(space))
        space = fit_space(self.home.there(unlabelled), view, self.home.rows)
        at_home = space.around(np.zeros_like(space.centre))(self.home.rows)
        known = Known(at_home, np.asarray(self.home.home.y, np.int64))
        return _Place(space, known, self.problem.unlabelled(space))
