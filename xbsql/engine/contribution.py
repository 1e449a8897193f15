"""What each feature adds to a prediction: SHAP values of a blend, exact wherever its members allow it.

A contribution is what a feature's value adds against an average row of the background (Lundberg and Lee,
NeurIPS 2017). Values add up as they are. Probabilities are not sums, so a member's scores are explained first
and each feature gets its share of the softmax along the straight line from the background's mean scores to
the row's (Aumann and Shapley, 1974; for networks Sundararajan et al., ICML 2017): for two classes that is the
scores' contributions, stretched to the probability.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np
from scipy.special import softmax

from xbsql.engine.blend import Blend
from xbsql.engine.candidates.boosted import BoostedPredictor
from xbsql.engine.candidates.instance import InTarget, flagged
from xbsql.engine.candidates.linear import LinearPredictor
from xbsql.engine.candidates.relation import SourceScore
from xbsql.engine.design import columns
from xbsql.engine.shapley import sampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.engine.design import Design
    from xbsql.engine.question import Question
    from xbsql.metrics.rows import Floats

THREADS = 2
"""Tree SHAP takes a hundred times as long as a prediction: a second thread pays from few rows on."""

STEPS = 32
"""Gauss-Legendre points of the way from the background to a row."""


@runtime_checkable
class Explains(Protocol):
    """A predictor that says itself what its features add, as `contributions` does."""

    def contributions(self, asked: Question) -> Floats:
        """What each feature adds to the prediction of each row; shape (n, F)."""
        ...


class Scores(NamedTuple):
    """Scores as sums: what each feature adds to them, shape (n, F, outputs), from the middle, (outputs,)."""

    parts: Floats
    middle: Floats


def contributions(predictor: Predictor, asked: Question) -> Floats:
    """What each feature adds to the prediction of each row.

    Trees by LightGBM's tree SHAP, lines by weight times distance from the mean, a blend by the weights of its
    members, the home model's value by its own contributions; what reads one feature alone owes it everything,
    and anything else is sampled, see `sampled`. A prediction of the home model that enters curved (through
    a tree, or a probability through a score) is the feature of the view 'source' as a whole.

    Returns:
        float64, shape (n, F). A prediction less its row's sum is the same for all rows (of one class).
    """
    if isinstance(predictor, Explains):
        return predictor.contributions(asked)
    if isinstance(predictor, Blend):
        return _of_blend(predictor, asked)
    if isinstance(predictor, BoostedPredictor):
        return _of_scores(_tree_scores(predictor, asked), asked)
    if isinstance(predictor, LinearPredictor):
        return _of_line(predictor, asked)
    if isinstance(predictor, InTarget):
        x, background = flagged(asked.x, 1.0), flagged(asked.background, 1.0)
        return contributions(predictor.pooled, replace(asked, x=x, background=background))
    if isinstance(predictor, SourceScore) and predictor.ratio is None and asked.home is not None:
        return contributions(asked.home, asked.at_home())
    return sampled(predictor, asked)


def _of_blend(blend: Blend, asked: Question) -> Floats:
    asked = asked if blend.source is None else asked.with_home(blend.source)
    total = np.zeros((len(asked.x), len(asked.names.features)))
    for name, member in blend.members.items():
        total += blend.weights[name] * contributions(member, asked)
        if blend.bounds is not None:
            value = member.predict(asked.x)
            total[:, asked.names.bounds] += blend.weights[name] * (np.clip(value, *blend.bounds) - value)
    return total


def _of_line(line: LinearPredictor, asked: Question) -> Floats:
    scores = _line_scores(line, asked)
    if asked.chosen is not None or asked.home is None or not line.design.source_width:
        return _of_scores(scores, asked)
    parts = scores.parts[:, :, 0]
    parts[:, asked.names.views["source"]] = 0.0
    spread = line.design.arrays["source_spread"].item()
    slope = line.coefficients[0, 0] * line.design.layout.source_scale / spread
    return np.asarray(parts + slope * contributions(asked.home, asked.at_home()))


def _tree_scores(trees: BoostedPredictor, asked: Question) -> Scores:
    """Tree SHAP of the scores, centred on the background: its own middle is that of the training rows."""
    views, width = trees.layout.views, trees.width
    owner = np.concatenate([_owners(name, asked)[: width if name == "table" else None] for name in views])
    found = []
    for rows in (asked.x, asked.background):
        matrix = columns(rows, views, width)
        flat = np.asarray(trees.booster.predict(matrix, pred_contrib=True, num_threads=THREADS), np.float64)
        found.append(flat.reshape(len(matrix), -1, matrix.shape[1] + 1).transpose(0, 2, 1))
    here, there = found[0][:, :-1], found[1][:, :-1].mean(axis=0)
    middle = found[1].sum(axis=1).mean(axis=0)
    parts = np.zeros((len(here), len(asked.names.features), here.shape[2]))
    for feature in np.unique(owner):
        own = owner == feature
        parts[:, feature] = (here[:, own] - there[own]).sum(axis=1)
    return Scores(parts, middle)


def _line_scores(line: LinearPredictor, asked: Question) -> Scores:
    """Weight times distance from the background's mean."""
    owner = design_owners(line.design, asked)
    here, there = line.design(asked.x), line.design(asked.background)
    weights = np.asarray(line.coefficients, np.float64)
    parts = np.zeros((len(asked.x), len(asked.names.features), weights.shape[1]))
    middle = np.array(line.intercept, np.float64)
    for feature in np.unique(owner):
        own = np.flatnonzero(owner == feature)
        mean = np.asarray(there[:, own] @ weights[own]).mean(axis=0)
        parts[:, feature] = np.asarray(here[:, own] @ weights[own]) - mean
        middle += mean
    return Scores(parts, middle)


