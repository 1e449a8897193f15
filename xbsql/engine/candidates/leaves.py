"""Shrunken leaf refit: the source's trees keep their splits, their leaves move to the target's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
from scipy.special import expit, softmax

from xbsql.engine.booster_text import loadable
from xbsql.engine.candidates.boosted import BoostedPredictor
from xbsql.engine.design import columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.metrics.rows import Floats

LEAF_PENALTY = 1.0
"""Added to a leaf's curvature, as lambda_l2 of LightGBM."""


def shrink_leaves(
    source: BoostedPredictor, target: Sample, tau: float, rate: float = 0.05
) -> BoostedPredictor:
    """Refit leaf values tree by tree: leaf = (n * step + tau * leaf_source) / (n + tau).

    `step` is the Newton step of the n target rows in the leaf, given all trees before it, times the learning
    rate; that of the first tree also holds the target's base rate, as LightGBM puts it there. A leaf that no
    target row reaches keeps its value. LightGBM's own `refit` does not weigh a leaf by its rows (its issue
    7435) and breaks down on few of them.

    Args:
        source: trees; they stay as they are.
        target: rows with labels.
        tau: how many rows the source's value is worth in a leaf.
        rate: the learning rate of the source's trees.

    Returns:
        The same trees with other leaf values.
    """
    booster = lgb.Booster(model_str=loadable(source.text))
    leaves = _leaves(booster, columns(target.x, source.layout.views, source.width))
    outputs = 1 if source.classes in (None, 2) else int(source.classes or 1)
    raw = np.tile(_base(target.y, source.classes), (len(target), 1))
    for tree in range(leaves.shape[1]):
        leaf, output = leaves[:, tree], tree % outputs
        rows = np.bincount(leaf)
        kept = np.array([booster.get_leaf_output(tree, i) for i in range(len(rows))])
        slope, curve = _derivatives(target.y, raw, source.classes, output)
        step = -rate * np.bincount(leaf, slope) / (np.bincount(leaf, curve) + LEAF_PENALTY)
        base = raw[0, output] if tree < outputs else 0.0
        moved = (rows * (base + step) + tau * kept) / (rows + tau)
        for i in np.flatnonzero(rows):
            booster.set_leaf_output(tree, int(i), float(moved[i]))
        raw[:, output] += moved[leaf] - base
    return BoostedPredictor(source.layout, source.classes, booster, source.width)


def _leaves(booster: lgb.Booster, matrix: Floats) -> NDArray[np.int64]:
    """The leaf of each row in each tree, shape (n, trees)."""
    found = np.asarray(booster.predict(matrix, pred_leaf=True, num_threads=1))
    return found.reshape(len(matrix), -1).astype(np.int64)


def _base(y: NDArray[np.generic], classes: int | None) -> Floats:
    """The best constant raw scores, shape (outputs,); every class counts one row more than it has."""
    if classes is None:
        return np.array([np.asarray(y, np.float64).mean()])
    counts = np.bincount(np.asarray(y, np.int64), minlength=classes) + 1.0
    return np.log(counts[1:] / counts[:1]) if classes == 2 else np.log(counts / counts.sum())


def _derivatives(
    y: NDArray[np.generic], raw: Floats, classes: int | None, output: int
) -> tuple[Floats, Floats]:
    """Slope and curvature of the loss of each row at the raw scores, as LightGBM defines them."""
    if classes is None:
        return raw[:, 0] - np.asarray(y, np.float64), np.ones(len(raw))
    if classes == 2:
        p = expit(raw[:, 0])
        return p - (y == 1), p * (1.0 - p)
    p = softmax(raw, axis=1)[:, output]
    factor = classes / (classes - 1.0)
    return p - (y == output), factor * p * (1.0 - p)
