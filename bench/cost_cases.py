"""What `bench.cost` times, run against whatever checkout of xbsql stands first on the path.

`python -P bench/cost_cases.py CASE SIZE` prints one line of JSON. A case prepares its data, loads what is
loaded once a process, and returns the call that is timed, which uses only functions that both checkouts have.
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

    Call = Callable[[], object]

ABROAD = ("es-ES", "it-IT", "nl-NL", "pl-PL")
"""Languages that no reported bench reads."""


def match(quick: bool) -> Call:
    """German names of food products to English and French ones, 2,000 x 50,000."""
    import xbsql

    left, right = (500, 5_000) if quick else (2_000, 50_000)
    products = pq.read_table(_data("off_products/products.parquet"))
    con = xbsql.connect()
    sides = (_named(products, ("de",), left), _named(products, ("en", "fr"), right))
    xbsql.match(con, sides[0].slice(0, 20), sides[1].slice(0, 20), "id", "name", "id", "name")
    return lambda: xbsql.match(con, *sides, "id", "name", "id", "name")


def _named(products: pa.Table, languages: tuple[str, ...], count: int) -> pa.Table:
    """So many different names, drawn from the languages together."""
    rows = products.filter(pc.is_in(products["lang"], pa.array(languages)))
    names = sorted({name for name in rows["name"].to_pylist() if name and name.strip()})
    drawn = np.random.default_rng(0).permutation(len(names))[:count]
    return pa.table({"id": np.arange(len(drawn)), "name": [names[place] for place in drawn.tolist()]})


def fit(quick: bool) -> Call:
    """5,000 English category names into 21 classes."""
    import xbsql

    con, rows = xbsql.connect(), _categories(("en-US",), 1)
    xbsql.fit(con, "warm", rows.slice(5_000, 60), "class")
    rows = rows.slice(0, 1_000 if quick else 5_000)
    return lambda: xbsql.fit(con, "home", rows, "class")


def fit_rows(quick: bool) -> Call:
    """The same names beside three numbers and a brand, of which two numbers know something of the class."""
    import xbsql

    con, rows = xbsql.connect(), _categories(("en-US",), 1)
    code, rng = np.unique(rows["class"].to_numpy(), return_inverse=True)[1], np.random.default_rng(1)
    beside = {
        "price": np.exp(rng.normal(size=len(rows)) + code % 5 * 0.3),
        "weight": rng.normal(size=len(rows)) + code % 3 * 0.5,
        "pieces": rng.integers(1, 9, len(rows)),
        "brand": [f"b{number}" for number in rng.integers(0, 60, len(rows))],
    }
    for name, values in beside.items():
        rows = rows.append_column(name, pa.array(values))
    xbsql.fit(con, "warm", rows.slice(5_000, 60), "class")
    rows = rows.slice(0, 1_000 if quick else 5_000)
    return lambda: xbsql.fit(con, "home", rows, "class")


def fit_many(quick: bool) -> Call:
    """5,000 English category names into 140 classes."""
    import xbsql

    con, rows = xbsql.connect(), _categories(("en-US",), 2)
    xbsql.fit(con, "warm", rows.slice(5_000, 200), "class")
    rows = rows.slice(0, 2_000 if quick else 5_000)
    return lambda: xbsql.fit(con, "home", rows, "class")


def transfer(quick: bool) -> Call:
    """Category names of four languages into 140 classes, one in ten labelled, from English ones."""
    import xbsql

    con, home = xbsql.connect(), _categories(("en-US",), 2)
    there = _categories(ABROAD, 2).slice(0, 1_500 if quick else 19_780)
    home = home.slice(0, 1_000) if quick else home
    shown = pa.array(np.arange(len(there)) % 10 == 0)
    there = there.set_column(1, "class", pc.if_else(shown, there["class"].combine_chunks(), None))
    xbsql.fit(con, "home", home, "class")
    return lambda: xbsql.transfer(con, "abroad", there, "class", base="home", source=home)


def label_curve(quick: bool) -> Call:
    """800 labelled Spanish category names, and a home model of 1,500 English ones."""
    import xbsql

    home, there = (300, 120) if quick else (1_500, 800)
    con, rows = xbsql.connect(), _categories((ABROAD[0],), 1).slice(0, there)
    xbsql.fit(con, "home", _categories(("en-US",), 1).slice(0, home), "class")
    return lambda: xbsql.label_curve(con, "home", rows)


def fit_table(quick: bool) -> Call:
    """Two classes by 30 numbers and 10 categories, 100,000 rows."""
    import xbsql

    con, rows = xbsql.connect(), columns(10_000 if quick else 100_000)
    xbsql.fit(con, "warm", rows.slice(0, 60), "late")
    return lambda: xbsql.fit(con, "home", rows, "late")


def transfer_table(quick: bool) -> Call:
    """100,000 home rows of these columns to 5,000 labelled ones."""
    import xbsql

    home, there = (5_000, 1_000) if quick else (100_000, 5_000)
    con, here, abroad = xbsql.connect(), columns(home), columns(there, seed=1)
    xbsql.fit(con, "home", here, "late")
    return lambda: xbsql.transfer(con, "abroad", abroad, "late", base="home", source=here)


def lightgbm(quick: bool) -> Call:
    """LightGBM alone on the rows of `fit_table`: 100 trees, the settings of its documentation."""
    import lightgbm as lgb

    rows = columns(10_000 if quick else 100_000)
    matrix = np.column_stack([_codes(rows[name]) for name in rows.column_names if name != "late"])
    y = rows["late"].to_numpy()
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    return lambda: lgb.train(settings, lgb.Dataset(matrix, y, categorical_feature=list(range(30, 40))))


def columns(count: int, seed: int = 0) -> pa.Table:
    """Rows of 30 numbers, 10 categories and a label, `late`, which every third of them moves."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(count, 30))
    levels = generator.integers(0, np.geomspace(2, 200, 10).astype(int), (count, 10))
    effects = np.random.default_rng(2).normal(size=(10, 200))
    score = numbers[:, ::3].sum(axis=1) / 3 + numbers[:, 0] * numbers[:, 1]
    score += sum(effects[column, levels[:, column]] for column in range(0, 10, 3)) / 2
    label = score + generator.normal(size=count) > 0.5
    named = {f"number_{column}": numbers[:, column] for column in range(30)}
    named |= {f"level_{column}": pc.cast(pa.array(levels[:, column]), pa.string()) for column in range(10)}
    return pa.table({**named, "late": label})


