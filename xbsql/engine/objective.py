"""What a task tells the engine about its labels: the loss of one unit, and the score that people read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from xbsql.metrics import rows as metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbsql.metrics.rows import Floats, Labels


class Score(Protocol):
    """A score that takes bootstrap weights, see `xbsql.metrics.rows`."""

    def __call__(self, y: Labels, prediction: Floats, weight: Floats | None = None, /) -> Floats:
        """Score of shape weight.shape[:-1]; higher is better."""
        ...


@dataclass(frozen=True)
class Objective:
    """How predictions are judged.

    Attributes:
        metric: the score's name as the verdict prints it.
        classes: how many classes there are, over source and target together; None where labels are values.
        loss: (y, prediction) -> float64, shape (n,): a smooth proper loss of each unit; it
            decides the weights.
        score: what the verdict reports, higher is better.
        mixes: whether `loss` is the log loss or the squared error of a weighted mean of predictions; the
            blend's weights are then refined on its own loss, see `xbsql.engine.mixture`.
        tilts: whether the score is of answers that rare classes are to be given sooner for, see
            `xbsql.engine.tilt`.
    """

    metric: str
    classes: int | None
    loss: Callable[[Labels, Floats], Floats]
    score: Score
    mixes: bool = False
    tilts: bool = False


SCORES: Final[dict[str, Score]] = {
    "accuracy": metrics.accuracy,
    "balanced_accuracy": metrics.balanced_accuracy,
    "f1": metrics.f1,
    "macro_f1": metrics.macro_f1,
    "auc": metrics.auc,
}
"""What a classification can be judged by."""

TILTED: Final = ("balanced_accuracy", "f1", "macro_f1")
"""Those that count a rare class for more than its rows."""


def classification(classes: int, metric: str = "accuracy") -> Objective:
    """Log loss of class probabilities, reported as one of `SCORES`."""
    return Objective(metric, classes, metrics.log_loss, SCORES[metric], mixes=True, tilts=metric in TILTED)


def regression() -> Objective:
    """Squared error of values, reported as R2."""
    return Objective("r2", None, metrics.squared_error, metrics.r2, mixes=True)
