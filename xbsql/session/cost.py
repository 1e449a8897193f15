"""What a long call would take: seconds and memory, by what it would do and what a machine took for that.

The work is counted as the engine does it: folds, candidates, rows of each fit. How long a unit of each kind
takes was measured by `python -m bench.cost_model`, which writes `cost_model.json`; a probe of this machine
scales it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np

from xbsql.engine.folds import FEWEST_LABELS, plan

FUNCTIONS: Final = ("fit", "transfer", "label_curve", "match")
FILE: Final = "cost_model.json"
MOST_KERNEL: Final = 4096
"""Rows that a process keeps, see `engine.candidates.process`."""
WIDTH: Final = 512
"""Numbers of a text's vector."""
CURVE: Final = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Sizes of a label curve, see `tasks.curve`."""


@dataclass(frozen=True)
class Facts:
    """What is known of the rows before anything is done.

    Attributes:
        labels: rows with a label; of a match the left rows.
        others: rows without one; of a match the right rows.
        home: labelled home rows that are read.
        fit_home: whether a home model has to be fitted first.
        classes: how many classes there are, 1 for values.
        columns: numbers a row that are no text.
        levels: columns of a line: numbers, and the levels of categories.
        characters: mean length of a row's texts; 0 without any.
        home_seen: whether a home model may be used at all.
    """

    labels: int
    others: int = 0
    home: int = 0
    fit_home: bool = False
    classes: int = 1
    columns: int = 0
    levels: int = 0
    characters: float = 0.0
    home_seen: bool = False

    @property
    def outputs(self) -> int:
        """Trees a round."""
        return self.classes if self.classes > 2 else 1


def work(function: str, facts: Facts) -> dict[str, float]:
    """Units of each kind of work, in millions; 'calls' as they are."""
    counted = _Counted()
    if function == "match":
        counted.match(facts.labels, facts.others, facts.characters)
    elif function == "label_curve":
        counted.read(facts, facts.labels + min(facts.others, 2000))
        most = 0.8 * facts.labels
        for size in [*(size for size in CURVE if size < 0.8 * most), int(most)]:
            for _ in range(5):
                counted.own(facts, size)
                counted.carried(facts, size, 0)
    else:
        counted.read(facts, facts.labels + facts.others + facts.home)
        counted.judged(facts.labels, facts.classes)
        if facts.fit_home:
            counted.own(facts, facts.home)
        counted.own(facts, facts.labels)
        if function == "transfer":
            counted.carried(facts, facts.labels, facts.home)
    return counted.units


def memory(function: str, facts: Facts) -> dict[str, float]:
    """What is held at a time, by kind, in GB."""
    rows = facts.labels + facts.others + facts.home
    if function == "match":
        pairs = min(facts.labels * 120, facts.labels * max(facts.others, 1))
        return {"vectors": rows * WIDTH * 4 / 1e9, "pairs": pairs * 34 * 8 / 1e9, "base": 0.1}
    kernel = min(max(facts.labels, facts.home), MOST_KERNEL) if facts.characters else 0
    vectors = rows * WIDTH * 4 / 1e9 if facts.characters else 0.0
    table = rows * max(facts.levels, facts.columns) * 8 / 1e9
    return {"vectors": vectors, "table": table, "kernel": kernel**2 * 4 / 1e9, "base": 0.1}


class _Counted:
    """Adds up units of work."""

    def __init__(self) -> None:
        kinds = (
            "calls",
            "chars",
            "cubes",
            "squares",
            "lines",
            "tables",
            "trees",
            "pairs",
            "products",
            "draws",
        )
        self.units = dict.fromkeys(kinds, 0.0)

    def add(self, kind: str, units: float) -> None:
        self.units[kind] += units / (1.0 if kind == "calls" else 1e6)

    def read(self, facts: Facts, rows: int) -> None:
        self.add("chars", rows * facts.characters)
        self.add("tables", rows * facts.levels)

    def judged(self, labels: int, classes: int) -> None:
        self.add("draws", labels * (1000 if labels <= 4000 else 300) * np.sqrt(classes))

    def own(self, facts: Facts, rows: int) -> None:
        """What the target alone is tried with."""
        for size, times in _fits(rows):
            self.add("calls", times * ((2 if facts.characters else 0) + (2 if facts.columns else 0)))
            if facts.characters:
                self._process(size, times)
                self._line(size, min(size, WIDTH), facts.classes, times)
            if facts.columns:
                self._trees(size, facts, float(np.clip(40 + size / 6, 40, 200)), times)
                self._line(size, facts.levels, facts.classes, times)
            if facts.columns and facts.characters:
                self._line(size, WIDTH + facts.levels, facts.classes, times)

    def carried(self, facts: Facts, rows: int, home: int) -> None:
        """What uses the home model, and home's rows where they may be read."""
        for size, times in _fits(rows):
            self.add("calls", times * 5)
            if facts.characters:
                kept = min(max(home, facts.others, 1), MOST_KERNEL)
                self.add("squares", 2 * times * kept**2 * min(size, MOST_KERNEL) / 1e3)
                self._line(size, min(size, WIDTH) + facts.classes, facts.classes, times)
            if facts.columns:
                self._trees(size, facts, 200, times)
                self._trees(home + size, facts, 300 if home else 0, times)
                self._line(home + size, 2 * facts.levels, facts.classes, times)
        if facts.columns and home:
            self._trees(home + facts.others, facts, 320, 1)
            self._line(home, facts.levels, facts.classes, 3)
        if facts.characters and facts.home_seen:
            self._process(min(max(home, facts.labels), MOST_KERNEL), 1)

    def match(self, left: int, right: int, characters: float) -> None:
        self.add("chars", (left + right) * characters)
        self.add("products", left * right)
        self.add("pairs", min(left * 120, left * max(right, 1)))
        self.add("tables", left + right)
        self.add("calls", 1)

    def _process(self, rows: int, times: float) -> None:
        kept = min(rows, MOST_KERNEL)
        self.add("cubes", times * kept**3 / 1e3)
        self.add("squares", times * kept**2)

    def _line(self, rows: int, columns: int, classes: int, times: float) -> None:
        self.add("lines", times * rows * columns * classes)

    def _trees(self, rows: int, facts: Facts, rounds: float, times: float) -> None:
        leaves = facts.outputs * rounds * times
        self.add("trees", leaves * (rows * facts.columns + 2000))


