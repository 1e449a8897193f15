"""Instance transfer: source rows take part in the fit, weighted by how much they say about the target."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql import kernels
from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.design import dense, fit_design
from xbsql.engine.folds import assign_folds
from xbsql.features.views import Features, Itself, stack
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Learner, Predictor, Source
    from xbsql.engine.design import Layout
    from xbsql.features.views import Matrix
    from xbsql.metrics.rows import Floats

MOST_TARGET_WEIGHT = 50.0
"""A target row never counts for more source rows than this."""

RATIO_RANGE = (0.05, 20.0)
"""Density ratios are clipped to this, relative to their mean: a few rows must not carry the fit."""


@restorable("in_market")
@dataclass(frozen=True)
class InTarget:
    """A predictor fitted on pooled rows, asked about rows of the target: it sees the view 'market' as 1."""

    pooled: Predictor

    def predict(self, x: Features) -> Floats:
        """What the pooled predictor says of the rows as target rows."""
        return self.pooled.predict(flagged(x, 1.0))

    def state(self) -> State:
        """The predictor as data."""
        return State("in_market", parts={"pooled": self.pooled.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        return cls(restore(state.parts["pooled"]))


def flagged(x: Features, market: float) -> Features:
    """The features with the view 'market', shape (n, 1): 0 for source rows, 1 for target rows."""
    flag: dict[str, Matrix] = {"market": np.full((len(x), 1), market)}
    return Features(ChainMap(flag, x.views))  # type: ignore[arg-type] # only the first map is ever written to


def rows_of(source: Source) -> Sample:
    """The source's rows.

    Raises:
        ValueError: only the model left home; such a candidate must not be listed then.
    """
    if source.sample is None:
        message = "instance transfer needs the source's rows"
        raise ValueError(message)
    return source.sample


def pool(source: Sample, target: Sample, balance: float = 1.0) -> Sample:
    """Source and target rows with the flag 'market', the target's weights raised.

    A fit would not see a few target rows among thousands; rows that count too much it learns by heart.

    Args:
        source: the rich market's rows.
        target: the poor market's.
        balance: 1 raises the target's total weight to the source's, 0 leaves every weight as it is; between
            them the ratio of the totals is raised to this power (as the sampling of rare languages is
            tempered: Conneau et al., ACL 2020). A row's weight is raised 50 times at most.
    """
    source_weight, target_weight = weight_of(source), weight_of(target)
    ratio = source_weight.sum() / max(float(target_weight.sum()), 1e-12)
    raised = target_weight * min(max(ratio, 1.0) ** balance, MOST_TARGET_WEIGHT)
    return Sample(
        _pooled(source.x, target.x),
        np.concatenate([source.y, target.y]),
        np.concatenate([source_weight, raised]),
    )


def _pooled(source: Features, target: Features) -> Features:
    """The rows of both with the flag 'market', made once; with a part of a target, a part of them all."""

    def stacked() -> Features:
        if target.part_of is None:
            return stack([flagged(source, 0.0), flagged(target, 1.0)])
        whole, rows = target.part_of
        return _pooled(source, whole).part(np.concatenate([np.arange(len(source)), len(source) + rows]))

    return target.once(("pool", Itself(source)), stacked)


def weight_of(sample: Sample) -> Floats:
    """The sample's weights, 1 where it has none."""
    return np.ones(len(sample)) if sample.weight is None else sample.weight


def pooling(
    learner: Learner, name: str, prior: float = 1.0, *, balance: float = 1.0, pooled: bool = False
) -> Candidate:
    """Fit on the rows of both markets, see `pool`; the view 'market' tells them apart.

    The best fixed method where the two markets agree in part. How much a target row should count for depends
    on how many there are and how far the markets agree, so several balances are worth trying.
    """

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return InTarget(learner.fit(pool(rows_of(source), target, balance)))

    return Candidate(name, "instance", fit, prior=prior, pooled=pooled)


def ratio_weighted(learner: Learner, judge: Learner, name: str, prior: float = 1.0) -> Candidate:
    """Fit on source rows alone, each weighted by how much it looks like a target row; needs no label.

    Args:
        learner: fitted on the weighted rows.
        judge: two-class learner that tells target rows from source rows.
        name: of the candidate.
        prior: of the candidate.
    """

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        sample = rows_of(source)
        ratio = density_ratio(sample.x, unlabelled, judge)
        return learner.fit(replace(sample, weight=weight_of(sample) * ratio))

    return Candidate(name, "instance", fit, uses_labels=False, prior=prior)


def kernel_weighted(learner: Learner, layout: Layout, name: str, prior: float = 1.0) -> Candidate:
    """The same with the ratio in closed form (uLSIF: Kanamori et al., JMLR 2009) over the layout's design."""

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        sample = rows_of(source)
        ratio = kernel_ratio(sample.x, unlabelled, layout)
        return learner.fit(replace(sample, weight=weight_of(sample) * ratio))

    return Candidate(name, "instance", fit, uses_labels=False, prior=prior)


def density_ratio(
    source: Features, target: Features, judge: Learner, folds: int = 3, seed: int = 0
) -> Floats:
    """How much likelier each source row is in the target than in the source, by a classifier out of fold.

    Args:
        source: n rows.
        target: rows of the target, labelled or not.
        judge: two-class learner; class 1 is the target.
        folds: a row is judged by a classifier that has not seen it.
        seed: of the folds.

    Returns:
        float64, shape (n,), mean 1, clipped to 0.05 .. 20 of the mean before.
    """
    market, probability = out_of_fold_market(source, target, judge, folds, seed)
    probability = probability[market == 0]
    return clipped(probability / np.maximum(1.0 - probability, 1e-6))


def out_of_fold_market(
    source: Features, target: Features, judge: Learner, folds: int = 3, seed: int = 0
) -> tuple[NDArray[np.int64], Floats]:
    """Which market each row is from, and how likely the target is by a judge that has not seen the row.

    Returns:
        int64 and float64, shape (n + m,): source rows first (0), then target rows (1).
    """
    both = stack([source, target])
    market = np.repeat(np.array([0, 1], np.int64), [len(source), len(target)])
    fold = assign_folds(market, np.arange(len(market)), folds, np.random.default_rng(seed))
    probability = np.empty(len(market))
    for held_out in range(folds):
        rows = fold == held_out
        predictor = judge.fit(Sample(both.part(~rows), market[~rows]))
        probability[rows] = predictor.predict(both.take(rows))[:, 1]
    return market, probability


def kernel_ratio(source: Features, target: Features, layout: Layout) -> Floats:
    """The density ratio of each source row by uLSIF on the layout's design; float64, shape (n,), mean 1.

    The kernel is as wide as standardised rows lie apart, about sqrt(d); the ridge is cross-validated.
    """
    design = fit_design(stack([source, target]), layout)
    here, there = dense(design(source)), dense(design(target))
    weights = kernels.importance_weights(here, there, method="ulsif", sigma=float(np.sqrt(here.shape[1])))
    return clipped(np.maximum(np.asarray(weights, np.float64), 0.0))


def clipped(ratio: Floats) -> Floats:
    """Ratios of mean 1, held to 0.05 .. 20; all 1 where nothing is known."""
    mean = ratio.mean()
    if not mean > 0:
        return np.ones(len(ratio))
    held = np.clip(ratio / mean, *RATIO_RANGE)
    return np.asarray(held / held.mean())
