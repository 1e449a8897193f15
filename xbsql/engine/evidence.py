"""Evidence: the out-of-fold loss of every candidate on target labels only, and the weights that follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.blend import LEAST_WEIGHT, bounded, sum_of
from xbsql.engine.folds import assign_folds, groups_of, minority, plan
from xbsql.engine.mixture import refined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Candidate, Predictor, Sample, Source
    from xbsql.engine.objective import Objective
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

MANY_RARE = 30
"""Labels outside the largest class from which on standard errors count in full."""

LEAST_TRUST = 0.5

CLEARLY_WORSE = 1.645
"""Standard errors: a source that is worse by more is refused (one-sided 95 %)."""

OUT_OF_THE_RACE = 3.5
"""Standard errors behind the best: such a candidate is not tried again."""

TEMPER = 0.5
"""Power of what a label stands for, see `tempered`."""

ENOUGH_SEEN = 200
"""Independent units that have to be held out before a candidate may leave within the first round of folds."""


@dataclass(frozen=True)
class Evidence:
    """What the candidates did on target rows that they had not seen the labels of.

    Attributes:
        names: the candidates, K of them.
        prior: float64, shape (K,).
        y: the n target labels.
        group: int64, shape (n,): rows of a group are one independent unit; each unit counts the same.
        folds: int64, shape (repeats, n): the fold in which a row was held out.
        predictions: by name, shape (repeats, n) or (repeats, n, classes).
        losses: float64, shape (K, n), mean over the repeats.
        mixes: whether weights are refined on the loss of the blend itself, see `Objective`.
        trust: what standard errors are multiplied by, see `weigh` and `trust_in`.
        power: how much the losses' ratios count beside, see `weigh`.
        refused: standard errors by which every use of the source has to be worse before it is refused.
        sampling: see `Sample`.
    """

    names: tuple[str, ...]
    prior: Floats
    y: NDArray[np.generic]
    group: NDArray[np.int64]
    folds: NDArray[np.int64]
    predictions: Mapping[str, Floats]
    losses: Floats
    mixes: bool = False
    trust: float = 1.0
    power: float = 0.0
    refused: float = CLEARLY_WORSE
    sampling: Floats | None = None

    def only(self, names: Sequence[str]) -> Evidence:
        """The evidence of some of the candidates."""
        kept = [i for i, name in enumerate(self.names) if name in set(names)]
        shown = tuple(self.names[i] for i in kept)
        predictions = {name: self.predictions[name] for name in shown}
        losses = self.losses[kept]
        return replace(self, names=shown, prior=self.prior[kept], predictions=predictions, losses=losses)

    def best(self) -> str:
        """The candidate that loses least."""
        return self.names[int(self.of_units(self.losses).mean(axis=1).argmin())]

    def weights(self) -> dict[str, float]:
        """The candidates' weights by all labels, see `weigh` and `refined`."""
        return self._weights(np.ones(len(self.y), bool))

    def blended(self) -> Floats:
        """The blend's own out-of-fold predictions: in each fold weighted by the evidence of the others.

        Returns:
            Shape (repeats, n) or (repeats, n, classes).
        """
        blended = np.empty_like(self.predictions[self.names[0]])
        for repeat, fold in enumerate(self.folds):
            for held_out in np.unique(fold):
                rows = fold == held_out
                weights = self._weights(~rows)
                parts = {name: self.predictions[name][repeat, rows] for name in self.names}
                blended[repeat, rows] = sum_of(parts, weights)
        return blended

    def of_units(self, losses: Floats, rows: NDArray[np.bool_] | None = None) -> Floats:
        """The mean loss of each independent unit, times what it counts, see `tempered`.

        Args:
            losses: of the rows, shape (K, n).
            rows: bool, shape (n,): those asked for; None: all.

        Returns:
            float64, shape (K, units).
        """
        counted = losses if self.sampling is None else losses * tempered(self.sampling)
        return of_units(counted, self.group) if rows is None else of_units(counted[:, rows], self.group[rows])

    def levels(self) -> Floats:
        """The mean label of the other folds, of labels that are values; shape (repeats, n)."""
        y, found = np.asarray(self.y, np.float64), np.empty(self.folds.shape)
        counted = np.ones(len(y)) if self.sampling is None else self.sampling
        for level, fold in zip(found, self.folds, strict=True):
            for held_out in np.unique(fold):
                others = fold != held_out
                level[~others] = np.average(y[others], weights=counted[others])
        return found

    def _weights(self, rows: NDArray[np.bool_]) -> dict[str, float]:
        """The weights by the labels of these rows."""
        losses = self.of_units(self.losses, rows)
        found = weigh(losses, self.prior, self.trust, self.power)
        if self.mixes:
            shown = [self._shown(name, rows) for name in self.names]
            values = self.predictions[self.names[0]].ndim == 2
            truth = np.tile(np.asarray(self.y[rows], np.float64), len(self.folds)) if values else None
            _, unit, size = np.unique(self.group[rows], return_inverse=True, return_counts=True)
            share, labels = 1.0 / size[unit], float(len(size))
            if self.sampling is not None:
                counted = tempered(self.sampling)[rows]
                share, labels = share * counted, labels * standing(counted)
            share = np.tile(share, len(self.folds))
            found = trimmed(refined(found, np.stack(shown), truth, share, labels))
        return dict(zip(self.names, found.tolist(), strict=True))

    def _shown(self, name: str, rows: NDArray[np.bool_]) -> Floats:
        """A candidate's values of these rows, or probabilities of their true classes; repeats end to end."""
        predictions = self.predictions[name]
        if predictions.ndim == 2:
            return np.asarray(predictions[:, rows].ravel())
        return np.asarray(predictions[:, rows, self.y[rows]].ravel())


