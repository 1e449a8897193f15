"""Polars against the session's own methods: the same rows, the same answers, and what the way there costs.

Titles of the sample market go through `xb.embed` and through a classifier that was fitted at home: called on
an Arrow array, called from a lazy Polars frame, and from SQL. share is the model's own time over Polars', the
mean of the two functions; same is 1 where Polars and SQL gave identical values on every row.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

import xbsql
import xbsql.frame
from bench.case import Quantiles
from xbsql import sample
from xbsql.features.text import forget
from xbsql.session import models
from xbsql.session import text as texts

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from bench.case import Bench

TESTS = ("tests/surface/test_frame.py",)
SOURCES = ("xbsql/surface/frames.py", "xbsql/surface/polars.py")
ROUNDS = 7


def run(bench: Bench) -> dict[str, float]:
    """Time both functions both ways, with the encoder's cache emptied before each call."""
    shares, same = [], True
    with TemporaryDirectory() as folder, xbsql.connect(Path(folder) / "bench.duckdb") as con:
        xbsql.frame.use(con)
        con.register("catalogue", sample.catalog())
        con.execute("CREATE TABLE titles AS SELECT row_number() OVER () AS id, * FROM catalogue")
        con.execute("CREATE TABLE home AS SELECT title, category FROM titles WHERE market = 'US'")
        xbsql.fit(con, "home", "home", "category")
        table = con.sql("SELECT title FROM titles ORDER BY id").to_arrow_table()
        frame, session = pl.DataFrame(table), xbsql.surface.duck.session_of("bench", con)
        titles = xbsql.frame.Expressions(pl.col("title"))
        title = table["title"].combine_chunks()
        cases: dict[str, tuple[Callable[[], pa.Array], pl.Expr, str]] = {
            "embed": (lambda: texts.embed(session, title, "text"), titles.embed(), "xb.embed(title)"),
            "classify": (
                lambda: models.classify(session, "home", title),
                titles.classify("home"),
                "xb.classify('home', title)",
            ),
        }
        for name, (own, expression, sql) in cases.items():
            lazy = frame.lazy().select(found=expression)
            answer = con.sql(f"SELECT {sql} AS found FROM titles ORDER BY id").to_arrow_table()
            same &= lazy.collect().to_arrow()["found"].to_pylist() == answer["found"].to_pylist()
            shares.append(timed(bench, name, own, lazy.collect, len(table)))
    return {"share": statistics.fmean(shares), "same": float(same)}


def timed(
    bench: Bench, name: str, own: Callable[[], object], polars: Callable[[], object], rows: int
) -> float:  # fmt: skip
    """The median of the model's own time over that of Polars."""

    def fresh(call: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            forget()
            return call()

        return run

    timings = bench.timed({"model": fresh(own), "polars": fresh(polars)}, rounds=3 if bench.quick else ROUNDS)
    for implementation, values in timings.samples.items():
        bench.record(name, implementation, "seconds", Quantiles.of(values), unit="s", sizes={"rows": rows})
    medians = {key: statistics.median(values) for key, values in timings.samples.items()}
    return medians["model"] / medians["polars"]
