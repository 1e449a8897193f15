"""Whether anything that is given to xbsql kills it, hangs it, ends in its own fault or changes an answer.

Every case runs in child processes, so that a death is counted and not suffered. Each has a file of its own:
LightGBM text (`text`), folders of models (`artifact`) and of indexes (`index`), damaged by seed; processes
that are killed while they change a store (`kills`); any function with any arguments (`calls`); the same calls
over and over (`leaks`). Another case is a class, a line in `CASES` and one in `SHARES`.
`CASES=text,index` runs some of them, `SEED=1000` starts elsewhere. What failed is printed with its seed:
`bench.torture.again(case, seed)` tries it again in the process that calls it.

deaths, hangs (over 10 s, 60 s for what takes long by nature), internal (errors that are faults of xbsql),
silent (answers that changed without a word), outside (files beside the store that were touched) are all to be
0; leaks_mb is what a process has grown by in the worst kind of repeated call.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.torture_cases import CASES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.case import Bench

SOURCES = tuple(f"bench/{path.name}" for path in sorted(Path(__file__).parent.glob("torture_*.py")))
SHARES = {"kills": 1_000, "calls": 20_000, "text": 5_000, "artifact": 1_000, "index": 1_000, "leaks": 12}
QUICK_SHARES = {"kills": 60, "calls": 1_000, "text": 400, "artifact": 80, "index": 80, "leaks": 6}
UNIT = 1_000
START_SECONDS = 120.0
STARVED = 6.0
"""A child that a busy machine leaves without its turn is given so many times as long before it hangs."""
SINGLE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A child shares the machine with another, and forks only where no thread is left behind."""
FULL_SECONDS, QUICK_SECONDS = 1_500.0, 180.0
BAD = ("internal", "silent", "outside")
GROWN = "grown"
MUTANTS = ("text", "artifact", "index")


class Child:
    """A process that takes one seed at a time.

    Args:
        case: of `CASES`.
        folder: its own.
    """

    def __init__(self, case: str, folder: Path) -> None:
        self._case = CASES[case]
        self._command = [sys.executable, "-m", "bench.torture_cases", case, str(folder)]
        self._process: subprocess.Popen[str] | None = None

    def ask(self, seed: int) -> str:
        """What came of a seed: what the child says, or 'death ...', or 'hang'."""
        fresh = self._process is None
        process = self._process = self._process or subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **SINGLE},
        )
        line = self._line(process, seed, START_SECONDS if fresh else self._case.patience(seed))
        if line is None:
            self.close()
            return "hang"
        if not line:
            process.wait()
            self.close()
            return f"death {process.returncode}"
        return str(json.loads(line)["outcome"])

    def _line(self, process: subprocess.Popen[str], seed: int, seconds: float) -> str | None:
        """The child's line; '' where it died, None where it took too long."""
        if process.stdin is None or process.stdout is None:
            return ""
        try:
            process.stdin.write(f"{seed}\n")
            process.stdin.flush()
        except BrokenPipeError:
            return ""
        start, spent = time.monotonic(), cpu_seconds(process.pid)
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not selector.select(1.0):
                late = time.monotonic() - start
                if late > seconds * STARVED or (
                    late > seconds and cpu_seconds(process.pid) - spent > seconds
                ):
                    return None
            return process.stdout.readline()

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process = None


def cpu_seconds(process: int) -> float:
    """Seconds that a process has computed for; 0 where nobody knows."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(bench: Bench) -> dict[str, float]:
    """Every case for its share of seeds, as far as the time reaches."""
    wanted = os.environ.get("CASES", ",".join(SHARES)).split(",")
    first = int(os.environ.get("SEED", "0"))
    stop = time.monotonic() + (QUICK_SECONDS if bench.quick else FULL_SECONDS)
    units = [(case, part) for case in wanted for part in _parts(case, first, quick=bench.quick)]
    bench.plan(len(units))
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        for case, seeds in units:
            if time.monotonic() > stop:
                print(f"torture: no time left for {case} from {seeds[0]}", file=sys.stderr)
                continue
            key = f"{case} {seeds[0]}-{seeds[-1]}"
            found = bench.unit(key, lambda case=case, seeds=seeds: _unit(case, seeds, Path(place)))  # type: ignore[misc]
            for kind, count in found.items():
                bench.record(case, "xbsql", kind, count, sizes={"seeds": f"{seeds[0]}-{seeds[-1]}"})
                total[kind] = max(total[kind], count) if kind == GROWN else total[kind] + count
            total[case] += found["tried"]
    keys = ("deaths", "hangs", *BAD)
    figures = {
        "kills": total["kills"],
        "calls": total["calls"],
        "mutants": sum(total[case] for case in MUTANTS),
    }
    figures |= {kind: total[kind] for kind in keys}
    return {**{key: float(value) for key, value in figures.items()}, "leaks_mb": total[GROWN] / 1024}


def _parts(case: str, first: int, *, quick: bool) -> Iterator[range]:
    """The seeds of each unit."""
    last = first + (QUICK_SHARES if quick else SHARES)[case]
    for start in range(first, last, UNIT):
        yield range(start, min(start + UNIT, last))


def _unit(case: str, seeds: Sequence[int], place: Path) -> dict[str, int]:
    """The outcomes of some seeds, counted; two children share them."""
    made = place / case
    if not made.exists():
        made.mkdir()
        CASES[case].prepare(made)
    workers = min(2, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        parts = pool.map(lambda worker: _share(case, seeds[worker::workers], made, worker), range(workers))
        outcomes: list[tuple[int, str]] = [each for part in parts for each in part]
    counts = Counter(dict.fromkeys(("tried", "deaths", "hangs", "refused", "same", "other", *BAD), 0))
    for seed, outcome in sorted(outcomes):
        kind, _, more = outcome.replace(":", " ", 1).partition(" ")
        kind = {"death": "deaths", "hang": "hangs"}.get(kind, kind)
        counts["tried"] += 1
        if kind == GROWN:
            counts[GROWN] = max(counts[GROWN], int(more.split()[0]))
        else:
            counts[kind] += 1
        if kind in (*BAD, GROWN, "deaths", "hangs"):
            print(f"torture: {case} {seed}: {outcome}", file=sys.stderr)
    return dict(counts)


def _share(case: str, seeds: Sequence[int], made: Path, worker: int) -> list[tuple[int, str]]:
    own = made.with_name(f"{made.name}-{worker}")
    if not own.exists():
        shutil.copytree(made, own)
    child = Child(case, own)
    try:
        return [(seed, child.ask(seed)) for seed in seeds]
    finally:
        child.close()


def again(case: str, seed: int) -> dict[str, Any]:
    """Try one seed in this process, for a look into it."""
    from bench.torture_cases import outcome

    folder = Path(tempfile.mkdtemp())
    CASES[case].prepare(folder)
    return {"folder": str(folder), "outcome": outcome(CASES[case](folder).attack, seed)}