def _owners(view: str, asked: Question) -> NDArray[np.int64]:
    """The feature of each column of a view as trees read it."""
    if view == "table":
        return asked.names.table
    width = int(asked.x[view].shape[1])
    return np.full(1 if view == "source" and width == 2 else width, asked.names.views[view])


def design_owners(design: Design, asked: Question) -> NDArray[np.int64]:
    """The feature of each column of a design: numbers, what is missing, levels; once more times 'market'."""
    parts = []
    for view in design.layout.views:
        if view == "table":
            a = design.arrays
            numbers = asked.names.table[a["numbers"]]
            parts += [numbers, numbers[a["indicated"]], asked.names.table[a["level_columns"]]]
        else:
            parts.append(_owners(view, asked))
    return np.concatenate(parts * 2 if design.layout.interact else parts)


def _of_scores(scores: Scores, asked: Question) -> Floats:
    """Contributions to the values, or to the probabilities of the chosen classes, of such scores."""
    if asked.chosen is None:
        return scores.parts[:, :, 0]
    parts, middle = scores
    if len(middle) == 1:
        parts, middle = np.concatenate([np.zeros_like(parts), parts], axis=2), np.append(0.0, middle)
    way, wanted = parts.sum(axis=1), asked.wanted(len(middle))
    points, shares = np.polynomial.legendre.leggauss(STEPS)
    slope = np.zeros_like(way)
    for point, share in zip(points, shares, strict=True):
        p = softmax(middle + 0.5 * (1.0 + point) * way, axis=1)
        own = p * wanted
        slope += 0.5 * share * (own - own.sum(axis=1, keepdims=True) * p)
    found: Floats = np.einsum("nfc,nc->nf", parts, slope)
    gained = asked.of(softmax(middle + way, axis=1)) - asked.of(softmax(middle))
    return found + _spread(gained - found.sum(axis=1), found)


def _spread(rest: Floats, parts: Floats) -> Floats:
    """What the quadrature lacks, shared by the size of the parts."""
    size = np.abs(parts)
    return np.asarray(rest[:, None] * size / np.maximum(size.sum(axis=1, keepdims=True), 1e-300))
