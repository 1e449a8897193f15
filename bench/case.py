"""What a subject is given: units that survive an interruption, paired timings, rows with provenance."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

_VERSIONED = {
    "numpy": "numpy",
    "torch": "torch",
    "triton": "triton",
    "duckdb": "duckdb",
    "pyarrow": "pyarrow",
    "polars": "polars",
    "lightgbm": "lightgbm",
    "sklearn": "scikit-learn",
    "faiss": "faiss-cpu",
    "usearch": "usearch",
}


class Quantiles(NamedTuple):
    """The 20th, 50th and 80th percentile of a sample."""

    p20: float
    p50: float
    p80: float

    @classmethod
    def of(cls, sample: Sequence[float]) -> Quantiles:
        """Quantiles of `sample`, linear between neighbours; all nan where it is empty or holds a nan."""
        if not sample or any(math.isnan(value) for value in sample):
            return cls(math.nan, math.nan, math.nan)
        ordered = sorted(sample)
        return cls(*(_quantile(ordered, share) for share in (0.2, 0.5, 0.8)))


def _quantile(ordered: Sequence[float], share: float) -> float:
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])


@dataclass(frozen=True)
class Row:
    """One measured value and where it comes from; a line of bench/results/<subject>.csv.

    p20 and p80 are nan where a single value was measured, bytes is empty where nothing was counted.
    """

    subject: str
    case: str
    implementation: str
    dtype: str
    sizes: str
    metric: str
    unit: str
    p20: float
    p50: float
    p80: float
    bytes: int | None
    device: str
    versions: str
    commit: str
    date: str


@dataclass(frozen=True)
class Timings:
    """Seconds of every implementation in every round; entry i of each list was measured in round i."""

    samples: Mapping[str, Sequence[float]]

    def seconds(self, implementation: str) -> Quantiles:
        """Seconds a call."""
        return Quantiles.of(self.samples[implementation])

    def speedup(self, implementation: str, over: str) -> Quantiles:
        """How many times faster than `over`: the ratio within each round, so that a slow spell hits both."""
        pairs = zip(self.samples[over], self.samples[implementation], strict=True)
        return Quantiles.of([theirs / ours for theirs, ours in pairs])


@dataclass(frozen=True)
class Journal:
    """Finished units on disk, one JSON object a line; units of another `digest` do not count."""

    path: Path
    digest: str

    def read(self) -> dict[str, dict[str, Any]]:
        """The finished units by key; a line torn by a kill is passed over."""
        units: dict[str, dict[str, Any]] = {}
        if not self.path.is_file():
            return units
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                unit = json.loads(line)
            except ValueError:
                continue
            if isinstance(unit, dict) and unit.get("digest") == self.digest:
                units[unit["key"]] = unit
        return units

    def add(self, unit: Mapping[str, object]) -> None:
        """Append one unit; the line break comes first, so a torn line never swallows it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps({**unit, "digest": self.digest}))

    def close(self) -> None:
        """Forget all units: the run is complete."""
        self.path.unlink(missing_ok=True)


