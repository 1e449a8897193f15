"""Models that follow their market: simulated changes, and real shipments whose labels arrive late.

Simulated: labels by a rule that flips at once, slowly, or to and fro; they come in batches of 50 through
`xb.adapt`. `recover`: accuracy on 4,000 rows of the new rule, 200 labels after it flipped at once, short of
the best candidate in hindsight: every member of every version, every version, and a model fitted on these 200
labels alone; the mean over the seeds. `false_alarms`: alarms in 10,000 rows of a stream without a change, the
largest mean of five kinds of losses and of a model that `xb.adapt` serves; 'always' alarms at every batch.
`cost_share`: processor seconds of `xb.adapt` that follows 1,000 labels without a change, over those of the
fit that an alarm would bring. The model has 6,000 rows, so 1,000 labels are less than the fifth by which it
must have grown to be fitted again. `refit_share`: the same of a model of 5,000 rows, which is fitted again
then.

Shipments (scms, freight by year): a model of 2006 that is never fitted again, one that is fitted each year on
all labels so far, and one that `xb.adapt` follows. A fifth of each year's labels arrives a year late.
`years_ok`: in how many of nine years the error is at most 1 % above the better of the other two.

Rates and bounds were chosen on simulated losses of three experts (seeds that are not among these).
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import xbsql
from bench import shipments
from bench.case import Quantiles
from xbsql.engine.online.track import Track, Units

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from bench.case import Bench

TESTS = ("tests/engine/test_online.py", "tests/test_adapt.py")
SOURCES = (
    "xbsql/engine/online/track.py", "xbsql/engine/online/adwin.py", "xbsql/engine/online/hedge.py",
    "xbsql/tasks/adapt.py", "xbsql/session/adapt.py",
)  # fmt: skip
BATCH = 50
AFTER = 200
STREAM = 10_000
COSTS = {"reweighted": 6000, "refitted": 5000}
"""Rows of the model whose 1,000 new labels bring each event."""
YEARS = tuple(range(2007, 2016))
CHANGES: Mapping[str, Callable[[NDArray[np.int64]], NDArray[np.float64]]] = {
    "abrupt": lambda row: (row >= 600).astype(float),
    "gradual": lambda row: np.clip((row - 600) / 400, 0.0, 1.0),
    "recurring": lambda row: ((row // 300) % 2).astype(float),
}
"""The probability that a row's label follows the other rule."""


def run(bench: Bench) -> dict[str, float]:
    """Every change and seed, the streams without one, the cost, and the years."""
    seeds = 3 if bench.quick else 20
    bench.plan(len(CHANGES) * seeds + 3 + len(COSTS))
    short: dict[str, list[float]] = {}
    for change in CHANGES:
        for seed in range(seeds):
            found = bench.unit(f"{change} {seed}", lambda c=change, s=seed: followed(c, s))  # type: ignore[misc]
            for name, value in found.items():
                short.setdefault(f"{change} {name}", []).append(value)
    for name, values in short.items():
        bench.record(name.split()[0], "xbsql", name.split(maxsplit=1)[1], Quantiles.of(values))
    alarms = bench.unit("stationary", lambda: stationary(2 if bench.quick else 20))
    alarms["served"] = bench.unit("served", lambda: served(2500 if bench.quick else STREAM))
    for name, value in alarms.items():
        bench.record(f"stationary {name}", "xbsql", "alarms", value, unit="per 10,000 rows")
    bench.record("stationary", "always", "alarms", STREAM / BATCH, unit="per 10,000 rows")
    cost = costs(bench)
    years = bench.unit(
        "scms", lambda: by_year(shipments.scms(bench.data("scms")), 0.4 if bench.quick else 1.0)
    )
    right = 0
    for year, errors in years.items():
        for method, value in errors.items():
            bench.record(f"scms {year}", method, "mae", value)
        right += errors["adapt"] <= 1.01 * min(errors["never"], errors["always"])
    return {
        "recover": statistics.fmean(short["abrupt short"]), "false_alarms": max(alarms.values()),
        "cost_share": cost["reweighted"], "refit_share": cost["refitted"], "years_ok": float(right),
    }  # fmt: skip


