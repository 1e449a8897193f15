"""How right answers are: precision, recall and F1 of values, with intervals over products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from xbsql.metrics.rows import bootstrap_counts, interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats, Labels

    Flags = NDArray[np.bool_]

DRAWS: Final = 300
ANSWERED: Final = 0.35
"""Probability from which on an answer counts where none was tuned: F1 is largest near half of itself."""

GRID: Final = tuple(np.arange(0.1, 0.66, 0.05).round(2).tolist())


class Outcome(NamedTuple):
    """What became of q queries.

    Attributes:
        wanted: bool (q,): there is a value.
        given: bool (q,): there is an answer.
        right: bool (q,): it is the value.
        cluster: int64 (q,): which product the title is of.
    """

    wanted: Flags
    given: Flags
    right: Flags
    cluster: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64] | Flags) -> Outcome:
        """Some of the queries."""
        return Outcome(self.wanted[rows], self.given[rows], self.right[rows], self.cluster[rows])


def scored(outcome: Outcome, seed: int = 0) -> list[dict[str, Any]]:
    """F1, precision and recall with 95 % bootstrap intervals over products; `rows` counts the values wanted.

    A metric that is not defined is None.
    """
    rows = int(outcome.wanted.sum())
    counts = np.stack([part.astype(np.float64) for part in (outcome.right, outcome.given, outcome.wanted)])
    whole = counts.sum(axis=1)
    _, unit = np.unique(outcome.cluster, return_inverse=True)
    found = []
    drawn = np.zeros((DRAWS, 3))
    if len(unit):
        by_unit = np.stack([np.bincount(unit, part) for part in counts])
        drawn = bootstrap_counts(by_unit.shape[1], DRAWS, seed) @ by_unit.T
    for name, share in (("f1", f1), ("precision", precision), ("recall", recall)):
        value = float(share(whole))
        lo, hi = interval(share(drawn.T)) if np.isfinite(value) else (np.nan, np.nan)
        row = {"metric": name, "value": value, "lo": lo, "hi": hi}
        found.append({**{k: _known(v) for k, v in row.items()}, "rows": rows})
    return found


def _known(value: Any) -> Any:  # noqa: ANN401 - a name or a number
    return None if isinstance(value, float) and not np.isfinite(value) else value


def f1(counts: Floats) -> Floats:
    """Of right, given and wanted; (3, ...) -> (...)."""
    return _over(2 * counts[0], counts[1] + counts[2])


def precision(counts: Floats) -> Floats:
    """Share of the answers that are right."""
    return _over(counts[0], counts[1])


def recall(counts: Floats) -> Floats:
    """Share of the values that are found."""
    return _over(counts[0], counts[2])


def _over(one: Floats, other: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(other > 0, one / np.maximum(other, 1e-300), np.nan))


def slot_f1(y: Labels, prediction: Floats, weight: Floats | None = None) -> Floats:
    """F1 where classes are slots: 0 says that there is no value, the last one a value that is no candidate.

    Args:
        y: int64 (n,).
        prediction: float64 (n, classes).
        weight: float64 (..., n); None counts each query once.
    """
    slots = prediction[:, 1:-1]
    best = slots.argmax(axis=1)
    given = slots[np.arange(len(y)), best] >= ANSWERED
    parts = np.stack([given & (best + 1 == y), given, y > 0]).astype(np.float64)
    counts = parts.sum(axis=1) if weight is None else np.moveaxis(np.asarray(weight) @ parts.T, -1, 0)
    return np.nan_to_num(f1(counts))


def tuned(score: Floats, right: Flags, wanted: int) -> float:
    """The probability from which on an answer is given, for the largest F1.

    Args:
        score: float64 (q,): of the likeliest candidate of each query, 0 without any.
        right: bool (q,): whether it is the value.
        wanted: how many queries have a value.
    """
    if wanted < LEAST_WANTED:
        return ANSWERED
    given = [score >= least for least in GRID]
    found = [2 * (right & each).sum() / max(each.sum() + wanted, 1) for each in given]
    return float(GRID[int(np.argmax(found))])


LEAST_WANTED: Final = 30
