"""Fit the pair scorer that comes with the package: `python -m bench.match_scorer`.

It learns from names of one thing in English and in another language (Open Food Facts taxonomies, ODbL) and
keeps only what it learned about similarities, no name. No language that `bench.match` reports is among them.
In every second set half of the English names are missing, so that it meets rows that match nothing.
"""

from __future__ import annotations

import json
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
from xbsql.matching import match
from xbsql.matching.candidates import candidate_pairs
from xbsql.matching.pairs import CandidatePairs, Side
from xbsql.matching.scorer import FILE, ROUNDS
from xbsql.matching.similarities import described
from xbsql.matching.tokens import Tokens
from xbsql.matching.words import WordVectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

LEARNED_FROM = (
    ("categories", "nl"), ("categories", "it"), ("categories", "pl"), ("categories", "pt"),
    ("categories", "ru"), ("categories", "bg"), ("categories", "hu"), ("categories", "lt"),
    ("ingredients", "it"), ("ingredients", "nl"), ("ingredients", "pt"), ("ingredients", "ru"),
)  # fmt: skip
FOLDS = 3
"""Groups of these that a scorer is fitted without, to judge them as it will judge what it never saw."""
TREES = {
    "objective": "binary", "num_leaves": 15, "learning_rate": 0.08, "min_data_in_leaf": 50, "verbosity": -1,
    "num_threads": 1, "seed": 0, "deterministic": True,
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


def sides(taxonomy: pa.Table, kind: str, language: str) -> tuple[Side, Side]:
    """The names of the nodes that have one in the language and in English, in the order of the nodes."""
    rows = taxonomy.filter(pc.and_(pc.equal(taxonomy["kind"], kind), pc.is_valid(taxonomy["name"])))
    own, english = (
        rows.filter(pc.equal(rows["lang"], code)).select(["node_id", "name"]) for code in (language, "en")
    )
    both = own.join(english, "node_id", join_type="inner", right_suffix="_en").sort_by("node_id")
    texts = both["name"].to_pylist(), both["name_en"].to_pylist()
    return Side(texts[0], encode(texts[0])), Side(texts[1], encode(texts[1]))


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    return embed_texts(list(texts), encoder())


def half(side: Side) -> tuple[Side, NDArray[np.int64]]:
    """A random half of the rows, and which these are."""
    kept = np.flatnonzero(np.random.default_rng(0).random(len(side)) < 0.5)
    return Side([side.texts[row] for row in kept.tolist()], side.vectors[kept]), kept


def known(left: Side, right: Side, names: NDArray[np.int64]) -> Known:
    """The pairs of two sides and what is known of them; right row k belongs to left row names[k]."""
    parts = Tokens.split(encoder().pieces(left.texts)), Tokens.split(encoder().pieces(right.texts))
    pairs = candidate_pairs(left, right, parts)
    first = described(left, right, pairs, WordVectors.of(left, right, encode))
    return Known(left, right, parts, pairs, first, pairs.i == names[pairs.j])


def fitted(tables: Sequence[NDArray[np.float64]], truths: Sequence[NDArray[np.bool_]]) -> lightgbm.Booster:
    return lightgbm.train(TREES, lightgbm.Dataset(np.concatenate(tables), np.concatenate(truths)), BOOSTS)


def next_round(parts: Sequence[Known], tables: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """What scorers make of parts that they have not seen: the next round will meet no better guess."""
    found = list(tables)
    for fold in range(FOLDS):
        others = [place for place in range(len(parts)) if place % FOLDS != fold]
        judge = fitted([tables[place] for place in others], [parts[place].truth for place in others])
        for place in range(fold, len(parts), FOLDS):
            odds = np.asarray(judge.predict(tables[place], raw_score=True, num_threads=1), np.float64)
            part = parts[place]
            found[place] = match.taught(part.left, part.right, part.parts, part.pairs, part.first, odds)
    return found


def main() -> None:
    taxonomy = pq.read_table(Path(os.environ["XBSQL_DATA"]) / "off_taxonomy" / "taxonomy.parquet")
    parts = []
    for place, (kind, language) in enumerate(LEARNED_FROM):
        left, right = sides(taxonomy, kind, language)
        right, names = half(right) if place % 2 else (right, np.arange(len(right)))
        part = known(left, right, names)
        parts.append(part)
        print(
            f"{kind} {language}: {len(left)} and {len(right)} names, {len(part.pairs)} pairs", file=sys.stderr
        )
    truths = [part.truth for part in parts]
    stored: dict[str, object] = {
        "learned_from": [f"off_taxonomy {kind} en-{language}" for kind, language in LEARNED_FROM]
    }
    tables = [part.first for part in parts]
    for name in ROUNDS:
        stored[name] = fitted(tables, truths).model_to_string()
        if name != ROUNDS[-1]:
            tables = next_round(parts, tables)
        print(f"fitted {name}", file=sys.stderr, flush=True)
    target = Path(__file__).parents[1] / "xbsql" / "matching" / FILE
    target.write_text(json.dumps(stored, indent=1))
    print(f"{target.name}: {target.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
