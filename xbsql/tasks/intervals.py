"""Intervals of values: how far the truth lay from predictions that had not seen it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.metrics import Floats, Labels


def conformal_radius(y: Labels, held_out: Floats, level: float, group: NDArray[np.int64]) -> float | None:
    """Half the width of an interval that holds a new label with at least this probability.

    Conformal, from absolute out-of-fold residuals (split conformal: Lei et al., JASA 2018; over folds: Vovk,
    2015): of n units it is the ceil((n + 1) * level)-th smallest, the repeats of all units ranked together.
    It holds for rows of the market that the labels are from.

    Args:
        y: float64, shape (n,).
        held_out: out-of-fold predictions, shape (repeats, n).
        level: between 0 and 1.
        group: shape (n,): rows of a group are one unit.

    Returns:
        The radius; None where the units are too few for this level.
    """
    residuals = np.sort(np.abs(held_out - y), axis=None)
    units = len(np.unique(group))
    rank = math.ceil(round((units + 1) * level, 9))
    if rank > units:
        return None
    return float(residuals[-(-rank * len(residuals) // units) - 1])