def of_units(losses: Floats, group: NDArray[np.int64]) -> Floats:
    """The mean loss of each independent unit: the rows of one order tell one story, however many they are.

    Args:
        losses: shape (K, n).
        group: shape (n,): the unit of each row.

    Returns:
        float64, shape (K, units).
    """
    _, unit, rows = np.unique(group, return_inverse=True, return_counts=True)
    return np.stack([np.bincount(unit, row) for row in losses]) / rows


def tempered(sampling: Floats) -> Floats:
    """What labels count where candidates are compared: the root of how many rows each stands for, of mean 1.

    In full a few labels would decide, and what is compared is alike in all rows but those that are hard for
    one of them; between no weight and the full one errs least (Shimodaira, 2000).
    """
    found = sampling**TEMPER
    return np.asarray(found / found.mean())


def standing(sampling: Floats) -> float:
    """The share of labels that would say as much if each stood for as many rows (Kish, 1965)."""
    return float(sampling.sum() ** 2 / (np.square(sampling).sum() * len(sampling)))


def weigh(losses: Floats, prior: Floats, trust: float = 1.0, power: float = 0.0) -> Floats:
    """Weights from paired losses: prior * exp(-z^2 / 2), z the standard errors behind the best candidate.

    What cannot be told from the best keeps its weight, what is clearly worse loses it; below 1 % it is
    dropped.

    Args:
        losses: of independent units, shape (K, units).
        prior: shape (K,).
        trust: 0 .. 1, what z is multiplied by: less than 1 where units are not independent.
        power: a weight is divided by this power of the loss over the best one's. With few units a candidate
            that loses half as much again cannot be told from the best, and is most likely no good.

    Returns:
        float64, shape (K,), sums to 1.
    """
    z = trust * behind_best(losses)
    weights = prior * np.exp(-0.5 * np.square(z))
    if power:
        mean = np.maximum(losses.mean(axis=1), 1e-300)
        weights = weights * (mean.min() / mean) ** power
    return trimmed(weights)


