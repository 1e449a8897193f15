"""Windows of many series as rows of a regression: one row a window and step.

All values of a row are told relative to a centre, the forecast of a simple rule, and in units of the series'
own movement, so that one regression serves series of any size, of any market.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.series.history import context, movement
from xbsql.series.rules import CYCLES, aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.series.read.series import Series
    from xbsql.series.rules import Recent, Seasonal

    Floats = NDArray[np.float64]
    Rule = Seasonal | Recent

LAGS: Final = 6
MEANS: Final = (2, 4, 8, 13, 26, 52)
LONGEST: Final = 700
"""Values of a history that are looked at."""


class WindowRows(NamedTuple):
    """Rows of a regression, windows by steps.

    Attributes:
        x: float32 (n * horizon, features).
        centre: float64 (n, horizon), what the values are told relative to.
        scale: float64 (n,), the unit they are told in.
    """

    x: NDArray[np.float32]
    centre: Floats
    scale: Floats


def rows_of(series: Series, horizon: int, season: Sequence[int], rule: Rule, facts: Floats) -> WindowRows:
    """The rows at the end of each series.

    Args:
        series: n histories.
        horizon: steps.
        season: lengths of the cycles.
        rule: gives the centre.
        facts: float64 (n, k), what else is known of each series.
    """
    past = context(series, min(max([*MEANS, *(CYCLES * s for s in season)]), LONGEST))
    scale = movement(series)
    centre = np.where(np.isfinite(found := rule.mean(past, horizon)), found, 0.0)
    columns = [*_whole(past, series, scale), *facts.T]
    fixed = np.stack(columns, axis=1)
    level, unit = centre[:, :, None], scale[:, None, None]
    shape = (len(series), horizon)
    parts = [
        np.broadcast_to(fixed[:, None], (*shape, fixed.shape[1])),
        (_recent(past)[:, None] - level) / unit,
        *((aligned(past, horizon, s) - level) / unit for s in season),
        np.broadcast_to(np.arange(1.0, horizon + 1)[:, None], (*shape, 1)),
        *((series.ends[:, None] + np.arange(horizon))[:, :, None] % s for s in season),
    ]
    x = np.concatenate([np.asarray(part, np.float32) for part in parts], axis=2)
    return WindowRows(x.reshape(len(series) * horizon, x.shape[2]), centre, scale)


def _whole(past: Floats, series: Series, scale: Floats) -> list[Floats]:
    """What is told of a history as a whole, in no unit."""
    with np.errstate(invalid="ignore", divide="ignore"):
        recent = past[:, -8:]
        none = np.mean(np.where(np.isfinite(past), past == 0, np.nan)[:, -26:] == 1, axis=1)
        trend = (np.nan_to_num(past[:, -1]) - np.nan_to_num(past[:, -min(13, past.shape[1])])) / scale
        level = np.abs(np.where(np.isfinite(recent), recent, 0)).mean(axis=1) / scale
    return [none, np.clip(trend, -50, 50), np.log1p(level), np.log1p(series.lengths.astype(np.float64))]


def _recent(past: Floats) -> Floats:
    """The last values and the means of longer and longer stretches; NaN before the history."""
    means = []
    for length in MEANS:
        stretch = past[:, -length:]
        counted = np.isfinite(stretch)
        means.append(np.where(counted, stretch, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1))
    return np.concatenate([past[:, -LAGS:], np.stack(means, axis=1)], axis=1)
