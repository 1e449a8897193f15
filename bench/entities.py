"""Entities: one product in every market, pairs with labels and without, variants, scale.

catalogues  names of food categories (Open Food Facts) in six languages, a node is an entity, a tenth of the
            rows of each language taken away: pairwise F1 over all 15 pairs of languages of `xb.entities`,
            and of `xb.match`'s way (one to one, each two languages by themselves) on the same pairs;
            'left_alone' is the share of rows without a counterpart in a language that got none there.
            The scorer that comes with the package has seen similarities of English names of such categories
            to Italian and to Dutch ones (`bench.match_scorer`), of no other two of the six.
er          Abt-Buy, Amazon-Google and Walmart-Amazon as their makers split them: F1 on the test pairs of a
            scorer fitted by `xb.fit` on `xb.compare_pairs` of the training pairs, the threshold chosen on
            the validation pairs; and without a label `xb.score_pairs` from one half on, beside splink's
            unsupervised model at the threshold that suits the test pairs best, which nobody can know.
promap      see `bench.match_promap`.
offers      simulated offers in blocks, see `bench.entities_offers`: pairs of another size that were joined,
            and how far the scores are from the truth.
            'minutes' and 'gb' are theirs too, carried on to 200,000 rows of six markets in blocks of this
            size: from the time by the clock that a row of the larger of two tables took on two threads, and
            from the memory that a process of its own had and that a further row took; 'processor_minutes' is
            what all threads together worked. 'growth' is how much more processor time a row of the larger
            table takes: 1 where time is linear.

'left_alone' of .95 was asked together with an F1 .03 above and a precision of .93. On other catalogues
(`bench.entities_belonging`) a bar of .7 in place of .5 raises it by .02 and one of .8 by .03, and takes .01
and .03 of F1; boosted trees over 14 figures of a row and its rivals, and the cosine to the mean of an
entity's other rows, told rows that do not belong no better. Of the 15 minutes asked: judging pairs once
instead of twice took a fifth less time and .01 to .03 of F1, and learning from 500 matches in place of 800
as much time as before: both are left out. Kept are 15 neighbours in place of 30 (.76 to .80 of the
processor's time on catalogues of 7,000 and 8,700 rows, in one run) and ranks and words without sorts of 64
bits (.93). Kept too, with the same answer row by row on nine other catalogues and on simulated offers of
other seeds: LAPACK without Python's lock, n-grams word by word, what titles state once a title, dense
products of n-grams, products of neighbours that serve twice, unstable sorts that are put in order. Together
they took .84 of the processor's time on one thread (.87 to .91 on catalogues of 2,600 to 7,000 rows), which
held Python's lock .15 of its time and not .25, and .81 to .84 on two. Left out: one Gram matrix of a side
for its five partners (30 ms in place of 43 for 15 matrices of 800 rows, under .01 of all), inverses in
place of triangular solutions (11 ms in place of 6), and, for little or nothing gained, other orders in
which trees are asked, counts of all pairs of words in one matrix, and an assignment for each group of rows
that pairs join (4 ms in place of 5).
"""

from __future__ import annotations

import re
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

import xbsql
from bench.entities_offers import offers
from bench.entities_splink import splink_scores
from bench.match_promap import f1, promap
from xbsql.harmonise.assignment import assigned
from xbsql.metrics.rows import calibration_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from bench.case import Bench

TESTS = ("tests/entities",)
SOURCES = (
    "bench/entities_offers.py",
    "bench/entities_splink.py",
    "bench/match_promap.py",
    "xbsql/linking/belonging.py",
    "xbsql/linking/compared.py",
    "xbsql/linking/evidence.py",
    "xbsql/linking/fields.py",
    "xbsql/linking/graph.py",
    "xbsql/linking/joined.py",
    "xbsql/linking/worth.py",
    "xbsql/matching/candidates.py",
    "xbsql/matching/carried.py",
    "xbsql/matching/match.py",
    "xbsql/matching/neighbours.py",
    "xbsql/matching/products.py",
    "xbsql/matching/scorer.json",
    "xbsql/matching/tokens.py",
    "xbsql/matching/translation.py",
    "xbsql/session/entities.py",
    "xbsql/session/offer_pairs.py",
    "xbsql/session/pairs.py",
)
LANGUAGES = ("en", "fr", "de", "es", "it", "nl")
MISSING = 0.1
NODES, QUICK_NODES = 1334, 150
PRODUCTS, QUICK_PRODUCTS = 250, 50
"""Products of a block of simulated offers."""
BLOCKS, QUICK_BLOCKS = (16, 48), (1, 3)
"""Blocks of the smaller table and of the larger one: both are worked on in several shards at a time."""
SETS = {"abt": "Abt-Buy", "ag": "Amazon-Google", "wa": "Walmart-Amazon"}
FIELDS = {
    "name": "text", "title": "text", "description": "description", "manufacturer": "brand", "brand": "brand",
    "modelno": "model", "category": "category", "price": "price",
}  # fmt: skip
LABELS = (0, 50, 100)
ROWS = 1_200_000


