"""The loop that `logistics` and `tabular` share: every task, number of labels and seed, each measured once.

Draws rest in one journal for both subjects; it is worthless once the engine or a task has changed.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import xbsql
from bench.case import Bench, Journal, Quantiles
from bench.run import ROOT
from bench.tabular_arms import ARMS, MOST_POOL, Arena

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.tabular_tasks import Task

    Draws = Mapping[tuple[str, int], Sequence[Mapping[str, Any]]]

LABELS = (50, 200, 1000)
CURVE = (20, 100, 500)
"""Further points of the target's own learning curve, to read the label multiplier from."""

SEEDS = 10
BLOCK = 5
"""Seeds that a task is given at a time, so that an early look has all tasks."""

PACKAGE = Path(xbsql.__file__).parent
SOURCES = (
    "bench/shipments.py",
    "bench/shift_tables.py",
    "bench/trap_tables.py",
    "bench/tabular_tasks.py",
    "bench/tabular_arms.py",
    "xbsql/tasks/predict/intervals.py",
    *(f"xbsql/{file.relative_to(PACKAGE)}" for file in sorted((PACKAGE / "engine").rglob("*.py"))),
)


class Lazy:
    """A task that is made, with its home model, when its first draw has to be measured."""

    def __init__(self, make: Callable[[], Task]) -> None:
        self.make = make

    @cached_property
    def arena(self) -> Arena:
        """The task, ready."""
        return Arena(self.make())

    def measured(self, labels: int, seed: int) -> dict[str, Any]:
        """One draw."""
        return self.arena.measured(labels, seed)

    def alone(self, labels: int, seed: int) -> float:
        """The target's own score."""
        return self.arena.alone(labels, seed)

    def about(self) -> dict[str, Any]:
        """What the task is."""
        task = self.arena.task
        return {"real": task.real, "kind": task.kind, "test": task.test.num_rows, "pool": task.pool.num_rows}


def measure(
    bench: Bench, tasks: Mapping[str, Callable[[], Task]], labels: Sequence[int] = LABELS
) -> tuple[dict[tuple[str, int], list[dict[str, Any]]], dict[tuple[str, int], list[float]], dict[str, Any]]:
    """Every draw of every task.

    Returns:
        Draws by (task, labels); the target's own scores by (task, labels) on further points of its curve;
        and what each task is.
    """
    shared = _shared(bench)
    seeds, block = (2, 2) if bench.quick else (SEEDS, BLOCK)
    shared.plan(len(tasks) * (1 + seeds * (len(labels) + len(CURVE))))
    draws: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    curves: dict[tuple[str, int], list[float]] = defaultdict(list)
    about: dict[str, Any] = {}
    for start in range(0, seeds, block):
        for name, make in tasks.items():
            task = Lazy(make)
            about[name] = shared.unit(f"{name} is", task.about) if name not in about else about[name]
            rows = min(about[name]["pool"], MOST_POOL)
            for seed in range(start, min(start + block, seeds)):
                for n in [n for n in labels if n <= rows]:
                    found = shared.unit(f"{name} n={n} seed={seed}", partial(task.measured, n, seed))
                    draws[name, n].append(found)
                for n in further(rows):
                    score = shared.unit(f"{name} alone n={n} seed={seed}", partial(task.alone, n, seed))
                    curves[name, n].append(score)
    return draws, curves, about


def further(rows: int) -> list[int]:
    """Points of the target's own curve beside the transfers', up to all rows of a small pool."""
    return [n for n in CURVE if n < rows] + [rows] * (rows < LABELS[-1])


def record(bench: Bench, draws: Draws, about: Mapping[str, Any]) -> None:
    """One row a task, arm and number of labels, over the seeds; the gains of each draw beside them."""
    for (name, labels), found in draws.items():
        metric = "auc" if about[name]["kind"] == "classify" else "r2"
        sizes = {"labels": labels, "seeds": len(found), "test": about[name]["test"]}
        for arm in ARMS:
            scores = [draw[arm] for draw in found]
            if not any(map(math.isnan, scores)):
                bench.record(name, arm, metric, Quantiles.of(scores), sizes=sizes)
        for arm in ("blend", "naive pool", "selected"):
            more = [draw[arm] - draw["target only"] for draw in found]
            bench.record(name, arm, "gain", Quantiles.of(more), sizes=sizes)
        for seed, draw in enumerate(found):
            gain = draw["blend"] - draw["target only"]
            bench.record(name, "blend", "gain of a draw", gain, sizes={"labels": labels, "seed": seed})
        covered = [draw["coverage"] for draw in found if not math.isnan(draw.get("coverage", math.nan))]
        if covered:
            bench.record(name, "blend", "coverage", float(np.mean(covered)), sizes=sizes)
            bench.record(name, "blend", "error", float(np.mean([d["error"] for d in found])), sizes=sizes)
        seconds = Quantiles.of([draw["seconds"] for draw in found])
        bench.record(name, "transfer", "seconds", seconds, unit="s", sizes=sizes)


def gains(draws: Draws, labels: int) -> dict[str, list[float]]:
    """Blend minus the better target-only learner, draw by draw, by task."""
    return {
        name: [draw["blend"] - draw["target only"] for draw in found if not math.isnan(draw["blend"])]
        for (name, n), found in draws.items()
        if n == labels
    }


def _shared(bench: Bench) -> Bench:
    digest = hashlib.sha256(str(bench.quick).encode())
    for source in SOURCES:
        digest.update((ROOT / source).read_bytes())
    name = f"tabular_draws{'-quick' * bench.quick}.jsonl"
    journal = Journal(ROOT / ".bench" / name, digest.hexdigest()[:16])
    return Bench(bench.subject, bench.quick, journal, bench.commit, bench.date)
