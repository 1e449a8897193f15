"""The metrics of a model, with intervals, for all rows or for groups of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow.compute as pc

from xbsql import errors
from xbsql.features.roles import as_text
from xbsql.metrics import rows as metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats, Labels

    Score: TypeAlias = Callable[[Labels, Floats, Floats | None], Floats]
    Members: TypeAlias = NDArray[np.int64] | slice

DRAWS = 400
CELLS = 8_000_000
"""Numbers that are held at a time while resampling."""

FEWEST_DRAWS = 100
MANY_ROWS = 10_000
"""Beyond so many rows fewer resamples do, down to `FEWEST_DRAWS`: the interval is narrow there."""


def measured(
    y: Labels, prediction: Floats, scores: Mapping[str, Score], seed: int = 0, weight: Floats | None = None
) -> list[dict[str, Any]]:
    """Each score with its 95 % bootstrap interval.

    Args:
        y: int64 class codes or float64 values, shape (n,), n >= 1.
        prediction: float64, shape (n, classes) or (n,).
        scores: by name: `CLASSES`, or `VALUES` with or without `coverage`.
        seed: of the resamples.
        weight: float64, shape (n,): what each row counts; None: all alike.

    Returns:
        One row a score: metric, value, lo, hi (None where these rows leave it undefined), rows.
    """
    draws = _draws(y, prediction, scores, seed, weight)
    rows = []
    for name, score in scores.items():
        found = (float(score(y, prediction, weight)), *metrics.interval(draws[name]))
        value, lo, hi = (None if np.isnan(number) else number for number in found)
        rows.append({"metric": name, "value": value, "lo": lo, "hi": hi, "rows": len(y)})
    return rows


def coverage(radius: Floats) -> Score:
    """The share of labels that lie no further than `radius`, shape (n,), from the value."""

    def score(y: Labels, value: Floats, weight: Floats | None) -> Floats:
        return metrics.mean(np.asarray(metrics.absolute_error(y, value) <= radius, np.float64), weight)

    return score


def answering(answered: NDArray[np.bool_], name: str, score: Score) -> dict[str, Score]:
    """What a model that abstains is measured by beside its scores of all rows, which count every row.

    Args:
        answered: bool, shape (n,).
        name: of the score.
        score: one of `CLASSES` or `VALUES`.

    Returns:
        'answered': the share of rows that get an answer; '<name>_answered': the score of these, None where
        there are none.
    """
    kept = answered.astype(np.float64)

    def share(y: Labels, prediction: Floats, weight: Floats | None) -> Floats:
        return metrics.mean(kept, weight)

    def scored(y: Labels, prediction: Floats, weight: Floats | None) -> Floats:
        return score(y, prediction, kept if weight is None else kept * weight)

    return {"answered": share, f"{name}_answered": scored}


def grouped(where: str, table: pa.Table, by: str | None) -> Iterator[tuple[str | None, Members]]:
    """All rows, then the groups of them by a column: in order of their value, NULL last.

    Raises:
        XbsqlError: no such column.
    """
    yield None, slice(None)
    if by is None:
        return
    if by not in table.column_names:
        raise errors.unknown(where, "column", by, table.column_names, place="the table has")
    values = as_text(table[by], by)
    for value in sorted(pc.unique(values.drop_null()).to_pylist()):
        yield value, np.flatnonzero(pc.fill_null(pc.equal(values, value), False).to_numpy())
    if values.null_count:
        yield "NULL", np.flatnonzero(pc.is_null(values).to_numpy())


def _log_loss(y: Labels, probability: Floats, weight: Floats | None) -> Floats:
    return metrics.mean(metrics.log_loss(y, probability), weight)


def _rmse(y: Labels, value: Floats, weight: Floats | None) -> Floats:
    return np.sqrt(metrics.mean(metrics.squared_error(y, value), weight))


CLASSES: Mapping[str, Score] = {
    "accuracy": metrics.accuracy,
    "macro_f1": metrics.macro_f1,
    "log_loss": _log_loss,
    "calibration_error": metrics.calibration_error,
}


def class_scores(classes: int) -> dict[str, Score]:
    """The scores of so many classes: `CLASSES`, and the area under the ROC curve where there are two."""
    return {**CLASSES, "auc": metrics.auc} if classes == 2 else dict(CLASSES)


VALUES: Mapping[str, Score] = {"r2": metrics.r2, "mae": metrics.mae, "rmse": _rmse}


def _draws(
    y: Labels, prediction: Floats, scores: Mapping[str, Score], seed: int, weight: Floats | None
) -> dict[str, Floats]:
    """Every score in every resample, a few resamples at a time."""
    most = int(np.clip(DRAWS * MANY_ROWS / len(y), FEWEST_DRAWS, DRAWS))
    step = max(1, min(most, CELLS // len(y)))
    draws: dict[str, list[Floats]] = {name: [] for name in scores}
    for start in range(0, most, step):
        counts = metrics.bootstrap_counts(len(y), min(step, most - start), seed + start)
        counts = counts if weight is None else counts * weight
        for name, score in scores.items():
            draws[name].append(np.atleast_1d(score(y, prediction, counts)))
    return {name: np.concatenate(parts) for name, parts in draws.items()}
