"""Search through SQL against the kernel called alone and against what else there is, all exact but one.

The names of Open Food Facts products (818,846; 60,000 of them with QUICK=1) as the encoder's vectors, 512
numbers each; 1,000 of them are the queries, k = 10, cosine. In one run:

kernel     `kernels.topk` with a prepared corpus, called from Python
sql        `SELECT id, xb.search('names', vec) FROM queries`
filtered   the same with a list of 1 % of the ids; every query must find its k rows
by cell    the same on an index built with mode := 'approximate', and what share of the exact rows it finds
faiss      IndexFlatIP on unit vectors, its BLAS block and threshold set as its wiki advises for one machine
usearch    `usearch.index.search(..., exact=True)`
lancedb    a table without an index, one query after the other, as its API has it
duckdb     `array_cosine_similarity` and ORDER BY ... LIMIT, one query after the other

All but usearch, lancedb and duckdb are timed in turn, round by round; these three are slow, are asked fewer
queries, and their figures are per query. Peers that are not installed are left out, and the run says so.
sql_share is the kernel's time over SQL's; vs_best the best peer's over SQL's; memory_ratio what a fresh
process grows by when it opens the index and answers the queries, over the bytes of the vectors;
filtered_ratio the filtered query's time over the unfiltered one's.
"""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import xbsql
from bench.case import Quantiles
from xbsql import kernels
from xbsql.arrow import vectors as as_arrow
from xbsql.features.encoder import encoder
from xbsql.surface.duck import session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from bench.case import Bench

    Rows = NDArray[np.float32]

TESTS = ("tests/index",)
SOURCES = (
    "xbsql/session/search.py", "xbsql/index/search.py", "xbsql/index/segment.py", "kernels/cpu_topk.py",
    "kernels/prepared.py", "kernels/head.py", "sql/search.sql",
)  # fmt: skip
QUERIES, K, SELECTED = 1000, 10, 0.01
QUICK_NAMES = 60_000
FEW = {"usearch": 40, "lancedb": 20, "duckdb": 5}
"""Queries that a slow peer is asked."""

RESIDENT = """
import resource, sys, numpy as np, pyarrow as pa, xbsql
from xbsql.arrow import vectors
queries = np.load(sys.argv[2])
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))
con = xbsql.connect(store=sys.argv[1])
few = pa.table({"id": range(100), "v": vectors(queries[:100])})
xbsql.build_index(con, "warm", few, "id", "v", encoder="text")
xbsql.search(con, "warm", vectors(queries[:100]), 10)
before = resident()
xbsql.search(con, "names", vectors(queries), 10)
print(resident() - before)
"""


PEERS = ("faiss", "usearch", "lancedb", "duckdb")


def run(bench: Bench) -> dict[str, float]:
    """Embed once, build once, then time everything in this process."""
    rows = embedded(bench)
    bench.plan(2 + len(peers()))
    queries = rows[np.random.default_rng(0).permutation(len(rows))[:QUERIES]]
    sizes = {"names": len(rows), "queries": QUERIES, "k": K}
    with TemporaryDirectory() as folder, xbsql.connect(store=folder) as con:
        built(bench, con, rows, "names", "exact")
        built(bench, con, rows, "near", "approximate")
        con.register("asked", pa.table({"id": np.arange(QUERIES), "vec": as_arrow(queries)}))
        con.execute("CREATE TABLE queries AS FROM asked")
        seconds = ours(bench, con, queries, sizes, faiss(rows, queries))
        each = [seconds["faiss"] / QUERIES] if "faiss" in seconds else []
        found = each + list(slow_peers(bench, rows, queries, sizes).values())
        best = min(found) if len(found) == len(PEERS) else float("nan")
        ratio = resident(bench, folder, rows, queries)
    return {
        "sql_share": seconds["kernel"] / seconds["sql"],
        "vs_best": best * QUERIES / seconds["sql"],
        "memory_ratio": ratio,
        "filtered_ratio": seconds["filtered"] / seconds["sql"],
    }


