"""What a home model is worth in the target as it is, before anything is transferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xbsql.engine.candidates.relation import share_ratio
from xbsql.tasks.classifier import Classifier

if TYPE_CHECKING:
    from types import ModuleType

    import pyarrow as pa

    from xbsql.tasks.regressor import Regressor

HEADLINES = ("auc", "accuracy", "r2")
"""The metric of a task that is told: the first that it measures."""


def suited(
    module: ModuleType, model: Classifier | Regressor, source: pa.Table, target: pa.Table
) -> list[dict[str, Any]]:
    """How well a home model fits the target, with its labels and without.

    Args:
        module: the model's task.
        model: fitted on the source.
        source: home rows with the columns that the model reads.
        target: the same of the target; the model's label may stand beside them, NULL in some rows or all.

    Returns:
        Rows measure, column (the label), value. Where the target has labels 'auc' of two classes, 'accuracy'
        of more or 'r2' of numbers (AUC and R2 None where these labels are all the same). Of classes
        'label_shift', 0 to 1: the total variation between the class shares that the model finds at home and
        the likeliest ones in the target if only these differ (by EM, without labels: Saerens et al., 2002).

    Raises:
        XbsqlError: labels of another type than the model's.
    """
    label = model.label
    values: dict[str, float | None] = {}
    if label in target.column_names and target[label].null_count < len(target):
        scores = {row["metric"]: row["value"] for row in module.evaluate(model, target, label)}
        headline = next(name for name in HEADLINES if name in scores)
        values[headline] = scores[headline]
    if isinstance(model, Classifier):
        values["label_shift"] = _label_shift(model, source, target)
    return [{"measure": name, "column": label, "value": value} for name, value in values.items()]


def _label_shift(model: Classifier, source: pa.Table, target: pa.Table) -> float:
    home = model.probabilities(source).mean(axis=0)
    there = home * share_ratio(model.probabilities(target), home)
    return 0.5 * float(np.abs(there / there.sum() - home).sum())
