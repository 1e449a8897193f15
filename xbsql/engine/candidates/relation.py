"""Relation transfer: the home model as it is, or with the class shares of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.engine.candidate import Candidate
from xbsql.engine.design import dense
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from xbsql.engine.candidate import Predictor, Sample, Source
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

RATIO_RANGE = (0.1, 10.0)
"""A class's share in the target is held to this many times its share in the source."""


@restorable("source_shares")
@dataclass(frozen=True)
class SourceScore:
    """The home model's prediction, with other class shares where these are known to differ.

    Attributes:
        ratio: float64, shape (classes,): share in the target over share in the source; None changes nothing.
    """

    ratio: Floats | None = None

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes), or values, shape (n,)."""
        prediction = np.asarray(dense(x["source"]), np.float64)
        if self.ratio is None:
            return prediction[:, 0] if prediction.shape[1] == 1 else prediction
        tilted = prediction * self.ratio
        return np.asarray(tilted / np.maximum(tilted.sum(axis=1, keepdims=True), 1e-12))

    def state(self) -> State:
        """The predictor as data."""
        return State("source_shares", arrays={} if self.ratio is None else {"ratio": self.ratio})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        ratio = state.arrays.get("ratio")
        return cls(None if ratio is None else np.asarray(ratio, np.float64))


def source_only(name: str = "source_only:home", prior: float = 1.0) -> Candidate:
    """The home model as it is."""

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return SourceScore()

    return Candidate(name, "source", fit, uses_labels=False, prior=prior)


def label_shift(classes: int, name: str, prior: float = 1.0) -> Candidate:
    """The home model with the target's class shares, by EM without labels (Saerens et al., 2002)."""

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        if source.sample is None:
            message = "label shift needs the class shares of the source's rows"
            raise ValueError(message)
        counts = np.bincount(np.asarray(source.sample.y, np.int64), minlength=classes).astype(np.float64)
        return SourceScore(
            share_ratio(np.asarray(dense(unlabelled["source"]), np.float64), counts / counts.sum())
        )

    return Candidate(name, "relation", fit, uses_labels=False, prior=prior)


def share_ratio(prediction: Floats, share: Floats, rounds: int = 100) -> Floats:
    """Class shares of unlabelled rows over those of the source, the likeliest under label shift.

    Args:
        prediction: the source's probabilities of the rows, shape (n, classes).
        share: class shares in the source, shape (classes,); a class without rows keeps the ratio 1.
        rounds: of EM, at most.

    Returns:
        float64, shape (classes,), held to 0.1 .. 10.
    """
    known = share > 0
    ratio = np.ones(len(share))
    for _ in range(rounds):
        tilted = prediction * ratio
        tilted /= np.maximum(tilted.sum(axis=1, keepdims=True), 1e-12)
        update = np.where(known, tilted.mean(axis=0) / np.where(known, share, 1.0), 1.0)
        change, ratio = float(np.abs(update - ratio).max()), update
        if change < 1e-6:
            break
    return np.clip(ratio, *RATIO_RANGE)
