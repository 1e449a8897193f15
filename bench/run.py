"""`python -m bench.run SUBJECT [--save]`: test, measure, write the table, print the headline last.

QUICK=1 asks for a short run with the same code and keys; its table rests in .bench/ unless --save is given.
An interrupted run goes on where it stopped. A subject is a module bench/<subject>.py with
`run(bench: Bench) -> dict[str, float]` and, where it has them, TESTS (paths for pytest, green before anything
is measured), SOURCES (files, beside its own, whose change makes stored units worthless) and `configure(rest)`
(takes further arguments, and says False where nothing is left to run).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.util
import math
import os
import subprocess
import sys
import time
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.case import Bench, Journal, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
_HELP = ("-h", "--help")
HEADLINE = "headline"
"""The case of the rows that hold the last line's figures."""


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run one subject of `root`/bench; 0 when its table is written, 1 when tests are red, 2 when unknown."""
    line = (__doc__ or "").splitlines()[0]
    arguments = argparse.ArgumentParser(prog="bench.run", description=line, add_help=False)
    arguments.add_argument("subject", help=f"one of {', '.join(subjects(root))}")
    arguments.add_argument("--save", action="store_true", help="a QUICK run, too, writes bench/results")
    given = sys.argv[1:] if argv is None else argv
    if not given or given[0] in _HELP:
        arguments.print_help()
        return 0
    asked, rest = arguments.parse_known_args(given)
    if asked.subject not in subjects(root):
        print(f"bench: no subject '{asked.subject}'; there is {', '.join(subjects(root)) or 'none'}")
        return 2
    start = time.monotonic()
    module = load(asked.subject, root)
    if any(each in _HELP for each in rest) and not hasattr(module, "configure"):
        print((module.__doc__ or "").strip())
        return 0
    if rest and not hasattr(module, "configure"):
        arguments.error(f"{asked.subject} takes no further arguments, got {' '.join(rest)}")
    if rest and module.configure(rest) is False:
        return 0
    if not green(getattr(module, "TESTS", ()), root):
        print(f"bench {asked.subject}: its tests are red; nothing measured, nothing written")
        return 1
    bench = handle(asked.subject, module, root)
    headline = module.run(bench)
    for key, value in headline.items():
        bench.record(HEADLINE, "xbsql", key, math.nan if value is None else value)
    path = table_path(asked.subject, root, quick=bench.quick and not asked.save)
    write(bench.rows, path)
    bench.journal.close()
    sys.stderr.flush()
    print(table(bench.rows))
    print(f"{len(bench.rows)} rows in {path.relative_to(root)}, {time.monotonic() - start:.0f} s")
    print(headline_line(asked.subject, headline), flush=True)
    return 0


def subjects(root: Path = ROOT) -> list[str]:
    """The modules of bench/ that define `run(bench`, by name."""
    files = sorted((root / "bench").glob("*.py"))
    return [file.stem for file in files if "\ndef run(bench" in file.read_text(encoding="utf-8")]


def load(subject: str, root: Path) -> ModuleType:
    """Import bench/<subject>.py of `root`."""
    name = f"bench.{subject}"
    spec = importlib.util.spec_from_file_location(name, root / "bench" / f"{subject}.py")
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def green(tests: Sequence[str], root: Path) -> bool:
    """Whether pytest passes on `tests`; no tests are green."""
    if not tests:
        return True
    print(f"testing {' '.join(tests)}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "pytest", "-q", *tests]
    return subprocess.run(command, cwd=root, check=False).returncode == 0


def handle(subject: str, module: ModuleType, root: Path) -> Bench:
    """The Bench of one run, with the journal of the run before where that one was interrupted."""
    quick = os.environ.get("QUICK", "") not in ("", "0")
    sources = [f"bench/{subject}.py", *getattr(module, "SOURCES", ())]
    digest = hashlib.sha256(str(quick).encode())
    for source in sources:
        digest.update((root / source).read_bytes())
    journal = Journal(root / ".bench" / f"{subject}{'-quick' * quick}.jsonl", digest.hexdigest()[:16])
    return Bench(subject, quick, journal, commit_of(root), datetime.now(UTC).date().isoformat())


def commit_of(root: Path) -> str:
    """The commit in `root`, '-dirty' where tracked files differ from it, 'unknown' without git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def table_path(subject: str, root: Path, *, quick: bool) -> Path:
    """Where a run's table goes."""
    return (
        root / ".bench" / f"{subject}-quick.csv" if quick else root / "bench" / "results" / f"{subject}.csv"
    )


def write(rows: Sequence[Row], path: Path) -> None:
    """Replace the table at `path` as a whole: written beside it, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".csv.part")
    with beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [column.name for column in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in asdict(row).items()} for row in rows)
    beside.replace(path)


def _cell(value: object) -> object:
    """Floats with six digits, nan and None as nothing."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return "" if value is None else value


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text."""
    lines = [("case", "implementation", "sizes", "metric", "p50", "p20 .. p80", "unit")]
    for row in rows:
        spread = "" if math.isnan(row.p20) else f"{row.p20:.4g} .. {row.p80:.4g}"
        implementation = f"{row.implementation} {row.dtype}".strip()
        lines.append((row.case, implementation, row.sizes, row.metric, f"{row.p50:.4g}", spread, row.unit))
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    padded = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return "\n".join(padded)


def headline_line(subject: str, headline: Mapping[str, float | None]) -> str:
    """'subject: key=value ...', four digits, a missing value as nan."""
    values = (f"{key}={math.nan if value is None else value:.4g}" for key, value in headline.items())
    return f"{subject}: {' '.join(values)}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nbench: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
