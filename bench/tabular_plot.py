"""`python -m bench.tabular_plot`: label efficiency and the gain of every draw, from the table alone."""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from bench.plot import read, sizes_of
from bench.run import ROOT, table_path
from bench.tabular import BELOW
from bench.tabular_loop import LABELS
from xbsql.pages.chart import COLOURS, Point, label_efficiency

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.plot import Record

    Cells = Mapping[tuple[str, str, int], Record]

PANELS: dict[str, tuple[tuple[str, ...], Sequence[int]]] = {
    "log freight, R2": (("scms log_freight",), LABELS[:2]),
    "late shipments, AUC": (("scms late",), LABELS[:2]),
    "simulated trade and shifts": (("simulated", "shift"), LABELS),
}
"""Title -> what the names of its tasks start with, and the numbers of labels that all of them have."""

BESIDE = {"naive pool": ("#5b8cc9", "|"), "selected": ("#c98a1b", "x")}
"""What is drawn beside the blend, at the median of its draws."""


def main() -> int:
    """Draw both charts beside their table; 0, or 2 where there is no table."""
    source = table_path("tabular", ROOT, quick=False)
    if not source.is_file():
        print("bench.tabular_plot: no table; run python -m bench.run tabular")
        return 2
    records = read(source)
    charts = {
        "tabular_labels.png": label_efficiency(points(records), "mean score on the held-out rows"),
        "tabular_gains.png": dots(records),
    }
    for name, figure in charts.items():
        path = source.with_name(name)
        figure.savefig(path, dpi=150)
        print(path.relative_to(ROOT))
    return 0


def points(records: Sequence[Record]) -> list[Point]:
    """Means over a panel's tasks of the medians, and of the 20th and 80th percentiles, over the draws."""
    cells = {
        (record["case"], record["implementation"], int(sizes_of(record)["labels"])): record
        for record in records
        if record["metric"] in ("auc", "r2")
    }
    found = []
    for panel, (start, labels) in PANELS.items():
        tasks = sorted({task for task, _, _ in cells if task.startswith(start)})
        whole = [task for task in tasks if all((task, "blend", n) in cells for n in labels)]
        for arm in COLOURS:
            for n in labels:
                middle, low, high = (_mean(cells, whole, arm, n, name) for name in ("p50", "p20", "p80"))
                found.append(Point(f"{panel} ({len(whole)} tasks)", arm, n, middle, low, high))
    return found


def dots(records: Sequence[Record]) -> Figure:
    """One row a task, one dot a draw of the blend; negative transfer in red, other ways beside it."""
    from matplotlib.figure import Figure

    gains: dict[tuple[str, int], list[float]] = defaultdict(list)
    beside: dict[tuple[str, int, str], float] = {}
    for record in records:
        labels = int(sizes_of(record).get("labels", 0))
        if record["metric"] == "gain of a draw":
            gains[record["case"], labels].append(float(record["p50"]))
        if record["metric"] == "gain" and record["implementation"] in BESIDE:
            beside[record["case"], labels, record["implementation"]] = float(record["p50"])
    tasks = list(dict.fromkeys(task for task, _ in gains))
    figure = Figure(figsize=(13, 0.24 * len(tasks) + 1.4), layout="constrained")
    grid = figure.subplots(1, len(LABELS), sharey=True, sharex=True)
    for axes, labels in zip(grid, LABELS, strict=True):
        for row, task in enumerate(tasks):
            _row(axes, row, gains.get((task, labels), []), {a: beside.get((task, labels, a)) for a in BESIDE})
        axes.axvline(0.0, color="#444", lw=1)
        axes.set_title(f"{labels:,} labels", loc="left", fontweight="bold")
        axes.set_xlabel("gain over the better target-only learner")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#eceef0", lw=0.6)
    grid[0].set_yticks(range(len(tasks)), tasks, size=7)
    grid[0].invert_yaxis()
    grid[0].set_xlim(-0.25, 0.4)
    for arm, (colour, mark) in BESIDE.items():
        grid[-1].plot([], [], mark, color=colour, label=f"{arm} (median)")
    grid[-1].plot([], [], "o", color=COLOURS["blend"], ms=4, label="blend, a draw")
    grid[-1].plot([], [], "o", color="#c0392b", ms=4, label="blend below target only")
    grid[-1].legend(frameon=False, fontsize=7, loc="lower right")
    return figure


def _row(axes: Axes, row: int, draws: Sequence[float], beside: Mapping[str, float | None]) -> None:
    colours = ["#c0392b" if gain < BELOW else COLOURS["blend"] for gain in draws]
    axes.scatter(draws, [row] * len(draws), c=colours, s=12, alpha=0.7, lw=0)
    for arm, (colour, mark) in BESIDE.items():
        if (gain := beside[arm]) is not None:
            axes.plot([gain], [row], mark, color=colour, ms=6)


def _mean(cells: Cells, tasks: Sequence[str], arm: str, labels: int, column: str) -> float:
    return statistics.fmean(float(cells[task, arm, labels][column]) for task in tasks)


if __name__ == "__main__":
    sys.exit(main())