def _codes(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    whole = column.combine_chunks()
    numbers = whole.dictionary_encode().indices if pa.types.is_string(whole.type) else whole
    return np.asarray(numbers.to_numpy(), np.float64)


def _categories(locales: tuple[str, ...], levels: int) -> pa.Table:
    """Columns leaf and class, the English names of the first levels, of some languages in mixed order."""
    rows = pq.read_table(_data("google_taxonomy/taxonomy.parquet"))
    english = rows.filter(pc.equal(rows["locale"], "en-US"))
    paths = dict(zip(english["id"].to_pylist(), english["path"].to_pylist(), strict=True))
    there = pc.and_(pc.is_in(rows["locale"], pa.array(locales)), pc.greater(rows["depth"], levels))
    rows = rows.filter(pc.and_(there, pc.is_in(rows["id"], english["id"])))
    rows = rows.take(pa.array(np.random.default_rng(0).permutation(len(rows))))
    named = [" > ".join(paths[key].split(" > ")[:levels]) for key in rows["id"].to_pylist()]
    return pa.table({"leaf": rows["leaf"], "class": named})


def _data(name: str) -> Path:
    return Path(os.environ["XBSQL_DATA"]) / name


CASES: dict[str, Callable[[bool], Call]] = {
    "transfer": transfer,
    "match": match,
    "fit": fit,
    "fit_rows": fit_rows,
    "fit_many": fit_many,
    "label_curve": label_curve,
    "fit_table": fit_table,
    "transfer_table": transfer_table,
}
BESIDE: dict[str, Callable[[bool], Call]] = {"lightgbm": lightgbm}
"""What a case is set beside; it does not depend on the checkout."""


def main(case: str, size: str) -> None:
    call = (CASES | BESIDE)[case](size == "quick")
    wall, processor = time.perf_counter(), time.process_time()
    call()
    spent = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - processor,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(spent))


if __name__ == "__main__":
    main(*sys.argv[1:])
