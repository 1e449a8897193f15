"""How long a user waits before anything happens: importing, connecting, and the whole demonstration.

Each is a fresh process. The headline is the median of the rounds, and for the demonstration one run from an
empty folder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from bench.case import Quantiles

if TYPE_CHECKING:
    from bench.case import Bench

TESTS = ["tests/surface/test_duck.py"]
TIMED = "import time; {}; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
IMPORT = TIMED.format("import sys", "import xbsql")
CONNECT = TIMED.format("import xbsql", "con = xbsql.connect()")


def run(bench: Bench) -> dict[str, float]:
    rounds = 3 if bench.quick else 15
    bench.plan(3)
    seconds = {
        "import": Quantiles.of(bench.unit("import", lambda: [measured(IMPORT) for _ in range(rounds)])),
        "connect": Quantiles.of(bench.unit("connect", lambda: [measured(CONNECT) for _ in range(rounds)])),
        "demo": Quantiles.of([bench.unit("demo", demonstrated)]),
    }
    for name, found in seconds.items():
        bench.record(name, "xbsql", "seconds", found, unit="s")
    return {f"{name}_s": found.p50 for name, found in seconds.items()}


def measured(code: str) -> float:
    """What the code prints, in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def demonstrated() -> float:
    """Seconds of `xbsql demo` in an empty folder, starting the interpreter included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [sys.executable, "-m", "xbsql.cli", "demo", folder]
        subprocess.run(command, capture_output=True, check=True)
        return time.perf_counter() - start
