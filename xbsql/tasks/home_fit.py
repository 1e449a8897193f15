"""What a home model is worth in the target as it is, before anything is transferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from xbsql.tasks.row_model import RowModel
    from xbsql.tasks.row_task import AnyRowTask

HEADLINES = ("auc", "accuracy", "r2")
"""The metric of a task that is told: the first of these that it measures."""


def home_fit(task: AnyRowTask, model: RowModel, source: pa.Table, target: pa.Table) -> list[dict[str, Any]]:
    """How well a home model fits the target, with its labels and without.

    Args:
        task: the model's.
        model: fitted on the source.
        source: home rows with the columns that the model reads.
        target: the same of the target; the model's label may stand beside them, NULL in some rows or all.

    Returns:
        Rows measure, column (the label), value. Where the target has labels 'auc' of two classes, 'accuracy'
        of more or 'r2' of numbers (AUC and R2 None where these labels are all the same). Then what the task
        can tell without labels, see `RowTask.unlabelled_fit`: of classes 'label_shift'.

    Raises:
        XbsqlError: labels of another type than the model's.
    """
    label = model.label
    values: dict[str, float | None] = {}
    if label in target.column_names and target[label].null_count < len(target):
        scores = {row["metric"]: row["value"] for row in task.evaluated(model, target, label, None)}
        headline = next(name for name in HEADLINES if name in scores)
        values[headline] = scores[headline]
    values |= task.unlabelled_fit(model, source, target)
    return [{"measure": name, "column": label, "value": value} for name, value in values.items()]
