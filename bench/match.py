"""Matching: product pairs carried from an English to a Czech market, catalogues matched across languages.

promap   ProMap's similarities of product pairs, English -> Czech: F1 of the matches among the 299 Czech test
         pairs with no, 50 and 100 labelled Czech pairs (10 draws) and all English ones, by `xb.transfer`. A
         pair counts as a match from the probability on at which the expected F1 is highest; no test label
         enters.
p1       names of one node of Open Food Facts' categories in English and in fr, de, es: the share of nodes
         whose name `xb.match` assigns to its own (precision at 1, one to one). The scorer comes with the
         package and was fitted on other languages. Nearest neighbour and plain assignment stand beside it.
"""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

import xbsql
from bench.case import Quantiles
from bench.match_scorer import sides
from xbsql import kernels
from xbsql.matching.assignment import assigned
from xbsql.tasks import classify

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.case import Bench

TESTS = ("tests/matching",)
SOURCES = (
    "bench/match_scorer.py",
    "xbsql/matches.py",
    "xbsql/matching/candidates.py",
    "xbsql/matching/translation.py",
    "xbsql/matching/match.py",
    "xbsql/matching/scorer.json",
)
LANGUAGES = ("fr", "de", "es")
LABELS = (0, 50, 100)
DRAWS, QUICK_DRAWS = 10, 3
NO_FEATURES = ["id1", "id2", "hash_similarity"]


def run(bench: Bench) -> dict[str, float]:
    """Measure both; one unit a transfer or a language."""
    torch.set_num_threads(1)
    draws = QUICK_DRAWS if bench.quick else DRAWS
    bench.plan(1 + 2 * draws + len(LANGUAGES))
    headline = {f"promap{labels}": promap(bench, labels, draws if labels else 1) for labels in LABELS}
    for language in LANGUAGES:
        headline[f"p1_{language}"] = catalogues(bench, language)
    return headline


def promap(bench: Bench, labels: int, draws: int) -> float:
    """Mean F1 on the Czech test pairs over draws of so many Czech labels."""
    folder = bench.data("product_matching") / "promap"
    english = pa.concat_tables([pairs(folder, f"promapen_{part}") for part in ("train", "test")])
    czech, test = pairs(folder, "promapcz_train"), pairs(folder, "promapcz_test")

    def work(seed: int) -> dict[str, float]:
        kept = np.zeros(len(czech), dtype=bool)
        kept[np.random.default_rng(seed).permutation(len(czech))[:labels]] = True
        label = pc.if_else(pa.array(kept), czech["match"], pa.scalar(None, pa.bool_()))
        target = czech.set_column(czech.column_names.index("match"), "match", label)
        model, _ = classify.transfer(target, "match", source=english)
        found = model.predict(test.combine_chunks().to_batches()[0])
        yes = np.array(found.field("label").to_pylist()) == "true"
        score = np.array(found.field("score").to_pylist())
        chance = np.where(yes, score, 1 - score)
        truth = test["match"].to_numpy()
        return {"f1": f1(chance >= best_threshold(chance), truth), "f1_half": f1(chance >= 0.5, truth)}

    found = [bench.unit(f"promap {labels} {seed}", partial(work, seed)) for seed in range(draws)]
    for metric in ("f1", "f1_half"):
        values = [one[metric] for one in found]
        shown = Quantiles.of(values) if draws > 1 else values[0]
        bench.record("promap", "blend", metric, shown, sizes={"labels": labels, "draws": draws})
    return statistics.fmean(one["f1"] for one in found)


def pairs(folder: Path, name: str) -> pa.Table:
    table = pq.read_table(folder / f"{name}.parquet").drop_columns(NO_FEATURES)
    place = table.column_names.index("match")
    return table.set_column(place, "match", table["match"].cast(pa.bool_()))


def best_threshold(chance: NDArray[np.float64]) -> float:
    """The probability from which on the expected F1 of these very pairs is highest."""
    ordered = np.sort(chance)[::-1]
    expected = 2 * np.cumsum(ordered) / (np.arange(1, len(ordered) + 1) + ordered.sum())
    return float(ordered[expected.argmax()])


def f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (found & truth).sum() / max(found.sum() + truth.sum(), 1))


def catalogues(bench: Bench, language: str) -> float:
    """Precision at 1 of `xb.match` between a language's names and the English ones."""
    taxonomy = bench.data("off_taxonomy") / "taxonomy.parquet"

    def work() -> dict[str, Any]:
        left, right = sides(pq.read_table(taxonomy), "categories", language)
        rows = np.arange(len(left))
        cosine = left.vectors @ right.vectors.T
        i, j = np.divmod(np.arange(cosine.size), len(right))
        plain = {"nearest": float((kernels.topk(left.vectors, right.vectors, 1)[1][:, 0] == rows).mean())}
        if not bench.quick:
            odds = cosine.ravel().astype(np.float64)
            chosen = assigned(i, j, odds, -1.0, cosine.shape)
            plain["assigned"] = float((j[chosen] == rows).mean())
        with xbsql.connect() as con:
            own, other = (pa.table({"id": rows, "name": list(side.texts)}) for side in (left, right))
            found = xbsql.match(con, own, other, "id", "name", "id", "name", threshold=0.0)
        return {"names": len(left), **plain, "match": float((found["rid"].to_numpy() == rows).mean())}

    found = bench.unit(f"p1 {language}", work)
    for name in ("nearest", "assigned", "match"):
        if name in found:
            bench.record(f"en-{language}", name, "p1", found[name], sizes={"names": found["names"]})
    return float(found["match"])
