"""A product's title as a shop of one language would write it: its order, its words, its habits, its gaps."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from xbsql.sample.sizes import ways
from xbsql.sample.vocabulary import patterns, prefixes, promotions, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from xbsql.sample.vocabulary import Brand, ProductKind, Words

T = TypeVar("T")

_SMALL_WORDS = {"and", "for", "with", "by", "in", "of", "the", "y", "de", "con", "para"}
_GAPS = {"brand": 0.15, "size": 0.15, "colour": 0.2, "material": 0.15, "feature": 0.08, "feature2": 0.25}


@dataclass(frozen=True)
class Product:
    """One product, the same in every market; colour, material and size are empty where it has none."""

    product_id: str
    kind: ProductKind
    brand: Brand
    colour: str
    material: str
    size: str
    features: tuple[Words, Words]
    model: str
    dollars: float


def pick(rng: Random, choices: Sequence[T]) -> T:
    """One of `choices`; drawn from `random()` alone, the one method whose stream Python promises to keep."""
    return choices[int(rng.random() * len(choices))]


def title(product: Product, language: str, rng: Random) -> str:
    """Write one title.

    Args:
        product: what is sold.
        language: en, de, fr, es, ja or zh.
        rng: decides pattern, synonyms, gaps, case and spelling.
    """
    slots = _slots(product, language, rng)
    for slot, share in _GAPS.items():
        if rng.random() < share:
            slots[slot] = ""
    if not slots["brand"]:
        slots.update(brandja="", brandkana="", brandzh="", brandcn="")
    text = _fill(pick(rng, patterns(language)), slots)
    return _habits(text, language, rng)


def _slots(product: Product, language: str, rng: Random) -> dict[str, str]:
    nouns = product.kind.nouns[language]
    noun = pick(rng, nouns)
    others = [other for other in nouns if other != noun]
    material = (
        pick(rng, words("materials", "material")[product.material][language]) if product.material else ""
    )
    if material.lower() in noun.lower():
        material = ""
    brand = product.brand
    name = brand.name.upper() if rng.random() < 0.12 else brand.name
    return {
        "noun": noun,
        "noun2": pick(rng, others) if others else "",
        "brand": name,
        "brandja": pick(rng, (name, brand.ja, f"{name} {brand.ja}")),
        "brandkana": brand.ja,
        "brandzh": pick(rng, (name, brand.zh, f"{name}{brand.zh}", f"{name}/{brand.zh}")),
        "brandcn": brand.zh,
        "material": material,
        "prefix": _prefix(product.material, noun) if material else "",
        "colour": _word("colours", "colour", product.colour, language, rng),
        "size": pick(rng, ways(product.kind.unit, product.size, language)) if product.size else "",
        "feature": pick(rng, product.features[0][language]),
        "feature2": pick(rng, product.features[1][language]),
        "model": product.model,
        "promo": pick(rng, promotions(language)),
    }


def _word(table: str, column: str, key: str, language: str, rng: Random) -> str:
    """A word of a table, or nothing where the product has none."""
    return pick(rng, words(table, column)[key][language]) if key else ""


def _prefix(material: str, noun: str) -> str:
    """'Edelstahl-' before 'Topf'; nothing before a noun that says so already or opens with an adjective."""
    prefix = prefixes()[material]
    return "" if noun[0].islower() or prefix.rstrip("-").lower() in noun.lower() else prefix


def _fill(pattern: str, slots: dict[str, str]) -> str:
    """Put the words in; a part in <angles> goes where a slot of it is empty, and lone separators go too."""

    def part(found: re.Match[str]) -> str:
        inner = found.group(1)
        return "" if any(not slots[slot] for slot in re.findall(r"{(\w+)}", inner)) else inner

    text = re.sub(r"<(.*?)>", part, pattern).format_map(slots)
    text = re.sub(r"([(\[【])[\s,]*|[\s,]*([)\]】])", r"\1\2", text)
    text = re.sub(r"\(\)|\[\]|【】", " ", text)
    text = re.sub(r"(,| [|-])(?:\s*[,|]|\s+-(?=\s))+", r"\1", text)
    text = re.sub(r"\s+", " ", text).replace(" ,", ",").replace(", (", " (").replace("製製", "製")
    return text.strip(" ,|/-")


def _habits(text: str, language: str, rng: Random) -> str:
    """Case, accents and promotion, each as a part of the shops has it."""
    draw = rng.random()
    if language == "en" or (language == "es" and draw < 0.15):
        text = _cased(text, rng.random())
    elif language in ("de", "fr", "es"):
        text = text[0].upper() + text[1:]
    if language in ("fr", "es", "de") and rng.random() < 0.06:
        text = _plain(text)
    if rng.random() < 0.05:
        promotion = pick(rng, promotions(language))
        text = f"【{promotion}】{text}" if language in ("ja", "zh") else f"{text} - {promotion}"
    return text


def _cased(text: str, draw: float) -> str:
    """As Title Case (most), As a sentence, all lower case (rare) or with the first words SHOUTED (rare)."""
    if draw < 0.55:
        return " ".join(
            w if w in _SMALL_WORDS or not w[0].islower() else w[0].upper() + w[1:] for w in text.split(" ")
        )
    if draw < 0.61:
        return text.lower()
    if draw < 0.65:
        head, comma, tail = text.partition(",")
        return head.upper() + comma + tail
    return text[0].upper() + text[1:]


def _plain(text: str) -> str:
    """Without accents, as typed on a foreign keyboard: 'Kueche', 'poele', 'sarten'."""
    for accented, typed in {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "Ü": "Ue",
        "Ö": "Oe",
        "Ä": "Ae",
    }.items():
        text = text.replace(accented, typed)
    split = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in split if not unicodedata.combining(letter))
