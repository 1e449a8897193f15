"""The metrics of a classifier, with intervals, for all rows or for groups of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from xbsql import errors, metrics
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.metrics import Floats, Labels

DRAWS = 400
CELLS = 8_000_000
"""Numbers that are held at a time while resampling."""


def measured(y: Labels, probability: Floats, seed: int = 0) -> list[dict[str, Any]]:
    """Accuracy, macro-F1, log loss and calibration error, each with its 95 % bootstrap interval.

    Args:
        y: int64 class codes, shape (n,), n >= 1.
        probability: float64, shape (n, classes).
        seed: of the resamples.

    Returns:
        One row a metric: metric, value, lo, hi, rows.
    """
    draws = _draws(y, probability, seed)
    rows = []
    for name, score in _SCORES.items():
        lo, hi = metrics.interval(draws[name])
        rows.append({"metric": name, "value": float(score(y, probability, None)), "lo": lo, "hi": hi})
    return [{**row, "rows": len(y)} for row in rows]


def grouped(
    where: str, table: pa.Table, by: str | None
) -> Iterator[tuple[str | None, NDArray[np.int64] | slice]]:
    """All rows, then the groups of them by a column: in order of their value, NULL last.

    Raises:
        XbsqlError: no such column.
    """
    yield None, slice(None)
    if by is None:
        return
    if by not in table.column_names:
        raise errors.unknown(where, "column", by, table.column_names, place="the table has")
    values = as_text(table[by])
    for value in sorted(pc.unique(values.drop_null()).to_pylist()):
        yield value, np.flatnonzero(pc.fill_null(pc.equal(values, value), False).to_numpy())
    if values.null_count:
        yield "NULL", np.flatnonzero(pc.is_null(values).to_numpy())


def _log_loss(y: Labels, probability: Floats, weight: Floats | None) -> Floats:
    return metrics.mean(metrics.log_loss(y, probability), weight)


_SCORES: Mapping[str, Callable[[Labels, Floats, Floats | None], Floats]] = {
    "accuracy": metrics.accuracy,
    "macro_f1": metrics.macro_f1,
    "log_loss": _log_loss,
    "calibration_error": metrics.calibration_error,
}


def _draws(y: Labels, probability: Floats, seed: int) -> dict[str, Floats]:
    """Every score in every resample, a few resamples at a time."""
    step = max(1, min(DRAWS, CELLS // len(y)))
    draws: dict[str, list[Floats]] = {name: [] for name in _SCORES}
    for start in range(0, DRAWS, step):
        counts = metrics.bootstrap_counts(len(y), min(step, DRAWS - start), seed + start)
        for name, score in _SCORES.items():
            draws[name].append(np.atleast_1d(score(y, probability, counts)))
    return {name: np.concatenate(parts) for name, parts in draws.items()}
