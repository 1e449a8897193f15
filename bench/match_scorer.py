"""Fit the pair scorer that comes with the package: `python -m bench.match_scorer`.

It learns from names of one thing in English and in another language (Open Food Facts taxonomies, ODbL) and
keeps only what it learned about similarities, no name. No language that `bench.match` reports is among them.
In every second set half of the English names are missing, so that it meets rows that match nothing. Some
sets come a second time with a made-up brand before and sizes, counts and model numbers behind the names, as
titles of products have them: mostly the same on both sides in other words, and some where the English name is
there with another thing's size or brand only.

Trees may learn of each column only the direction that it has (`columns.DIRECTIONS`). What is printed at the
end is judged out of fold: the settings here were chosen by it.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import lightgbm
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xbsql.features.encoder import encoder
from xbsql.features.text import embed_texts
from xbsql.harmonise.assignment import assigned
from xbsql.matching import columns, match
from xbsql.matching.candidates import candidate_pairs
from xbsql.matching.pairs import CandidatePairs, Side
from xbsql.matching.scorer import FILE, ROUNDS, odds
from xbsql.matching.similarities import described
from xbsql.matching.stated import Stated
from xbsql.matching.tokens import Tokens
from xbsql.matching.words import WordVectors
from xbsql.metrics.rows import calibration_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

LEARNED_FROM = (
    ("categories", "nl"), ("categories", "it"), ("categories", "pl"), ("categories", "pt"),
    ("categories", "ru"), ("categories", "bg"), ("categories", "hu"), ("categories", "lt"),
    ("ingredients", "it"), ("ingredients", "nl"), ("ingredients", "pt"), ("ingredients", "ru"),
)  # fmt: skip
SIZED = (("categories", "it"), ("categories", "pt"), ("ingredients", "nl"), ("categories", "hu"))
SIZES = (
    ("250 ml", "0,25 l", "25 cl"), ("500 ml", "0.5 l", "500ml"), ("1 l", "1000 ml", "1 L"),
    ("100 g", "100g", "0,1 kg"), ("250 g", "0.25 kg", "250g"), ("1 kg", "1000 g", "1kg"),
    ("6 pcs", "6 pieces", "x6"), ("12 pcs", "pack of 12", "12 pieces"), ("24 pcs", "x24", "pack of 24"),
    ("2 m", "200 cm", "2m"), ("5 m", "500 cm", "5m"), ("60 W", "60W", "60 watt"), ("64 GB", "64GB", "64 GB"),
)  # fmt: skip
"""Sizes and counts, each in several words."""
BRANDS = (
    "Adelvo", "Brunex", "Castoma", "Dorvik", "Elmaro", "Fentis", "Galmor", "Hestia", "Ivarra", "Junell",
    "Kestrona", "Lumiva",
)  # fmt: skip
BRANDED, ANOTHER_BRAND = 0.6, 0.08
"""Shares of the names of `SIZED` that have a brand, and of these that have another one in English."""
SHARES = {"none": 0.4, "both": 0.36, "left only": 0.1, "apart": 0.02, "another thing": 0.12}
"""What names of `SIZED` have behind them; 'apart' is one thing by two kinds of size."""
FOLDS = 3
"""Groups of these that a scorer is fitted without, to judge them as it will judge what it never saw."""
TREES = {
    "objective": "binary", "num_leaves": 15, "learning_rate": 0.08, "min_data_in_leaf": 50, "verbosity": -1,
    "num_threads": 1, "seed": 0, "deterministic": True, "lambda_l2": 10.0, "min_sum_hessian_in_leaf": 1.0,
}  # fmt: skip
BOOSTS = 120


class Known(NamedTuple):
    """Two catalogues of which it is known what matches what, and their candidate pairs."""

    left: Side
    right: Side
    parts: tuple[Tokens, Tokens]
    pairs: CandidatePairs
    first: NDArray[np.float64]
    truth: NDArray[np.bool_]
    known: int


def sides(taxonomy: pa.Table, kind: str, language: str) -> tuple[Side, Side]:
    """The names of the nodes that have one in the language and in English, in the order of the nodes."""
    rows = taxonomy.filter(pc.and_(pc.equal(taxonomy["kind"], kind), pc.is_valid(taxonomy["name"])))
    own, english = (
        rows.filter(pc.equal(rows["lang"], code)).select(["node_id", "name"]) for code in (language, "en")
    )
    both = own.join(english, "node_id", join_type="inner", right_suffix="_en").sort_by("node_id")
    texts = both["name"].to_pylist(), both["name_en"].to_pylist()
    return side(texts[0]), side(texts[1])


def side(texts: list[str]) -> Side:
    return Side(texts, encode(texts), stated=Stated.of(texts))


def sized(left: Side, right: Side) -> tuple[Side, Side, NDArray[np.int64]]:
    """The names, many with brand, size and model number; and the left row of each right one, -1 for none."""
    rng = np.random.default_rng(0)
    own, other = list(left.texts), list(right.texts)
    names = np.arange(len(own))
    drawn = rng.choice(list(SHARES), len(own), p=list(SHARES.values()))
    for row, case in enumerate(drawn.tolist()):
        if case == "none":
            continue
        kind, another = rng.choice(len(SIZES), 2, replace=False).tolist()
        words = [SIZES[place][int(rng.integers(3))] for place in (kind, kind, another)]
        model = f" {rng.choice(list('ABKLMRTX'))}{rng.choice(list('ABKLMRTX'))}-{rng.integers(100, 9999)}"
        model = model if rng.random() < 0.2 else ""
        own[row] += f" {words[0]}{model}"
        if case == "both":
            other[row] += f"{model} {words[1]}"
        elif case in ("apart", "another thing"):
            other[row] += f" {words[2]}"
        if case == "another thing":
            names[row] = -1
    for row in np.flatnonzero(rng.random(len(own)) < BRANDED).tolist():
        brand, another = rng.choice(BRANDS, 2, replace=False).tolist()
        own[row] = f"{brand} {own[row]}"
        if rng.random() < ANOTHER_BRAND:
            brand, names[row] = another, -1
        other[row] = f"{brand} {other[row]}"
    return side(own), side(other), names


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    return embed_texts(list(texts), encoder())


def half(side: Side) -> tuple[Side, NDArray[np.int64]]:
    """A random half of the rows, and which these are."""
    kept = np.flatnonzero(np.random.default_rng(0).random(len(side)) < 0.5)
    return sided(side, kept), kept


def sided(side: Side, rows: NDArray[np.int64]) -> Side:
    """Some rows."""
    texts = [side.texts[row] for row in rows.tolist()]
    return Side(texts, side.vectors[rows], stated=Stated.of(texts))


def known(left: Side, right: Side, names: NDArray[np.int64]) -> Known:
    """The pairs of two sides and what is known of them; right row k is left row names[k], -1 for none."""
    parts = Tokens.split(encoder().pieces(left.texts)), Tokens.split(encoder().pieces(right.texts))
    pairs = candidate_pairs(left, right, parts)
    first = described(left, right, pairs, WordVectors.of(left, right, encode))
    truth = (pairs.i == names[pairs.j]) & pairs.allowed
    return Known(left, right, parts, pairs, first, truth, int((names >= 0).sum()))


def fitted(parts: Sequence[Known], tables: Sequence[NDArray[np.float64]]) -> lightgbm.Booster:
    """Trees of one round, fitted on the pairs that are not barred."""
    read = np.concatenate([table[part.pairs.allowed] for part, table in zip(parts, tables, strict=True)])
    given = lightgbm.Dataset(read, np.concatenate([part.truth[part.pairs.allowed] for part in parts]))
    directions = list(columns.DIRECTIONS.values())[: tables[0].shape[1]]
    return lightgbm.train({**TREES, "monotone_constraints": directions}, given, BOOSTS)


def unseen(parts: Sequence[Known], tables: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """The log odds that scorers give to parts that they have not seen."""
    found = list(tables)
    for fold in range(FOLDS):
        others = [place for place in range(len(parts)) if place % FOLDS != fold]
        known = [parts[place] for place in others]
        judge = fitted(known, [tables[place] for place in others])
        for place in range(fold, len(parts), FOLDS):
            guess = odds(judge, tables[place], surest(known))
            found[place] = np.where(parts[place].pairs.allowed, guess, -match.SUREST)
    return found


def surest(parts: Sequence[Known]) -> float:
    """The greatest log odds that so many pairs can teach."""
    return math.log(sum(int(part.pairs.allowed.sum()) for part in parts))


def next_round(parts: Sequence[Known], tables: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """What the next round reads: no better guess than it will meet."""
    return [
        match.taught(part.left, part.right, part.parts, part.pairs, part.first, guess)
        for part, guess in zip(parts, unseen(parts, tables), strict=True)
    ]


def report(name: str, part: Known, guess: NDArray[np.float64]) -> tuple[float, float, float]:
    """The share of names with a counterpart that find it, the precision from .5 on, the calibration error."""
    chosen = assigned(part.pairs.i, part.pairs.j, guess, match.NOTHING, (len(part.left), len(part.right)))
    chosen = chosen[chosen >= 0]
    right, chance = part.truth[chosen], 1 / (1 + np.exp(-guess[chosen]))
    sure = chance >= 0.5
    error = calibration_error(right.astype(np.int64), np.stack([1 - chance, chance], axis=1))
    found = float(right.sum() / max(part.known, 1)), float(right[sure].mean()), float(error)
    print(
        f"{name}: found {found[0]:.4f}, precision {found[1]:.4f}, calibration {found[2]:.4f}", file=sys.stderr
    )
    return found


def catalogues() -> dict[str, Known]:
    """What is learned from, by name."""
    taxonomy = pq.read_table(Path(os.environ["XBSQL_DATA"]) / "off_taxonomy" / "taxonomy.parquet")
    parts = {}
    for place, (kind, language) in enumerate(LEARNED_FROM + SIZED):
        left, right = sides(taxonomy, kind, language)
        name, names = f"off_taxonomy {kind} en-{language}", np.arange(len(left))
        if place >= len(LEARNED_FROM):
            name += " with sizes"
            left, right, names = sized(left, right)
        elif place % 2:
            right, names = half(right)
        part = parts[name] = known(left, right, names)
        print(f"{name}: {len(left)} and {len(right)} names, {len(part.pairs)} pairs", file=sys.stderr)
    return parts


def main() -> None:
    known = catalogues()
    parts = list(known.values())
    target = Path(__file__).parents[1] / "xbsql" / "matching" / FILE
    before = json.loads(target.read_text())  # `bench.match_few` and `bench.match_sieve` write the rest
    stored: dict[str, object] = {"learned_from": list(known), "surest": surest(parts)}
    stored |= {name: before[name] for name in ("few", "surest_of_few", "sieve")}
    tables = [part.first for part in parts]
    for name in ROUNDS:
        stored[name] = fitted(parts, tables).model_to_string()
        if name != ROUNDS[-1]:
            tables = next_round(parts, tables)
        print(f"fitted {name}", file=sys.stderr, flush=True)
    for (name, part), guess in zip(known.items(), unseen(parts, tables), strict=True):
        report(name, part, guess)
    target.write_text(json.dumps(stored, indent=1))
    print(f"{target.name}: {target.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
