"""Traps: markets in which transfer cannot help. Does the verdict say so, and does the blend keep clear?

Eleven simulated traps (bench/trap_tables.py), 40 seeds each. A verdict is right when it is HURTS or NO
EVIDENCE; in the three traps where the source is good but looks odd (label shift, a source 100 times the
target, a missing class) when it is anything but HURTS; without labels when it is NOT MEASURED on the
basis of a prior.

The inverted source is held to the same rule. A learner could turn its score round and gain, but that
builds on what is sooner a mistake in the labels: no candidate may (see `fit_linear`), and HELPS counts
as wrong.

The loss is target only minus blend on 4,000 test rows, AUC for two classes and accuracy for more;
target only is the better of its two learners by the verdict's own evidence. Without labels source only
stands in its place.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import xbsql
from bench.case import Quantiles
from bench.trap_tables import TRAPS
from xbsql.engine.blend import with_source
from xbsql.engine.candidate import Sample, Source
from xbsql.engine.candidates.tables import Tables, table_candidates
from xbsql.engine.objective import classification
from xbsql.engine.transfer import transfer
from xbsql.features.roles import roles
from xbsql.features.table import fit_encoder, joined
from xbsql.features.views import Features

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.case import Bench
    from bench.trap_tables import Trap
    from xbsql.engine.transfer import Transfer

PACKAGE = Path(xbsql.__file__).parent
TESTS = ("tests/engine/test_transfer.py", "tests/engine/test_evidence.py", "tests/features/test_table.py")
SOURCES = (
    "bench/trap_tables.py",
    *(f"xbsql/{file.relative_to(PACKAGE)}" for file in sorted((PACKAGE / "engine").glob("*.py"))),
)


def run(bench: Bench) -> Mapping[str, float]:
    """Every trap and seed is a unit."""
    seeds = 3 if bench.quick else 40
    bench.plan(len(TRAPS) * seeds)
    share, loss = {}, {}
    for name in TRAPS:
        found = [bench.unit(f"{name} {seed}", partial(one, name, seed)) for seed in range(seeds)]
        share[name] = float(np.mean([unit["right"] for unit in found]))
        loss[name] = float(np.mean([unit["target_only"] - unit["blend"] for unit in found]))
        sizes = {"seeds": seeds, "labels": found[0]["labels"]}
        bench.record(name, "engine", "verdict right", share[name], sizes=sizes)
        for outcome in ("HELPS", "NO EVIDENCE", "HURTS", "NOT MEASURED"):
            said = float(np.mean([unit["outcome"] == outcome for unit in found]))
            bench.record(name, "engine", f"says {outcome}", said, sizes=sizes)
        for arm in ("target_only", "blend", "source_only"):
            bench.record(name, arm, found[0]["metric"], float(np.mean([u[arm] for u in found])), sizes=sizes)
        bench.record(name, "engine", "loss", loss[name], sizes=sizes)
        seconds = Quantiles.of([unit["seconds"] for unit in found])
        bench.record(name, "engine", "seconds", seconds, unit="s", sizes=sizes)
    return {"verdict_right": min(share.values()), "worst_loss": max(loss.values())}


def one(name: str, seed: int) -> dict[str, Any]:
    """Draw the trap, run the engine, compare on the test rows."""
    trap = TRAPS[name](np.random.default_rng([zlib.crc32(name.encode()), seed]))
    start = time.perf_counter()
    market = _features(trap)
    objective = classification(
        market.tables.classes or 2, "auc" if market.tables.classes == 2 else "accuracy"
    )
    home = market.tables.home_trees().fit(market.source)
    source = Source(home, market.source)
    candidates = table_candidates(market.tables, source)
    done = transfer(candidates, source, market.labelled, market.unlabelled, objective, seed=seed)
    seconds = time.perf_counter() - start
    seen = with_source(market.test.x, home)
    scores = {
        "target_only": objective.score(market.test.y, done.predictors[_reference(done)].predict(seen)),
        "source_only": objective.score(market.test.y, home.predict(seen)),
        "blend": objective.score(market.test.y, done.blend.predict(market.test.x)),
    }
    return {
        "right": right(trap, done),
        "outcome": done.verdict.outcome,
        "metric": objective.metric,
        "labels": trap.labelled.num_rows,
        "seconds": seconds,
        **{arm: float(score) for arm, score in scores.items()},
    }


def right(trap: Trap, done: Transfer) -> bool:
    """Whether the verdict is what the trap allows."""
    verdict = done.verdict
    if not trap.labelled.num_rows:
        return verdict.outcome == "NOT MEASURED" and verdict.basis == "prior"
    return verdict.outcome != ("HURTS" if trap.benign else "HELPS")


@dataclass(frozen=True)
class Market:
    """A trap as the engine sees it."""

    tables: Tables
    source: Sample
    labelled: Sample
    unlabelled: Features
    test: Sample


def _features(trap: Trap) -> Market:
    """Encode source and target together, as a task does; test rows take no part in the fit of the encoder."""
    both = joined(trap.source, pa.concat_tables([trap.labelled, trap.unlabelled]))
    encoder = fit_encoder(both, roles(both, "y"))
    labels = sorted(
        set(pa.concat_tables([trap.source.select(["y"]), trap.test.select(["y"])])["y"].to_pylist())
    )

    def sample(table: pa.Table) -> Sample:
        codes = pc.index_in(table["y"], value_set=pa.array(labels)).to_numpy().astype(np.int64)
        return Sample(Features({"table": encoder.transform(table)}), codes)

    return Market(
        Tables(len(labels), encoder.categorical),
        sample(trap.source),
        sample(trap.labelled),
        sample(trap.unlabelled).x,
        sample(trap.test),
    )


def _reference(done: Transfer) -> str:
    """The target-only candidate with the lower out-of-fold loss; the home model where there was no label."""
    if done.evidence is None:
        return "source_only:home"
    own = done.evidence.only([name for name in done.evidence.names if name.startswith("target_only:")])
    return own.best()