def run(bench: Bench) -> dict[str, float]:
    """Measure all."""
    torch.set_num_threads(1)
    draws = 2 if bench.quick else 10
    bench.plan(2 + 2 * len(SETS) + 1 + 2 * draws)
    found = bench.unit("catalogues", partial(catalogues, bench))
    for name, value in found.items():
        bench.record("catalogues", name.partition(": ")[0], name.partition(": ")[2], value)
    headline = {
        "f1_gain": found["entities: f1"] - found["match: f1"],
        "precision": found["entities: precision"],
        "left_alone": found["entities: left_alone"],
    }
    ahead = []
    for key, name in SETS.items():
        labelled = bench.unit(f"{name} labelled", partial(with_labels, bench, name))
        bench.record(name, "xb.fit", "f1", labelled)
        headline[key] = labelled
        bare = bench.unit(f"{name} without labels", partial(without_labels, bench, name))
        for implementation, value in bare.items():
            bench.record(name, implementation, "f1", value)
        ahead.append(bare["xb.score_pairs"] - bare["splink"])
    headline["vs_splink"] = min(ahead)
    for labels in LABELS:
        headline[f"promap{labels}"] = promap(bench, labels, draws if labels else 1)
    found = bench.unit("offers", partial(simulated, bench))
    for name, value in found.items():
        bench.record("offers", "entities", name, value)
    return headline | {name: found[name] for name in ("wrong_variant", "ece", "minutes", "gb")}


def catalogues(bench: Bench) -> dict[str, float]:
    """Pairwise scores of entities and of one-to-one matches, '<way>: <metric>'."""
    rows = names(bench, QUICK_NODES if bench.quick else NODES)
    rng = np.random.default_rng(0)
    rows = [row for row in rows if rng.random() >= MISSING]
    table = pa.Table.from_pylist(rows)
    with xbsql.connect() as con:
        pairs = xbsql.score_pairs(con, table, "id", "market", "title", threshold=0.0)
        joined = xbsql.entities(con, table, "id", "market", "title")
    truth = _pairs((row["id"], (row["market"], row["id"])) for row in rows)
    ways = {
        "match": one_to_one(pairs),
        "entities": _pairs((row["entity"], (row["market"], row["id"])) for row in joined.to_pylist()),
    }
    found = {}
    for way, told in ways.items():
        right = len(told & truth)
        found[f"{way}: f1"] = 2 * right / max(len(told) + len(truth), 1)
        found[f"{way}: precision"] = right / max(len(told), 1)
        found[f"{way}: recall"] = right / max(len(truth), 1)
        found[f"{way}: left_alone"] = left_alone(rows, told)
    return found


def names(bench: Bench, nodes: int) -> list[dict[str, Any]]:
    """Rows (market, id, title) of categories that all six languages name; the id is the node."""
    taxonomy = pq.read_table(bench.data("off_taxonomy") / "taxonomy.parquet")
    by: dict[str, dict[str, str]] = {}
    for row in taxonomy.select(["kind", "node_id", "lang", "name"]).to_pylist():
        if row["kind"] == "categories" and row["name"] and row["lang"] in LANGUAGES:
            by.setdefault(row["node_id"], {})[row["lang"]] = row["name"]
    whole = sorted(node for node, told in by.items() if len(told) == len(LANGUAGES))
    chosen = np.random.default_rng(1).permutation(len(whole))[:nodes]
    kept = [whole[place] for place in sorted(chosen.tolist())]
    return [{"market": lang, "id": node, "title": by[node][lang]} for node in kept for lang in LANGUAGES]


def _pairs(members: Iterable[tuple[Any, tuple[str, Any]]]) -> set[frozenset[tuple[str, Any]]]:
    """Pairs of offers of one group that are of two markets."""
    groups: dict[Any, list[tuple[str, Any]]] = {}
    for group, offer in members:
        groups.setdefault(group, []).append(offer)
    return {
        frozenset(pair)
        for group in groups.values()
        for pair in combinations(group, 2)
        if pair[0][0] != pair[1][0]
    }


