"""What the slow calls cost now, beside what they cost at commit a02259f: one run, a process each, in turn.

XBSQL_BEFORE names a checkout of that commit (`git worktree add FOLDER a02259f`). A ratio is the processor's
time now over that of then; below 1 is cheaper. What is timed stands in `bench/cost_cases.py`.

A third each was asked. `fit`, 5,000 titles alone into 21 classes, is above it (8.7 to 3.8 s; titles beside
four columns, `fit_rows`, are below). Tried for it: the Cholesky factor in place, 1.07 to .43 s, sharpness
from 1,024 rows, and both sides of partners from one product, all kept; one covariance of all rows for all
folds, in two forms, 3.4 against 3.2 s; the distance as one product with two more columns, .127 against .122
s a matrix; n-grams as a product of rows and columns, .073 against .043; all left out. Two folds in place of
five from 4,000 rows on would bring it below a third, and change what is known of every model of that size:
left out too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.case import Quantiles
from bench.cost_cases import BESIDE, CASES

if TYPE_CHECKING:
    from bench.case import Bench

SOURCES = ("bench/cost_cases.py",)
BEFORE = "a02259f"
ROOT = Path(__file__).resolve().parent.parent
METRICS = {"seconds": "s", "cpu_seconds": "s", "peak_mb": "MB"}


def run(bench: Bench) -> dict[str, float]:
    """Measure all; one unit a case and round."""
    checkouts = {"xbsql": ROOT, BEFORE: before()}
    rounds = 1
    bench.plan(rounds * (len(CASES) + len(BESIDE)))
    for folder in ("off_products", "google_taxonomy"):
        bench.data(folder)
    headline, processor = {}, {}
    for case in CASES:
        found = [
            bench.unit(f"{case} {turn}", partial(both, case, checkouts, bench.quick, turn))
            for turn in range(rounds)
        ]
        for metric, unit in METRICS.items():
            values = {name: [one[name][metric] for one in found] for name in checkouts}
            for name in checkouts:
                bench.record(case, name, metric, shown(values[name]), unit=unit)
            ratios = [now / then for now, then in zip(values["xbsql"], values[BEFORE], strict=True)]
            bench.record(case, f"xbsql over {BEFORE}", metric, shown(ratios))
            if metric == "cpu_seconds":
                headline[f"{case}_ratio"] = Quantiles.of(ratios).p50
                processor[case] = values["xbsql"]
    for name in BESIDE:
        alone = partial(spent, name, ROOT, bench.quick)
        plain = [bench.unit(f"{name} {turn}", alone)["cpu_seconds"] for turn in range(rounds)]
        bench.record("fit_table", name, "cpu_seconds", shown(plain), unit="s")
        times = [ours / theirs for ours, theirs in zip(processor["fit_table"], plain, strict=True)]
        bench.record("fit_table", f"xbsql over {name}", "cpu_seconds", shown(times))
    return headline


def before() -> Path:
    """The checkout of the commit to compare with; ends the run with one line where there is none."""
    folder = Path(os.environ.get("XBSQL_BEFORE", ""))
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not os.environ.get("XBSQL_BEFORE") or done.stdout.strip() != BEFORE:
        found = done.stdout.strip() or "no checkout"
        sys.exit(
            f"bench cost: XBSQL_BEFORE is {found}; git worktree add FOLDER {BEFORE} and set it to FOLDER"
        )
    return folder.resolve()


def both(case: str, checkouts: dict[str, Path], quick: bool, turn: int) -> dict[str, Any]:
    """What a case takes in each checkout, every other round in the other order."""
    names = list(checkouts)[:: -1 if turn % 2 else 1]
    return {name: spent(case, checkouts[name], quick) for name in names}


def spent(case: str, checkout: Path, quick: bool) -> dict[str, float]:
    """Seconds and memory of one call in a fresh interpreter, with a store of its own."""
    command = [
        sys.executable,
        "-P",
        str(ROOT / "bench" / "cost_cases.py"),
        case,
        "quick" if quick else "full",
    ]
    with tempfile.TemporaryDirectory() as store:
        environment = {**os.environ, "PYTHONPATH": str(checkout), "XBSQL_STORE": store}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def shown(values: list[float]) -> float | Quantiles:
    return Quantiles.of(values) if len(values) > 1 else values[0]
