"""Titles by templates over the nodes of a taxonomy, as sellers write them: parts of names, brands, noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

SYLLABLES = (
    "ka", "lo", "mi", "ra", "ten", "vor", "zu", "bel", "dan", "fi", "gor", "hal", "ix", "jo", "ner", "pra",
    "qui", "sol", "tu", "wes",
)  # fmt: skip
WORDS = (
    "Premium", "Classic", "New", "Original", "Professional", "Portable", "Mini", "Large", "Small", "Heavy",
    "Duty", "Soft", "Organic", "Black", "White", "Blue", "Red", "Green", "Stainless", "Steel", "Wooden",
    "Plastic", "Cotton", "Leather", "Vintage", "Modern", "Kids", "Men", "Women", "Universal", "Adjustable",
    "Waterproof", "Cordless", "Digital", "Deluxe", "Eco", "Travel", "Home", "Outdoor",
)  # fmt: skip
TAILS = (
    "Set of {n}", "{n} Pack", "{n} cm", "{n} ml", "{n} kg", "Model {m}{n}", "for {w} Use", "with {w} Case",
    "({n} pcs)", "Gift Idea", "Best Seller", "Free Shipping",
)  # fmt: skip
BRANDS_A_CLASS = 8
DEEP = 1500
"""Classes up to which they are nodes of the third level with all that lies below them; else any nodes."""


class Titles(NamedTuple):
    """Titles and the path of each one's class."""

    titles: list[str]
    labels: list[str]


def titles(paths: Sequence[str], rows: int, classes: int, seed: int) -> Titles:
    """Titles of `classes` nodes drawn from a taxonomy; every class has two rows at least, some have many.

    Args:
        paths: of all nodes.
        rows: how many titles.
        classes: how many nodes, at most those there are.
        seed: of nodes, brands and titles.
    """
    generator = np.random.default_rng(seed)
    chosen, leaves = _classes(paths, classes, generator)
    brands = [
        "".join(generator.choice(SYLLABLES, generator.integers(2, 4))).title()
        for _ in range(max(200, 2 * classes))
    ]
    own = generator.integers(0, len(brands), (classes, BRANDS_A_CLASS))
    share = generator.gamma(0.7, 1, classes) + 0.15
    more = generator.choice(classes, rows - 2 * classes, p=share / share.sum())
    codes = generator.permutation(np.concatenate([np.arange(classes).repeat(2), more]))
    made = []
    for code in codes.tolist():
        leaf = leaves[code][generator.integers(len(leaves[code]))]
        own_brand = brands[own[code][generator.integers(BRANDS_A_CLASS)]]
        other = brands[generator.integers(len(brands))]
        made.append(_title(leaf, own_brand if generator.random() < 0.7 else other, generator))
    return Titles(made, [chosen[code] for code in codes.tolist()])


def _classes(
    paths: Sequence[str], classes: int, generator: np.random.Generator
) -> tuple[list[str], list[list[str]]]:
    """The nodes, and the names that titles of each are made of."""
    if classes > DEEP:
        every = sorted(path for path in paths if " > " in path)
        chosen = [every[i] for i in np.sort(generator.permutation(len(every))[:classes])]
        return chosen, [[path.rpartition(" > ")[2]] for path in chosen]
    every = sorted({" > ".join(path.split(" > ")[:3]) for path in paths if path.count(" > ") >= 2})
    chosen = [every[i] for i in np.sort(generator.permutation(len(every))[:classes])]
    below = [[p.rpartition(" > ")[2] for p in paths if p == c or p.startswith(f"{c} > ")] for c in chosen]
    return chosen, below


def _title(leaf: str, brand: str, generator: np.random.Generator) -> str:
    """One title: some words of the name, now and then misspelt or none, a brand, adjectives, a tail."""
    words = leaf.replace("&", "").replace(",", "").split()
    if len(words) > 1 and generator.random() < 0.45:
        words = [word for word in words if generator.random() < 0.6] or [words[0]]
    if generator.random() < 0.12:
        words = []
    if words and generator.random() < 0.25:
        place = generator.integers(len(words))
        cut = generator.integers(0, max(len(words[place]) - 1, 1))
        words[place] = words[place][:cut] + words[place][cut + 1 :]
    adjectives = list(generator.choice(WORDS, generator.integers(0, 4)))
    number, mark = generator.integers(1, 500), "ABXZ"[generator.integers(4)]
    word = WORDS[generator.integers(len(WORDS))]
    drawn = generator.choice(TAILS, generator.integers(0, 3))
    tails = [tail.format(n=number, m=mark, w=word) for tail in drawn]
    first, last = ([brand] if generator.random() < 0.85 else []), [*adjectives, *words, *tails]
    parts = [*first, *last] if generator.random() < 0.7 else [*words, *adjectives, *tails, brand]
    return " ".join(parts) or brand
