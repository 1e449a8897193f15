"""`python -m bench.plot SUBJECT`: the figures of one subject, from bench/results/<subject>.csv alone.

A metric that was measured at several values of one size becomes a line chart over that size with a p20 to p80
band; any other becomes bars. One PNG a metric, beside the table: bench/results/<subject>_<metric>.png.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from bench.run import HEADLINE, ROOT, table_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

Record = dict[str, str]


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Draw every metric of one subject's table; 0, or 2 where there is no table."""
    arguments = argparse.ArgumentParser(prog="bench.plot", description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("subject")
    subject = arguments.parse_args(argv).subject
    source = table_path(subject, root, quick=False)
    if not source.is_file():
        print(f"bench.plot: no table for '{subject}'; run python -m bench.run {subject}")
        return 2
    by_metric: dict[str, list[Record]] = defaultdict(list)
    for record in read(source):
        if record["case"] != HEADLINE:
            by_metric[record["metric"]].append(record)
    for metric, records in by_metric.items():
        name = "".join(letter if letter.isalnum() else "_" for letter in metric)
        print(draw(records, source.with_name(f"{subject}_{name}.png")).relative_to(root))
    return 0


def read(path: Path) -> list[Record]:
    """The table's lines, column -> text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def draw(records: Sequence[Record], path: Path) -> Path:
    """One metric as one figure at `path`."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    size = varying_size(records)
    if size:
        _lines(axes, records, size)
    else:
        _bars(axes, records)
    first = records[0]
    axes.set_title(f"{first['subject']}: {first['metric']}", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.text(0.99, 0.005, f"{first['device']}, {first['commit']}, {first['date']}", ha="right", size=6)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def sizes_of(record: Record) -> dict[str, float]:
    """The numeric sizes of a line: 'n=50 k=10 kind=a' -> {'n': 50.0, 'k': 10.0}."""
    pairs = (part.partition("=") for part in record["sizes"].split())
    return {name: float(size) for name, _, size in pairs if size.replace(".", "", 1).isdigit()}


def varying_size(records: Sequence[Record]) -> str | None:
    """The first size that takes at least three values, else None."""
    values: dict[str, set[float]] = defaultdict(set)
    for record in records:
        for name, size in sizes_of(record).items():
            values[name].add(size)
    return next((name for name, taken in values.items() if len(taken) >= 3), None)


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def _lines(axes: Axes, records: Sequence[Record], size: str) -> None:
    series: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    for record in records:
        if size in (sizes := sizes_of(record)):
            low, middle, high = (_number(record[name]) for name in ("p20", "p50", "p80"))
            series[f"{record['case']} {record['implementation']}"].append((sizes[size], low, middle, high))
    for name, points in series.items():
        x, p20, p50, p80 = zip(*sorted(points), strict=True)
        (line,) = axes.plot(x, p50, marker="o", label=name)
        axes.fill_between(x, p20, p80, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set_xscale("symlog")
    axes.set_xlabel(size)
    axes.set_ylabel(records[0]["unit"] or records[0]["metric"])
    axes.legend(fontsize=7)


def _bars(axes: Axes, records: Sequence[Record]) -> None:
    parts = ("case", "implementation", "dtype", "sizes")
    names = [" ".join(record[part] for part in parts if record[part]) for record in records]
    axes.barh(range(len(names)), [_number(record["p50"]) for record in records])
    axes.set_yticks(range(len(names)), names, size=7)
    axes.invert_yaxis()
    axes.set_xlabel(records[0]["unit"] or records[0]["metric"])


if __name__ == "__main__":
    sys.exit(main())