def embedded(bench: Bench) -> Rows:
    """The names' vectors; they rest in .bench, since encoding takes longer than all else."""
    table = pq.read_table(bench.data("off_products") / "products.parquet", columns=["name"])
    names = table["name"].to_pylist()[: QUICK_NAMES if bench.quick else None]
    path = Path(".bench") / f"names-{encoder().version}-{len(names)}.npy"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        made = np.empty((len(names), encoder().dim), np.float32)
        for start in range(0, len(names), 16_384):
            made[start : start + 16_384] = encoder().encode(names[start : start + 16_384])
            print(f"encoding: {start} of {len(names)}", file=sys.stderr, flush=True)
        np.save(path, made)
    return np.asarray(np.load(path, mmap_mode="c"), np.float32)


def built(bench: Bench, con: DuckDBPyConnection, rows: Rows, name: str, mode: str) -> None:
    start = time.perf_counter()
    step, count = 65_536, len(rows)
    schema = pa.schema([("id", pa.int64()), ("v", pa.list_(pa.float32(), rows.shape[1]))])
    batches = (
        pa.record_batch([pa.array(np.arange(s, min(s + step, count))), as_arrow(rows[s : s + step])], schema)
        for s in range(0, len(rows), step)
    )
    reader = pa.RecordBatchReader.from_batches(schema, batches)
    state = xbsql.build_index(con, name, reader, "id", "v", encoder="text", mode=mode)
    seconds, sizes = time.perf_counter() - start, {"names": len(rows)}
    bench.record("build", mode, "seconds", seconds, unit="s", sizes=sizes)
    if mode == "approximate":
        bench.record("build", mode, "recall on 500 of its rows", state["recall"][0].as_py(), sizes=sizes)


def ours(
    bench: Bench, con: DuckDBPyConnection, queries: Rows, sizes: Mapping[str, object],
    quick_peers: Mapping[str, Callable[[], object]],
) -> dict[str, float]:  # fmt: skip
    """Median seconds of the kernel alone, SQL, filtered, by cell, and quick peers, rounds taken in turn."""
    segment = session_of("bench", con).indexes.open("bench", "names").segments[0]
    corpus, prepared = segment.vectors.numpy(), segment.prepared
    con.execute(f"CREATE TABLE few AS SELECT i AS id FROM range({len(corpus)}) t(i) WHERE i % 100 = 7")
    sql = "SELECT id, xb.search('names', vec, k := 10{}) AS hits FROM queries ORDER BY id"
    chosen, near = ", filter := (SELECT list(id) FROM few)", sql.format("").replace("'names'", "'near'")
    _, expected = kernels.topk(queries, corpus, K, metric="cosine", prepared=prepared)
    found = con.sql(sql.format("")).to_arrow_table()["hits"].combine_chunks()
    if hit_ids(found) != expected.tolist():
        sys.exit("bench search: SQL and the kernel disagree")
    reached = con.sql(near).to_arrow_table()["hits"].combine_chunks()
    share = np.mean([
        len(set(mine) & set(true)) / K
        for mine, true in zip(hit_ids(reached), hit_ids(found), strict=True)
    ])  # fmt: skip
    bench.record("search", "by cell", "recall", float(share), sizes=sizes)
    some = con.sql(sql.format(chosen)).to_arrow_table()["hits"].combine_chunks()
    if set(np.diff(some.offsets.to_numpy()).tolist()) != {K}:
        sys.exit("bench search: a filtered search returned fewer rows than match")
    timings = bench.timed(
        {
            "kernel": lambda: kernels.topk(queries, corpus, K, metric="cosine", prepared=prepared),
            "sql": lambda: con.sql(sql.format("")).to_arrow_table(),
            "filtered": lambda: con.sql(sql.format(chosen)).to_arrow_table(),
            "by cell": lambda: con.sql(near).to_arrow_table(),
            **quick_peers,
        },
        rounds=5,
    )
    for name, values in timings.samples.items():
        bench.record("search", name, "seconds", Quantiles.of(values), unit="s", sizes=sizes)
    return {name: statistics.median(values) for name, values in timings.samples.items()}


