"""Categories by the thousand: taxonomies mapped, names put into a tree, and fits of many classes.

Google's taxonomy, other locales on the nodes of en-US. `map_node` and `map_level1`: `xb.map_taxonomy` of all
nodes of a locale, names and paths, no label. `name_node` and `name_level1`: the bare name of a node, asked
of a model of the en-US nodes that was carried to the locale's names by `xb.transfer`, none of them labelled;
`sure`: the share of its answers that are right, each at the
level where it stops, and `answered`: how deep these go, as a share of the depth. Each is that of the worst
of five locales. Nothing was chosen on these: it, pl, nl and ru were looked at.

`fit_12k_s` and `fit_40k_s`: CPU seconds of `xb.fit` of 12,000 titles of 394 classes, 40,000 of 440, from
templates over the taxonomy; `vs_svm`: accuracy on a fifth of the latter, held out, less that of hashed
n-grams with scikit-learn's linear SVM. `big_fit_s`: CPU seconds of 300,000 titles of 5,000 classes, and
`big_fit_gb` the most memory that its process took. `predict_over_embed`: CPU seconds of `xb.classify` by that
model over those of `xb.embed`, as many titles, none seen before. Titles were looked at with other seeds, from
en-GB.

A bare name short of .62 at the node, .84 at the first level and .60 of the depth, which were asked, is what
was worked on, in it, pl, nl and ru. Kept: a ridge map of vectors and n-grams that likely pairs teach
(`engine.candidates.carrying`), and being no node at all as a rival that nonsense scores. Left out, since none
gained: a classifier of the first level from sure answers, maps both ways, boosted trees that score the
evidence, the depth by expected utility, the least score from unlabelled rows, compounds read in parts, softer
first levels.

Answers among 5,000 classes took 1.78 times their embedding (8,000 titles by a model of 60,000): one product
that looks into all groups of `label_tree` at once, groups of less than a hundredth of the likeliest's
probability left out, and sums of nodes by a sparse product in place of running sums made it 1.59, children of
the node that is reached compared in place of a whole level 1.54, words cut into n-grams once a batch 1.49.

Half of the big fit is the line that tells groups of classes apart, made twice (60,000 titles, 8,000 others:
34 CPU seconds, accuracy .7265). Kept: frequent n-grams as neighbours in memory, 31 s with the same answers.
Left out: a quarter or half of the rows for that line, 5 s and 14 s, .643 and .694; a cost of .5 or .25, 23 s
and 24 s, .718 and .706; ten passes at most, .84 of the time, .7253; a tolerance of .3, .95 of it, .7249; 51
or 35 groups in place of 71, .82 and .73 of the time of both lines, .7235 and .7206.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
import torch
from sklearn.svm import LinearSVC

import xbsql
from bench.categories_titles import titles
from xbsql.features.ngrams import Ngrams

if TYPE_CHECKING:
    from bench.case import Bench

TESTS = ("tests/taxonomy", "tests/tasks/test_paths.py")
SOURCES = (
    "bench/categories_titles.py",
    "xbsql/taxonomy/mapping.py",
    "xbsql/engine/candidates/carrying.py",
    "xbsql/engine/candidates/nodes.py",
    "xbsql/engine/candidates/label_tree.py",
    "xbsql/engine/candidates/discriminant.py",
    "xbsql/tasks/classify/many_classes.py",
    "xbsql/tasks/classify/paths.py",
)
LOCALES = ("de-DE", "fr-FR", "es-ES", "ja-JP", "zh-CN")
HOME = "en-US"
BRANCH = "Home & Garden"
"""What a QUICK run maps: one branch; its figures are easier to reach."""
SEED = 5
SIZES = {"fit_12k_s": (12_000, 394), "fit_40k_s": (40_000, 440)}
BIG = (300_000, 5000)
QUICK_SIZES = {"fit_12k_s": (6_000, 200), "fit_40k_s": (12_000, 220)}
QUICK_BIG = (20_000, 1600)
ASKED = 8_000
LEVELS = {"levels": " > "}
NAMED = {
    "name_node": "accuracy",
    "name_level1": "accuracy_level_1",
    "sure": "accuracy_answered",
    "answered": "answered_depth",
}
PEER = "hashed n-grams, linear SVM"
QUERIES = (
    "SELECT sum(xb.embed(title)[1]) FROM first",
    "SELECT count(xb.classify('big', title)) FROM second",
)


def run(bench: Bench) -> dict[str, float]:
    """Measure mapping, names and fits; see the module."""
    torch.set_num_threads(1)
    nodes = pl.read_parquet(bench.data("google_taxonomy/taxonomy.parquet"))
    if bench.quick:
        branch = nodes.filter((pl.col("locale") == HOME) & pl.col("path").str.starts_with(BRANCH))["id"]
        nodes = nodes.filter(pl.col("id").is_in(branch.implode()))
    bench.plan(2 * len(LOCALES) + 3)
    found: dict[str, dict[str, float]] = {}
    for locale in LOCALES:
        found[locale] = bench.unit(f"map {locale}", partial(mapped, nodes, locale))
    for locale in LOCALES:
        found[locale] |= bench.unit(f"name {locale}", partial(named, nodes, locale))
    for locale, values in found.items():
        for metric, value in values.items():
            bench.record(locale, "xbsql", metric, value, unit="share")
    headline = {key: min(values[key] for values in found.values()) for key in found[LOCALES[0]]}
    path = str(bench.data("google_taxonomy/taxonomy.parquet"))
    for key, (rows, classes) in (QUICK_SIZES if bench.quick else SIZES).items():
        measured = bench.unit(key, partial(child, "fitted", path, rows, classes))
        case = f"{rows} x {classes}"
        bench.record(case, "xbsql", "accuracy", measured["accuracy"], unit="share")
        bench.record(case, PEER, "accuracy", measured["svm"], unit="share")
        bench.record(case, PEER, "fit", measured["svm_s"], unit="CPU s")
        headline |= {key: measured["seconds"], "vs_svm": measured["accuracy"] - measured["svm"]}
    rows, classes = QUICK_BIG if bench.quick else BIG
    headline |= bench.unit("big", lambda: child("big", path, rows, classes))
    return headline


def tree_of(nodes: pl.DataFrame, locale: str) -> pl.DataFrame:
    """The nodes of a locale, with their path in en-US, NULL for those that it lacks."""
    home = nodes.filter(pl.col("locale") == HOME).select("id", home="path")
    return nodes.filter(pl.col("locale") == locale).join(home, on="id", how="left")


def mapped(nodes: pl.DataFrame, locale: str) -> dict[str, float]:
    """Shares of nodes, and of their first levels, that are mapped rightly."""
    own, home = tree_of(nodes, locale), nodes.filter(pl.col("locale") == HOME)
    with xbsql.connect() as con:
        con.register("own", own.select("path").to_arrow())
        con.register("home", home.select("path").to_arrow())
        found = con.sql("FROM xb.map_taxonomy(own, home, label := 'path')").pl()
    both = found.join(own.filter(pl.col("home").is_not_null()), left_on="label", right_on="path")
    top = pl.col("home").str.split(" > ").list.first() == pl.col("mapped").str.split(" > ").list.first()
    node, level1 = both.select(node=(pl.col("home") == pl.col("mapped")).mean(), level1=top.mean()).row(0)
    return {"map_node": node, "map_level1": level1}


def named(nodes: pl.DataFrame, locale: str) -> dict[str, float]:
    """What the bare names of a locale's nodes are in the tree of en-US."""
    own = tree_of(nodes, locale).filter(pl.col("home").is_not_null())
    home = nodes.filter(pl.col("locale") == HOME)
    with xbsql.connect() as con:
        con.register("home", home.select("path", name="leaf").to_arrow())
        con.register("own", own.select("home", name="leaf").to_arrow())
        options = {**LEVELS, "nodes": True, "text": ["name"]}
        xbsql.fit(con, "tree", "home", "path", options=options)
        names = con.sql("SELECT name, NULL::VARCHAR AS path FROM own").to_arrow_table()
        xbsql.transfer(con, "abroad", names, "path", base="tree")
        scores = xbsql.evaluate(con, "abroad", own.select(path="home", name="leaf").to_arrow(), "path")
    values = dict(zip(scores["metric"].to_pylist(), scores["value"].to_pylist(), strict=True))
    return {key: values[metric] for key, metric in NAMED.items()}


