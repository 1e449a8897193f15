"""What a task tells the engine about its labels: the loss of one unit, and the score that people read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

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
    """

    metric: str
    classes: int | None
    loss: Callable[[Labels, Floats], Floats]
    score: Score
    mixes: bool = False


def classification(classes: int, metric: Literal["accuracy", "macro_f1", "auc"] = "accuracy") -> Objective:
    """Log loss of class probabilities, reported as accuracy, macro-F1 or AUC."""
    scores: dict[str, Score] = {
        "accuracy": metrics.accuracy,
        "macro_f1": metrics.macro_f1,
        "auc": metrics.auc,
    }
    return Objective(metric, classes, metrics.log_loss, scores[metric], mixes=True)


def regression() -> Objective:
    """Squared error of values, reported as R2."""
    return Objective("r2", None, metrics.squared_error, metrics.r2, mixes=True)
