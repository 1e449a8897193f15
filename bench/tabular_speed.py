"""How long a transfer takes, and what predicting a million rows costs beside LightGBM itself."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import xbsql
from bench.case import Quantiles
from bench.tabular_arms import Arena
from bench.tabular_tasks import parcels, trade_task
from xbsql.engine.blend import Blend, with_source
from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.tables import Tables
from xbsql.sample import simulate
from xbsql.surface.duck import session_of
from xbsql.tasks import road

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.case import Bench
    from xbsql.engine.candidate import Predictor
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats
    from xbsql.tasks.predict.regressor import Regressor

LABELS = 1000
ROUNDS = 5


def measure(bench: Bench) -> dict[str, float]:
    """The keys `seconds`, `predict_share` and `blend_over_members`."""
    arena = Arena(trade_task("days", "DE", 0))
    return {
        "seconds": bench.unit("seconds", lambda: transfer_seconds(bench, arena)),
        **predicting(bench, arena),
    }


def transfer_seconds(bench: Bench, arena: Arena) -> float:
    """Median seconds of a transfer with 5,000 source rows and 1,000 labels."""
    found = [arena.measured(LABELS, seed)["seconds"] for seed in range(3)]
    sizes = {"source": arena.task.source.num_rows, "labels": LABELS}
    bench.record("transfer", "tabular", "seconds", Quantiles.of(found), unit="s", sizes=sizes)
    return float(statistics.median(found))


def predicting(bench: Bench, arena: Arena) -> dict[str, float]:
    """Rows a second of a million: one booster beside plain LightGBM, a blend beside its members."""
    n = 50_000 if bench.quick else 1_000_000
    world = simulate(int(n / 0.75), seed=1)
    rows = parcels(world.table("shipments", "US"), "days").drop_columns(["days"]).slice(0, n).combine_chunks()
    return dict(bench.unit("predicting", lambda: timed(bench, arena, rows)))


def timed(bench: Bench, arena: Arena, rows: pa.Table) -> dict[str, float]:
    """Both comparisons in turns, two threads each: SQL over plain LightGBM, a blend in SQL over its members.

    Plain LightGBM and the members get all rows at once, as matrices that are there; SQL reads the columns of
    2,048 rows a call. The Python twins, which read all rows at once, are timed beside.
    """
    home, blend = cast("Regressor", arena.home), transferred(arena)
    y = np.asarray(arena.task.source["days"].to_numpy(), np.float64)
    trees = Tables(None, home.reader.table.categorical).home_trees()
    booster = trees.fit(Sample(home.reader.read(arena.task.source), y))
    matrix, views = home.reader.read(rows)["table"], blend.reader.read(rows)
    with tempfile.TemporaryDirectory() as folder, xbsql.connect(store=folder) as con:
        for name, model in (("one", replace(home, predictor=booster)), ("blend", blend)):
            session_of("bench", con).store.save(name, model.state(), {"task": "predict", "key": name})
        con.register("parcels", rows)
        count = "SELECT count(value), sum(value) FROM xb.predict_table('{}', parcels)"
        calls: dict[str, Callable[[], object]] = {
            "plain LightGBM": lambda: booster.booster.predict(matrix, num_threads=2),
            "predict_table, one booster": lambda: xbsql.predict_table(con, "one", "parcels"),
            "predict_table in SQL, one booster": lambda: con.sql(count.format("one")).fetchall(),
            "members alone": lambda: members(blend.predictor, views),
            "predict_table, blend": lambda: xbsql.predict_table(con, "blend", "parcels"),
            "predict_table in SQL, blend": lambda: con.sql(count.format("blend")).fetchall(),
        }
        timings = bench.timed(calls, rounds=1 if bench.quick else ROUNDS)
    for name in calls:
        rate = Quantiles(*(rows.num_rows / seconds for seconds in reversed(timings.seconds(name))))
        bench.record("predict", name, "rate", rate, unit="rows/s", sizes={"rows": rows.num_rows})
    found: dict[str, float] = {}
    for name in ("predict_table", "predict_table in SQL"):
        share = timings.speedup(f"{name}, one booster", over="plain LightGBM")
        bench.record("predict", f"{name}, one booster", "share of plain LightGBM", share)
        cost = timings.speedup("members alone", over=f"{name}, blend")
        bench.record("predict", f"{name}, blend", "time over that of its members", cost)
        found = {"predict_share": share.p50, "blend_over_members": cost.p50}
    return found


def transferred(arena: Arena) -> Regressor:
    """The model of one transfer."""
    task, rows = arena.task, arena.draw(0)
    shown = pc.if_else(pa.array(np.arange(rows.num_rows) < LABELS), rows[task.label].combine_chunks(), None)
    data = rows.set_column(rows.column_names.index(task.label), task.label, shown)
    model, _ = road.transfer(
        arena.kind, data, task.label, base=arena.home, source=task.source, options=task.options
    )
    return cast("Regressor", model)


def members(predictor: Predictor, views: Features) -> list[Floats]:
    """What every member of a blend says of rows that are read; the home model is asked once."""
    if not isinstance(predictor, Blend):
        return [predictor.predict(views)]
    shown = views if predictor.source is None else with_source(views, predictor.source)
    return [member.predict(shown) for member in predictor.members.values()]
