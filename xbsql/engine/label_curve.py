"""How many labels the source is worth, from the learning curve of the target alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.folds import assign_folds, groups_of

if TYPE_CHECKING:
    from xbsql.engine.candidate import Candidate
    from xbsql.engine.evidence import Setting

SHARES = (4, 2)
"""The curve's lower points are at a quarter and at a half of the labels."""

DRAWS = 6
"""Subsets for each of them."""

MOST_TIMES = 3.0
"""The curve is not drawn beyond so many times the labels there are: a line through three points that lie
within a factor of four says nothing of what comes long after them."""


def labels_saved(setting: Setting, candidate: Candidate, own: float, blend: float) -> float | None:
    """Labels that the target alone would need beside its own for the blend's score.

    Its score is measured at a quarter, at a half and at four fifths of the labels (the folds' share) and
    taken as linear in the logarithm of their number; that line is followed to the blend's score.

    Args:
        setting: what candidates are fitted on.
        candidate: the best target-only one.
        own: its out-of-fold score.
        blend: the blend's.

    Returns:
        Labels, at most twice those there are, which stands for "or more"; None where the curve does not rise.
    """
    target = setting.target
    points = [(0.8, own)]
    generator = np.random.default_rng(setting.seed)
    for share in SHARES:
        for _ in range(DRAWS):
            others = assign_folds(target.y, groups_of(target), share, generator) != 0
            predicted, counted = setting.split(others).predicted(candidate), target.take(others).sampling
            score = setting.objective.score(target.y[others], predicted, counted)
            points.append((1.0 / share, float(score)))
    sizes, scores = np.array(points).T
    weight = np.where(sizes == 0.8, float(DRAWS), 1.0)
    slope, level = np.polyfit(np.log(sizes / 0.8), scores, 1, w=np.sqrt(weight))
    if not slope > 0:
        return None
    times = np.exp(np.clip((blend - level) / slope, 0.0, np.log(MOST_TIMES)))
    return float(len(target) * (times - 1.0))
