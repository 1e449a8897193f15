"""Matching: product pairs carried from an English to a Czech market, catalogues matched across languages.

promap   ProMap's product pairs, English -> Czech: see `bench.match_promap`.
p1       names of one node of Open Food Facts' categories in English and in fr, de, es: the share of nodes
         whose name `xb.match` assigns to its own (precision at 1, one to one). The scorer comes with the
         package and was fitted on other languages. Nearest neighbour and plain assignment stand beside it.
orphans  the same after a random half of the English names was taken away: what `xb.match` finds at its
         threshold, how much of what has no counterpart is NULL, and how far the probabilities are from the
         truth.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

import xbsql
from bench.match_promap import promap
from bench.match_scorer import half, sides
from xbsql import kernels
from xbsql.harmonise.assignment import assigned
from xbsql.metrics.rows import calibration_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bench.case import Bench

TESTS = ("tests/matching",)
SOURCES = (
    "bench/match_promap.py",
    "bench/match_scorer.py",
    "xbsql/session/match.py",
    "xbsql/harmonise/quantities.py",
    "xbsql/matching/blank.py",
    "xbsql/matching/candidates.py",
    "xbsql/matching/carried.py",
    "xbsql/matching/copies.py",
    "xbsql/matching/match.py",
    "xbsql/matching/neighbours.py",
    "xbsql/matching/pairs.py",
    "xbsql/matching/products.py",
    "xbsql/engine/nearest.py",
    "xbsql/matching/scorer.json",
    "xbsql/matching/scorer.py",
    "xbsql/matching/similarities.py",
    "xbsql/matching/stated.py",
    "xbsql/matching/tokens.py",
    "xbsql/matching/translation.py",
    "xbsql/matching/words.py",
    "xbsql/session/match.py",
)
LANGUAGES = ("fr", "de", "es")
ORPHANS = ("de",)
LABELS = (0, 50, 100)
DRAWS, QUICK_DRAWS = 10, 3


def run(bench: Bench) -> dict[str, float]:
    """Measure all; one unit a transfer or a matching."""
    torch.set_num_threads(1)
    draws = QUICK_DRAWS if bench.quick else DRAWS
    bench.plan(1 + 2 * draws + len(LANGUAGES) + len(ORPHANS))
    headline = {f"promap{labels}": promap(bench, labels, draws if labels else 1) for labels in LABELS}
    for language in LANGUAGES:
        found = bench.unit(f"p1 {language}", partial(catalogues, bench, language))
        for name in ("nearest", "assigned", "match"):
            if name in found:
                bench.record(f"en-{language}", name, "p1", found[name], sizes={"names": found["names"]})
        headline[f"p1_{language}"] = float(found["match"])
    for language in ORPHANS:
        found = bench.unit(f"orphans {language}", partial(orphans, bench, language))
        for metric in ("precision", "recall", "null_share", "calibration_error"):
            sizes = {"names": found["names"], "with counterpart": found["with counterpart"]}
            bench.record(f"en-{language} orphans", "match", metric, found[metric], sizes=sizes)
    return headline


def catalogues(bench: Bench, language: str) -> dict[str, Any]:
    """Precision at 1 of `xb.match` and of what is plainer: a language's names to the English ones."""
    left, right = sides(_taxonomy(bench), "categories", language)
    rows = np.arange(len(left))
    cosine = left.vectors @ right.vectors.T
    plain = {"nearest": float((kernels.topk(left.vectors, right.vectors, 1)[1][:, 0] == rows).mean())}
    if not bench.quick:
        i, j = np.divmod(np.arange(cosine.size), len(right))
        chosen = assigned(i, j, cosine.ravel().astype(np.float64), -1.0, cosine.shape)
        plain["assigned"] = float((j[chosen] == rows).mean())
    right_row, _ = matched(left.texts, right.texts, rows, threshold=0.0)
    return {"names": len(left), **plain, "match": float((right_row == rows).mean())}


def orphans(bench: Bench, language: str) -> dict[str, Any]:
    """`xb.match` at its own threshold where half of the names have no counterpart."""
    left, right = sides(_taxonomy(bench), "categories", language)
    rest, kept = half(right)
    there = np.isin(np.arange(len(left)), kept)
    found, _ = matched(left.texts, rest.texts, kept, threshold=0.5)
    right_found = found == np.arange(len(left))
    any_row, score = matched(left.texts, rest.texts, kept, threshold=0.0)
    some = any_row >= 0
    truth = (any_row == np.arange(len(left)))[some].astype(np.int64)
    probability = np.stack([1 - score[some], score[some]], axis=1)
    return {
        "names": len(left),
        "with counterpart": int(there.sum()),
        "precision": float(right_found.sum() / max((found >= 0).sum(), 1)),
        "recall": float(right_found[there].mean()),
        "null_share": float((found[~there] < 0).mean()),
        "calibration_error": float(calibration_error(truth, probability)),
    }


def matched(
    left: Sequence[str], right: Sequence[str], ids: NDArray[np.int64], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The id of each left text's match, -1 for none, and its probability."""
    with xbsql.connect() as con:
        own = pa.table({"id": np.arange(len(left)), "name": list(left)})
        other = pa.table({"id": ids, "name": list(right)})
        found = xbsql.match(con, own, other, "id", "name", "id", "name", threshold=threshold)
    rows = found["rid"].combine_chunks().fill_null(-1).to_numpy()
    return rows, found["score"].to_numpy()


def _taxonomy(bench: Bench) -> pa.Table:
    return pq.read_table(bench.data("off_taxonomy") / "taxonomy.parquet")
