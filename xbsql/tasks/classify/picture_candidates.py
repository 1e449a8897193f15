"""The candidates for pictures: what a catalogue's icons can do for photos of a shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.candidates.centred import Centred, Centring, centre_of, centred
from xbsql.engine.candidates.covariance import Covariance
from xbsql.engine.candidates.process import GaussianProcess, Process
from xbsql.engine.candidates.product import Product
from xbsql.engine.candidates.prototypes import Known, Prototypes, Space, fit_prototypes, fit_space, picture_of
from xbsql.tasks.candidates import alone
from xbsql.tasks.classify.text_candidates import with_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor, Source
    from xbsql.features.views import Features

    Fit = Callable[[Source, Sample, Features], Predictor]

LOOKS = Covariance(lexical=0.0, picture=1.0, sight=0.5)
"""Pictures alone."""

FIRM = 3.0
"""Labelled photos that an icon counts for in `centred_pool:icons`; without labels means must move on."""

SURE, SURER = 2.0, 8.0
"""The prior of means that are moved apart, without and with labels: with one a class, which is too few for
evidence, they told .705 of photos right, the means .655, and mixtures of both less than they alone."""

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
    def prior(self) -> float:
        """Of candidates that read pictures alone."""
        return BESIDE if self.text else 1.0

    def unlabelled(self, space: Space) -> NDArray[np.float32]:
        """The rows without a label in a space."""
        if not self.pool.views or not len(self.pool):
            return np.zeros((0, len(space.centre)), np.float32)
        return space(picture_of(self.pool))


def picture_candidates(
    problem: Pictures, parts: list[Centred], words: Process | None = None
) -> list[Candidate]:
    """What can be tried on this problem with the processes of a home model.

    Args:
        problem: the kind of picture problem.
        parts: those that read pictures; none at home, and where no row left home.
        words: the one that reads text; None where there is none.

    Returns:
        Candidates with unique names; target-only ones come first.
    """
    means = Gathered(problem)
    found = [
        alone("target_only:pictures", Centring(GaussianProcess(problem.classes, LOOKS))),
        Candidate("target_only:prototypes", "target", means.fit, prior=0.5),
        Candidate("target_only:separated", "target", means.separated, prior=2.0),
    ]
    if problem.text:
        found.append(Candidate("target_only:product", "target", Both(means, None).fit, prior=0.5))
    home = next(((part.centre, part.inner) for part in parts if isinstance(part.inner, Process)), None)
    return found if home is None else found + Laid(*home, problem).candidates(words)


class Laid:
    """A home process laid over the target: each side less its own mean, so that icon meets photo.

    Args:
        centre: of the home pictures.
        home: the process on home rows less that.
        problem: the kind of picture problem.
    """

    def __init__(self, centre: NDArray[np.float32], home: Process, problem: Pictures) -> None:
        self.centre, self.home, self.problem = centre, home, problem

    def candidates(self, words: Process | None) -> list[Candidate]:
        """With the target's labels where there are any: process, means, and means times text."""
        prior, means = self.problem.prior, Gathered(self.problem, self)
        both = None if words is None else Both(means, words)
        if not self.problem.labels:
            found = [
                _without("pictures", self.alone, 0.25 * prior),
                _without("prototypes", means.fit, 0.5 * prior),
                _without("separated", means.separated, SURE * prior),
            ]
            return found + ([] if both is None else [_without("product", both.fit, 1.0)])
        found = [
            Candidate(
                "centred_pool:pictures", "instance", self.pooled, prior=prior, pooled=not self.problem.text
            ),
            Candidate("centred_pool:prototypes", "instance", means.fit, prior=2.0 * prior),
            Candidate("centred_pool:icons", "instance", Gathered(self.problem, self, FIRM).fit, prior=prior),
            Candidate("centred_pool:separated", "instance", means.separated, prior=SURER * prior),
        ]
        if both is not None:
            found.append(Candidate("centred_pool:product", "instance", both.fit, prior=2.0))
        return found

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


def _without(name: str, fit: Fit, prior: float) -> Candidate:
    """A candidate that takes no label."""
    return Candidate(f"centred:{name}", "feature", fit, uses_labels=False, prior=prior)


class _Place(NamedTuple):
    """What does not depend on the target's labels: where pictures are compared, and what lies there."""

    space: Space
    home: Known | None
    pool: NDArray[np.float32]
    directions: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Gathered:
    """Means of classes, drawn to where the unlabelled pictures crowd.

    Attributes:
        problem: the kind of picture problem.
        home: the home rows; None for the target alone.
        home_worth: see `fit_prototypes`.
    """

    problem: Pictures
    home: Laid | None = None
    home_worth: float = 1.0

    def fit(self, source: Source, target: Sample, unlabelled: Features) -> Prototypes:
        """See `fit_prototypes`."""
        place, known = self._given(target, unlabelled)
        classes = self.problem.classes
        return fit_prototypes(place.space, place.home, known, place.pool, classes, self.home_worth)

    def separated(self, source: Source, target: Sample, unlabelled: Features) -> Prototypes:
        """The same moved apart, see `engine.candidates.separated`."""
        from xbsql.engine.candidates.separated import Given, separated

        place, known = self._given(target, unlabelled)
        both = [known] if place.home is None else [place.home, known]
        rows = Known(np.concatenate([part.rows for part in both]), np.concatenate([part.y for part in both]))
        given = Given(rows, place.pool, place.directions, labels=bool(len(known.y)))
        return separated(self.fit(source, target, unlabelled), given)

    def _given(self, target: Sample, unlabelled: Features) -> tuple[_Place, Known]:
        """Where pictures are compared, and the target's labelled ones there."""
        place = unlabelled.once(("place", self), lambda: self._place(unlabelled))
        known = Known(np.zeros((0, len(place.space.centre)), np.float32), np.zeros(0, np.int64))
        if self.problem.labels and len(target):
            known = Known.of(place.space, target)
        return place, known

    def _place(self, unlabelled: Features) -> _Place:
        from xbsql.engine.candidates.separated import directions_of

        view = picture_of(unlabelled)
        if self.home is None:
            space = fit_space(centre_of(unlabelled), view)
            return _Place(space, None, self.problem.unlabelled(space), directions_of(space(view)))
        space = fit_space(self.home.there(unlabelled), view, self.home.rows)
        at_home = space.around(np.zeros_like(space.centre))(self.home.rows)
        known = Known(at_home, np.asarray(self.home.home.y, np.int64))
        directions = directions_of(space(view), at_home)
        return _Place(space, known, self.problem.unlabelled(space), directions)


@dataclass(frozen=True, eq=False)
class Both:
    """Means of pictures, moved apart, times a process on text.

    Attributes:
        looks: the means.
        words: the home market's process on text; None for the target alone.
    """

    looks: Gathered
    words: Process | None

    def fit(self, source: Source, target: Sample, unlabelled: Features) -> Product:
        """Both on the same rows."""
        return Product((self.looks.separated(source, target, unlabelled), self._read(target)))

    def _read(self, target: Sample) -> Predictor:
        problem, home = self.looks.problem, self.words
        if home is None:
            return GaussianProcess(problem.classes).fit(target)
        if problem.labels and len(target):
            return with_labels(home.factor, target.x, target, home, problem.classes)[1]
        return home.factor.fitted(problem.classes, sharpness=home.sharpness)
