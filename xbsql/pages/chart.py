"""The label-efficiency chart: quality against labels, one line an arm, with bands."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "target only": "#8a8f98",
    "source only": "#c98a1b",
    "pooled": "#5b8cc9",
    "blend": "#1a7f52",
}


class Point(NamedTuple):
    """One measured score.

    Attributes:
        panel: what the panel shows, e.g. a market.
        arm: 'target only', 'source only', 'pooled' or 'blend'.
        labels: target labels used.
        value: the score, 0 to 1.
        lo: lower end of its interval.
        hi: upper end.
    """

    panel: str
    arm: str
    labels: int
    value: float
    lo: float
    hi: float


def label_efficiency(
    points: Sequence[Point], metric: str, inches: tuple[float, float] = (4.6, 3.9)
) -> Figure:
    """One panel a market: labels on a logarithmic axis (0 stands left of 1), a line and a band an arm.

    Args:
        points: of all panels.
        metric: what the scores are.
        inches: width and height of a panel.
    """
    from matplotlib.figure import Figure

    panels = list(dict.fromkeys(point.panel for point in points))
    figure = Figure(figsize=(inches[0] * len(panels) + 0.6, inches[1]), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(grid, panels, strict=True):
        _panel(axes, [point for point in points if point.panel == panel])
        axes.set_title(panel, loc="left", fontweight="bold")
        axes.set_xlabel("labelled rows in the foreign market")
    grid[0].set_ylabel(metric)
    grid[-1].legend(frameon=False, loc="lower right")
    return figure


def equal_labels(points: Sequence[Point], arm: str = "blend") -> float | None:
    """How many labels the target alone needs for the first score of `arm`, read off its line.

    None where its line never gets there.
    """
    line = sorted(point for point in points if point.arm == "target only")
    goal = min((point for point in points if point.arm == arm), key=lambda point: point.labels).value
    for before, after in pairwise(line):
        if before.value <= goal <= after.value:
            share = (goal - before.value) / max(after.value - before.value, 1e-9)
            return before.labels + share * (after.labels - before.labels)
    return None


def worth(points: Sequence[Point]) -> str:
    """What the source is worth in labels, in words."""
    fewest = min(point.labels for point in points if point.arm == "blend")
    needed = equal_labels(points)
    most = max(point.labels for point in points if point.arm == "target only")
    without = f"{needed:,.0f}" if needed else f"more than {most:,}"
    return f"{fewest:,} labels with the source are worth {without} without"


def svg(figure: Figure) -> str:
    """The figure as an SVG element, to stand in a page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _panel(axes: Axes, points: Sequence[Point]) -> None:
    axes.set_xscale("symlog", linthresh=10, linscale=0.6)
    ticks = sorted({point.labels for point in points})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    for arm, colour in COLOURS.items():
        line = sorted(point for point in points if point.arm == arm)
        if line:
            labels = [point.labels for point in line]
            width = 2.4 if arm == "blend" else 1.6
            axes.plot(labels, [p.value for p in line], "o-", color=colour, lw=width, ms=4, label=arm)
            axes.fill_between(
                labels, [p.lo for p in line], [p.hi for p in line], color=colour, alpha=0.13, lw=0
            )
    _arrow(axes, points)
    axes.grid(axis="y", color="#e3e5e8", lw=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _arrow(axes: Axes, points: Sequence[Point]) -> None:
    """From the blend's first score to where the target alone has the same, or to the end of its line."""
    alone = [point.labels for point in points if point.arm == "target only"]
    if not alone or not any(point.arm == "blend" for point in points):
        return
    start = min((point for point in points if point.arm == "blend"), key=lambda point: point.labels)
    axes.annotate(
        "",
        xy=(equal_labels(points) or max(alone), start.value),
        xytext=(start.labels, start.value),
        arrowprops={"arrowstyle": "->", "color": "#444", "lw": 1, "ls": ":"},
    )
    axes.annotate(
        worth(points),
        xy=(start.labels, start.value),
        xytext=(6, 9),
        textcoords="offset points",
        fontsize=8,
        color="#444",
    )
    axes.margins(y=0.12)
