"""What spelling and words cost: capitals, invisible characters, and search by words across languages.

spelling   Leaves of Google's product taxonomy learned as they are written, in seven languages; 1,000 held-out
           leaves are asked again in capitals, with two soft hyphens, zero-width spaces or marks of direction
           inside, with no-break spaces and entities. `capitals_loss` is what the worst of them loses.
search     Open Food Facts' category names in fr, de, es: their English names are searched for (across), and a
           name with one letter missing or without a word among the names of its language (within). Precision
           at 1 of `xb.search_text` less that of `xb.search`: `text_vs_vector` is the least of them across,
           and `within` the least within a language. The weight was chosen on it, nl and pl.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import xbsql
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as CLASSIFY

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

    from bench.case import Bench
    from xbsql.tasks.classify.classifier import Classifier

SOURCES = ("xbsql/features/normal.py", "xbsql/features/pieces.py", "xbsql/index/words.py")
LOCALES = ("en-US", "de-DE", "fr-FR", "ja-JP", "zh-CN", "ru-RU", "tr-TR")
SEARCHED = ("fr", "de", "es")
HELD_OUT, ROWS, QUERIES, NAMES = 1000, 4000, 500, 2000


def capitals_loss(bench: Bench) -> float:
    """The most accuracy that a spelling costs, over languages and spellings."""
    table = pq.read_table(bench.data("google_taxonomy/taxonomy.parquet"))
    deep = table.filter(pc.greater(table["depth"], 1))
    losses = []
    for locale in LOCALES[:3] if bench.quick else LOCALES:
        found = bench.unit(f"spelling {locale}", partial(_spelt, deep, locale, bench.quick))
        for spelling, accuracy in found.items():
            bench.record(f"spelling {locale}", spelling, "accuracy", accuracy)
        losses += [found["as written"] - accuracy for accuracy in found.values()]
    return max(losses)


def _spelt(deep: pa.Table, locale: str, quick: bool) -> dict[str, float]:
    rows = deep.filter(pc.equal(deep["locale"], locale))
    order = np.random.default_rng(0).permutation(len(rows))
    held, known = order[:HELD_OUT], order[HELD_OUT : HELD_OUT + (ROWS // 4 if quick else ROWS)]
    home = pa.table({"title": rows["leaf"], "class": rows["l1_name_en"]})
    model: Classifier = road.fit(CLASSIFY, home.take(pa.array(known)), "class", market="US", options={})[0]
    truth = home.take(pa.array(held))
    generator = np.random.default_rng(1)
    return {name: _accuracy(model, truth, spoil) for name, spoil in _spellings(generator).items()}


def _spellings(generator: np.random.Generator) -> dict[str, Callable[[str], str]]:
    def inside(sign: str) -> Callable[[str], str]:
        def spoil(text: str) -> str:
            for _ in range(2):
                at = int(generator.integers(len(text) + 1))
                text = text[:at] + sign + text[at:]
            return text

        return spoil

    return {
        "as written": str,
        "capitals": str.upper,
        "soft hyphens": inside("\u00ad"),
        "zero-width spaces": inside("\u200b"),
        "marks of direction": inside("\u200e"),
        "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
        "entities": lambda text: text.replace("&", "&amp;").replace("'", "&#39;"),
    }


def _accuracy(model: Classifier, rows: pa.Table, spoil: Callable[[str], str]) -> float:
    spoilt = pa.table({"title": [spoil(text) for text in rows["title"].to_pylist()]})
    return float(
        np.mean(
            CLASSIFY.answers(model.probabilities(spoilt), model.classes)
            == np.array(rows["class"].to_pylist(), object)
        )
    )


def text_vs_vector(bench: Bench, languages: tuple[str, ...] = SEARCHED, seed: int = 0) -> dict[str, float]:
    """Precision at 1 of `xb.search_text` less that of `xb.search`, the least over languages."""
    table = pq.read_table(bench.data("off_taxonomy/taxonomy.parquet"))
    table = table.filter(pc.equal(table["kind"], "categories"))
    across: list[float] = []
    within: list[float] = []
    for lang in languages:
        found = bench.unit(f"search {lang} {seed}", partial(_searched, table, lang, seed))
        for case, scores in found.items():
            for name, score in scores.items():
                bench.record(f"{case} {lang}", name, "precision at 1", score)
            side = across if case == "across" else within
            side.append(scores["search_text"] - scores["search"])
    return {"text_vs_vector": min(across), "within": min(within)}


def _searched(table: pa.Table, lang: str, seed: int) -> dict[str, dict[str, float]]:
    names = {code: _names(table, code) for code in (lang, "en")}
    generator = np.random.default_rng(seed)
    shared = sorted(set(names[lang]) & set(names["en"]))
    shared = [shared[i] for i in generator.permutation(len(shared))[:NAMES]]
    asked = shared[:QUERIES]
    own = {node: names[lang][node] for node in shared}
    slips = {
        "across": [own[node] for node in asked],
        "slip": [_without_letter(own[node], generator) for node in asked],
        "word": [_without_word(own[node], generator) for node in asked],
    }
    with xbsql.connect() as con:
        for name, texts in (("home", {node: names["en"][node] for node in shared}), ("own", own)):
            rows = pa.table({"id": list(texts), "title": list(texts.values())})
            xbsql.build_index(con, name, rows, "id", text="title")
        return {
            case: {
                search.__name__: _first(con, search, "home" if case == "across" else "own", queries, asked)
                for search in (xbsql.search, xbsql.search_text)
            }
            for case, queries in slips.items()
        }


def _names(table: pa.Table, lang: str) -> dict[str, str]:
    """Name of each node, one node a name."""
    rows = table.filter(pc.equal(table["lang"], lang)).select(["node_id", "name"]).to_pylist()
    return {node: name for name, node in {row["name"]: row["node_id"] for row in rows}.items()}


def _without_letter(text: str, generator: np.random.Generator) -> str:
    at = int(generator.integers(len(text)))
    return text[:at] + text[at + 1 :]


def _without_word(text: str, generator: np.random.Generator) -> str:
    words = text.split()
    if len(words) > 1:
        words.pop(int(generator.integers(len(words))))
    return " ".join(words)


def _first(
    con: DuckDBPyConnection, search: Callable[..., pa.Array], index: str, queries: list[str], ids: list[str]
) -> float:
    """Share of the queries whose own row comes first."""
    hits = search(con, index, pa.array(queries), 1).to_pylist()
    return float(np.mean([bool(hit) and hit[0]["id"] == own for hit, own in zip(hits, ids, strict=True)]))
