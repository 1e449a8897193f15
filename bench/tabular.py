"""Tables carried across borders: is the blend better than what the target alone can do, and never much worse?

The reported tasks of bench/tabular_tasks.py: shipments of eight countries and of three together (log freight
by R2, late by AUC), the orders of jit, a simulated trade and simulated shifts, three of which are traps. One
loop: n = 50, 200, 1000 labels, ten seeds of nested draws, a fixed test set, an order never on both sides. The
gain is the blend's score less that of the better of two target-only learners, picked by the test score
itself, which no user could do; both learners have fixed settings, chosen on the tuning tasks like all others.

Nothing was chosen on these tasks: settings were compared on shipments to Nigeria, Uganda and Côte d'Ivoire,
on the value of shipments as a label, and on other draws of the simulated shifts (`tuning`).

`gain*_lo` is the lower end of a 95 % bootstrap over tasks, then seeds. `neg*` is the share of runs on real
tables below target only - .005, `worst*` the worst run of all; both at 50, and from 200 on. `multiplier50` is
the median over tasks of how many times 50 labels the target alone needs for the blend's score at 50; beyond
the last point of its curve it counts as that point. `predict_share` is the rate of `xb.predict_table` in SQL
over that of plain LightGBM on a million rows, `blend_over_members` the time of a blend there over that of its
members on matrices that are there; `xbsql.predict_table` stands beside both in the table.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import numpy as np

from bench import tabular_speed, tabular_tasks
from bench.tabular_loop import LABELS, SOURCES, gains, measure, record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.case import Bench
    from bench.tabular_loop import Draws

__all__ = ["SOURCES", "TESTS", "run"]

TESTS = ("tests/engine/test_transfer.py", "tests/engine/test_evidence.py", "tests/bench/test_tabular.py")
BELOW = -0.005


def run(bench: Bench) -> dict[str, float]:
    """Measure every draw, then the speed."""
    draws, curves, about = measure(bench, tabular_tasks.reported(bench.data))
    record(bench, draws, about)
    found: dict[str, float] = {}
    for labels in LABELS:
        by_task = gains(draws, labels)
        mean, lo, hi = interval(list(by_task.values()))
        found |= {f"gain{labels}": mean, f"gain{labels}_lo": lo}
        bench.record(
            "all tasks", "blend", "gain upper end", hi, sizes={"labels": labels, "tasks": len(by_task)}
        )
    few, more = gains(draws, 50), [gains(draws, labels) for labels in LABELS[1:]]
    real = {name for name, task in about.items() if task["real"]}
    found["neg50"] = below([g for name, values in few.items() if name in real for g in values])
    found["neg200"] = below([g for part in more for name in part if name in real for g in part[name]])
    found["worst50"] = min(g for values in few.values() for g in values)
    found["worst200"] = min(g for part in more for values in part.values() for g in values)
    found["multiplier50"] = multiplier(bench, draws, curves)
    return found | tabular_speed.measure(bench)


def below(values: Sequence[float]) -> float:
    """Share of the gains that are losses."""
    return float(np.mean(np.array(values) < BELOW))


def interval(by_task: Sequence[Sequence[float]], resamples: int = 2000) -> tuple[float, float, float]:
    """Mean over tasks of the mean over seeds, with its 95 % interval: tasks are drawn, then their seeds."""
    generator = np.random.default_rng(0)
    means = []
    for _ in range(resamples):
        chosen = generator.integers(0, len(by_task), len(by_task))
        means.append(np.mean([np.mean(generator.choice(by_task[i], len(by_task[i]))) for i in chosen]))
    lo, hi = np.quantile(means, [0.025, 0.975])
    return float(np.mean([np.mean(values) for values in by_task])), float(lo), float(hi)


def multiplier(
    bench: Bench, draws: Draws, curves: Mapping[tuple[str, int], Sequence[float]], labels: int = 50
) -> float:
    """Median over tasks of the labels that the target alone needs for the blend's score, over `labels`."""
    found = []
    for name in {task for task, n in draws if n == labels}:
        points = {n: statistics.fmean(scores) for (task, n), scores in curves.items() if task == name}
        own = {n: [d["target only"] for d in draws[task, n]] for task, n in draws if task == name}
        points |= {n: statistics.fmean(scores) for n, scores in own.items()}
        goal = statistics.fmean(draw["blend"] for draw in draws[name, labels])
        found.append(needed(sorted(points.items()), goal) / labels)
        bench.record(name, "blend", "label multiplier", found[-1], sizes={"labels": labels})
    return statistics.median(found)


def needed(curve: Sequence[tuple[int, float]], goal: float) -> float:
    """Labels at which a rising curve reaches the goal, linear in their logarithm; at most its last point.

    Where the curve falls between two points the better of the earlier scores counts on.
    """
    sizes = np.log([n for n, _ in curve])
    scores = np.maximum.accumulate([score for _, score in curve])
    if goal >= scores[-1]:
        return float(curve[-1][0])
    after = int(np.argmax(scores >= goal))
    if after == 0:
        return float(curve[0][0])
    rise = max(scores[after] - scores[after - 1], 1e-12)
    share = (goal - scores[after - 1]) / rise
    return float(np.exp(sizes[after - 1] + share * (sizes[after] - sizes[after - 1])))