def hit_ids(hits: pa.ListArray) -> list[list[int]]:
    """The ids of K hits a query."""
    rows: list[list[int]] = hits.flatten().field("id").cast(pa.int64()).to_numpy().reshape(-1, K).tolist()
    return rows


def peers() -> dict[str, Callable[[Rows, Rows], float]]:
    """The slow ones that are installed, by name: (rows, queries) -> seconds a query."""
    known = {"usearch": usearch, "lancedb": lancedb, "duckdb": duckdb}
    return {name: run for name, run in known.items() if find_spec(name) is not None}


def slow_peers(bench: Bench, rows: Rows, queries: Rows, sizes: Mapping[str, object]) -> dict[str, float]:
    """Seconds a query of each peer, the best of two rounds."""
    for name in PEERS:
        if find_spec(name) is None:
            print(
                f"bench search: {name} is left out; `make bench` installs it",
                file=sys.stderr,
            )
    found = {}
    for name, peer in peers().items():
        asked = queries[: FEW.get(name, QUERIES)]
        found[name] = float(bench.unit(name, partial(peer, rows, asked)))
        shown = {**sizes, "queries": len(asked)}
        bench.record("search", name, "seconds a query", found[name], unit="s", sizes=shown)
    return found


def best_of_two(call: Callable[[], Any], queries: int) -> float:
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken) / queries


def faiss(rows: Rows, queries: Rows) -> dict[str, Callable[[], object]]:
    """Its search of all queries; nothing where it is not installed."""
    if find_spec("faiss") is None:
        return {}
    library = importlib.import_module("faiss")
    library.cvar.distance_compute_blas_threshold = 20
    library.cvar.distance_compute_blas_database_bs = 8192
    index = library.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return {"faiss": lambda: index.search(queries, K)}


def usearch(rows: Rows, queries: Rows) -> float:
    library = importlib.import_module("usearch.index")
    metric = library.MetricKind.Cos
    return best_of_two(lambda: library.search(rows, queries, K, metric, exact=True), len(queries))


def lancedb(rows: Rows, queries: Rows) -> float:
    library = importlib.import_module("lancedb")
    with TemporaryDirectory() as folder:
        data = pa.table({"id": np.arange(len(rows)), "vector": as_arrow(rows)})
        table = library.connect(folder).create_table("names", data)

        def ask() -> None:
            for query in queries:
                table.search(query).distance_type("cosine").limit(K).select(["id", "_distance"]).to_arrow()

        return best_of_two(ask, len(queries))


def duckdb(rows: Rows, queries: Rows) -> float:
    library = importlib.import_module("duckdb")
    con = library.connect()
    con.register("given", pa.table({"id": np.arange(len(rows)), "v": as_arrow(rows)}))
    con.execute("CREATE TABLE names AS FROM given")
    query = f"""SELECT id FROM names ORDER BY array_cosine_similarity(v, ?::FLOAT[{rows.shape[1]}]) DESC
                LIMIT {K}"""

    def ask() -> None:
        for vector in queries:
            con.execute(query, [vector.tolist()]).fetchall()

    return best_of_two(ask, len(queries))


def resident(bench: Bench, store: str, rows: Rows, queries: Rows) -> float:
    """Bytes that a fresh process holds for the index, over those of the vectors."""

    def work() -> int:
        with TemporaryDirectory() as folder:
            np.save(Path(folder) / "queries.npy", queries)
            command = [sys.executable, "-c", RESIDENT, store, f"{folder}/queries.npy"]
            return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    size = bench.unit("resident", work)
    bench.record("memory", "xbsql", "resident bytes", size, unit="B", sizes={"names": len(rows)})
    return float(size / rows.nbytes)
