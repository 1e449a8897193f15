"""`python -m xbsql.sample.make`: write the sample catalogue, catalogue.csv, from the tables in words/.

The same words and the same seed give the same file, byte for byte; a test says so of the one that is shipped.
"""

from __future__ import annotations

import csv
import io
import math
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from xbsql.sample.sizes import canonical
from xbsql.sample.titles import Product, pick, title
from xbsql.sample.vocabulary import brands, colours, features, kinds, shops

if TYPE_CHECKING:
    from xbsql.sample.vocabulary import Brand, ProductKind, Words

SEED = 20240229
PRODUCTS = 720
COLOURED = 0.7
COMMON = 0.2
COLUMNS = [
    *("product_id", "category", "brand", "colour", "material", "size"),
    *("market", "lang", "price", "currency", "title"),
]


def main() -> int:
    """Write the catalogue beside this file."""
    path = Path(__file__).with_name("catalogue.csv")
    path.write_text(catalogue(), encoding="utf-8")
    print(f"wrote {path.name}: {PRODUCTS} products in {len(shops())} markets")
    return 0


def catalogue(seed: int = SEED, number: int = PRODUCTS) -> str:
    """The catalogue as CSV: one line a product and market, sorted by product, home market first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    taken: set[tuple[str, str]] = set()
    for item in products(seed, number):
        fixed = [
            item.product_id,
            item.kind.category,
            item.brand.name,
            item.colour,
            item.material,
            canonical(item.kind.unit, item.size) if item.size else "",
        ]
        for shop in shops():
            rng = Random(f"{seed}/{item.product_id}/{shop.market}")
            text = _fresh(item, shop.language, rng, taken)
            price = local_price(item.dollars * shop.per_dollar * shop.level, shop.currency, rng)
            writer.writerow([*fixed, shop.market, shop.language, price, shop.currency, text])
    return out.getvalue()


def _fresh(item: Product, language: str, rng: Random, taken: set[tuple[str, str]]) -> str:
    """A title that no other product has in this language."""
    while (language, text := title(item, language, rng)) in taken:
        pass
    taken.add((language, text))
    return text


def products(seed: int, number: int) -> list[Product]:
    """The products: every kind equally often, but for the remainder, which falls on kinds by lot."""
    rng = Random(f"{seed}/kinds")
    every = kinds()
    whole, rest = divmod(number, len(every))
    lot = sorted(range(len(every)), key=lambda _: rng.random())[:rest]
    counts = [whole + (index in lot) for index in range(len(every))]
    drawn = [kind for kind, count in zip(every, counts, strict=True) for _ in range(count)]
    names = [f"P{index:04d}" for index in range(1, number + 1)]
    return [product(name, kind, Random(f"{seed}/{name}")) for name, kind in zip(names, drawn, strict=True)]


def product(product_id: str, kind: ProductKind, rng: Random) -> Product:
    """Draw one product of a kind."""
    low, high = (math.log(price) for price in kind.dollars)
    brand = pick(rng, brands(kind.category))
    colour = pick(rng, colours(kind.category)) if kind.materials and rng.random() < COLOURED else ""
    return Product(
        product_id=product_id,
        kind=kind,
        brand=brand,
        colour=colour,
        material=pick(rng, kind.materials) if kind.materials else "",
        size=pick(rng, kind.sizes) if kind.sizes else "",
        features=_two(kind, rng),
        model=_model(brand, rng),
        dollars=math.exp(low + (high - low) * rng.random()),
    )


def _two(kind: ProductKind, rng: Random) -> tuple[Words, Words]:
    """Two features that can stand together: at most one says whom or what it is for."""
    own, common = (features(name, kind.nouns["en"]) for name in (kind.category, "any"))
    chosen: list[Words] = []
    while len(chosen) < 2:
        feature = pick(rng, common if rng.random() < COMMON or not own else own)
        addressed = [known for known in (*chosen, feature) if known["en"][0].startswith("for ")]
        if feature not in chosen and len(addressed) < 2:
            chosen.append(feature)
    return chosen[0], chosen[1]


def _model(brand: Brand, rng: Random) -> str:
    """A model number such as 'KE-340' or 'T1200B'."""
    letters = brand.name[:2].upper() if rng.random() < 0.5 else pick(rng, "ABDGHKLMNSTVX")
    number = pick(rng, ("10", "12", "20", "30", "45", "50", "75", "90")) + pick(
        rng, ("", "0", "00", "5", "8")
    )
    return (
        f"{letters}{pick(rng, ('-', '', ' '))}{number}{pick(rng, ('', '', 'B', 'S', ' Pro', ' Plus', 'X'))}"
    )


def local_price(amount: float, currency: str, rng: Random) -> str:
    """A price near `amount` as the market's shops end it: 24.99, 2980, 139."""
    amount *= 0.94 + 0.12 * rng.random()
    if currency == "JPY":
        return str(max(100, round(amount / 100) * 100 - pick(rng, (0, 20, 20, 2))))
    if currency == "CNY":
        return f"{max(5, round(amount)) - pick(rng, (0.0, 0.1, 0.2)):.2f}"
    return f"{max(2, round(amount)) - pick(rng, (0.01, 0.01, 0.05, 0.1, 0.0)):.2f}"


if __name__ == "__main__":
    sys.exit(main())
