"""Google's product taxonomy: 21 classes learned from English category names, carried to seven languages.

The leaf of each category (depth > 1) is classified into its level-1 class. 1,500 ids are held out in every
language, English too, so that no test row has a translation among the source rows. The other rows are the
target: n of them with a label (nested draws, ten at 50, 200 and 500), all others without. Arms, measured on
the 1,500:

    target only  the better of the two target-only candidates, picked by the test score
    source only  the home model as it is
    pooled       the home model's rows and the target's labels in one Gaussian process
    blend        what `xb.transfer` gives

sv is a language that the encoder does not know. Nothing was tuned on the languages reported: choices were
made on es, it, nl, pl and pt, with another draw of the held-out ids.

The target's other rows are translations of source rows, as where a seller lists the home catalogue abroad;
the blend finds most of these pairs by itself. "separate products" shows what is left where no target row is
one: home is fitted on half of the ids, the target has the other half.
"""

from __future__ import annotations

import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from threadpoolctl import threadpool_limits

from bench.case import Quantiles
from xbsql.engine.blend import with_source
from xbsql.tasks import classify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.case import Bench
    from xbsql.engine.candidate import Predictor
    from xbsql.features.views import Features
    from xbsql.tasks.classifier import Classifier

TESTS = ("tests/tasks/test_classify.py",)
SOURCES = (
    "xbsql/tasks/classify.py",
    "xbsql/tasks/text_candidates.py",
    "xbsql/tasks/reader.py",
    "xbsql/engine/candidates/process.py",
    "xbsql/engine/candidates/alignment.py",
    "xbsql/engine/evidence.py",
)
LOCALES = ("de-DE", "fr-FR", "ja-JP", "zh-CN", "ru-RU", "tr-TR")
UNKNOWN = "sv-SE"
LABELS = (0, 10, 20, 50, 100, 200, 500, 1000)
QUICK_LABELS = (0, 50, 200, 500)
ARMS = ("target only", "source only", "pooled", "blend")
APART_LABELS = (0, 200)
HELD_OUT = 1500
SEPARATE = "mean of six, separate products"
UNREAD = {"ignore": ["id"]}
DRAWS = 10
FEWER_DRAWS = {0: 1, 10: 3, 20: 3, 100: 3, 1000: 2}
"""No label leaves nothing to draw; ten draws are for the headline, three for the points between."""


class Split(NamedTuple):
    """The rows of one language: columns id, leaf, class."""

    train: pa.Table
    test: pa.Table


class Job(NamedTuple):
    """One transfer: a language, so many labels, one draw of them; `separate` shares no product with home."""

    locale: str
    labels: int
    seed: int
    separate: bool = False


_splits: dict[str, Split] = {}
_homes: dict[bool, Classifier] = {}


def run(bench: Bench) -> dict[str, float]:
    """Measure every language at every number of labels; see the module."""
    torch.set_num_threads(1)
    threadpool_limits(1)  # as a session fits; the workers are forked with it
    counts, draws = (QUICK_LABELS, 1) if bench.quick else (LABELS, DRAWS)
    _splits.update(splits(pq.read_table(bench.data("google_taxonomy/taxonomy.parquet"))))
    for separate in (False, True):
        rows = apart(_splits["en-US"].train, target=False) if separate else _splits["en-US"].train
        _homes[separate] = classify.fit(rows, "class", market="US", options=UNREAD)[0]
    bench.plan(draws * (len(LOCALES) + 1) + 1)
    found: dict[tuple[str, int], dict[str, list[float]]] = {}
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as workers:
        for draw, locale in product(range(draws), (*LOCALES, UNKNOWN)):
            asked = [labels for labels in counts if draw < FEWER_DRAWS.get(labels, DRAWS)]
            jobs = [Job(locale, labels, draw) for labels in asked]
            for labels, scores in done(bench, f"{locale} draw {draw}", workers, jobs):
                add(found, locale, labels, scores)
        jobs = [Job(locale, labels, 0, separate=True) for labels in APART_LABELS for locale in LOCALES]
        for labels, scores in done(bench, SEPARATE, workers, jobs):
            add(found, SEPARATE, labels, scores)
    record(bench, found, counts)
    return headline(found)


def done(
    bench: Bench, key: str, workers: ProcessPoolExecutor, jobs: Sequence[Job]
) -> list[tuple[int, dict[str, float]]]:
    """The jobs' scores with their labels; one unit of the bench, two jobs at a time."""
    scores = bench.unit(key, lambda: list(workers.map(measured, jobs)))
    return [(job.labels, score) for job, score in zip(jobs, scores, strict=True)]


def add(
    found: dict[tuple[str, int], dict[str, list[float]]], case: str, labels: int, scores: Mapping[str, float]
) -> None:
    """Put one draw's scores to those of its case."""
    arms = found.setdefault((case, labels), {arm: [] for arm in ARMS})
    for arm in ARMS:
        arms[arm].append(scores[arm])


