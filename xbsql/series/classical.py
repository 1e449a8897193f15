"""Classical forecasts of each series for itself, by statsforecast, and the median of several of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from xbsql.series.fan import COLUMNS, fan_of
from xbsql.series.history import unit
from xbsql.series.rules import Seasonal
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

INTERVALS: Final = (99, 95, 67, 50)
"""Their ends are the quantiles of a fan, outside in."""
FEWEST: Final = 5
"""Values below which a series is given its last one."""
SEASONS: Final = 8
"""Longest seasons of a history that are read, and no fewer than `LEAST` values."""
LEAST: Final = 200


@restorable("series_classical")
@dataclass(frozen=True)
class Classical:
    """The column-wise median of the fans of several models (Petropoulos and Svetunkov, IJF 2020).

    A series on which a model fails, or which is constant or shorter than five values, has the last value's
    fan in its place.

    Attributes:
        models: of `MODELS`.
        season: lengths of the cycles; one that a history does not hold twice is not used.
    """

    models: tuple[str, ...]
    season: tuple[int, ...]

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10)."""
        last = Seasonal(1).fan(history, horizon)
        found = np.empty((len(history), horizon, COLUMNS))
        longest = max(LEAST, SEASONS * max(self.season, default=1))
        for i in range(len(history)):
            y = history.values(i)[-longest:]
            fans = [self._one(model, y, horizon, last[i]) for model in self.models]
            found[i] = fans[0] if len(fans) == 1 else np.median(fans, axis=0)
        return found

    def _one(self, model: str, y: Floats, horizon: int, instead: Floats) -> Floats:
        """One model's fan of one series, or the other one where it has none."""
        if len(y) < FEWEST or np.ptp(y) == 0:
            return instead
        seasons = tuple(s for s in self.season if len(y) > 2 * s)
        fan = _found(model, seasons, np.ascontiguousarray(y).tobytes(), horizon)
        return instead if fan is None else fan

    def state(self) -> State:
        """The models' names."""
        return State("series_classical", {"models": list(self.models), "season": list(self.season)})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The forecaster again."""
        return cls(tuple(state.config["models"]), tuple(state.config["season"]))


@lru_cache(maxsize=256)
def _found(model: str, seasons: tuple[int, ...], values: bytes, horizon: int) -> Floats | None:
    """A model's fan of the values, not to be written into; None where it fails.

    Kept, because one model stands alone and in a median, and a series is asked for anew.
    """
    y = np.frombuffer(values)
    size = unit(y)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            fan = size * _fan(MODELS[model](seasons), y / size, horizon)
    except Exception:
        return None
    return fan if np.isfinite(fan).all() else None


def _fan(model: Any, y: Floats, horizon: int) -> Floats:  # noqa: ANN401 - statsforecast has no base class
    """A model's fan of one series; (horizon, 10)."""
    found = model.forecast(np.ascontiguousarray(y), horizon, level=list(INTERVALS))
    lower = [found[f"lo-{level}"] for level in INTERVALS]
    upper = [found[f"hi-{level}"] for level in reversed(INTERVALS)]
    quantiles = np.stack([*lower, found["mean"], *upper], axis=1)
    return fan_of(np.asarray(quantiles, np.float64), np.asarray(found["mean"], np.float64))


def _ets(season: Sequence[int]) -> Any:  # noqa: ANN401 - see above
    from statsforecast.models import AutoETS

    return AutoETS(season_length=season[0] if season and season[0] <= 24 else 1)


def _theta(season: Sequence[int]) -> Any:  # noqa: ANN401 - see above
    from statsforecast.models import AutoTheta

    return AutoTheta(season_length=season[0] if season else 1)


def _decomposed(season: Sequence[int]) -> Any:  # noqa: ANN401 - see above
    from statsforecast.models import MSTL, AutoETS

    if not season:
        return AutoETS(season_length=1)
    return MSTL(season_length=list(season), trend_forecaster=AutoETS(model="ZZN"))


MODELS: Final[dict[str, Callable[[Sequence[int]], Any]]] = {
    "ets": _ets,
    "theta": _theta,
    "decomposed": _decomposed,
}
"""Exponential smoothing, Theta, and exponential smoothing of what repeated Loess decomposition leaves."""
