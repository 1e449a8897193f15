"""Evidence where classes are many: candidates are fitted once on most rows and judged on the others.

Folds would hold a probability of every class for every row, and fit each candidate three times or more. Of
many rows a few thousand say which candidate is better as well as all do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xbsql.engine.blend import bounded
from xbsql.engine.evidence import Evidence, mean_loss
from xbsql.engine.folds import assign_folds, groups_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Candidate, Predictor, Sample
    from xbsql.engine.evidence import Setting

MANY_CLASSES = 64
MANY_CELLS = 300_000
"""Probabilities of all rows: rows times classes."""

FEWEST_ROWS = 3000
"""Rows from which on a tenth of them is enough to judge by; fewer are judged over folds."""

SHARE = 0.1
MOST_CELLS = 8_000_000
"""Probabilities of the rows that are judged on, a candidate."""
MOST_ROWS = 5000
FOLDS = 3
"""Parts of these rows, of which each is weighed by the evidence of the others."""


class Held(NamedTuple):
    """What the candidates did on rows that were held out.

    Attributes:
        evidence: of these rows.
        rows: bool, shape (n,): which of the labelled rows they are.
    """

    evidence: Evidence
    rows: NDArray[np.bool_]


def many(rows: int, classes: int | None) -> bool:
    """Whether so many rows have so many classes that only what is made for many is fitted."""
    return classes is not None and classes >= MANY_CLASSES and rows * classes > MANY_CELLS


def judged_once(rows: int, classes: int | None) -> bool:
    """Whether rows are held out once and not over folds."""
    return rows >= FEWEST_ROWS and many(rows, classes)


def hold_out(
    setting: Setting,
    candidates: Sequence[Candidate],
    fixed: Mapping[str, Predictor],
    step: Callable[[str], None],
) -> Held:
    """Predict a tenth of the rows, at most 5,000, by candidates fitted on the others; groups stay whole.

    Args:
        setting: what they are fitted on, a problem of classes.
        candidates: all of them.
        fixed: predictors of those that use no label, by name.
        step: called with a candidate's name after each fit.
    """
    target, objective = setting.target, setting.objective
    rows = _chosen(target, objective.classes or 1, setting.seed)
    split, known = setting.split(rows), target.take(rows)
    predictions = {}
    for candidate in candidates:
        name = candidate.name
        if name in fixed:
            predictions[name] = bounded(fixed[name].predict(split.x), setting.bounds)[None]
        else:
            predictions[name] = split.predicted(candidate)[None]
            step(name)
    names = tuple(candidate.name for candidate in candidates)
    losses = np.stack([mean_loss(objective, known.y, predictions[name]) for name in names])
    prior = np.array([candidate.prior for candidate in candidates])
    group, generator = groups_of(known), np.random.default_rng(setting.seed)
    folds = assign_folds(known.y, group, FOLDS, generator)[None]
    found = Evidence(
        names, prior, known.y, group, folds, predictions, losses, objective.mixes, sampling=known.sampling
    )
    return Held(found, rows)


def _chosen(target: Sample, classes: int, seed: int) -> NDArray[np.bool_]:
    """The rows to hold out: groups in random order until there are enough."""
    most = max(int(min(SHARE * len(target), MOST_ROWS, MOST_CELLS // classes)), 1)
    _, unit = np.unique(groups_of(target), return_inverse=True)
    place = np.random.default_rng(seed).permutation(int(unit.max()) + 1)[unit]
    order = np.argsort(place, kind="stable")
    last = place[order[most - 1]]
    return np.asarray(place <= last)
