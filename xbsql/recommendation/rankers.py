"""Ways to make one score of the features of a candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import lightgbm as lgb
import numpy as np
from scipy.optimize import minimize

from xbsql.engine.booster_kept import kept_text
from xbsql.engine.booster_text import BrokenText, loadable, stored_text
from xbsql.store.model import Restorable, State, restorable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xbsql.recommendation.events import Floats, Places

RIDGE: Final = 1.0
"""Users' worth of loss that a standardised coefficient of 1 costs."""

STEPS: Final = 80
ROUNDS: Final = 60
ONE_THREAD_ROWS: Final = 20_000
"""Up to so many candidates a second thread costs more than it brings."""

SEEN_LEAST: Final = 0.1
"""Added before logarithms are taken: a similarity far below it says as little as none."""


class Ranker(Restorable, Protocol):
    """What orders candidates.

    Attributes:
        reads: the names of the features that it reads.
    """

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the features that it reads."""
        ...

    def score(self, x: Floats) -> Floats:
        """The score of each candidate, higher is better; (n, c, len(reads)) -> float64 (n, c)."""
        ...

    def reading(self, names: Mapping[str, str]) -> Self:
        """The same, reading other features in the place of these."""
        ...


def part(x: Floats, names: Sequence[str], reads: Sequence[str]) -> Floats:
    """Some of the features by their names."""
    return x[..., [names.index(name) for name in reads]]


def spread(x: Floats) -> Floats:
    """Features on a logarithmic scale: what is small counts by how small it is."""
    return np.log(np.maximum(x, 0.0) + SEEN_LEAST)


@restorable("weighted_ranker")
@dataclass(frozen=True)
class Weighted:
    """A weighted sum of features on a logarithmic scale.

    Attributes:
        reads: the names of the features.
        weight: float64 (len(reads),).
    """

    reads: tuple[str, ...]
    weight: Floats

    def score(self, x: Floats) -> Floats:
        """The sum."""
        return np.asarray(spread(x) @ self.weight)

    def reading(self, names: Mapping[str, str]) -> Self:
        """The same of other features."""
        return replace(self, reads=tuple(names.get(name, name) for name in self.reads))

    def state(self) -> State:
        """As data."""
        return State("weighted_ranker", {"reads": list(self.reads)}, {"weight": self.weight})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Again."""
        return cls(tuple(state.config["reads"]), state.arrays["weight"])  # type: ignore[arg-type]


def fit_weighted(x: Floats, y: Places, reads: Sequence[str]) -> Weighted:
    """The weights by which the users' own items are likeliest among their candidates.

    McFadden's conditional logit (1974) with a ridge: each user chooses one of the candidates.

    Args:
        x: float (n, c, len(reads)).
        y: int64 (n,), the candidate that the user really has.
        reads: the names of the features.
    """
    shown = spread(x)
    scale = shown.reshape(-1, shown.shape[-1]).std(axis=0) + 1e-9
    shown, rows = shown / scale, np.arange(len(y))

    def lost(weight: Floats) -> tuple[float, Floats]:
        score = shown @ weight
        top = score.max(axis=1, keepdims=True)
        odds = np.exp(score - top)
        total = odds.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) + top[:, 0] - score[rows, y]).sum() + RIDGE * weight @ weight
        share = odds / total
        share[rows, y] -= 1.0
        return loss / len(y), (np.einsum("nc,ncf->f", share, shown) + 2 * RIDGE * weight) / len(y)

    start = np.zeros(len(scale))
    found = minimize(lost, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return Weighted(tuple(reads), found.x / scale)


@restorable("tree_ranker")
@dataclass(frozen=True)
class Trees:
    """Boosted trees.

    Attributes:
        reads: the names of the features.
        model: LightGBM's text, whose raw score orders.
    """

    reads: tuple[str, ...]
    model: str

    @cached_property
    def booster(self) -> lgb.Booster:
        """The trees; read-only."""
        return lgb.Booster(model_str=loadable(self.model))

    def score(self, x: Floats) -> Floats:
        """What the trees add up to."""
        flat = x.reshape(-1, x.shape[-1])
        if not len(flat):
            return np.zeros(x.shape[:-1])
        threads = 1 if len(flat) <= ONE_THREAD_ROWS else 2
        found = self.booster.predict(flat, raw_score=True, num_threads=threads)
        return np.asarray(found).reshape(x.shape[:-1])

    def reading(self, names: Mapping[str, str]) -> Self:
        """The same of other features."""
        return replace(self, reads=tuple(names.get(name, name) for name in self.reads))

    def state(self) -> State:
        """As data."""
        return State("tree_ranker", {"reads": list(self.reads)}, texts={"model": self.model})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Again.

        Raises:
            BrokenText: the text is none, or reads another number of features.
        """
        found, reads = stored_text(state.texts["model"]), tuple(state.config["reads"])
        if len(found.names) != len(reads):
            raise BrokenText("reads another number of features than it is said to")
        return cls(reads, found.text)


def fit_trees(x: Floats, y: Places, reads: Sequence[str], seed: int) -> Trees:
    """Trees that order the candidates of each user (LambdaMART: Burges, 2010), in LightGBM.

    Args:
        x: float (n, c, len(reads)).
        y: int64 (n,), the candidate that the user really has.
        reads: the names of the features.
        seed: of the features and rows that each tree sees.
    """
    n, c, _ = x.shape
    label = np.zeros((n, c))
    label[np.arange(n), y] = 1.0
    settings: dict[str, Any] = {
        "objective": "lambdarank", "lambdarank_truncation_level": 10, "learning_rate": 0.1, "num_leaves": 8,
        "min_data_in_leaf": 100, "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1,
        "bagging_by_query": True, "lambda_l2": 5.0, "max_bin": 127, "seed": seed, "deterministic": True,
        "force_row_wise": True, "num_threads": 1, "verbose": -1,
    }  # fmt: skip
    data = lgb.Dataset(x.reshape(n * c, -1), label.ravel(), group=np.full(n, c), free_raw_data=True)
    booster = lgb.train(settings, data, ROUNDS)
    # The store reads texts whose raw score is what they say, as that of values is.
    text = kept_text(booster).replace("\nobjective=lambdarank\n", "\nobjective=regression\n", 1)
    return Trees(tuple(reads), text)
