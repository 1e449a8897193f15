"""Simulated offers of six markets for `bench.entities`: variants that differ in size, GTIN, brand and price.

Names of products are those of food categories (Open Food Facts); brands are made up and some are common. Each
product comes in two to four sizes, each of which is another product with another GTIN. A market offers seven
of ten, writes sizes its own way, leaves out the brand in one title of three, and one size of ten; three of
ten rows have no GTIN, and one GTIN of twenty has a wrong digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

MARKETS: Final = {"en": 1.0, "fr": 0.93, "de": 0.9, "es": 0.85, "it": 21.0, "nl": 157.0}
"""Languages, and what a unit of their money is worth in the first."""
GRAMS: Final = (100, 125, 200, 250, 400, 500, 750, 1000, 1500)
SYLLABLES: Final = (
    "bel", "cor", "dan", "el", "fo", "gra", "hel", "ka", "lin", "mor", "no", "pra", "sil", "tor",
)  # fmt: skip
OFFERED, TOLD, SIZED, NUMBERED, MISTYPED = 0.7, 0.67, 0.9, 0.7, 0.05
BRANDS: Final = 40


def offers(names: Sequence[Mapping[str, str]], products: int, seed: int) -> list[dict[str, Any]]:
    """Rows: market, id, title, beside (gtin, brand, price), product and variant."""
    rng = np.random.default_rng(seed)
    brands = sorted({"".join(rng.choice(SYLLABLES, 3)).title() for _ in range(BRANDS)})
    often = 1 / np.arange(1, len(brands) + 1)
    rows: list[dict[str, Any]] = []
    for product in range(products):
        name, brand = names[product % len(names)], str(rng.choice(brands, p=often / often.sum()))
        price = float(np.exp(rng.normal(1.5, 0.7)))
        sizes = np.sort(rng.choice(GRAMS, int(rng.integers(2, 5)), replace=False))
        for place, grams in enumerate(sizes.tolist()):
            number = _number(product * 10 + place)
            worth = price * (grams / 250) ** 0.85
            for market, money in MARKETS.items():
                if rng.random() >= OFFERED:
                    continue
                title = _title(name[market], brand, grams, market, rng)
                beside = {
                    "gtin": _typed(number, rng),
                    "brand": brand if rng.random() < TOLD else None,
                    "price": round(worth * money * float(np.exp(rng.normal(0, 0.08))), 2),
                }
                rows.append(
                    {
                        "market": market,
                        "title": title,
                        "beside": beside,
                        "product": product,
                        "variant": number,
                    }
                )
    order: NDArray[np.int64] = rng.permutation(len(rows))
    return [rows[row] | {"id": place} for place, row in enumerate(order.tolist())]


def _title(name: str, brand: str, grams: int, market: str, rng: np.random.Generator) -> str:
    parts = [name]
    if rng.random() < TOLD:
        parts = [brand, name] if rng.random() < 0.5 else [name, brand]
    if rng.random() < SIZED:
        parts.append(_size(grams, market))
    return " ".join(parts)


def _size(grams: int, market: str) -> str:
    if grams >= 1000 and market != "en":
        return f"{grams / 1000:g} kg".replace(".", ",")
    return {"en": f"{grams}g", "de": f"{grams} Gramm", "fr": f"{grams} g", "nl": f"{grams} gram"}.get(
        market, f"{grams} g"
    )


def _number(place: int) -> str:
    """A GTIN-13 with its check digit."""
    digits = f"40071{place:07d}"
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def _typed(number: str, rng: np.random.Generator) -> str | None:
    if rng.random() >= NUMBERED:
        return None
    if rng.random() < MISTYPED:
        place = int(rng.integers(0, 13))
        return f"{number[:place]}{(int(number[place]) + int(rng.integers(1, 9))) % 10}{number[place + 1 :]}"
    return number
