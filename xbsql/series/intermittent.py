"""Croston's method and its heirs: the mean of demand that is often 0, by statsforecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from xbsql.series.fan import MEAN, fan_of
from xbsql.series.rules import Recent
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

MEMORY: Final = 52
"""Values whose spread the fan has."""
ALPHA: Final = 0.1
"""Smoothing of sizes and probabilities, as Syntetos and Boylan (IJF 2005) advise for slow movers."""


@restorable("series_intermittent")
@dataclass(frozen=True)
class Intermittent:
    """A mean by Croston with Syntetos and Boylan's correction ('sba') or by Teunter's method ('tsb').

    The models tell a mean only; the fan is that of the last values, brought to this mean.

    Attributes:
        model: 'sba' or 'tsb'.
    """

    model: str

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10); NaN for a series without a value."""
        fan = Recent(MEMORY).fan(history, horizon)
        for i in range(len(history)):
            y = history.values(i)
            if not np.any(y > 0):
                continue
            with np.errstate(all="ignore"):
                mean = float(_model(self.model).forecast(np.ascontiguousarray(y), 1)["mean"][0])
            usual = fan[i, 0, MEAN]
            if np.isfinite(mean) and usual > 0:
                fan[i] = fan_of(fan[i, :, :MEAN] * (mean / usual), np.full(horizon, mean))
        return fan

    def state(self) -> State:
        """The model's name."""
        return State("series_intermittent", {"model": self.model})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The forecaster again."""
        return cls(**state.config)


def _model(name: str) -> Any:  # noqa: ANN401 - statsforecast has no base class
    from statsforecast.models import TSB, CrostonSBA

    return CrostonSBA() if name == "sba" else TSB(alpha_d=ALPHA, alpha_p=ALPHA)