def rows(n: int, other: NDArray[np.float64] | float, rng: np.random.Generator, first: int = 0) -> pa.Table:
    """Rows of two numbers and a category, labelled by one of two rules; one label in twelve is wrong."""
    x, kind = rng.normal(size=(2, n)), rng.integers(0, 3, n)
    rule = x[0] + 0.5 * x[1] + (kind == 0) > 0.2
    turned = -x[0] + 0.5 * x[1] - (kind == 0) > -0.4
    label = np.where(rng.random(n) < other, turned, rule) ^ (rng.random(n) < 1 / 12)
    return pa.table(
        {"a": x[0], "b": x[1], "kind": np.array(["x", "y", "z"])[kind], "ts": first + np.arange(n),
         "label": np.where(label, "yes", "no")}
    )  # fmt: skip


def followed(change: str, seed: int) -> dict[str, float]:
    """One stream of 1,200 labels: how far accuracy lies from the best in hindsight, and without adapting."""
    rng = np.random.default_rng([seed, list(CHANGES).index(change)])
    share = CHANGES[change](np.arange(1200))
    stream, gaps, still = rows(1200, share, rng), [], []
    with xbsql.connect() as con:
        home = rows(800, 0.0, rng)
        xbsql.fit(con, "m", home.drop_columns(["ts"]), "label")
        for start in range(0, 1200, BATCH):
            done = start + BATCH
            xbsql.adapt(con, "m", stream.slice(0, done), "label", ts="ts")
            if done % AFTER:
                continue
            ahead = rows(4000, share[min(done, 1199)], rng)
            known = stream.slice(done - AFTER, AFTER)
            gaps.append(best(con, known, ahead) - right(con, "m", ahead))
            still.append(right(con, "m", ahead) - right(con, "m@1", ahead))
    at = 800 // AFTER - 1 if change == "abrupt" else slice(None)
    picked = gaps[at] if isinstance(at, int) else statistics.fmean(gaps[at])
    return {"short": picked, "mean short": statistics.fmean(gaps), "over never": statistics.fmean(still)}


def right(con: DuckDBPyConnection, model: str, table: pa.Table) -> float:
    """The accuracy of a version."""
    found = xbsql.predict_table(con, model, table)["predicted"]
    return float(pc.mean(pc.equal(found, table["label"]).cast(pa.float64())).as_py())


def best(con: DuckDBPyConnection, known: pa.Table, ahead: pa.Table) -> float:
    """The best accuracy of any version, any of its members, and of a model of the last labels alone."""
    from xbsql.surface.duck import session_of

    session, found = session_of("bench", con), []
    truth = ahead["label"].to_numpy(zero_copy_only=False)
    for version in session.store.versions("m"):
        found.append(right(con, f"m@{version}", ahead))
        model: Any = session.model("bench", f"m@{version}")
        parts = model.predictor.parts(model.reader.read(ahead)).values()
        answers = (np.array(model.classes)[part.argmax(axis=1)] for part in parts)
        found += [float((answer == truth).mean()) for answer in answers]
    xbsql.fit(con, "last", known.drop_columns(["ts"]), "label")
    return max(*found, right(con, "last", ahead))


def stationary(seeds: int) -> dict[str, float]:
    """Alarms in 10,000 rows without a change, by kind of stream."""
    kinds: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
        "sure": lambda rng: _log_loss(rng, 0.95, 0.02),
        "even": lambda rng: _log_loss(rng, 0.6, 0.05),
        "rare": lambda rng: _log_loss(rng, 0.985, 0.01),
        "squared": lambda rng: np.square(rng.normal(size=(STREAM, 3)) * [1.0, 1.1, 1.3]),
        "heavy": lambda rng: np.square(rng.standard_t(2.5, size=(STREAM, 3)) * [1.0, 1.1, 1.3]),
    }
    place = np.arange(STREAM)
    found = {}
    for name, make in kinds.items():
        count = 0
        for seed in range(seeds):
            losses = make(np.random.default_rng([seed, 77]))
            fitted = np.array([0.5, 0.3, 0.2])
            track = Track.begun(("a", "b", "c"), fitted, np.array([False, True, True]), "00")
            whole = np.column_stack([losses, losses @ fitted])
            for start in range(0, STREAM, 5000):  # what a long stream keeps
                own = slice(start, start + 5000)
                units = Units(place[own], place[own], place[own], whole[own])
                count += len(track.with_units(units, place[own]).alarms())
        found[name] = count / seeds
    return found


