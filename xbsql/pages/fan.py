"""Fan charts: what a series was, what is expected of it, and how far it may lie from that."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.pages.chart import svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from xbsql.series.read.series import Series
    from xbsql.session.backtest import Origin
    from xbsql.session.forecast import SeriesForecast

    Floats = NDArray[np.float64]
    Dates = NDArray[np.datetime64] | NDArray[np.int64]

PAST, AHEAD, BAND, HOME = "#5b6470", "#1a7f52", "#b9dccb", "#8a6fb0"
THOUSANDS: Final = 10_000
"""Values from which on they are told in thousands, millions ..."""
MARKED: Final = {"closed": "#5b6470", "known in advance": "#b45309"}


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
        home: home's series at this one's level over history and forecast, (n + horizon,); NaN where home has
            no value; None where nobody gave it.
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
    home: Floats | None = None


def fans_of(told: SeriesForecast, most: int, last: int = 52, home: Series | None = None) -> list[Fan]:
    """The series of which most is expected, the largest first; of equal ones the first.

    Args:
        told: what a model expects of n series.
        most: how many are chosen.
        last: periods of history that are shown.
        home: series to draw beside, see `_at_home`.
    """
    total = np.nan_to_num(told.yhat.sum(axis=1), nan=-np.inf)
    return [_fan(told, int(i), last, home) for i in np.argsort(-total, kind="stable")[:most]]


def fan_charts(fans: Sequence[Fan], level: float = 0.9) -> str:
    """One drawing a series, in as many columns as the window is wide; HTML.

    Each has the history, what is expected, and the band that holds `level` of the truths. Names are text of
    the page, so the reader's fonts show them, and they are as large in any window.
    """
    known = {name for fan in fans for name, mask, _ in _marks(fan) if mask.any()}
    key = [("history", PAST), ("expected", AHEAD), (f"{level:.0%} interval", BAND)]
    key += [("home, at this level", HOME)] if any(fan.home is not None for fan in fans) else []
    key += [(name, colour) for name, colour in MARKED.items() if name in known]
    shown = "".join(f"<span><i style='background:{colour}'></i>{name}</span> " for name, colour in key)
    drawn = "".join(
        f"<figure><figcaption>{escape(fan.title)}</figcaption>{_told(fan, svg(fan_chart(fan)))}</figure>"
        for fan in fans
    )
    return f"<p class='key'>{shown}</p><div class='fans'>{drawn}</div>"


def fan_chart(fan: Fan) -> Figure:
    """One series without a word: its history, the expected values and their band over time."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    figure = Figure(figsize=(3.6, 2.1), layout="constrained")
    axes = figure.subplots()
    if fan.home is not None:
        axes.plot(np.concatenate([fan.ds, fan.ahead]), fan.home, color=HOME, lw=0.9)
    axes.plot(fan.ds, fan.y, color=PAST, lw=1.1)
    if len(fan.ds):
        axes.plot([fan.ds[-1], fan.ahead[0]], [fan.y[-1], fan.yhat[0]], color=AHEAD, lw=1, ls=":")
    axes.plot(fan.ahead, fan.yhat, color=AHEAD, lw=2)
    axes.fill_between(fan.ahead, fan.lo, fan.hi, color=BAND, lw=0)
    for _, mask, colour in _marks(fan):
        if mask.any():
            axes.plot(fan.ahead[mask], np.zeros(int(mask.sum())), "|", color=colour, ms=7)
    axes.tick_params(labelsize=8)
    if max(map(abs, axes.get_ylim())) >= THOUSANDS:
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    if np.issubdtype(fan.ahead.dtype, np.datetime64):
        dates = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(dates)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(dates))  # type: ignore[no-untyped-call]
        axes.xaxis.get_offset_text().set_fontsize(8)
    axes.grid(axis="y", color="#e3e5e8", lw=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _marks(fan: Fan) -> list[tuple[str, NDArray[np.bool_], str]]:
    """What is marked at the foot of a drawing: its name, the steps, the colour."""
    masks = (fan.closed, fan.known)
    return [(name, mask, colour) for (name, colour), mask in zip(MARKED.items(), masks, strict=True)]


def _told(fan: Fan, drawing: str) -> str:
    """The drawing with what it says in words, for those who do not see it."""
    known, last = fan.yhat[np.isfinite(fan.yhat)], fan.y[-1:].tolist()
    before = f"last {last[0]:.4g}, then " if last else ""
    then = f"{known.sum():.4g} expected in {len(known)} periods" if len(known) else "nothing can be told"
    said = escape(f"{fan.title}: {before}{then}", quote=True)
    return drawing.replace("<svg", f"<svg role='img' aria-label='{said}'", 1)


def _fan(told: SeriesForecast, i: int, last: int, home: Series | None) -> Fan:
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
    periods = np.arange(end - len(y), end + horizon)
    beside = None if home is None else _at_home(home, series.names[i], periods, y)
    return Fan(series.names[i], ds, y, ahead, told.yhat[i], told.lo[i], told.hi[i], closed, known, beside)


def _at_home(home: Series, name: str, periods: NDArray[np.int64], y: Floats) -> Floats:
    """Home's series of a name, or the sum of all of them where it has none, in these periods.

    Times what makes its mean that of y over the periods that both know; as it is where they share none.

    Args:
        home: n series of the same frequency.
        name: of the series beside which it is drawn.
        periods: int64 (m,).
        y: what the series was in the first of them.
    """
    found = np.full(len(periods), np.nan)
    for i in [i for i, own in enumerate(home.names) if own == name] or range(len(home)):
        place = periods - home.start[i]
        there = (place >= 0) & (place < home.lengths[i])
        found[there] = np.nan_to_num(found[there]) + home.values(i)[place[there]]
    shared = np.isfinite(found[: len(y)])
    theirs, ours = found[: len(y)][shared].sum(), y[shared].sum()
    return found * (ours / theirs) if theirs > 0 and ours > 0 else found


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
