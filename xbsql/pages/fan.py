"""The fan chart: what a series was, what is expected of it, and how far it may lie from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from xbsql.session.forecast import SeriesForecast

    Floats = NDArray[np.float64]
    Dates = NDArray[np.datetime64] | NDArray[np.int64]

PAST, AHEAD = "#5b6470", "#1a7f52"


class Fan(NamedTuple):
    """One series.

    Attributes:
        title: its name.
        ds: dates or counts of its history, shape (n,).
        y: as many values.
        ahead: dates or counts of its forecast, shape (horizon,).
        yhat: as many values.
        lo: lower ends; NaN where there is none.
        hi: upper ends.
    """

    title: str
    ds: Dates
    y: Floats
    ahead: Dates
    yhat: Floats
    lo: Floats
    hi: Floats


def fans_of(told: SeriesForecast, most: int, last: int = 52) -> list[Fan]:
    """The series of which most is expected, the largest first; of equal ones the first.

    Args:
        told: what a model expects of n series.
        most: how many are chosen.
        last: periods of history that are shown.
    """
    total = np.nan_to_num(told.yhat.sum(axis=1), nan=-np.inf)
    return [_fan(told, int(i), last) for i in np.argsort(-total, kind="stable")[:most]]


def fan_chart(fans: Sequence[Fan], level: float = 0.9, columns: int = 3) -> Figure:
    """One panel a series: history, the expected values, and the band that holds `level` of the truths."""
    from matplotlib.figure import Figure

    across = min(columns, len(fans))
    down = -(-len(fans) // across)
    figure = Figure(figsize=(4.2 * across, 2.7 * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes, fan in zip(grid, fans, strict=False):
        _panel(axes, fan, level)
    for axes in grid[len(fans) :]:
        axes.set_visible(False)
    grid[0].legend(frameon=False, loc="upper left", fontsize=8)
    return figure


def _panel(axes: Axes, fan: Fan, level: float) -> None:
    axes.plot(fan.ds, fan.y, color=PAST, lw=1.1, label="history")
    if len(fan.ds):
        axes.plot([fan.ds[-1], fan.ahead[0]], [fan.y[-1], fan.yhat[0]], color=AHEAD, lw=1, ls=":")
    axes.plot(fan.ahead, fan.yhat, color=AHEAD, lw=2, label="expected")
    axes.fill_between(fan.ahead, fan.lo, fan.hi, color=AHEAD, alpha=0.18, lw=0, label=f"{level:.0%} interval")
    axes.set_title(fan.title, loc="left", fontsize=9, fontweight="bold")
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="x", rotation=30)
    axes.grid(axis="y", color="#e3e5e8", lw=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _fan(told: SeriesForecast, i: int, last: int) -> Fan:
    series, (_, horizon) = told.series, told.yhat.shape
    y, end = series.values(i)[-last:], int(series.ends[i])
    ds, ahead = (
        series.frequency.at(np.arange(end + first, end + stop))
        for first, stop in ((-len(y), 0), (0, horizon))
    )
    if series.frequency.unit != "count":
        ds, ahead = (seconds.astype("datetime64[s]") for seconds in (ds, ahead))
    return Fan(series.names[i], ds, y, ahead, told.yhat[i], told.lo[i], told.hi[i])
