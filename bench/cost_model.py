"""Measure what a unit of each kind of work takes, for `xb.estimate`: `python -m bench.cost_model`.

Every case runs in a process of its own. Prices that are never negative are fitted to what they took, relative
errors counting alike. `--check` measures other cases, which the prices have not seen, prints the estimates as
shares of what they took, and writes nothing.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.optimize import nnls

from bench.cost_cases import ABROAD, _categories, _data, _named, columns
from xbsql.session.cost import Facts, cost_model, memory, priced, probe, work
from xbsql.session.estimate import facts_of, mean_length

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LABELS = {"value": "value", "table": "late"}
"""The label column of a kind of rows, where it is not 'class'."""
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
    """Measure what teaches the prices, or what checks them."""
    os.environ["OMP_NUM_THREADS"] = "1"
    check = "--check" in asked
    rows = told(CHECKED if check else TAUGHT)
    (checked if check else taught)(rows)


def checked(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the estimates as shares of what was measured."""
    scale = probe() / cost_model()["probe"]
    for row in rows:
        function, shown = row["case"][0], Facts(**row["facts"])
        seconds, gb = priced(function, shown)
        print(f"{row['case']}: seconds {scale * seconds / row['seconds']:.2f}, memory {gb / row['gb']:.2f}")


def taught(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the prices."""
    shown = [(row["case"][0], Facts(**row["facts"])) for row in rows]
    paid = fitted([work(*each) for each in shown], [row["seconds"] for row in rows])
    held = fitted([memory(*each) for each in shown], [row["gb"] for row in rows])
    found = {"probe": float(np.median([row["probe"] for row in rows])), "seconds": paid, "gb": held}
    MODEL.write_text(json.dumps(found, indent=1) + "\n")


def fitted(units: Sequence[Mapping[str, float]], taken: Sequence[float]) -> dict[str, float]:
    """Prices that are not negative, relative errors counting alike."""
    kinds = sorted({kind for each in units for kind in each})
    matrix = np.array([[each.get(kind, 0.0) for kind in kinds] for each in units]) / np.array(taken)[:, None]
    size = np.maximum(matrix.max(axis=0), 1e-12)
    prices = nnls(matrix / size, np.ones(len(taken)))[0] / size
    return {kind: float(f"{price:.4g}") for kind, price in zip(kinds, prices, strict=True) if price > 0}


def told(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """What each case took, in a process of its own that has loaded all that a process loads once."""
    import xbsql

    con = xbsql.connect(progress=False)
    for kind in ("text", "table"):
        xbsql.fit(con, "warm", rows_of(kind, 60, 2), LABELS.get(kind, "class"))
    con.close()
    found = []
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as workers:
        for case in cases:
            found.append(workers.apply(measured, case))
            print(
                f"{case}: {found[-1]['seconds']:.2f} s, {found[-1]['gb']:.2f} GB", file=sys.stderr, flush=True
            )
    return found


def measured(function: str, kind: str, count: int, labels: int, home: int) -> dict[str, Any]:
    """Facts, seconds and memory of one call after a small one like it."""
    import xbsql

    case = (function, kind, count, labels, home)
    con = xbsql.connect(progress=False)
    if function == "match":
        left, right = _titles(("de",), count), _titles(("en", "fr"), home)
        xbsql.match(con, left.slice(0, 20), right.slice(0, 20), "id", "name", "id", "name")
        shown = Facts(len(left), len(right), characters=mean_length(left["name"]))
        call = partial(xbsql.match, con, left, right, "id", "name", "id", "name")
        return {"case": case, **timed(shown, call)}
    label = LABELS.get(kind, "class")
    here = rows_of(kind, count, 1)
    column = pc.if_else(pa.array(np.arange(count) < labels), here[label].combine_chunks(), None)
    here = here.set_column(here.column_names.index(label), label, column)
    there = rows_of(kind, home, 0) if home else None
    if there is not None:
        xbsql.fit(con, "home", there, label)
    source = there if function == "transfer" else None
    shown = facts_of("bench", here, label, source, there is not None, {})
    calls = {
        "fit": partial(xbsql.fit, con, "m", here, label),
        "transfer": partial(xbsql.transfer, con, "t", here, label, base="home", source=there),
        "label_curve": partial(xbsql.label_curve, con, "home", here),
    }
    return {"case": case, **timed(shown, calls[function])}


def timed(shown: Facts, call: Callable[[], object]) -> dict[str, Any]:
    """What one call takes."""
    taken = probe()
    before, start = resident(), time.process_time()
    call()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"facts": vars(shown), "seconds": seconds, "gb": max(peak - before, 0.02), "probe": taken}


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
    return _named(pq.read_table(_data("off_products/products.parquet")), languages, count)


if __name__ == "__main__":
    main(sys.argv[1:])