def _fits(rows: int) -> list[tuple[int, float]]:
    """Rows of a fit and how many there are: over folds, and on all."""
    if rows < FEWEST_LABELS:
        return [(rows, 1)]
    folds, repeats = plan(rows)
    return [(rows - rows // folds, folds * repeats), (rows, 1)]


def priced(function: str, facts: Facts, model: dict[str, Any] | None = None) -> tuple[float, float]:
    """Seconds on the machine that the model was measured on, and GB beside what the process holds already."""
    prices = model or cost_model()
    seconds = sum(prices["seconds"].get(kind, 0.0) * units for kind, units in work(function, facts).items())
    held = sum(prices["gb"].get(kind, 0.0) * units for kind, units in memory(function, facts).items())
    return seconds, held


@cache
def cost_model() -> dict[str, Any]:
    """Prices by unit of work, and what the probe took where they were measured."""
    found: dict[str, Any] = json.loads((files("xbsql.session") / FILE).read_text())
    return found


def probe() -> float:
    """Seconds that this machine takes for some of what a fit does: products, a sort, exponentials."""
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(384, 384)).astype(np.float32)
    column = generator.normal(size=100_000)
    taken = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(4):
            matrix @ matrix
        np.sort(column)
        np.exp(column)
        taken.append(time.process_time() - start)
    return min(taken)
