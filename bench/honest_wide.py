"""Tables of 800 columns, and what a transfer without labels gains over its home model.

wide   Ten classes in 20 hidden directions, seen through 800 columns with noise: 1,000 home rows, 1,000
       target rows of which 30 have a label, moved as a whole. `wide_s` is the median time of a transfer in
       seconds of one core; `wide_gain` what the blend has over its own target-only candidates on rows that
       nobody has seen, the least of the draws.
zero   Four such classes through 40 columns under shifts of one kind each: columns in other units, columns
       mixed, other shares of the classes, rows from a part of the space, none. `zero_gain` is the mean of the
       blend's accuracy without a label less the home model's over the shifts of columns (the first two),
       `zero_worst` the least mean of all kinds. The thresholds were chosen on other draws.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import torch
from threadpoolctl import threadpool_limits

from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as CLASSIFY

if TYPE_CHECKING:
    from bench.case import Bench
    from xbsql.tasks.classify.classifier import Classifier

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]

SOURCES = (
    "xbsql/engine/candidates/tables.py", "xbsql/engine/candidates/boosted.py",
    "xbsql/engine/candidates/linear.py", "xbsql/engine/candidates/feature.py",
)  # fmt: skip
HIDDEN, CLASSES, ROWS, LABELS = 20, 10, 1000, 30
WIDE, NARROW = 800, 40
COLUMN_SHIFTS: Final = ("units", "mixed")
KINDS: Final = (*COLUMN_SHIFTS, "shares", "part", "none")
DRAWS = 5


@dataclass(frozen=True)
class World:
    """Where the classes lie, and how the columns see them."""

    generator: np.random.Generator
    centres: Floats
    seen: Floats
    classes: int

    @classmethod
    def drawn(cls, seed: int, columns: int, classes: int) -> World:
        """One world."""
        generator = np.random.default_rng(seed)
        centres = generator.normal(size=(classes, HIDDEN))
        return cls(generator, centres, generator.normal(size=(HIDDEN, columns)) / HIDDEN**0.5, classes)

    def rows(self, n: int, share: Floats | None = None, moved: float = 0.0) -> tuple[Floats, Codes]:
        """Columns and classes of n rows; `moved` shifts them all in the hidden space."""
        y = self.generator.choice(self.classes, n, p=share)
        hidden = self.centres[y] + self.generator.normal(size=(n, HIDDEN))
        hidden += moved * self.generator.normal(size=HIDDEN)
        columns = hidden @ self.seen
        return columns + 0.7 * self.generator.normal(size=columns.shape), y


def table(x: Floats, y: Codes, known: int | None = None) -> pa.Table:
    """Rows with the label of the first `known` of them."""
    shown = len(y) if known is None else known
    labels = [f"k{code}" if row < shown else None for row, code in enumerate(y.tolist())]
    return pa.table({f"c{i}": x[:, i] for i in range(x.shape[1])} | {"y": pa.array(labels, pa.string())})


def wide(bench: Bench) -> dict[str, float]:
    """`wide_s` and `wide_gain`."""
    torch.set_num_threads(1)
    threadpool_limits(1)
    draws = range(1 if bench.quick else 3)
    found = [bench.unit(f"wide {seed}", partial(_wide, seed)) for seed in draws]
    for seed, draw in enumerate(found):
        for name, value in draw.items():
            bench.record("wide", name, "value", value, sizes={"columns": WIDE, "rows": ROWS, "draw": seed})
    return {
        "wide_s": float(np.median([draw["seconds"] for draw in found])),
        "wide_gain": min(draw["blend"] - draw["target only"] for draw in found),
    }


def _wide(seed: int) -> dict[str, float]:
    world = World.drawn(seed, WIDE, CLASSES)
    home = table(*world.rows(ROWS))
    x, y = world.rows(2 * ROWS, moved=0.5)
    target, test = table(x[:ROWS], y[:ROWS], LABELS), table(x[ROWS:], y[ROWS:])
    base = road.fit(CLASSIFY, home, "y", market="US", options={})[0]
    start = time.process_time()
    blend = road.transfer(CLASSIFY, target, "y", base=base, source=home, options={})[0]
    seconds = time.process_time() - start
    alone = road.fit(CLASSIFY, target.slice(0, LABELS), "y", market="DE", options={})[0]
    return {"seconds": seconds, "blend": _accuracy(blend, test), "target only": _accuracy(alone, test)}


def zero(bench: Bench, seed: int = 0) -> dict[str, float]:
    """`zero_gain` and `zero_worst`."""
    means = []
    for kind in KINDS:
        draws = range(seed, seed + (2 if bench.quick else DRAWS))
        gains = [bench.unit(f"zero {kind} {draw}", partial(_zero, kind, draw)) for draw in draws]
        bench.record("zero", kind, "gain", float(np.mean(gains)))
        means.append(float(np.mean(gains)))
    return {"zero_gain": float(np.mean(means[: len(COLUMN_SHIFTS)])), "zero_worst": min(means)}


def _zero(kind: str, seed: int) -> float:
    world = World.drawn(seed, NARROW, 4)
    home = table(*world.rows(ROWS))
    share = np.array([0.55, 0.25, 0.15, 0.05]) if kind == "shares" else None
    x, y = world.rows(2 * ROWS, share)
    if kind == "units":
        x = x * np.exp(0.4 * world.generator.normal(size=NARROW)) + world.generator.normal(size=NARROW)
    if kind == "mixed":
        x = x @ (np.eye(NARROW) + 0.1 * world.generator.normal(size=(NARROW, NARROW)))
    if kind == "part":
        near = np.argsort(x @ world.generator.normal(size=NARROW))[:ROWS]
        x, y = x[near], y[near]
    half = len(y) // 2
    order = world.generator.permutation(len(y))
    target = table(x[order[:half]], y[order[:half]], 0)
    test = table(x[order[half:]], y[order[half:]])
    base = road.fit(CLASSIFY, home, "y", market="US", options={})[0]
    blend = road.transfer(CLASSIFY, target, "y", base=base, source=home, options={})[0]
    return _accuracy(blend, test) - _accuracy(base, test)


def _accuracy(model: Classifier, rows: pa.Table) -> float:
    answers = CLASSIFY.answers(model.probabilities(rows), model.classes)
    return float(np.mean(answers == np.array(rows["y"].to_pylist(), object)))
