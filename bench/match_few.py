"""Fit the scorer of small tables that comes with the package: `python -m bench.match_few`.

Where a row has few rivals, how far a pair stands behind the best of them says little, and the only candidate
always is the best. So this scorer learns from small tables, 1 to 30 rows a side, drawn from the catalogues of
`bench.match_scorer`: of some all rows have a counterpart, of some half, of some none; in some all rows are of
one kind, as those of a category are, or of one brand, and in some each product comes in two sizes. A row of
the longer side counts once, however many pairs it has. What is printed is judged on languages that no scorer
was fitted on: the settings here were chosen by it.
"""

from __future__ import annotations

import json
import math
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import lightgbm
import numpy as np
import pyarrow.parquet as pq

from bench.match_scorer import BOOSTS, BRANDS, LEARNED_FROM, SIZED, SIZES, TREES, sided, sides, sized
from xbsql.features.encoder import encoder
from xbsql.features.text import embed_texts
from xbsql.harmonise.assignment import assigned
from xbsql.matching import columns
from xbsql.matching.candidates import candidate_pairs
from xbsql.matching.pairs import Side
from xbsql.matching.scorer import FILE, odds
from xbsql.matching.similarities import described
from xbsql.matching.stated import Stated
from xbsql.matching.tokens import Tokens
from xbsql.matching.words import WordVectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ROWS: Final = (1, 1, 1, 2, 2, 3, 4, 5, 7, 10, 15, 20, 30)
"""Rows of a side, drawn from these."""
MATCHED: Final = (0.0, 0.0, 0.5, 1.0)
"""Shares of left rows that have a counterpart, drawn from these."""
ALIKE: Final = 0.4
"""Tables of which all rows are of one kind."""
VARIED, BRANDED = 0.25, 0.25
"""Tables of plain names: in these each comes in two sizes on both sides, in those all rows have one brand."""
TABLES: Final = 300
JUDGED_ON: Final = (("ingredients", "cs"), ("categories", "fi"), ("ingredients", "da"), ("ingredients", "ro"))
BINS: Final = ((1, 1), (2, 3), (4, 7), (8, 15), (16, 30), (31, 60))


class Small(NamedTuple):
    """The candidate pairs of a small table, none barred."""

    shape: tuple[int, int]
    i: Ints
    j: Ints
    known: NDArray[np.float64]
    truth: NDArray[np.bool_]


@cache
def vector(text: str) -> NDArray[np.float32]:
    """A text's vector, made once."""
    return np.asarray(embed_texts([text], encoder())[0])


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([vector(text) for text in texts], np.float32).reshape(len(texts), encoder().dim)


