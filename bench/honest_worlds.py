"""Catalogues in many languages, of which each market sells a part: where home and abroad share products.

A world is a table of products (id, lang, title, class). A draw of it gives a seller's home market, a target
that lists home's products or sells others, and test rows of both kinds. Languages for tuning are not those
that are reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xbsql import sample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST_HOME = 1500
"""Products that home sells, at most; no more than 60 % of those there are."""

MOST_TARGET = 900
FEWEST_OF_CLASS = 40
COLUMNS = ["id", "lang", "title", "class"]


@dataclass(frozen=True, eq=False)
class World:
    """One catalogue.

    Attributes:
        name: unique.
        rows: columns id, lang, title, class; one row an id and language.
        home: the home market's language.
        tuning: languages on which choices are made.
        reported: the others.
    """

    name: str
    rows: pa.Table
    home: str
    tuning: tuple[str, ...]
    reported: tuple[str, ...]

    def of(self, lang: str) -> pa.Table:
        """The rows of one language, without that column, in the order of their ids."""
        return self.rows.filter(pc.equal(self.rows["lang"], lang)).drop_columns(["lang"]).sort_by("id")


class Draw(NamedTuple):
    """Tables with the columns title and class.

    Attributes:
        home: what home sells.
        target: the target's rows, the first of which are labelled, the label of the others NULL.
        listed: test rows of products that home sells.
        new: test rows of products that it does not sell.
    """

    home: pa.Table
    target: pa.Table
    listed: pa.Table
    new: pa.Table


def worlds(folder: Path | None) -> Mapping[str, World]:
    """The worlds by name; without the folder of real data the sample market alone."""
    found = [market()]
    if folder is not None:
        found += [
            google(folder / "google_taxonomy/taxonomy.parquet"),
            food(folder / "off_taxonomy/taxonomy.parquet"),
        ]
    return {world.name: world for world in found}


def market() -> World:
    """The sample market's catalogue."""
    table = sample.catalog()
    rows = table.select(["product_id", "market", "title", "category"]).rename_columns(COLUMNS)
    return World("market", rows, "US", ("ES",), ("DE", "FR", "JP", "CN"))


@cache
def google(file: Path) -> World:
    """Google's product taxonomy, leaves into 21 classes."""
    table = pq.read_table(file)
    table = table.filter(pc.greater(table["depth"], 1))
    rows = table.select(["id", "locale", "leaf", "l1_name_en"]).rename_columns(COLUMNS)
    tuning = ("es-ES", "it-IT", "nl-NL", "pl-PL", "pt-BR")
    return World("google", rows, "en-US", tuning, ("de-DE", "fr-FR", "ja-JP", "zh-CN", "ru-RU", "tr-TR"))


@cache
def food(file: Path) -> World:
    """Open Food Facts' categories into those at the top of its tree."""
    table = pq.read_table(file)
    table = table.filter(pc.equal(table["kind"], "categories"))
    parents = {row["node_id"]: row["parents"] for row in table.select(["node_id", "parents"]).to_pylist()}
    tops = [_top(node, parents) for node in table["node_id"].to_pylist()]
    rows = pa.table({"id": table["node_id"], "lang": table["lang"], "title": table["name"], "class": tops})
    own = [node != top for node, top in zip(rows["id"].to_pylist(), tops, strict=True)]
    rows = rows.filter(pa.array(own))
    return World("food", rows, "en", ("es", "it", "nl"), ("fr", "de"))


def _top(node: str, parents: Mapping[str, list[str] | None]) -> str:
    """The first ancestor without a parent."""
    for _ in range(30):
        above = parents.get(node)
        if not above:
            return node
        node = above[0]
    return node


def draw(world: World, lang: str, labels: int, seed: int, *, listed: bool) -> Draw:
    """One seller's two markets.

    Args:
        world: the catalogue.
        lang: of the target.
        labels: how many rows of the target are labelled.
        seed: of everything that is drawn; more labels contain the fewer.
        listed: whether the target lists products of home; else it sells none of them.
    """
    rng = np.random.default_rng(seed)
    here, there = _kept(world.of(world.home)), world.of(lang)
    there = there.filter(pc.is_in(there["id"], pc.unique(here["id"])))
    ids = rng.permutation(np.array(sorted(set(here["id"].to_pylist()))))
    sold = pa.array(ids[: min(MOST_HOME, int(0.6 * len(ids)))])
    home = here.filter(pc.is_in(here["id"], sold))
    there = there.take(pa.array(rng.permutation(there.num_rows)))
    known = there.filter(pc.is_in(there["id"], sold))
    new = there.filter(pc.invert(pc.is_in(there["id"], sold)))
    own, other = (known, new) if listed else (new, known)
    rows = min(MOST_TARGET, own.num_rows // 2)
    chosen, rest = own.slice(0, rows), own.slice(rows)
    shown = pa.array(np.arange(rows) < labels)
    hidden = pc.if_else(shown, chosen["class"].combine_chunks(), None)
    masked = chosen.set_column(chosen.column_names.index("class"), "class", hidden)
    tests = (rest, other) if listed else (other, rest)
    return Draw(*(table.drop_columns(["id"]) for table in (home, masked, *tests)))


def _kept(table: pa.Table) -> pa.Table:
    """The rows of classes that have rows enough."""
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(table["class"]).to_pylist()}
    enough = pa.array([name for name, count in counts.items() if count >= FEWEST_OF_CLASS])
    return table.filter(pc.is_in(table["class"], enough))