def one_to_one(pairs: pa.Table) -> set[frozenset[tuple[str, Any]]]:
    """What each two markets by themselves would be matched as: `xb.match` on the same pairs."""
    found = set()
    rows = pairs.to_pylist()
    for markets in {(row["lmarket"], row["rmarket"]) for row in rows}:
        own = [row for row in rows if (row["lmarket"], row["rmarket"]) == markets]
        left, i = np.unique([str(row["lid"]) for row in own], return_inverse=True)
        right, j = np.unique([str(row["rid"]) for row in own], return_inverse=True)
        score = np.clip([row["score"] for row in own], 1e-9, 1 - 1e-9)
        odds = np.log(score) - np.log1p(-score)
        chosen = assigned(i, j, odds, 0.0, (len(left), len(right)))
        for place in chosen[chosen >= 0].tolist():
            row = own[place]
            found.add(frozenset([(markets[0], row["lid"]), (markets[1], row["rid"])]))
    return found


def left_alone(rows: Sequence[dict[str, Any]], told: set[frozenset[tuple[str, Any]]]) -> float:
    """Of all offers and markets that lack their product: the share that got no partner there."""
    there = {(row["market"], row["id"]) for row in rows}
    joined = {(offer, other[0]) for pair in told for offer in pair for other in pair if offer != other}
    lacking = [
        ((row["market"], row["id"]), language)
        for row in rows
        for language in LANGUAGES
        if (language, row["id"]) not in there
    ]
    return float(np.mean([pair not in joined for pair in lacking])) if lacking else 1.0


def with_labels(bench: Bench, name: str) -> float:
    """F1 on the test pairs of a scorer fitted on the training pairs."""
    table = magellan(bench, name)
    with xbsql.connect() as con:
        known = xbsql.compare_pairs(con, table, "left", "right").drop_columns(["left", "right"])
        split = known["split"]
        known = known.drop_columns(["split"])
        parts = {part: known.filter(pc.equal(split, part)) for part in ("train", "valid", "test")}
        xbsql.fit(con, "pairs", parts["train"], "match")
        chance = {part: _chance(xbsql.predict_table(con, "pairs", parts[part])) for part in ("valid", "test")}
    truth = {part: parts[part]["match"].to_numpy() for part in ("valid", "test")}
    cuts = np.unique(chance["valid"])
    cut = cuts[int(np.argmax([f1(chance["valid"] >= each, truth["valid"]) for each in cuts]))]
    return f1(chance["test"] >= cut, truth["test"])


def _chance(found: pa.Table) -> NDArray[np.float64]:
    value = found["value"].to_numpy()
    yes = np.array(found["predicted"].to_pylist()) == "true"
    return np.asarray(np.where(yes, value, 1 - value))


def without_labels(bench: Bench, name: str) -> dict[str, float]:
    """F1 on the test pairs without a label: ours at a probability of one half, splink's also at its best."""
    table = magellan(bench, name)
    table = table.filter(pc.equal(table["split"], "test"))
    rows: list[dict[str, Any]] = []
    ends = []
    for end in ("left", "right"):
        places: dict[str, int] = {}
        for offer in table[end].to_pylist():
            if repr(offer) not in places:
                places[repr(offer)] = len(places)
                beside = {field: offer.get(field) for field in ("brand", "model", "price")}
                title, own = offer["text"], places[repr(offer)]
                rows.append({"market": end, "id": own, "title": title, "beside": beside})
        ends.append([places[repr(offer)] for offer in table[end].to_pylist()])
    asked = list(zip(*ends, strict=True))
    truth = table["match"].to_numpy()
    with xbsql.connect() as con:
        offered = pa.Table.from_pylist(rows)
        pairs = xbsql.score_pairs(con, offered, "id", "market", "title", beside="beside", threshold=0.5)
    told = {(row["lid"], row["rid"]) for row in pairs.to_pylist()}
    ours = np.array([pair in told for pair in asked])
    theirs = splink_scores(rows)
    chance = np.array([theirs.get(pair, 0.0) for pair in asked])
    return {
        "xb.score_pairs": f1(ours, truth),
        "splink at one half": f1(chance >= 0.5, truth),
        "splink": max(f1(chance >= each, truth) for each in np.unique(chance)),
    }