def drawn(left: Side, names: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """The left rows and the right rows of a small table; right row k is left row names[k], -1 for none."""
    partner = np.full(len(left), -1, np.int64)
    there = np.flatnonzero(names >= 0)
    partner[names[there]] = there
    n, m = (int(rng.choice(ROWS)) for _ in range(2))
    m = n if rng.random() < 0.5 else m
    pool = rng.permutation(len(left))[: 3 * (n + m)]
    if rng.random() < ALIKE:
        near = left.vectors @ left.vectors[int(rng.integers(len(left)))]
        pool = rng.permutation(np.argsort(-near)[: max(3 * (n + m), 6)])
    own, rest = pool[:n], pool[n:]
    both = own[rng.random(len(own)) < rng.choice(MATCHED)]
    right = [partner[rows][partner[rows] >= 0] for rows in (both, rest)]
    return np.sort(own), np.sort(np.concatenate([right[0][:m], right[1][: max(m - len(right[0]), 0)]]))


def varied(
    left: Side, right: Side, truth: tuple[Ints, Ints], rng: np.random.Generator
) -> tuple[Side, Side, tuple[Ints, Ints]]:  # fmt: skip
    """Each row in two sizes, the same two of one name on both sides, and which variant each row is."""
    kinds = {name: rng.choice(len(SIZES), 2, replace=False) for name in np.unique(np.concatenate(truth))}
    found = []
    for given, known in zip((left, right), truth, strict=True):
        texts = [
            f"{text} {SIZES[kind][int(rng.integers(3))]}"
            for text, name in zip(given.texts, known, strict=True)
            for kind in kinds[name]
        ]
        vectors, stated = encode(texts), Stated.of(texts)
        found.append(
            (Side(texts, vectors, stated=stated), np.repeat(2 * known, 2) + np.tile([0, 1], len(known)))
        )
    return found[0][0], found[1][0], (found[0][1], found[1][1])


def branded(given: Side, brand: str) -> Side:
    """Each row with a brand before it."""
    texts = [f"{brand} {text}" for text in given.texts]
    return Side(texts, encode(texts), stated=Stated.of(texts))


def tables(
    left: Side, right: Side, names: Ints, rng: np.random.Generator, count: int, *, plain: bool
) -> Iterator[Small]:
    """Small tables of two catalogues and what is known of their pairs; some of plain names are harder."""
    for _ in range(count):
        a, b = drawn(left, names, rng)
        if not len(b):
            continue
        own, other, truth = sided(left, a), sided(right, b), (a, names[b])
        if plain and rng.random() < VARIED:
            own, other, truth = varied(own, other, truth, rng)
        if plain and rng.random() < BRANDED:
            brand = str(rng.choice(BRANDS))
            own, other = branded(own, brand), branded(other, brand)
        parts = Tokens.split(encoder().pieces(own.texts)), Tokens.split(encoder().pieces(other.texts))
        pairs = candidate_pairs(own, other, parts)
        known = described(own, other, pairs, WordVectors.of(own, other, encode))[pairs.allowed]
        pairs = pairs.at(pairs.allowed)
        same = truth[0][pairs.i] == truth[1][pairs.j]
        yield Small((len(own), len(other)), pairs.i, pairs.j, known, same)


def of_languages(
    taxonomy: pa.Table, chosen: Sequence[tuple[str, str]], plain: int, seed: int, count: int
) -> list[Small]:
    """Small tables of all catalogues; those from place `plain` on have brands and sizes."""
    found: list[Small] = []
    for place, (kind, language) in enumerate(chosen):
        left, right = sides(taxonomy, kind, language)
        names = np.arange(len(left))
        if place >= plain:
            left, right, names = sized(left, right)
        rng = np.random.default_rng(seed + place)
        found += tables(left, right, names, rng, count, plain=place < plain)
        print(f"{kind} {language}: {len(found)} tables", file=sys.stderr, flush=True)
    return found


def fitted(known: Sequence[Small]) -> lightgbm.Booster:
    """Trees that read `columns.SIMILARITIES`; a row of a table's longer side counts once."""
    weight = np.concatenate([np.full(len(each.truth), 1 / max(each.shape)) for each in known])
    read, truth = (np.concatenate([getattr(each, name) for each in known]) for name in ("known", "truth"))
    directions = [columns.DIRECTIONS[name] for name in columns.SIMILARITIES]
    given = lightgbm.Dataset(read, truth, weight=weight / weight.mean())
    return lightgbm.train({**TREES, "monotone_constraints": directions}, given, BOOSTS)


def report(judge: lightgbm.Booster, surest: float, known: Sequence[Small]) -> None:
    """Precision from .5 on, the mean score there and recall, by the rows of the longer side."""
    for low, high in BINS:
        right, score, there = [], [], 0
        for each in known:
            if low <= max(each.shape) <= high:
                guess = odds(judge, each.known, surest)
                chosen = assigned(each.i, each.j, guess, 0.0, each.shape)
                right += each.truth[chosen[chosen >= 0]].tolist()
                score += (1 / (1 + np.exp(-guess[chosen[chosen >= 0]]))).tolist()
                there += int(each.truth.sum())
        told = f"precision {np.mean(right):.3f}, score {np.mean(score):.3f}, recall {sum(right) / there:.3f}"
        print(f"{low} to {high} rows: {told}", file=sys.stderr)


def main() -> None:
    taxonomy = pq.read_table(Path(os.environ["XBSQL_DATA"]) / "off_taxonomy" / "taxonomy.parquet")
    known = of_languages(taxonomy, LEARNED_FROM + SIZED, len(LEARNED_FROM), 0, TABLES)
    judge, surest = fitted(known), math.log(len(known))
    report(judge, surest, of_languages(taxonomy, JUDGED_ON, 2, 1000, TABLES // 3))
    target = Path(__file__).parents[1] / "xbsql" / "matching" / FILE
    stored = json.loads(target.read_text())
    stored |= {"few": judge.model_to_string(), "surest_of_few": surest}
    target.write_text(json.dumps(stored, indent=1))
    print(f"{target.name}: {target.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
