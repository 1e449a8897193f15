"""The fan chart: what a series was, what is expected of it, and how far it may lie from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAST, AHEAD = "#5b6470", "#1a7f52"


class Fan(NamedTuple):
    """One series.

    Attributes:
        title: its name.
        ds: dates or numbers of its history.
        y: as many values.
        ahead: dates or numbers of its forecast.
        yhat: as many values.
        lo: lower ends; NaN where there is none.
        hi: upper ends.
    """

    title: str
    ds: Sequence[Any]
    y: Sequence[float]
    ahead: Sequence[Any]
    yhat: Sequence[float]
    lo: Sequence[float]
    hi: Sequence[float]


def fans_of(history: pa.Table, forecast: pa.Table, series: Sequence[object], last: int = 52) -> list[Fan]:
    """The chosen series of two tables.

    Args:
        history: columns series, ds, y.
        forecast: as `xb.forecast` gives it.
        series: ids, as they stand in the column series.
        last: periods of history that are shown.

    Raises:
        XbsqlError: the forecast does not have such a series.
    """
    return [_fan(history, forecast, one, last) for one in series]


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
    if fan.ds and fan.ahead:
        axes.plot([fan.ds[-1], fan.ahead[0]], [fan.y[-1], fan.yhat[0]], color=AHEAD, lw=1, ls=":")
    axes.plot(fan.ahead, fan.yhat, color=AHEAD, lw=2, label="expected")
    axes.fill_between(fan.ahead, fan.lo, fan.hi, color=AHEAD, alpha=0.18, lw=0, label=f"{level:.0%} interval")
    axes.set_title(fan.title, loc="left", fontsize=9, fontweight="bold")
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="x", rotation=30)
    axes.grid(axis="y", color="#e3e5e8", lw=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _fan(history: pa.Table, forecast: pa.Table, series: object, last: int) -> Fan:
    told = _of(forecast, series).sort_by("step")
    if not len(told):
        known = [str(value) for value in pc.unique(forecast["series"]).to_pylist()]
        raise errors.unknown("xbsql.report", "series", str(series), known, place="the forecast has")
    past = _of(history, series).sort_by("ds")
    past = past.slice(max(len(past) - last, 0))
    numbers = [
        told[name].cast(pa.float64()).fill_null(float("nan")).to_pylist() for name in ("yhat", "lo", "hi")
    ]
    y = past["y"].cast(pa.float64()).to_pylist()
    return Fan(str(series), past["ds"].to_pylist(), y, told["ds"].to_pylist(), *numbers)


def _of(table: pa.Table, series: object) -> pa.Table:
    rows = [i for i, value in enumerate(table["series"].to_pylist()) if value == series]
    return table.take(pa.array(rows, pa.int64()))
