"""How long a transfer takes, and what predicting a million rows costs beside LightGBM itself."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

import xbsql
from bench.case import Quantiles
from bench.tabular_arms import Arena
from bench.tabular_tasks import parcels, trade_task
from xbsql.engine.blend import Blend
from xbsql.engine.candidate import Sample
from xbsql.engine.tables import Tables
from xbsql.sample import simulate

if TYPE_CHECKING:
    from bench.case import Bench
    from xbsql.engine.boosted import BoostedPredictor
    from xbsql.tasks.regressor import Regressor

LABELS = 1000
ROUNDS = 5


def measure(bench: Bench) -> dict[str, float]:
    """The keys `seconds` and `predict_share`."""
    arena = Arena(trade_task("days", "DE", 0))
    return {"seconds": bench.unit("seconds", lambda: transfer_seconds(bench, arena)), **predicting(bench, arena)}


def transfer_seconds(bench: Bench, arena: Arena) -> float:
    """Median seconds of a transfer with 5,000 source rows and 1,000 labels."""
    found = [arena.measured(LABELS, seed)["seconds"] for seed in range(3)]
    sizes = {"source": arena.task.source.num_rows, "labels": LABELS}
    bench.record("transfer", "tabular", "seconds", Quantiles.of(found), unit="s", sizes=sizes)
    return statistics.median(found)


def predicting(bench: Bench, arena: Arena) -> dict[str, float]:
    """Rows a second of `xb.predict_table`: a model of one booster beside plain LightGBM, a blend beside its parts."""
    n = 50_000 if bench.quick else 1_000_000
    world = simulate(int(n / 0.75), seed=1)
    rows = parcels(world.table("shipments", "US"), "days").drop_columns(["days"]).slice(0, n).combine_chunks()
    result = bench.unit("predicting", lambda: timed(bench, arena, rows))
    return {"predict_share": result["share"]}


def timed(bench: Bench, arena: Arena, rows: pa.Table) -> dict[str, float]:
    """Both comparisons, in turns."""
    home: Regressor = arena.home  # type: ignore[assignment] # the task is a regression
    tables = Tables(None, home.reader.table.categorical)
    y = np.asarray(arena.task.source["days"].to_numpy(), np.float64)
    booster = tables.home_trees().fit(Sample(home.reader.read(arena.task.source), y))
    blend, members = _blend_of(arena)
    matrix = home.reader.read(rows)["table"]
    views = blend.reader.read(rows)
    with tempfile.TemporaryDirectory() as folder, xbsql.connect(store=str(Path(folder) / "store")) as con:
        for name, model in (("one", replace(home, predictor=booster)), ("blend", blend)):
            xbsql.duck.session_of("bench", con).store.save(name, model)  # type: ignore[attr-defined]
        con.register("parcels", rows)

        def asked(name: str) -> Any:
            query = f"SELECT count(value), sum(value) FROM xb.predict_table('{name}', parcels)"
            return con.sql(query).fetchall()

        calls = {
            "booster.predict": lambda: booster.booster.predict(matrix),
            "predict_table of one booster": lambda: asked("one"),
            "members one by one": lambda: [member.predict(views) for member in members],
            "predict_table of a blend": lambda: asked("blend"),
        }
        timings = bench.timed(calls, rounds=1 if bench.quick else ROUNDS)
    for name in calls:
        rate = Quantiles(*(len(rows) / s for s in reversed(timings.seconds(name))))
        bench.record("predict", name, "rows a second", rate, unit="rows/s", sizes={"rows": len(rows)})
    share = timings.speedup("predict_table of one booster", over="booster.predict")
    cost = timings.speedup("members one by one", over="predict_table of a blend")
    bench.record("predict", "predict_table of one booster", "share of plain LightGBM", share)
    bench.record("predict", "predict_table of a blend", "time over its members", cost)
    return {"share": share.p50, "cost": cost.p50}


def _blend_of(arena: Arena) -> tuple[Regressor, list[BoostedPredictor]]:
    raise NotImplementedError
