"""Real shipments: are intervals honest, does the known case of negative transfer stay clear of it?

The scms and jit tasks of bench/tabular_tasks.py, in the loop that `tabular` shares.

`coverage_min` and `coverage_max`: share of test labels inside the 90 % intervals, mean over the seeds, on
every regression with 200 test rows or more, at each number of labels. `rwanda`: mean absolute error in log
freight of the blend less that of the better target-only learner by the same measure, 50 labels (negative is
better). `null_control`: the same for the delay of jit, whose markets do not differ, in days.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from bench import tabular_tasks
from bench.tabular_loop import SOURCES, measure, record

if TYPE_CHECKING:
    from bench.case import Bench
    from bench.tabular_loop import Draws

__all__ = ["SOURCES", "TESTS", "run"]

TESTS = ("tests/engine/test_transfer.py", "tests/engine/test_evidence.py", "tests/bench/test_tabular.py")
ENOUGH_ROWS = 200


def run(bench: Bench) -> dict[str, float]:
    """Measure every draw of the real tasks."""
    every = tabular_tasks.reported(bench.data)
    tasks = {name: make for name, make in every.items() if name.startswith(("scms", "jit"))}
    draws, _, about = measure(bench, tasks)
    record(bench, draws, about)
    covered = []
    for (name, _labels), found in draws.items():
        shares = [draw["coverage"] for draw in found if not math.isnan(draw.get("coverage", math.nan))]
        if shares and about[name]["test"] >= ENOUGH_ROWS:
            covered.append(statistics.fmean(shares))
    return {
        "coverage_min": min(covered),
        "coverage_max": max(covered),
        "rwanda": _error(draws, "scms log_freight: Rwanda"),
        "null_control": statistics.fmean(
            _error(draws, f"jit delay: {market}") for market in tabular_tasks.JIT_TARGETS
        ),
    }


def _error(draws: Draws, task: str, labels: int = 50) -> float:
    return statistics.fmean(draw["error"] for draw in draws[task, labels])