def trimmed(weights: Floats) -> Floats:
    """Weights that sum to 1, those under 1 % dropped."""
    weights = weights / weights.sum()
    weights = np.where(weights < LEAST_WEIGHT, 0.0, weights)
    return np.asarray(weights / weights.sum())


def behind_best(losses: Floats) -> Floats:
    """Standard errors by which each candidate loses more than the best; (K, units) -> float64 (K,)."""
    return standard_scores(losses - losses[losses.mean(axis=1).argmin()])


def standard_scores(difference: Floats) -> Floats:
    """Mean of each row over its standard error.

    Args:
        difference: of independent units, shape (K, units).

    Returns:
        float64, shape (K,): 0 where all differences are 0, infinite where all are the same other number.
    """
    average, units = difference.mean(axis=1), difference.shape[1]
    squares = np.square(difference - average[:, None]).sum(axis=1)
    error = np.sqrt(squares / max(units - 1, 1) / units)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(average == 0, 0.0, average / error))


@dataclass(frozen=True)
class Setting:
    """What every candidate is fitted on and judged by.

    Attributes:
        source: the rich market.
        target: the labelled target rows.
        everyone: all target rows without their labels.
        objective: the task's loss and score.
        bounds: range of values, see `Blend`; None for classes.
        seed: of folds and resamples.
    """

    source: Source
    target: Sample
    everyone: Features
    objective: Objective
    bounds: tuple[float, float] | None
    seed: int

    def fitted(self, candidate: Candidate) -> Predictor:
        """The candidate fitted on all labelled rows."""
        return candidate.fit(self.source, self.target, self.everyone)

    def split(self, rows: NDArray[np.bool_]) -> Split:
        """These labelled rows held out, cut once for all candidates."""
        known = replace(self.target.take(~rows), x=self.target.x.part(~rows))
        return Split(self, known, self.target.x.part(rows))


@dataclass(frozen=True)
class Split:
    """Some labelled rows held out from all others.

    Attributes:
        setting: what the rows are of.
        known: the others.
        x: the rows that are held out.
    """

    setting: Setting
    known: Sample
    x: Features

    def predicted(self, candidate: Candidate) -> Floats:
        """Predictions of the rows that are held out, by the candidate fitted on the others."""
        setting = self.setting
        predictor = candidate.fit(setting.source, self.known, setting.everyone)
        return bounded(predictor.predict(self.x), setting.bounds)


def gather(
    setting: Setting,
    candidates: Sequence[Candidate],
    fixed: Mapping[str, Predictor],
    step: Callable[[str], None],
) -> Evidence:
    """Predict every target row with predictors that have not seen its label.

    Args:
        setting: what they are fitted on.
        candidates: all of them.
        fixed: predictors of those that use no label, by name: fitted once, scored on every row.
        step: called with a candidate's name after each fit.

    Returns:
        Of the candidates that were tried in every fold of the first round; one that soon turns out to be far
        behind leaves and has no evidence.
    """
    target, objective = setting.target, setting.objective
    group = groups_of(target)
    count, repeats = plan(len(target))
    generator = np.random.default_rng(setting.seed)
    folds = np.stack([assign_folds(target.y, group, count, generator) for _ in range(repeats)])
    shape = (repeats, len(target)) if objective.classes is None else (repeats, len(target), objective.classes)
    predictions: dict[str, Floats] = {}
    for name, predictor in fixed.items():
        predictions[name] = np.broadcast_to(bounded(predictor.predict(target.x), setting.bounds), shape)
    learned = [candidate for candidate in candidates if candidate.name not in fixed]
    predictions |= {candidate.name: np.empty(shape) for candidate in learned}
    left, hopeless = set[str](), set[str]()
    for repeat, fold in enumerate(folds):
        seen = np.zeros(len(target), bool)
        for held_out in range(count):
            rows = fold == held_out
            split = setting.split(rows)
            for candidate in learned:
                found = predictions[candidate.name]
                if candidate.name not in left:
                    spared = candidate.name in hopeless
                    found[repeat, rows] = found[0, rows] if spared else split.predicted(candidate)
                step(candidate.name)
            seen |= rows
            if repeat == 0 and len(np.unique(group[seen])) >= ENOUGH_SEEN and not seen.all():
                left |= _leaving([c for c in candidates if c.name not in left], predictions, setting, seen)
        if repeat == 0:
            tried = [c for c in candidates if c.name not in left]
            behind = behind_best(_losses(tried, predictions, setting, seen))
            hopeless = {c.name for c, z in zip(tried, behind, strict=True) if z > OUT_OF_THE_RACE}
    kept = [candidate for candidate in candidates if candidate.name not in left]
    names = tuple(candidate.name for candidate in kept)
    losses = [mean_loss(objective, target.y, predictions[name]) for name in names]
    prior = np.array([candidate.prior for candidate in kept])
    shown = {name: predictions[name] for name in names}
    trust = 1.0 if objective.classes is None else trust_in(minority(target))
    return Evidence(
        names, prior, target.y, group, folds, shown, np.stack(losses), objective.mixes, trust,
        sampling=target.sampling,
    )  # fmt: skip


