"""Which columns a fitted model rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.blend import Blend
from xbsql.engine.candidates.boosted import BoostedPredictor
from xbsql.engine.candidates.linear import LinearPredictor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.metrics.rows import Floats


def importance(predictor: Predictor, width: int) -> Floats | None:
    """The share of each column of 'table' in what a model rests on.

    Trees: the gain of the splits on it. Lines: the absolute coefficients of its columns in the standardised
    design. A blend: the mean of its members that are one of the two, by weight.

    Args:
        predictor: as fitted.
        width: columns of 'table'.

    Returns:
        float64, shape (width,), sum 1; None where no part of the model says.
    """
    if isinstance(predictor, Blend):
        parts = {name: importance(member, width) for name, member in predictor.members.items()}
        known = [(predictor.weights[name], part) for name, part in parts.items() if part is not None]
        total = sum(weight for weight, _ in known)
        return sum((weight / total * part for weight, part in known), np.zeros(width)) if known else None
    if isinstance(predictor, BoostedPredictor) and predictor.layout.views[0] == "table":
        return _share(predictor.booster.feature_importance("gain")[: predictor.width or width], width)
    if isinstance(predictor, LinearPredictor) and predictor.design.layout.views[0] == "table":
        return _share(_of_line(predictor, width), width)
    return None


def _of_line(line: LinearPredictor, width: int) -> NDArray[np.float64]:
    arrays, found = line.design.arrays, np.zeros(width)
    columns = np.concatenate(
        [arrays["numbers"], arrays["numbers"][arrays["indicated"]], arrays["level_columns"]]
    ).astype(np.int64)
    weight = np.abs(line.coefficients[: len(columns)]).sum(axis=1)
    np.add.at(found, columns, weight)
    return found


def _share(values: NDArray[np.generic], width: int) -> Floats | None:
    found = np.zeros(width)
    found[: len(values)] = values
    total = float(found.sum())
    return found / total if total > 0 else None
