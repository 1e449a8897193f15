"""The words that the sample market is written from: CSV tables in words/, one a part of a title."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

LANGUAGES = ("en", "de", "fr", "es", "ja", "zh")

Variants: TypeAlias = tuple[str, ...]
Words: TypeAlias = dict[str, Variants]
"""Language -> the ways to say one thing, the usual one first."""


@dataclass(frozen=True)
class ProductKind:
    """A kind of product: what it is called, and what its sizes, materials and prices can be.

    Args:
        category: its category's code.
        dollars: lowest and highest price at home, US dollars.
        unit: the unit of its sizes, a key of `sizes()`; empty where it has none.
        sizes: values in that unit, such as '28' or '135x200'.
        materials: keys of `materials()`.
        nouns: what it is called.
    """

    category: str
    dollars: tuple[float, float]
    unit: str
    sizes: tuple[str, ...]
    materials: tuple[str, ...]
    nouns: Words


@dataclass(frozen=True)
class Brand:
    """A brand, as written in Latin, Japanese and Chinese, and the categories it sells in."""

    name: str
    ja: str
    zh: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class Shop:
    """A market of the sample: its language, its currency and how its prices relate to those at home."""

    market: str
    language: str
    currency: str
    per_dollar: float
    level: float


@cache
def table(name: str) -> list[dict[str, str]]:
    """The lines of words/<name>.csv, column -> text."""
    text = files("xbsql.sample").joinpath("words", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _words(line: dict[str, str]) -> Words:
    return {language: tuple(line[language].split("|")) for language in LANGUAGES}


@cache
def kinds() -> tuple[ProductKind, ...]:
    """Every kind of product, by category."""
    found = []
    for line in table("kinds"):
        low, high = line["usd"].split("-")
        unit, *sizes = line["size"].split() or [""]
        dollars = (float(low), float(high))
        materials = tuple(line["materials"].split())
        found.append(ProductKind(line["category"], dollars, unit, tuple(sizes), materials, _words(line)))
    return tuple(found)


@cache
def brands(category: str) -> tuple[Brand, ...]:
    """The brands that sell in a category."""
    every = (Brand(b["brand"], b["ja"], b["zh"], tuple(b["categories"].split())) for b in table("brands"))
    return tuple(brand for brand in every if category in brand.categories)


@cache
def features(category: str, english: Variants) -> tuple[Words, ...]:
    """What titles say in praise of products of a category that are called `english`.

    A line of the table holds for all of a category or, where it names a pattern in `only`, for those whose
    English name has it. The category 'any' gives what is said of products of every category.
    """
    name = "|".join(english)
    return tuple(
        _words(line)
        for line in table("features")
        if line["category"] == category and re.search(line["only"], name)
    )


@cache
def words(name: str, key: str) -> dict[str, Words]:
    """A table of plain words by its key column: colours, materials, sizes, categories."""
    return {line[key]: _words(line) for line in table(name)}


@cache
def prefixes() -> dict[str, str]:
    """Material -> what it becomes in front of a German compound: 'Edelstahl-'."""
    return {line["material"]: line["de_prefix"] for line in table("materials")}


@cache
def colours(category: str) -> tuple[str, ...]:
    """The colours that a category's products come in."""
    found = {line["category"]: tuple(line["colours"].split()) for line in table("categories")}
    return found[category]


@cache
def patterns(language: str) -> tuple[str, ...]:
    """The orders in which shops of a language write a title, each as often as its weight."""
    lines = [line for line in table("patterns") if line["lang"] == language]
    return tuple(line["pattern"] for line in lines for _ in range(int(line["weight"])))


@cache
def promotions(language: str) -> Variants:
    """What shops add to a title that says nothing of the product."""
    return tuple(line["promo"] for line in table("promos") if line["lang"] == language)


@cache
def shops() -> tuple[Shop, ...]:
    """The markets of the sample, home first."""
    return tuple(
        Shop(s["market"], s["lang"], s["currency"], float(s["per_usd"]), float(s["level"]))
        for s in table("markets")
    )
