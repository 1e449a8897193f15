"""The vocabulary of forecasts: methods that can be fitted, and forecasters that came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from xbsql.store.model import Restorable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Family
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]


class SeriesPredictor(Restorable, Protocol):
    """What came out of a fit."""

    def fan(self, history: Series, horizon: int) -> Floats:
        """The fan of each series, (n, horizon, 10), see `xbsql.series.fan`; NaN where it has none to give."""
        ...


@dataclass(frozen=True)
class Known:
    """All that a method may learn from.

    Attributes:
        target: the target's histories.
        home: the home market's, up to the same period; None where they may not be read.
        horizon: steps.
        season: lengths of the cycles in periods, short to long; may be empty.
        seed: of whatever is drawn.
        market: what the target is from, ISO 3166-1; None where nobody said.
        home_market: what home is.
    """

    target: Series
    home: Series | None
    horizon: int
    season: Sequence[int]
    seed: int
    market: str | None = None
    home_market: str | None = None


@dataclass(frozen=True)
class Method:
    """One way to forecast the target; the engine's candidate for series.

    Attributes:
        name: unique, '<method>:<learner>'.
        family: what it reuses of the home market; 'target' nothing.
        fit: what is known -> forecaster.
        prior: weight relative to the other methods before any evidence.
        pooled: True for the one that stands as the arm 'pooled' in the verdict.
        rehearsed: False where it stands on a model that has seen all of home, see `xbsql.series.rehearsal`.
    """

    name: str
    family: Family
    fit: Callable[[Known], SeriesPredictor]
    prior: float = 1.0
    pooled: bool = False
    rehearsed: bool = True
