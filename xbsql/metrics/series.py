"""Scores of forecasts: one number a series, so that each counts the same, then the mean over series.

Forecasts of many series are matrices of shape (n, horizon). A score that a series leaves undefined (a history
that never changes has no scale, a truth of zeros no percentage) is NaN, and `mean_of` leaves it out.

Scales come from the history that a forecast was made from, so no score looks at more of the truth than the
horizon. Sources: Makridakis, Spiliotis and Assimakopoulos, "The M4 Competition" (IJF 2020): sMAPE, MASE, OWA;
"The M5 accuracy competition" (IJF 2022): RMSSE; "The M5 uncertainty competition" (IJF 2022): scaled pinball
loss over nine quantiles.

Weekly WAPE of products that sell now and then rewards saying nothing: a forecast of zero has 1.00, and an
honest mean often more. Choose by scaled pinball or RMSSE, and use WAPE for totals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

QUANTILES: Final = (0.005, 0.025, 0.165, 0.25, 0.5, 0.75, 0.835, 0.975, 0.995)
"""The nine of M5 Uncertainty: the median and the central 50, 67, 95 and 99 % intervals."""


def mase(y: Floats, forecast: Floats, scale: Floats) -> Floats:
    """Mean absolute error of each series over its `absolute_scale`; arrays (n, horizon), float64 (n,)."""
    return over(np.abs(y - forecast).mean(axis=1), scale)


def rmsse(y: Floats, forecast: Floats, scale: Floats) -> Floats:
    """Root of the mean squared error of each series over its `squared_scale`; float64 (n,)."""
    return np.sqrt(over(np.square(y - forecast).mean(axis=1), scale))


def smape(y: Floats, forecast: Floats) -> Floats:
    """Mean of 200 |y - f| / (|y| + |f|) of each series, in percent, 0 to 200; float64 (n,).

    A period in which both are 0 was forecast exactly and counts 0.
    """
    size = np.abs(y) + np.abs(forecast)
    share = np.divide(200.0 * np.abs(y - forecast), size, out=np.zeros_like(size), where=size > 0)
    return np.asarray(share.mean(axis=1))


def wape(y: Floats, forecast: Floats) -> Floats:
    """Summed absolute error of each series over its summed truth; float64 (n,), NaN where that is 0.

    Of all series together it is the same of one long row: `wape(y.reshape(1, -1), f.reshape(1, -1))`, and of
    totals over the horizon `wape(y.sum(axis=1)[None], f.sum(axis=1)[None])`.
    """
    return over(np.abs(y - forecast).sum(axis=1), np.abs(y).sum(axis=1))


def bias(y: Floats, forecast: Floats, scale: Floats) -> Floats:
    """Mean of forecast less truth of each series over its `absolute_scale`, > 0: too high; float64 (n,)."""
    return over((forecast - y).mean(axis=1), scale)


def pinball(y: Floats, quantiles: Floats, levels: tuple[float, ...] = QUANTILES) -> Floats:
    """The pinball loss of each quantile, not scaled.

    Args:
        y: float64 (...).
        quantiles: float64 (..., q), of the levels in their order.
        levels: between 0 and 1.

    Returns:
        float64 (..., q): `level * (y - quantile)` where the truth is above, else the rest times the gap.
    """
    gap = y[..., None] - quantiles
    level = np.array(levels)
    return np.asarray(np.maximum(level * gap, (level - 1.0) * gap))


def scaled_pinball(
    y: Floats, quantiles: Floats, scale: Floats, levels: tuple[float, ...] = QUANTILES
) -> Floats:
    """Mean pinball loss over horizon and quantiles of each series over its `absolute_scale`; float64 (n,).

    Args:
        y: float64 (n, horizon).
        quantiles: float64 (n, horizon, q).
        scale: float64 (n,).
        levels: of the quantiles.
    """
    return over(pinball(y, quantiles, levels).mean(axis=(1, 2)), scale)


def coverage(y: Floats, lo: Floats, hi: Floats) -> Floats:
    """Share of each series' periods whose truth lies from lo to hi, ends included; float64 (n,)."""
    return np.asarray(((lo <= y) & (y <= hi)).mean(axis=1))


def owa(smape_: float, mase_: float, naive_smape: float, naive_mase: float) -> float:
    """M4's overall weighted average: the mean of sMAPE and MASE, each over that of the naive 2 forecast."""
    return (smape_ / naive_smape + mase_ / naive_mase) / 2.0


def mean_of(score: Floats) -> float:
    """The mean over the series that have the score; NaN where none has."""
    known = score[~np.isnan(score)]
    return float(known.mean()) if len(known) else float("nan")


def over(above: Floats, below: NDArray[Any], *, may_be_zero: bool = True) -> Floats:
    """`above / below`; NaN where below is 0 or NaN, or, if it may not be, where the ratio is 0."""
    found = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=found, where=below != 0)
    return found if may_be_zero else np.where(found == 0, np.nan, found)
