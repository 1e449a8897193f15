"""How often a model is right where there is no label: what its confidence is worth, and who agrees."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from sklearn.isotonic import IsotonicRegression

from xbsql.engine.blend import sum_of
from xbsql.metrics import rows as metrics
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.metrics.rows import Floats, Labels

KNOTS = 33

DOUBT = 0.4
"""What confidence says too much under a shift, where all candidates disagree. Chosen on languages and
catalogues that are not reported."""

SPREAD = 0.04, 0.1
"""Standard error of an estimate where all agree, and what full disagreement adds; the same data. Most of the
first is the home market's: what its confidence is worth abroad is .04 more or less from one draw of home rows
to the next, in all languages alike, so that no number of target rows takes it away."""

ALONE = 0.07
"""Standard error where there is one candidate alone and nobody to agree with."""


@restorable("confidence")
@dataclass(frozen=True)
class Confidence:
    """How often a home model is right by how sure it is, on rows that it had not seen.

    Attributes:
        sure: float64, shape (k,), ascending: probabilities of the likeliest class.
        right: float64, shape (k,), not falling: share of such rows whose likeliest class is the true one.
        rows: how many rows that was measured on.
    """

    sure: Floats
    right: Floats
    rows: int

    @classmethod
    def of(cls, y: Labels, probability: Floats, weight: Floats | None = None) -> Self:
        """By isotonic regression on out-of-fold predictions (Zadrozny and Elkan, KDD 2002).

        Args:
            y: class codes, shape (n,).
            probability: shape (n, classes).
            weight: shape (n,): what each row counts; None: all alike.
        """
        sure = probability.max(axis=1)
        knots = np.unique(np.quantile(sure, np.linspace(0.0, 1.0, KNOTS)))
        fitted = IsotonicRegression(out_of_bounds="clip").fit(sure, metrics.hits(y, probability), weight)
        return cls(knots, np.asarray(fitted.predict(knots), np.float64), len(y))

    def expected(self, probability: Floats) -> float:
        """The share of rows that are right by their confidence alone; probability (n, classes)."""
        return float(np.interp(probability.max(axis=1), self.sure, self.right).mean())

    def state(self) -> State:
        """The curve as data."""
        return State("confidence", {"rows": self.rows}, {"sure": self.sure, "right": self.right})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The curve again."""
        arrays = {name: np.asarray(array, np.float64) for name, array in state.arrays.items()}
        return cls(arrays["sure"], arrays["right"], state.config["rows"])


class Estimate(NamedTuple):
    """An accuracy that nobody measured, with its 95 % interval."""

    value: float
    lo: float
    hi: float


def estimate(
    confidence: Confidence, members: Mapping[str, Floats], weights: Mapping[str, float], *, sold: bool = False
) -> Estimate:
    """The accuracy of a blend on rows without labels.

    Confidence at home says what confidence here is worth. Under a shift it falls too little; how far the
    candidates disagree says how much more (Jiang et al., "Assessing Generalization of SGD via Disagreement",
    ICLR 2022). It holds where labels mean here what they mean at home: no row without a label can tell that.

    Args:
        confidence: of the home model.
        members: probabilities of the rows by candidate, shape (n, classes).
        weights: of these candidates, positive.
        sold: whether home sells the same products: some candidates know their twins then, and disagreement
            says nothing.
    """
    total = sum(weights[name] for name in members)
    share = {name: weights[name] / total for name in members}
    value = confidence.expected(sum_of(members, share))
    agreed = agreement(members, share)
    if agreed is None:
        error = ALONE
    else:
        value -= 0.0 if sold else DOUBT * (1.0 - agreed)
        error = SPREAD[0] + SPREAD[1] * (1.0 - agreed)
    value = min(max(value, 0.0), 1.0)
    rows = len(next(iter(members.values())))
    radius = 1.96 * np.sqrt(error**2 + value * (1.0 - value) * (1.0 / rows + 1.0 / confidence.rows))
    return Estimate(value, max(value - radius, 0.0), min(value + radius, 1.0))


def agreement(members: Mapping[str, Floats], share: Mapping[str, float]) -> float | None:
    """The share of rows to which two candidates give the same class, mean over pairs by their weights.

    Returns:
        None where there is one candidate.
    """
    answers = {name: found.argmax(axis=1) for name, found in members.items()}
    pairs = [
        (share[a] * share[b], float((answers[a] == answers[b]).mean())) for a, b in combinations(members, 2)
    ]
    total = sum(weight for weight, _ in pairs)
    return sum(weight * alike for weight, alike in pairs) / total if total else None