def magellan(bench: Bench, name: str) -> pa.Table:
    """Pairs as structs left and right, match and split."""
    table = pq.read_table(bench.data("product_matching") / "er_magellan.parquet")
    table = table.filter(pc.equal(table["dataset"], name))
    sides = [[_read(text) for text in table[end].to_pylist()] for end in ("left", "right")]
    fields = sorted({field for side in sides for offer in side for field in offer})
    kinds = pa.struct([(field, pa.float64() if field == "price" else pa.string()) for field in fields])
    return pa.table(
        {
            "left": pa.array(sides[0], kinds),
            "right": pa.array(sides[1], kinds),
            "match": table["match"].cast(pa.bool_()),
            "split": table["split"],
        }
    )


def _read(text: str) -> dict[str, Any]:
    """'COL name VAL sony ... COL price VAL 12.5' as fields."""
    found: dict[str, Any] = {}
    for match in re.finditer(r"COL (\S+) VAL (.*?)(?= COL |$)", text):
        value: Any = match[2].strip() or None
        if match[1] == "price" and value is not None:
            plain = value.replace("$", "").replace(",", "")
            value = float(plain) if re.fullmatch(r"\d+(\.\d+)?", plain) else None
        found[FIELDS[match[1]]] = value
    return found


def simulated(bench: Bench) -> dict[str, float]:
    """Offers with variants: what was joined wrongly, how right the scores are, and what it took."""
    by: dict[str, dict[str, str]] = {}
    for row in names(bench, 120):
        by.setdefault(row["id"], {})[row["market"]] = row["title"]
    own = QUICK_PRODUCTS if bench.quick else PRODUCTS
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        for blocks in QUICK_BLOCKS if bench.quick else BLOCKS:
            rows = offers(list(by.values()), own * blocks, seed=0)
            table = pa.Table.from_pylist([row | {"block": row["product"] // own} for row in rows])
            pq.write_table(table, Path(folder) / "offers.parquet")
            with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                taken.append((len(rows), *alone.submit(_taken, folder).result()))
        joined = pq.read_table(Path(folder) / "joined.parquet").to_pylist()
    (few, less, _, small), (many, more, lasted, large) = taken
    known = {row["id"]: row for row in rows}
    told = _pairs((row["entity"], (row["market"], row["id"])) for row in joined)
    kinds = [[known[offer[1]] for offer in pair] for pair in told]
    wrong = [a["product"] == b["product"] and a["variant"] != b["variant"] for a, b in kinds]
    right = [a["variant"] == b["variant"] for a, b in kinds]
    truth = _pairs((row["variant"], (row["market"], row["id"])) for row in rows)
    scores, held = _held(joined, known)
    return {
        "wrong_variant": float(np.mean(wrong)) if wrong else 0.0,
        "precision": float(np.mean(right)) if right else 1.0,
        "recall": sum(right) / max(len(truth), 1),
        "ece": float(calibration_error(held.astype(np.int64), np.stack([1 - scores, scores], axis=1))),
        "minutes": lasted / many * ROWS / 60,
        "processor_minutes": more / many * ROWS / 60,
        "growth": (more / many) / (less / few),
        "gb": large + (large - small) / (many - few) * (ROWS - many),
    }


def _taken(folder: str) -> tuple[float, float, float]:
    """What joining the offers takes on two threads of a process of its own.

    Returns:
        Processor seconds, seconds, and the gigabytes that the process had at most.
    """
    torch.set_num_threads(2)
    table = pq.read_table(Path(folder) / "offers.parquet")
    with xbsql.connect() as con:
        joined = partial(xbsql.entities, con, id="id", market="market", text="title", beside="beside")
        joined(table[:20])  # loads all that is needed
        start, clock = time.process_time(), time.perf_counter()
        found = joined(table, block="block")
        spent, lasted = time.process_time() - start, time.perf_counter() - clock
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    pq.write_table(found, Path(folder) / "joined.parquet")
    return spent, lasted, size


def _held(
    joined: Sequence[dict[str, Any]], known: dict[Any, Any]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The score of each row that has others, and whether half of the others are its product."""
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in joined:
        groups.setdefault(row["entity"], []).append(row)
    scores, held = [], []
    for group in groups.values():
        kinds = [known[row["id"]]["variant"] for row in group]
        for row, kind in zip(group, kinds, strict=True):
            if len(group) > 1:
                scores.append(row["score"])
                held.append((kinds.count(kind) - 1) * 2 >= len(group) - 1)
    return np.array(scores), np.array(held)