def _losses(
    candidates: Sequence[Candidate],
    predictions: Mapping[str, Floats],
    setting: Setting,
    seen: NDArray[np.bool_],
) -> Floats:
    """What each candidate loses on the independent units among the rows seen, in the first round of folds."""
    y, units = setting.target.y[seen], groups_of(setting.target)[seen]
    losses = np.stack([setting.objective.loss(y, predictions[c.name][0, seen]) for c in candidates])
    sampling = setting.target.sampling
    return of_units(losses if sampling is None else losses * tempered(sampling[seen]), units)


def _leaving(
    candidates: Sequence[Candidate],
    predictions: Mapping[str, Floats],
    setting: Setting,
    seen: NDArray[np.bool_],
) -> set[str]:
    """Candidates that are so far behind on the rows seen that they will have no weight.

    Those of the target alone are compared with one another, so that the best of them stays; so does what
    stands as an arm of the verdict.
    """
    losses, own = _losses(candidates, predictions, setting, seen), [c.family == "target" for c in candidates]
    behind = behind_best(losses)
    behind[own] = behind_best(losses[own])
    return {
        candidate.name
        for candidate, z in zip(candidates, behind, strict=True)
        if z > OUT_OF_THE_RACE and not (candidate.pooled or candidate.family == "source")
    }


def trust_in(rare: int) -> float:
    """What standard errors count where few labels lie outside the largest class: the prior holds then.

    A class of ten rows decides what all others agree on, and its losses are far from normal.
    """
    return float(np.clip(np.sqrt(rare / MANY_RARE), LEAST_TRUST, 1.0))


def merged(parts: Sequence[tuple[Evidence, NDArray[np.bool_]]]) -> Evidence:
    """The evidence of several trials of the same candidates and rows: from each that of the rows it judges.

    Args:
        parts: evidence, and bool, shape (n,): the rows that it judges; each row has one. A candidate that
            left one of the trials has no evidence.
    """
    kept = [name for name in parts[0][0].names if all(name in found.names for found, _ in parts)]
    first = parts[0][0].only(kept)
    predictions = {name: np.array(found) for name, found in first.predictions.items()}
    losses = first.losses.copy()
    for whole, rows in parts[1:]:
        found = whole.only(kept)
        losses[:, rows] = found.losses[:, rows]
        for name, own in predictions.items():
            own[:, rows] = found.predictions[name][:, rows]
    return replace(first, predictions=predictions, losses=losses)


def mean_loss(objective: Objective, y: NDArray[np.generic], predictions: Floats) -> Floats:
    """Loss of each unit, mean over the repeats; predictions (repeats, n[, classes]) -> (n,)."""
    return np.asarray(np.mean([objective.loss(y, prediction) for prediction in predictions], axis=0))
