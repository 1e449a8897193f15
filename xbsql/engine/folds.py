"""Folds over the target's labels, and when there are too few labels for any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.engine.objective import Objective

FEWEST_LABELS = 30
"""With fewer independent labels there are no folds: the weights are the prior."""
MANY_LABELS = 20_000
"""From so many on there are two folds."""
FEWEST_OF_OTHERS = 5
"""The same with fewer labels outside the largest class."""

ALONE = 0.5
"""The same where more than this share of the labels is the only one of its class: held out, nothing teaches
it, so folds would measure what is said of classes that nobody has shown."""


def enough(sample: Sample, objective: Objective) -> bool:
    """Whether the labels suffice for folds: 30 independent ones, 5 outside the largest class, few alone."""
    units = groups_of(sample)
    _, first = np.unique(units, return_index=True)
    if len(first) < FEWEST_LABELS:
        return False
    if objective.classes is None:
        return True
    counts = np.unique(sample.y, return_counts=True)[1]
    alone = int((counts == 1).sum())
    return minority(sample) >= FEWEST_OF_OTHERS and alone <= ALONE * len(sample)


def minority(sample: Sample) -> int:
    """How many labels lie outside the largest class."""
    counts = np.unique(sample.y, return_counts=True)[1]
    return int(counts.sum() - counts.max())


def groups_of(sample: Sample) -> NDArray[np.int64]:
    """The sample's groups; without any every row is its own."""
    return np.arange(len(sample)) if sample.group is None else sample.group


def plan(n: int) -> tuple[int, int]:
    """Folds and repeats for n labels.

    Few labels make noisy folds, so they are repeated; half of many teach nearly as much as all.
    """
    if n < 120:
        return 5, 3
    if n < 400:
        return 5, 2
    if n < 3000:
        return 5, 1
    return (3, 1) if n < MANY_LABELS else (2, 1)


def assign_folds(
    y: NDArray[np.generic], group: NDArray[np.int64], folds: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """A fold for each row: labels spread evenly, groups kept whole.

    Groups are sorted by their first label (class or value) and each run of `folds` of them is dealt out
    in random order.

    Returns:
        int64, shape (n,), in 0 .. folds - 1.
    """
    _, first, unit = np.unique(group, return_index=True, return_inverse=True)
    units = len(first)
    order = np.lexsort((generator.random(units), y[first]))
    runs = np.tile(np.arange(folds), (-(-units // folds), 1))
    dealt = np.empty(units, np.int64)
    dealt[order] = generator.permuted(runs, axis=1).ravel()[:units]
    return dealt[unit]
