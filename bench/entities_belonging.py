"""`python -m bench.entities_belonging`: fit the line of `xbsql.linking.belonging` anew and print it.

Rows of entities that `xbsql.linking.joined` made of catalogues whose truth is known: ingredients of Open Food
Facts and Google's categories in two to six languages, a tenth to two fifths of each language's rows taken
away, and simulated offers with their names. A row counts as belonging where at least half of the other rows
of its entity are its product. Each catalogue weighs as the root of its rows.

For each catalogue are printed the area under the ROC curve and the calibration error of a line that was
fitted on the other kind, and of .7 times the log odds `worth.belongs` alone, which was taken before. Tried
on such rows and left out, since they told no more: 14 figures of a row and its rivals, boosted trees of
these, and the cosine to the mean vector of an entity's other rows.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression

from bench.entities_offers import offers
from xbsql.linking.belonging import figures
from xbsql.linking.joined import joined
from xbsql.linking.worth import Rules
from xbsql.metrics.rows import auc, calibration_error
from xbsql.session.offer_pairs import judged_of
from xbsql.session.offer_shards import by_shard
from xbsql.session.offers import Asked
from xbsql.session.session import Session
from xbsql.surface.offers import offers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.linking.graph import Ints
    from xbsql.linking.judged import Judged

    Floats = NDArray[np.float64]
    Named = Mapping[str, str]

LOCALES = {"en-US": "en", "fr-FR": "fr", "de-DE": "de", "es-ES": "es", "it-IT": "it", "nl-NL": "nl"}
LANGUAGES = tuple(LOCALES.values())
CUTS = (
    (LANGUAGES, 1300, 0.1), (("en", "fr"), 1300, 0.2), (("de", "es"), 600, 0.4),
    (("en", "de", "it"), 1000, 0.1), (("fr", "nl"), 1300, 0.1), (("fr", "de", "es", "it"), 300, 0.3),
    (LANGUAGES, 150, 0.1),
)  # fmt: skip
"""Languages, nodes and the share of rows that are missing."""
BLOCK, SIMULATED = 250, ((700, 21), (120, 22))
"""Products of a block; products and seeds of two simulated catalogues, the second one in one block."""


class Known(NamedTuple):
    """Rows of entities: what the line reads, float64 (n, 3), and whether each belongs, int64 (n,)."""

    x: Floats
    y: NDArray[np.int64]

    @property
    def weight(self) -> Floats:
        """Of each row, so that a catalogue weighs as the root of its rows."""
        return np.full(len(self.y), len(self.y) ** -0.5)


def main() -> None:
    """Print the line, and what lines that were fitted on the other kind say of each catalogue."""
    kinds = {"ingredients": ingredients(), "google": google()}
    with tempfile.TemporaryDirectory() as store:
        known = {
            kind: [known_of(rows, Path(store)) for rows in catalogues(named)] for kind, named in kinds.items()
        }
    for kind, other in (("ingredients", "google"), ("google", "ingredients")):
        line = fitted(known[other])
        for each in known[kind]:
            shown("by a line of the other kind", each.y, line.predict_proba(each.x)[:, 1])
            shown("by its worth alone", each.y, 1 / (1 + np.exp(-0.7 * each.x[:, 0])))
    line = fitted([each for some in known.values() for each in some])
    print(f"START {line.intercept_[0]:.2f} WEIGHTS {np.round(line.coef_[0], 2).tolist()}")


def fitted(known: Sequence[Known]) -> LogisticRegression:
    """The line through all of them."""
    x, y, weight = (np.concatenate(each) for each in zip(*((k.x, k.y, k.weight) for k in known), strict=True))
    return LogisticRegression(C=100.0, max_iter=1000).fit(x, y, sample_weight=weight / weight.mean())


def shown(name: str, y: NDArray[np.int64], chance: Floats) -> None:
    """Print how well probabilities tell rows that belong."""
    both = np.stack([1 - chance, chance], axis=1)
    print(
        f"{name:28} rows {len(y):5} auc {auc(y, both):.3f} ece {calibration_error(y, both):.3f}", flush=True
    )


def known_of(rows: Sequence[dict[str, Any]], store: Path) -> Known:
    """The rows of entities of one catalogue."""
    truth = {(row["market"], row["id"]): row.get("variant", row["id"]) for row in rows}
    given: dict[str, str | None] = {"id": "id", "market": "market", "text": "title"}
    given |= {name: name if name in rows[0] else None for name in ("beside", "block")}
    session, table = Session(store), offers_of("bench", pa.Table.from_pylist(list(rows)), given)

    def work(_: Ints, held: pa.Table, asked: Asked) -> Known:
        return _figures(judged_of(session, "bench", held, asked), held, truth)

    parts = by_shard("bench", table, Asked(), work)
    return Known(np.vstack([part.x for part in parts]), np.concatenate([part.y for part in parts]))


def _figures(judged: Judged, held: pa.Table, truth: Mapping[tuple[str, Any], Any]) -> Known:
    """Of one shard: what the line reads, and whether half of the others are the same product."""
    graph, rules = judged.graph, Rules()
    entity = joined(graph, rules)
    keys = zip(held["market"].to_pylist(), held["id"].to_pylist(), strict=True)
    product = np.unique([str(truth[key]) for key in keys], return_inverse=True)[1]
    size = np.bincount(entity, minlength=len(graph))[entity]
    both = np.unique(entity * (int(product.max()) + 1) + product, return_inverse=True, return_counts=True)
    same = both[2][both[1]] - 1
    some = size > 1
    return Known(figures(graph, rules, entity)[some], (2 * same >= size - 1)[some].astype(np.int64))


def catalogues(named: Sequence[Named]) -> Iterator[list[dict[str, Any]]]:
    """Rows of every cut, then of simulated offers."""
    for seed, (languages, nodes, missing) in enumerate(CUTS):
        rng = np.random.default_rng(seed)
        whole = [place for place, names in enumerate(named) if set(languages) <= set(names)]
        chosen = sorted(rng.permutation(whole)[:nodes].tolist())
        rows = [
            {"market": each, "id": place, "title": named[place][each]}
            for place in chosen
            for each in languages
        ]
        yield [row for row in rows if rng.random() >= missing]
    whole = [place for place, names in enumerate(named) if set(LANGUAGES) <= set(names)]
    some = np.random.default_rng(5).permutation(whole)[:120].tolist()
    for products, seed in SIMULATED:
        rows = offers([named[place] for place in some], products, seed)
        yield [row | {"block": row["product"] // BLOCK} for row in rows]


def ingredients() -> list[Named]:
    """Names by language of each ingredient, additives with a number left out."""
    table = pq.read_table(data_of("off_taxonomy") / "taxonomy.parquet")
    return _named(
        (row["node_id"], row["lang"], row["name"])
        for row in table.select(["kind", "node_id", "lang", "name"]).to_pylist()
        if row["kind"] == "ingredients" and row["lang"] in LANGUAGES and not row["node_id"].startswith("en:e")
    )


def google() -> list[Named]:
    """Names by language of each of Google's categories, without their path."""
    table = pq.read_table(data_of("google_taxonomy") / "taxonomy.parquet")
    return _named(
        (row["id"], LOCALES[row["locale"]], row["leaf"])
        for row in table.select(["id", "locale", "leaf"]).to_pylist()
        if row["locale"] in LOCALES
    )


def data_of(name: str) -> Path:
    """XBSQL_DATA/name."""
    folder = os.environ.get("XBSQL_DATA")
    if not folder or not (Path(folder) / name).exists():
        sys.exit(f"bench.entities_belonging: needs {name}; set XBSQL_DATA to the folder that holds it")
    return Path(folder) / name


def _named(rows: Iterator[tuple[Any, str, str | None]]) -> list[Named]:
    found: dict[Any, dict[str, str]] = {}
    for node, language, name in rows:
        if name:
            found.setdefault(node, {})[language] = name
    return [found[node] for node in sorted(found)]


if __name__ == "__main__":
    main()