def served(n: int) -> float:
    """Alarms in 10,000 rows of a model that is adapted in batches of 250, nothing changing."""
    rng = np.random.default_rng(9)
    stream = rows(n, 0.0, rng)
    with xbsql.connect() as con:
        xbsql.fit(con, "m", rows(800, 0.0, rng).drop_columns(["ts"]), "label")
        for start in range(0, n, 250):
            xbsql.adapt(con, "m", stream.slice(start, 250), "label", ts="ts")
        alarms = xbsql.history(con, "m")["alarm"]
    return float((len(alarms) - alarms.null_count) * STREAM / n)


def _log_loss(rng: np.random.Generator, share: float, spread: float) -> NDArray[np.float64]:
    hit = rng.random((STREAM, 3)) < share
    sure = np.clip(rng.normal(share, spread, (STREAM, 3)), 0.51, 0.999)
    return -np.log(np.where(hit, sure, 1.0 - sure))


def costs(bench: Bench) -> dict[str, float]:
    """The share of each event of `COSTS`."""
    rounds, found = 1 if bench.quick else 5, {}
    for event, size in COSTS.items():
        found[event] = bench.unit(f"cost {event}", lambda e=event, n=size: cost_share(rounds, e, n))  # type: ignore[misc]
        bench.record("1,000 labels", "xbsql", f"cost {event}", found[event])
    return found


def cost_share(rounds: int, event: str, size: int) -> float:
    """Processor seconds of a call that brings 1,000 labels over those of a fit on as many.

    Args:
        rounds: whose mean it is.
        event: what the call must have done.
        size: rows that the model was fitted on.
    """
    shares = []
    for seed in range(rounds):
        rng = np.random.default_rng([seed, 5])
        home, fresh = rows(size, 0.0, rng), rows(1000, 0.0, rng)
        with xbsql.connect() as con:
            xbsql.fit(con, "m", home.drop_columns(["ts"]), "label")
            start = time.process_time()
            done = xbsql.adapt(con, "m", fresh, "label", ts="ts")["event"][0].as_py()
            adapting = time.process_time() - start
            if done != event:
                message = f"1,000 labels of a model of {size} rows: {done}, not {event}"
                raise RuntimeError(message)
            start = time.process_time()
            plain = {"base": "m@1", "source": home.drop_columns(["ts"])}
            xbsql.transfer(con, "t", fresh.drop_columns(["ts"]), "label", **plain)
            shares.append(adapting / (time.process_time() - start))
    return statistics.fmean(shares)


def by_year(table: pa.Table, share: float) -> dict[str, dict[str, float]]:
    """Mean absolute error in log freight of each year by the labels there were before."""
    label = "log_freight"
    table = table.filter(table[label].is_valid()).rename_columns({"value": "worth"})
    rng = np.random.default_rng(0)
    table = table.filter(pa.array(rng.random(len(table)) < share)).drop_columns(["late"])
    year = pc.year(table["scheduled"]).to_numpy()
    late = rng.random(len(table)) < 0.2
    options = {"group": "po"}
    found = {}
    with xbsql.connect() as con:
        for now in YEARS:
            known = (year < now - 1) | ((year == now - 1) & (~late | (now == YEARS[0])))
            labels = table.filter(pa.array(known))
            xbsql.fit(con, "always", labels, label, options=options)
            if now == YEARS[0]:
                for name in ("never", "adapt"):
                    xbsql.fit(con, name, labels, label, options=options)
            else:
                xbsql.adapt(con, "adapt", labels, label, ts="scheduled", options=options)
            ahead = table.filter(pa.array(year == now))
            truth = ahead[label].to_numpy()
            found[str(now)] = {
                name: float(np.abs(xbsql.predict_table(con, name, ahead)["value"].to_numpy() - truth).mean())
                for name in ("never", "always", "adapt")
            }
    return found
