"""The fan chart: what a series was, what is expected of it, and how far it may lie from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from xbsql.series.read.series import Series
    from xbsql.session.backtest import Origin
    from xbsql.session.forecast import SeriesForecast

    Floats = NDArray[np.float64]
    Dates = NDArray[np.datetime64] | NDArray[np.int64]

PAST, AHEAD, KNOWN = "#5b6470", "#1a7f52", "#b45309"


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
        closed: bool (horizon,), steps without trade.
        known: bool (horizon,), steps that something known in advance moves.
    """

    title: str
    ds: Dates
    y: Floats
    ahead: Dates
    yhat: Floats
    lo: Floats
    hi: Floats
    closed: NDArray[np.bool_]
    known: NDArray[np.bool_]


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
    for name, mask, colour in (("closed", fan.closed, PAST), ("known in advance", fan.known, KNOWN)):
        if mask.any():
            axes.plot(fan.ahead[mask], np.zeros(int(mask.sum())), "|", color=colour, ms=7, label=name)
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
    none = np.zeros(horizon, bool)
    closed, known = (none if mask is None else mask[i] for mask in (told.closed, told.known))
    return Fan(series.names[i], ds, y, ahead, told.yhat[i], told.lo[i], told.hi[i], closed, known)


def tried_fans(series: Series, origins: Sequence[Origin], row: int, last: int = 52) -> list[Fan]:
    """One series as it was, with what was forecast from each origin beside what came.

    Args:
        series: the table's.
        origins: see `xbsql.session.backtest`.
        row: of the table.
        last: periods before the first origin that are shown.
    """
    found = []
    for one in origins:
        at = np.flatnonzero(one.rows == row)
        if not len(at):
            continue
        i, horizon = int(at[0]), one.yhat.shape[1]
        end = int(one.series.ends[i])
        y = np.r_[one.series.values(i)[-last:], one.y[i][np.isfinite(one.y[i])]]
        first = end - min(int(one.series.lengths[i]), last)
        ds, ahead = (
            series.frequency.at(np.arange(*span)) for span in ((first, first + len(y)), (end, end + horizon))
        )
        if series.frequency.unit != "count":
            ds, ahead = (seconds.astype("datetime64[s]") for seconds in (ds, ahead))
        none = np.zeros(horizon, bool)
        title = f"{series.names[row]}, from {str(ahead[0])[:10]} on"
        found.append(Fan(title, ds, y, ahead, one.yhat[i], one.lo[i], one.hi[i], none, none))
    return found
