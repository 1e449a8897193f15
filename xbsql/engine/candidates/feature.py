"""Feature transfer: source and target meet in a representation that both share."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from xbsql import kernels
from xbsql.engine.candidate import Candidate
from xbsql.engine.candidates.instance import InTarget, pool, rows_of
from xbsql.engine.candidates.linear import Linear, fit_linear
from xbsql.engine.design import dense, fit_design
from xbsql.features.views import Features, stack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Learner, Predictor, Sample, Source
    from xbsql.engine.design import Layout
    from xbsql.features.views import Matrix
    from xbsql.metrics.rows import Floats


def source_score(learner: Learner, name: str, prior: float = 1.0) -> Candidate:
    """Fit on target rows with the home model's prediction as one more feature: the learner reads 'source'.

    It survives other columns, other classes and other categories, and no source row has to be at hand.
    """

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return learner.fit(target)

    return Candidate(name, "feature", fit, prior=prior)


def augmented(
    layout: Layout, classes: int | None, name: str, penalty: float = 10.0, prior: float = 1.0
) -> Candidate:
    """A shared line and a target's own, fitted on balanced pooled rows (Daume, ACL 2007).

    The two are penalised alike, so what both markets share goes to the shared line.
    """
    learner = Linear(replace(layout, views=(*layout.views, "market"), interact=True), classes, penalty)

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return InTarget(learner.fit(pool(rows_of(source), target)))

    return Candidate(name, "feature", fit, prior=prior)


def aligned(
    learner: Learner,
    view: str,
    name: str,
    prior: float = 1.0,
    *,
    skip: tuple[int, ...] = (),
    how: Literal["coral", "monge"] = "coral",
) -> Candidate:
    """Fit on source rows moved to where the target's rows lie; needs no label.

    Args:
        learner: fitted on the moved rows; it predicts target rows as they are.
        view: the view that is moved.
        name: of the candidate.
        prior: of the candidate.
        skip: columns of the view that stay (category codes).
        how: 'coral' whitens and recolours (Sun et al., AAAI 2016), 'monge' is the optimal map between two
            Gaussians.
    """

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        sample = rows_of(source)
        matrix = dense(sample.x[view])
        moving = np.setdiff1d(np.arange(matrix.shape[1]), skip)
        here, there = _filled(matrix[:, moving]), _filled(dense(unlabelled[view])[:, moving])
        moved = np.array(matrix, dtype=np.result_type(matrix, np.float32))
        if len(moving):
            moved[:, moving] = (
                monge_map(here, there) if how == "monge" else kernels.coral(here, there, reg=0.1)
            )
        views: dict[str, Matrix] = {view: moved}
        shown = Features(ChainMap(views, sample.x.views))  # type: ignore[arg-type] # the first map alone is written to
        return learner.fit(replace(sample, x=shown))

    return Candidate(name, "feature", fit, uses_labels=False, prior=prior)


def transferable(
    layout: Layout, classes: int | None, name: str, penalty: float = 10.0, prior: float = 1.0
) -> Candidate:
    """A line on the source rows; columns that differ between the markets count less; needs no label."""

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        sample = rows_of(source)
        design = fit_design(stack([sample.x, unlabelled]), layout)
        scale = transferability(dense(design(sample.x)), dense(design(unlabelled)))
        return fit_linear(design, sample, classes, penalty, scale=scale)

    return Candidate(name, "feature", fit, uses_labels=False, prior=prior)


def transferability(source: NDArray[np.floating], target: NDArray[np.floating]) -> Floats:
    """How much alike each column is distributed in the two markets: 1 - Kolmogorov-Smirnov distance.

    Args:
        source: shape (n, d).
        target: shape (m, d), m >= 1.

    Returns:
        float64, shape (d,), 0 (no overlap) to 1 (the same); not below 0.05, so that no column is lost.
    """
    alike = np.empty(source.shape[1])
    for column in range(source.shape[1]):
        here, there = np.sort(source[:, column]), np.sort(target[:, column])
        points = np.concatenate([here, there])
        share_here = np.searchsorted(here, points, side="right") / len(here)
        share_there = np.searchsorted(there, points, side="right") / len(there)
        alike[column] = 1.0 - np.abs(share_here - share_there).max()
    return np.maximum(alike, 0.05)


def monge_map(source: NDArray[np.floating], target: NDArray[np.floating], reg: float = 0.1) -> Floats:
    """The source rows under the optimal transport map between the two Gaussians (Knott and Smith, 1984).

    Args:
        source: shape (n, d).
        target: shape (m, d).
        reg: this times the mean variance is added to both diagonals.

    Returns:
        float64, shape (n, d), with the target's mean and nearly its covariance.
    """
    here, there = np.cov(source.T, ddof=0), np.cov(target.T, ddof=0)
    here, there = np.atleast_2d(here), np.atleast_2d(there)
    ridge = reg * (np.trace(here) + np.trace(there)) / (2 * len(here)) * np.eye(len(here))
    here, there = here + ridge, there + ridge
    root, inverse = _power(here, 0.5), _power(here, -0.5)
    move = inverse @ _power(root @ there @ root, 0.5) @ inverse
    return np.asarray((source - source.mean(axis=0)) @ move + target.mean(axis=0))


def _power(matrix: Floats, exponent: float) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T)


def _filled(matrix: NDArray[np.floating]) -> NDArray[np.floating]:
    """NaN replaced by the column's mean, 0 where a column has no number."""
    unknown = np.isnan(matrix)
    if not unknown.any():
        return matrix
    counts = np.maximum((~unknown).sum(axis=0), 1)
    return np.where(unknown, np.where(unknown, 0.0, matrix).sum(axis=0) / counts, matrix)