def splits(table: pa.Table) -> dict[str, Split]:
    """Train and test rows of each language; the test ids are the same in all."""
    deep = table.filter(pc.greater(table["depth"], 1))
    chosen = (*LOCALES, UNKNOWN, "en-US")
    ids = [set(deep.filter(pc.equal(deep["locale"], locale))["id"].to_pylist()) for locale in chosen]
    common = np.array(sorted(set.intersection(*ids)))
    held_out = pa.array(np.random.default_rng(0).permutation(common)[:HELD_OUT])
    rows = pa.table({"id": deep["id"], "leaf": deep["leaf"], "class": deep["l1_name_en"]})
    test = pc.is_in(rows["id"], held_out)
    found = {}
    for locale in chosen:
        here = pc.equal(deep["locale"], locale)
        found[locale] = Split(rows.filter(pc.and_(here, pc.invert(test))), rows.filter(pc.and_(here, test)))
    return found


def measured(job: Job) -> dict[str, float]:
    """The accuracy of each arm on the held-out ids; NaN where an arm needs labels and there are none."""
    torch.set_num_threads(1)
    home, split = _homes[job.separate], _splits[job.locale]
    rows = apart(split.train, target=True) if job.separate else split.train
    data = hidden(rows, job.labels, job.seed)
    model, done = classify.transfer(data, "class", base=home, options=UNREAD)
    x = test_rows(job.locale, job.separate)
    places = {name: code for code, name in enumerate(model.classes)}
    truth = np.array([places[name] for name in split.test["class"].to_pylist()])
    alone = [score(done.predictors[n], x, truth) for n in done.predictors if n.startswith("target_only")]
    pooled = done.predictors.get("pool:process")
    return {
        "target only": max(alone, default=float("nan")),
        "source only": score(home.predictor, x, truth),
        "pooled": float("nan") if pooled is None else score(pooled, x, truth),
        "blend": score(model.predictor, x, truth),
        "warned": float(any("not trained on" in note for note in done.verdict.notes)),
    }


@cache
def test_rows(locale: str, separate: bool) -> Features:
    """The held-out rows as every draw's reader sees them: it depends on the texts and not on the labels."""
    home, split = _homes[separate], _splits[locale]
    rows = apart(split.train, target=True) if separate else split.train
    reader = home.reader.abroad(rows, "class", UNREAD)
    return with_source(reader.read(split.test), home.predictor)


def apart(table: pa.Table, *, target: bool) -> pa.Table:
    """The half of the ids that belongs to the target, or to home."""
    odd = np.random.default_rng(1).integers(0, 2, 1_000_000)[table["id"].to_numpy() % 1_000_000] == 1
    return table.filter(pa.array(odd == target))


def hidden(table: pa.Table, labels: int, seed: int) -> pa.Table:
    """The rows in an order drawn by the seed, the label of all but the first ones NULL."""
    order = np.random.default_rng([seed, 1]).permutation(table.num_rows)
    mixed = table.take(pa.array(order))
    shown = pa.array(np.arange(table.num_rows) < labels)
    return mixed.set_column(2, "class", pc.if_else(shown, mixed["class"].combine_chunks(), None))


def score(predictor: Predictor, x: Features, truth: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    """Share of rows whose likeliest class is the true one."""
    return float((predictor.predict(x).argmax(axis=1) == truth).mean())


def record(
    bench: Bench, found: Mapping[tuple[str, int], Mapping[str, Sequence[float]]], counts: Sequence[int]
) -> None:
    """One row a language, arm and number of labels, over the draws; and means of the six known languages."""
    for (case, labels), arms in found.items():
        for arm in ARMS:
            scores = [statistics.fmean(arms[arm])] if case == SEPARATE else arms[arm]
            bench.record(case, arm, "accuracy", Quantiles.of(scores), sizes={"labels": labels})
    for labels in counts:
        for arm in ARMS:
            draws = zip(*(found[locale, labels][arm] for locale in LOCALES), strict=True)
            means = [statistics.fmean(draw) for draw in draws]
            bench.record("mean of six", arm, "accuracy", Quantiles.of(means), sizes={"labels": labels})


def headline(found: Mapping[tuple[str, int], Mapping[str, Sequence[float]]]) -> dict[str, float]:
    """Mean accuracy of the blend over the six languages, and for the seventh blend minus the better arm."""
    means = {
        f"acc{labels}": statistics.fmean(
            statistics.fmean(found[locale, labels]["blend"]) for locale in LOCALES
        )
        for labels in (0, 50, 200, 500)
    }
    swedish = {arm: statistics.fmean(found[UNKNOWN, 200][arm]) for arm in ARMS}
    better = max(swedish[arm] for arm in ("target only", "source only", "pooled"))
    return {**means, "sv200": swedish["blend"] - better}
