"""Measure what a unit of each kind of work takes, for `xb.estimate`: `python -m bench.cost_model`.

Every case runs in a process of its own. Prices that are never negative are fitted to what they took, relative
errors counting alike. `--check` measures other cases, which the prices have not seen, prints the estimates as
shares of what they took, and writes nothing.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.optimize import nnls

from bench.cost_cases import ABROAD, _categories, _named, columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "xbsql" / "session" / "cost_model.json"
Case = tuple[str, str, int, int, int]
"""Function, kind of rows ('text', 'classes', 'table', 'value'), rows, of these labelled, home rows."""

TAUGHT: tuple[Case, ...] = (
    ("fit", "text", 150, 150, 0),
    ("fit", "text", 600, 600, 0),
    ("fit", "text", 2000, 2000, 0),
    ("fit", "classes", 800, 800, 0),
    ("fit", "table", 300, 300, 0),
    ("fit", "table", 2500, 2500, 0),
    ("fit", "table", 12000, 12000, 0),
    ("fit", "value", 1500, 1500, 0),
    ("transfer", "text", 600, 60, 500),
    ("transfer", "text", 1200, 400, 1200),
    ("transfer", "classes", 1500, 200, 1000),
    ("transfer", "table", 400, 100, 1500),
    ("transfer", "table", 1000, 1000, 4000),
    ("transfer", "value", 800, 400, 2500),
    ("label_curve", "text", 100, 100, 300),
    ("label_curve", "table", 150, 150, 500),
    ("match", "text", 300, 0, 3000),
    ("match", "text", 1000, 0, 8000),
)
CHECKED: tuple[Case, ...] = (
    ("fit", "text", 1000, 1000, 0),
    ("fit", "classes", 1500, 1500, 0),
    ("fit", "table", 6000, 6000, 0),
    ("transfer", "text", 900, 150, 800),
    ("transfer", "table", 700, 300, 2500),
    ("transfer", "value", 1500, 150, 1000),
    ("label_curve", "text", 200, 200, 600),
    ("match", "text", 600, 0, 5000),
)


def main(asked: Sequence[str]) -> None:
    """Measure one case, all that teach, or those that check."""
    if asked[:1] == ["case"]:
        print(json.dumps(measured(*json.loads(asked[1]))))
        return
    from xbsql.session.cost import cost_model, memory, probe, work

    check = "--check" in asked
    rows = [told(case) for case in (CHECKED if check else TAUGHT)]
    if check:
        scale = probe() / cost_model()["probe"]
        for row in rows:
            prices = cost_model()
            seconds = scale * priced(prices["seconds"], work(row["case"][0], facts(row)))
            gb = priced(prices["gb"], memory(row["case"][0], facts(row)))
            print(f"{row['case']}: seconds {seconds / row['seconds']:.2f}, memory {gb / row['gb']:.2f}")
        return
    paid = fitted([work(row["case"][0], facts(row)) for row in rows], [row["seconds"] for row in rows])
    held = fitted([memory(row["case"][0], facts(row)) for row in rows], [row["gb"] for row in rows])
    found = {"probe": float(np.median([row["probe"] for row in rows])), "seconds": paid, "gb": held}
    MODEL.write_text(json.dumps(found, indent=1) + "\n")


def facts(row: Mapping[str, Any]) -> Any:  # noqa: ANN401 - Facts, of the checkout that is measured
    from xbsql.session.cost import Facts

    return Facts(**row["facts"])


def priced(prices: Mapping[str, float], units: Mapping[str, float]) -> float:
    return sum(prices.get(kind, 0.0) * count for kind, count in units.items())


def fitted(units: Sequence[Mapping[str, float]], taken: Sequence[float]) -> dict[str, float]:
    """Prices that are not negative, relative errors counting alike."""
    kinds = sorted({kind for each in units for kind in each})
    matrix = np.array([[each.get(kind, 0.0) for kind in kinds] for each in units]) / np.array(taken)[:, None]
    size = np.maximum(matrix.max(axis=0), 1e-12)
    prices = nnls(matrix / size, np.ones(len(taken)))[0] / size
    return {kind: float(f"{price:.4g}") for kind, price in zip(kinds, prices, strict=True) if price > 0}


def told(case: Case) -> dict[str, Any]:
    """What one case took, in a process of its own."""
    command = [sys.executable, "-m", "bench.cost_model", "case", json.dumps(case)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{case}: {found['seconds']:.2f} s, {found['gb']:.2f} GB", file=sys.stderr, flush=True)
    return found


def measured(function: str, kind: str, count: int, labels: int, home: int) -> dict[str, Any]:
    """Facts, seconds and memory of one call after a small one like it."""
    import xbsql
    from xbsql.session.cost import Facts, probe
    from xbsql.session.estimate import _length, facts_of

    con = xbsql.connect(progress=False)
    if function == "match":
        left, right = _titles(("de",), count), _titles(("en", "fr"), home)
        xbsql.match(con, left.slice(0, 20), right.slice(0, 20), "id", "name", "id", "name")
        shown = Facts(len(left), len(right), characters=_length(left["name"]))
        return timed(shown, lambda: xbsql.match(con, left, right, "id", "name", "id", "name"), probe)
    label = {"value": "value", "table": "late"}.get(kind, "class")
    here = rows_of(kind, count, 1)
    hidden = pa.array(np.arange(count) < labels)
    here = here.set_column(
        here.column_names.index(label), label, pc.if_else(hidden, here[label].combine_chunks(), None)
    )
    xbsql.fit(con, "warm", rows_of(kind, 60, 2), label)
    there = rows_of(kind, home, 0) if home else None
    if there is not None:
        xbsql.fit(con, "home", there, label)
    source = there if function == "transfer" else None
    shown = facts_of("bench", here, label, source, there is not None, {})
    calls = {
        "fit": lambda: xbsql.fit(con, "m", here, label),
        "transfer": lambda: xbsql.transfer(con, "t", here, label, base="home", source=there),
        "label_curve": lambda: xbsql.label_curve(con, "home", here),
    }
    return timed(shown, calls[function], probe)


def timed(shown: Any, call: Any, probe: Any) -> dict[str, Any]:  # noqa: ANN401
    taken = probe()
    before, start = resident(), time.process_time()
    call()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {
        "facts": vars(shown),
        "seconds": seconds,
        "gb": max(peak - before, 0.02),
        "probe": taken,
        "case": CASE,
    }


def resident() -> float:
    """What the process holds, GB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**3


def rows_of(kind: str, count: int, seed: int) -> pa.Table:
    """Category names of a language, or numbers and categories, `seed` saying which."""
    if kind in ("text", "classes"):
        return _categories((("en-US", *ABROAD)[seed],), 1 if kind == "text" else 2).slice(0, count)
    rows = columns(count, seed).select([*(f"number_{i}" for i in range(12)), "level_3", "level_6", "late"])
    if kind == "table":
        return rows
    value = rows["number_0"].to_numpy() + rows["number_1"].to_numpy() * rows["late"].to_numpy(
        zero_copy_only=False
    )
    return rows.drop(["late"]).append_column("value", pa.array(value))


def _titles(languages: tuple[str, ...], count: int) -> pa.Table:

    return _named(
        pq.read_table(Path(os.environ["XBSQL_DATA"]) / "off_products/products.parquet"), languages, count
    )


CASE = json.loads(sys.argv[2]) if sys.argv[1:2] == ["case"] else None

if __name__ == "__main__":
    main(sys.argv[1:])