@dataclass
class Bench:
    """The handle that a subject's `run(bench)` works with.

    Args:
        subject: the subject's name, as in `python -m bench.run SUBJECT`.
        quick: fewer seeds and smaller sizes, same code and same keys (`QUICK=1`).
        journal: where finished units rest between an interruption and the next run.
        commit: of the code that is measured.
        date: ISO date of the run.
        device: what `record` writes where the subject names no other; the CPU unless set.
    """

    subject: str
    quick: bool
    journal: Journal
    commit: str
    date: str
    device: str = ""
    rows: list[Row] = field(default_factory=list)
    _units: int = 0
    _planned: int = 0
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.device = self.device or f"{cpu_name()}, {os.cpu_count()} cores"
        self._finished = self.journal.read()

    def plan(self, units: int) -> None:
        """Say how many units the run has, so that progress can tell how many are left."""
        self._planned = units

    def unit(self, key: str, work: Callable[[], T]) -> T:
        """The result of `work()`, or the stored one where an interrupted run already has it.

        The result must be JSON (NumPy values are turned into it) and comes back as JSON gives it, stored or
        not: tuples as lists. Rows recorded by `work` are stored and come back with it. A key names one unit.
        """
        self._units += 1
        if (stored := self._finished.get(key)) is not None:
            self.rows += [Row(**row) for row in stored["rows"]]
            self._progress(key, "stored")
            return stored["result"]  # type: ignore[no-any-return]
        first, start = len(self.rows), time.perf_counter()
        result = json.loads(json.dumps(work(), default=_plain))
        seconds = time.perf_counter() - start
        self.journal.add({"key": key, "result": result, "rows": [vars(row) for row in self.rows[first:]]})
        self._progress(key, f"{seconds:.1f} s")
        return result  # type: ignore[no-any-return]

    def timed(
        self,
        implementations: Mapping[str, Callable[[], object]],
        *,
        rounds: int = 20,
        warmup: int = 1,
        sync: Callable[[], object] | None = None,
    ) -> Timings:
        """Call every implementation once a round, in one process, each round starting with another one.

        Args:
            implementations: name -> call without arguments.
            rounds: how many calls of each are measured.
            warmup: how many of each come before and are not.
            sync: waits for the device; called before the clock is read. None where the calls wait themselves.
        """
        names = list(implementations)
        samples: dict[str, list[float]] = {name: [] for name in names}
        wait = sync or (lambda: None)
        for turn in range(-warmup, rounds):
            for step in range(len(names)):
                name = names[(turn + step) % len(names)]
                wait()
                start = time.perf_counter()
                implementations[name]()
                wait()
                if turn >= 0:
                    samples[name].append(time.perf_counter() - start)
        return Timings(samples)

    def record(
        self,
        case: str,
        implementation: str,
        metric: str,
        value: float | Quantiles,
        *,
        unit: str = "",
        dtype: str = "",
        sizes: Mapping[str, object] | None = None,
        bytes_moved: int | None = None,
        device: str | None = None,
    ) -> None:
        """Add one row to the table: a single value (p50 alone) or the quantiles of several."""
        found = value if isinstance(value, Quantiles) else Quantiles(math.nan, float(value), math.nan)
        self.rows.append(
            Row(
                subject=self.subject,
                case=case,
                implementation=implementation,
                dtype=dtype,
                sizes=" ".join(f"{name}={size}" for name, size in (sizes or {}).items()),
                metric=metric,
                unit=unit,
                p20=float(found.p20),
                p50=float(found.p50),
                p80=float(found.p80),
                bytes=bytes_moved,
                device=device or self.device,
                versions=loaded_versions(),
                commit=self.commit,
                date=self.date,
            )
        )

    def data(self, name: str) -> Path:
        """XBSQL_DATA/name, a file or a folder; ends the run with one line where it is missing."""
        folder = os.environ.get("XBSQL_DATA")
        if not folder:
            sys.exit(f"bench {self.subject}: needs {name}; set XBSQL_DATA to the folder that holds it")
        path = Path(folder) / name
        if not path.exists():
            sys.exit(f"bench {self.subject}: XBSQL_DATA={folder} has no {name}")
        return path

    def _progress(self, key: str, took: str) -> None:
        elapsed = time.monotonic() - self._started
        of = f"/{self._planned}" if self._planned else ""
        print(f"[{elapsed:6.0f} s] {self._units}{of} {key}: {took}", file=sys.stderr, flush=True)


def _plain(value: object) -> object:
    """A NumPy array or scalar as Python values."""
    if hasattr(value, "tolist"):
        return value.tolist()
    message = f"bench: a unit's result must be JSON, got {type(value).__name__}"
    raise TypeError(message)


def loaded_versions() -> str:
    """Python and those of the libraries measured that are loaded: 'python 3.11.7; numpy 2.4.1'."""
    found = [f"python {platform.python_version()}"]
    for module, package in _VERSIONED.items():
        if module in sys.modules:
            try:
                found.append(f"{package} {version(package)}")
            except PackageNotFoundError:
                found.append(f"{package} unknown")
    return "; ".join(found)


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