def child(what: str, path: str, rows: int, classes: int) -> dict[str, float]:
    """A function of this module in a process of its own, whose memory is its own."""
    call = f"{what}({path!r}, {rows}, {classes})"
    code = f"import json; from bench import categories; print(json.dumps(categories.{call}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def made(path: str, rows: int, classes: int, seed: int) -> pa.Table:
    """Titles and labels as a table."""
    nodes = pl.read_parquet(path).filter(pl.col("locale") == HOME)
    found = titles(nodes["path"].to_list(), rows, classes, seed)
    return pa.table({"title": found.titles, "category": found.labels})


def fitted(path: str, rows: int, classes: int) -> dict[str, float]:
    """Seconds and accuracy of a fit, and of a linear SVM on hashed n-grams of the same split."""
    torch.set_num_threads(1)
    table = made(path, rows, classes, SEED)
    home, test = table.slice(0, rows * 4 // 5), table.slice(rows * 4 // 5)
    with xbsql.connect() as con:
        con.sql("SELECT xb.embed('a')").fetchall()
        start = time.process_time()
        xbsql.fit(con, "many", home, "category", options=LEVELS)
        seconds = time.process_time() - start
        con.register("test", test)
        answers = con.sql("SELECT category, xb.classify('many', title).best[1].label AS found FROM test").pl()
    right = float((answers["category"] == answers["found"]).mean() or 0.0)
    start = time.process_time()
    ngrams, grams = Ngrams.fit_transform(home["title"].to_pylist())
    svm = LinearSVC().fit(grams, home["category"].to_pylist())
    svm_s = time.process_time() - start
    guess = svm.predict(ngrams.transform(test["title"].to_pylist()))
    hit = float((guess == np.array(test["category"].to_pylist())).mean())
    return {"seconds": seconds, "accuracy": right, "svm": hit, "svm_s": svm_s}


def big(path: str, rows: int, classes: int) -> dict[str, float]:
    """A fit of many rows and classes, and what its answers cost beside embedding the same titles."""
    torch.set_num_threads(1)
    table = made(path, rows + 2 * ASKED, classes, SEED)
    found: dict[str, Any] = {}
    with xbsql.connect() as con:
        con.sql("SELECT xb.embed('a')").fetchall()
        start = time.process_time()
        xbsql.fit(con, "big", table.slice(0, rows), "category", options=LEVELS)
        found["big_fit_s"] = time.process_time() - start
        con.register("first", table.slice(rows, ASKED))
        con.register("second", table.slice(rows + ASKED))
        con.sql("SELECT xb.classify('big', 'a')").fetchall()
        spent = []
        for query in QUERIES:
            start = time.process_time()
            con.sql(query).fetchall()
            spent.append(time.process_time() - start)
    found["big_fit_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found["predict_over_embed"] = spent[1] / spent[0]
    return found
