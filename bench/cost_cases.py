"""What `bench.cost` times, run against whatever checkout of xbsql stands first on the path.

`python -P bench/cost_cases.py CASE SIZE` prints one line of JSON. A case prepares its data and returns the
call that is timed, which uses nothing but functions that both checkouts have.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[[], pa.Table]


def match(quick: bool) -> Call:
    """German names of food products to English and French ones, 2,000 x 50,000."""
    import xbsql

    left, right = (500, 5_000) if quick else (2_000, 50_000)
    products = pq.read_table(Path(os.environ["XBSQL_DATA"]) / "off_products" / "products.parquet")
    con = xbsql.connect()
    sides = (_named(products, ("de",), left), _named(products, ("en", "fr"), right))
    return lambda: xbsql.match(con, *sides, "id", "name", "id", "name")


def _named(products: pa.Table, languages: tuple[str, ...], count: int) -> pa.Table:
    """So many different names, drawn from the languages together."""
    rows = products.filter(pc.is_in(products["lang"], pa.array(languages)))
    names = sorted({name for name in rows["name"].to_pylist() if name and name.strip()})
    drawn = np.random.default_rng(0).permutation(len(names))[:count]
    return pa.table({"id": np.arange(len(drawn)), "name": [names[place] for place in drawn.tolist()]})


CASES: dict[str, Callable[[bool], Call]] = {"match": match}


def main(case: str, size: str) -> None:
    call = CASES[case](size == "quick")
    wall, processor = time.perf_counter(), time.process_time()
    found = call()
    spent = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - processor,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows": len(found),
    }
    print(json.dumps(spent))


if __name__ == "__main__":
    main(*sys.argv[1:])
