"""Pairs of product phrases, general sentences and names of products, as bench.translate reads them."""

from __future__ import annotations

import hashlib
import random
import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.case import Bench

LOCALES = {"fr": "fr-FR", "de": "de-DE", "ja": "ja-JP", "zh": "zh-CN"}
PAIRS, PHRASES, TITLES, GENERAL = 1_000, 1_000, 20_000, 150_000
QUICK_PAIRS, QUICK_PHRASES, QUICK_TITLES, QUICK_GENERAL = 300, 150, 3_000, 20_000
Pair = tuple[str, str]


def table(pairs: Sequence[Pair], titles: Sequence[str]) -> pa.Table:
    """Pairs, and titles without a source."""
    sources = [a for a, _ in pairs] + [None] * len(titles)
    return pa.table({"en": pa.array(sources, pa.string()), "to": [b for _, b in pairs] + list(titles)})


def bucket(text: str) -> int:
    """The number that decides on which side of a split a text is."""
    return int(hashlib.md5(text.lower().encode(), usedforsecurity=False).hexdigest()[:8], 16)


def clean(text: str) -> str:
    """A text with single blanks."""
    return " ".join(text.split())


def split(bench: Bench, name: str, language: str) -> tuple[list[Pair], list[Pair]]:
    """Pairs to learn from and phrases to translate, in the order of their hash."""
    pairs = sorted(
        set(google(bench, language) if name == "google" else off(bench, language)),
        key=lambda p: (bucket(p[0]), p),
    )
    test = [pair for pair in pairs if bucket(pair[0]) % 5 == 0]
    train = [pair for pair in pairs if bucket(pair[0]) % 5]
    return train[: QUICK_PAIRS if bench.quick else PAIRS], test[: QUICK_PHRASES if bench.quick else PHRASES]


def google(bench: Bench, language: str) -> list[Pair]:
    """Names of Google's categories."""
    rows = pq.read_table(bench.data("google_taxonomy") / "taxonomy.parquet").to_pylist()
    named = {(row["id"], row["locale"]): row["leaf"] for row in rows}
    both = [
        (named.get((id_, "en-US")), named.get((id_, LOCALES[language])))
        for id_ in dict.fromkeys(r["id"] for r in rows)
    ]
    return [(clean(a), clean(b)) for a, b in both if a and b]


def off(bench: Bench, language: str) -> list[Pair]:
    """Names of foods and ingredients, each English one once."""
    rows = pq.read_table(
        bench.data("off_taxonomy") / "taxonomy.parquet", columns=["kind", "node_id", "lang", "name"]
    ).to_pylist()
    named = {(r["kind"], r["node_id"], r["lang"]): r["name"] for r in rows}
    found: dict[str, Pair] = {}
    for kind, node, lang in sorted(key for key in named if key[2] == "en"):
        a, b = named[kind, node, lang], named.get((kind, node, language))
        if a and b and not re.fullmatch(r"[Ee]\d{3}\w*", a.strip()):
            found.setdefault(clean(a).lower(), (clean(a), clean(b)))
    return list(found.values())


def tatoeba(bench: Bench, language: str) -> list[Pair]:
    """General sentences, but one bucket of fifty."""
    rows = pq.read_table(
        bench.data("tatoeba") / "pairs.parquet",
        filters=[("src_lang", "=", "en"), ("dst_lang", "=", language)],
    )
    both = zip(rows["src"].to_pylist(), rows["dst"].to_pylist(), strict=True)
    pairs = [(clean(a), clean(b)) for a, b in both if bucket(clean(a)) % 50]
    most = QUICK_GENERAL if bench.quick else GENERAL
    return pairs[:: max(len(pairs) // most, 1)][:most]


def catalogue(bench: Bench, language: str) -> list[str]:
    """Names of products of the target market, drawn."""
    path = bench.data("off_products") / "products.parquet"
    rows = pq.read_table(path, columns=["name", "lang"], filters=[("lang", "=", language)])
    names = [name for name in rows["name"].to_pylist() if name]
    random.Random(0).shuffle(names)
    return names[: QUICK_TITLES if bench.quick else TITLES]
