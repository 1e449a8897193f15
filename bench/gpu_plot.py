"""What is made of `bench.gpu`'s rows: a table of providers and rows, a roofline, a curve for each sweep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.case import Row


def markdown(rows: Sequence[Row]) -> str:
    """Milliseconds of every provider in every row, Markdown; a row that failed says why."""
    times = {(row.case, row.implementation): row.p50 * 1e3 for row in rows if row.metric == "time"}
    failed = {row.case: row.implementation for row in rows if row.metric == "failed"}
    cases = list(dict.fromkeys(row.case for row in rows if row.case in failed or row.metric == "time"))
    names = list(dict.fromkeys(name for _, name in times))
    lines = ["| row | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for case in cases:
        if case in failed:
            lines.append(f"| {case} | failed: {failed[case].replace('|', '/')} |")
            continue
        cells = (f"{times[case, name]:.4g}" if (case, name) in times else "" for name in names)
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    return "Milliseconds, median.\n\n" + "\n".join(lines) + "\n"


def _plots() -> Any:  # noqa: ANN401 - matplotlib's module
    """Matplotlib's pyplot, or None where it is not installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("bench gpu: matplotlib is not installed, no plots")
        return None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def roofline(rows: Sequence[Row], rates: Mapping[str, float], folder: Path) -> None:
    """Flops a second over flops a byte of our rows, both on a log scale, under the measured roofs."""
    plt = _plots()
    ours = {row.case: row for row in rows if row.implementation == "xbsql" and row.metric == "rate"}
    ours = {case: row for case, row in ours.items() if row.bytes and row.p50 > 0}
    if plt is None or not ours:
        return
    times = {row.case: row.p50 for row in rows if row.implementation == "xbsql" and row.metric == "time"}
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    intensity = {case: row.p50 * 1e12 * times[case] / (row.bytes or 1) for case, row in ours.items()}
    span = [min(intensity.values()) / 4, max(intensity.values()) * 4]
    for name in ("torch.bfloat16", "torch.float32", "torch.int8"):
        roof = [min(rates[name], rates["memory"] * each) / 1e12 for each in _steps(*span)]
        axes.plot(_steps(*span), roof, label=name.removeprefix("torch."))
    for case, row in ours.items():
        axes.plot(intensity[case], row.p50, "o", color="black")
        axes.annotate(case, (intensity[case], row.p50), xytext=(4, 4), textcoords="offset points")
    axes.set(xscale="log", yscale="log", xlabel="flops for each byte", ylabel="TFLOP/s")
    axes.set_title(f"{next(iter(ours.values())).device}, {next(iter(ours.values())).date}")
    axes.legend()
    figure.savefig(folder / "gpu_roofline.png", dpi=150)
    plt.close(figure)


def _steps(low: float, high: float) -> list[float]:
    return [low * (high / low) ** (i / 60) for i in range(61)]


def curves(rows: Sequence[Row], folder: Path) -> None:
    """Time over the size that a sweep varies, of every provider; a sweep's rows are named `sweep-N-...`."""
    sweeps = sorted({row.case.split("-")[1] for row in rows if row.case.startswith("sweep-")})
    plt = _plots() if sweeps else None
    if plt is None:
        return
    for letter in sweeps:
        figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
        chosen = [row for row in rows if row.case.startswith(f"sweep-{letter}-") and row.metric == "time"]
        for name in dict.fromkeys(row.implementation for row in chosen):
            points = [(_size(row, letter), row.p50) for row in chosen if row.implementation == name]
            axes.plot(*zip(*sorted(points), strict=True), "o-", label=name)
        axes.set(xscale="log", yscale="log", xlabel=letter, ylabel="seconds")
        axes.legend(fontsize=7)
        figure.savefig(folder / f"gpu_sweep_{letter}.png", dpi=150)
        plt.close(figure)


def _size(row: Row, letter: str) -> float:
    sizes = dict(each.split("=") for each in row.sizes.split())
    return float(sizes.get(letter, math.nan))
