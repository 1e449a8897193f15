"""Shapley values by sampling, for predictors that are a black box."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.blend import with_source
from xbsql.engine.question import bare
from xbsql.features.views import Features

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.engine.question import Question
    from xbsql.features.views import Matrix
    from xbsql.metrics.rows import Floats

ORDERS = 16
"""Orders in which features are set; every second one is the reverse of the one before."""


def sampled(predictor: Predictor, asked: Question) -> Floats:
    """What each feature adds to the prediction of each row, by setting one after the other.

    A background row takes the row's values feature by feature in a random order, and each feature gets the
    change that it made, on average over the orders (Castro, Gomez and Tejada, 2009; reversed orders: Mitchell
    et al., JMLR 2022). The home model is asked again each time, so what it makes of a feature is that
    feature's. A predictor that reads one feature alone owes it all of its distance from the background.

    Returns:
        float64, shape (n, F).
    """
    x, background = bare(asked.x), bare(asked.background)
    groups = _groups(predictor, asked, x)
    parts = np.zeros((len(x), len(asked.names.features)))
    if len(groups) == 1:
        mean = _predict(predictor, asked, background).mean(axis=0)
        parts[:, groups[0]] = asked.of(_predict(predictor, asked, x)) - asked.of(mean)
        return parts
    generator, order = np.random.default_rng(0), np.array(groups)
    starts = np.linspace(0, len(background) - 1, ORDERS).astype(np.int64)
    for draw, start in enumerate(starts):
        order = generator.permutation(groups) if draw % 2 == 0 else order[::-1]
        rows = background.take(np.full(len(x), start))
        before = asked.of(_predict(predictor, asked, rows))
        for feature in order:
            rows = _set(rows, x, asked, int(feature))
            after = asked.of(_predict(predictor, asked, rows))
            parts[:, feature] += (after - before) / ORDERS
            before = after
    return parts


class _Recorded(Mapping[str, "Matrix"]):
    """Views that note which of them are read."""

    def __init__(self, views: Mapping[str, Matrix]) -> None:
        self._views = views
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Matrix:
        self.read.add(name)
        return self._views[name]

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)


def _groups(predictor: Predictor, asked: Question, x: Features) -> list[int]:
    """The features that the predictor reads, at least one."""
    views = _Recorded(x.take(slice(0, 1)).views)
    _predict(predictor, asked, Features(views))
    found = {asked.names.views[name] for name in views.read if name not in ("table", "market")}
    if "table" in views.read:
        found |= set(asked.names.table.tolist())
    return sorted(found) or [0]


def _predict(predictor: Predictor, asked: Question, x: Features) -> Floats:
    return predictor.predict(x if asked.home is None else with_source(x, asked.home))


def _set(rows: Features, x: Features, asked: Question, feature: int) -> Features:
    """The rows with one feature as it is in `x`."""
    views: dict[str, Matrix] = dict(rows.views)
    for name in views:
        if name == "table":
            own: NDArray[np.int64] = np.flatnonzero(asked.names.table == feature)
            if len(own):
                table = np.array(views[name])
                table[:, own] = np.asarray(x[name])[:, own]
                views[name] = table
        elif asked.names.views.get(name) == feature:
            views[name] = x[name]
    return Features(views)
