"""The pretrained model of `fracast`: 85,001 parameters, nine quantiles, trained on other series."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from scipy.special import ndtri

from xbsql.series.fan import COLUMNS, SCORES, fan_of
from xbsql.series.history import context, unit
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

FEWEST: Final = 8
"""Values the model needs."""
CONTEXT: Final = 512
BATCH: Final = 8
"""Series at a time: the model fills each up to 2,048 values, and more than a few leave the cache."""


@restorable("series_pretrained")
@dataclass(frozen=True)
class Pretrained:
    """The model as its package ships it; it is fitted to nothing.

    Its quantiles are those from 0.1 to 0.9; the outer ones of a fan lie on the line through the last two, in
    normal scores. Beyond 48 steps it goes on from its own medians.
    """

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10); NaN for a series of fewer than eight values."""
        found = np.full((len(history), horizon, COLUMNS), np.nan)
        rows = np.flatnonzero(history.lengths >= FEWEST)
        if not len(rows):
            return found
        model = _model()
        at = ndtri(np.array(model.quantiles))
        for begin in range(0, len(rows), BATCH):
            batch = rows[begin : begin + BATCH]
            past = context(history.take(batch), min(CONTEXT, int(history.lengths[batch].max())))
            size = np.array([unit(history.values(i)[-CONTEXT:]) for i in batch])
            told = np.asarray(model.forecast(past / size[:, None], horizon=horizon), np.float64)
            told = np.sort(told * size[:, None, None], axis=-1)
            right = np.clip(np.searchsorted(at, SCORES), 1, len(at) - 1)
            share = (SCORES - at[right - 1]) / (at[right] - at[right - 1])
            nine = told[..., right - 1] + share * (told[..., right] - told[..., right - 1])
            found[batch] = fan_of(nine, told.mean(axis=-1))
        return found

    def state(self) -> State:
        """Nothing but its name: the weights are the package's."""
        return State("series_pretrained")

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The forecaster again."""
        return cls(**state.config)


@lru_cache(maxsize=1)
def _model() -> Any:  # noqa: ANN401 - fracast has no types
    from fracast import FracastModel

    return FracastModel.from_pretrained()
