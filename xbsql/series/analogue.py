"""Analogues: stretches of home's history that looked like a series does now, and what followed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql import kernels
from xbsql.series.boosted import origins_of
from xbsql.series.fan import COLUMNS, LEVELS, fan_of, mean_of
from xbsql.series.history import ahead, context, is_demand, least_of, movement
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.method import Known
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

LOOKED_AT: Final = 8
NEIGHBOURS: Final = 48
MOST: Final = 20_000


@restorable("series_analogue")
@dataclass(frozen=True)
class Analogue:
    """The quantiles of what followed the 48 stretches at home that are most like the last eight values.

    Both are told about their mean in units of the series' movement, so that size does not matter; alike is a
    small Euclidean distance. Nearest-neighbour forecasting: Yakowitz (1987).

    Attributes:
        keys: float32 (m, 10): stretches as vectors whose inner product with a query ranks like the distance.
        following: float32 (m, horizon): what came, told like the keys; NaN where nothing did.
        amounts: whether fans end at 0.
        least: the unit of a history of zeros, that of a small value of the target.
    """

    keys: NDArray[np.float32]
    following: NDArray[np.float32]
    amounts: bool
    least: float = 1.0

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10), the last step kept beyond those seen.

        NaN for an empty series, and for all where home had no stretch to keep.
        """
        fan = np.full((len(history), horizon, COLUMNS), np.nan)
        rows = np.flatnonzero(history.lengths > 0)
        if not len(rows) or not len(self.keys):
            return fan
        told, middle, scale = _told(history.take(rows), self.least)
        queries = np.concatenate([told, np.ones((len(told), 1))], axis=1).astype(np.float32)
        _, near = kernels.topk(queries, self.keys, min(NEIGHBOURS, len(self.keys)))
        steps = np.minimum(np.arange(horizon), self.following.shape[1] - 1)
        came = self.following[near].astype(np.float64)
        quantiles = np.nanquantile(came, LEVELS, axis=1).transpose(1, 2, 0)
        found = fan_of(quantiles, mean_of(quantiles))
        found = middle[:, None, None] + found[:, steps] * scale[:, None, None]
        fan[rows] = np.maximum(found, 0.0) if self.amounts else found
        return fan

    def state(self) -> State:
        """The forecaster as data."""
        arrays = {"keys": self.keys, "following": self.following}
        return State("series_analogue", {"amounts": self.amounts, "least": self.least}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The forecaster again."""
        keys, following = (np.asarray(state.arrays[name], np.float32) for name in ("keys", "following"))
        return cls(keys, following, state.config["amounts"], state.config.get("least", 1.0))


def fit_analogue(known: Known) -> Analogue:
    """Keep stretches of home's history and what followed each, drawn where there are many."""
    if known.home is None:
        raise ValueError("there are no analogues without home's series")
    steps = max(min(known.horizon, int(np.median(known.home.lengths)) // 2), 1)
    keys, following = [], []
    for held_out in origins_of(known.home, steps):
        cut = known.home.until(held_out)
        usable = np.flatnonzero(cut.lengths >= LOOKED_AT)
        told, middle, scale = _told(cut.take(usable), least_of(known.home))
        came = ahead(known.home, held_out, steps)[usable]
        keys.append(np.concatenate([told, -0.5 * np.square(told).sum(axis=1, keepdims=True)], axis=1))
        following.append((came - middle[:, None]) / scale[:, None])
    key, what = np.concatenate(keys), np.concatenate(following)
    there = np.flatnonzero(np.isfinite(what).all(axis=1))
    if len(there) > MOST:
        there = np.sort(np.random.default_rng(known.seed).choice(there, MOST, replace=False))
    amounts = is_demand(known.target)
    return Analogue(
        key[there].astype(np.float32), what[there].astype(np.float32), amounts, least_of(known.target)
    )


def _told(series: Series, least: float) -> tuple[Floats, Floats, Floats]:
    """The last eight values about their mean in units of movement, the level in them; the mean, the unit."""
    past, scale = context(series, LOOKED_AT), movement(series, least)
    counted = np.isfinite(past)
    middle = np.where(counted, past, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    shape = np.where(counted, past - middle[:, None], 0.0) / scale[:, None]
    return np.concatenate([shape, (middle / scale)[:, None]], axis=1), middle, scale
