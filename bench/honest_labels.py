"""Which rows to label next: `xb.suggest_labels` against random picking.

Categories of Google's product taxonomy carried from English to fr, ru and tr, with 60, 120 and 200 labels
that are picked and used with their weights, and with 200 at random, over draws of the rows; scores are of
rows that nobody has seen. The gain of a score is what it adds to the transfer without labels;
`suggested_for_200` is how many picked labels give the mean gain of 200 random ones, linear between the points
and beyond them. Choices were made on de, es, it, nl, pl and pt, and on other draws.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as CLASSIFY
from xbsql.tasks.suggest import suggest

if TYPE_CHECKING:
    from bench.case import Bench
    from xbsql.tasks.classify.classifier import Classifier

SOURCES = ("xbsql/tasks/suggest.py", "xbsql/engine/evidence.py")
LOCALES = ("fr-FR", "ru-RU", "tr-TR")
PICKED = (60, 120, 200)
RANDOM = 200
DRAWS = 6
HOME, POOL, TEST = 1500, 2000, 1500


class World(NamedTuple):
    """A home market, and a target whose labels are hidden until they are asked for."""

    home: pa.Table
    pool: pa.Table
    test: pa.Table
    label: str


def suggested_for_200(bench: Bench) -> float:
    """How many picked labels reach what 200 random ones gain."""
    locales, draws = (LOCALES[:1], 2) if bench.quick else (LOCALES, DRAWS)
    table = pq.read_table(bench.data("google_taxonomy/taxonomy.parquet"))
    gains: dict[str, list[float]] = {}
    for locale in locales:
        for draw in range(draws):
            world = partial(taxonomy_world, table, locale, draw)
            found = bench.unit(f"labels {locale} {draw}", partial(_curve, world(), draw))
            for name, gain in found.items():
                bench.record(f"labels {locale}", name, "gain", gain, sizes={"draw": draw})
                gains.setdefault(name, []).append(gain)
    means = {name: float(np.mean(values)) for name, values in gains.items()}
    return _reached([0, *PICKED], [0.0, *(means[f"picked {n}"] for n in PICKED)], means[f"random {RANDOM}"])


def taxonomy_world(table: pa.Table, locale: str, draw: int) -> World:
    """Leaves of the taxonomy: no row of home, pool and test is a translation of another's."""
    deep = table.filter(pc.greater(table["depth"], 1))
    ids = np.random.default_rng(draw).permutation(np.unique(deep["id"].to_numpy()))
    ends = np.cumsum([HOME, POOL, TEST])
    parts = zip(("en-US", locale, locale), np.split(ids, ends), strict=False)
    rows = [
        deep.filter(pc.and_(pc.equal(deep["locale"], lang), pc.is_in(deep["id"], pa.array(part))))
        for lang, part in parts
    ]
    home, pool, test = (pa.table({"title": each["leaf"], "class": each["l1_name_en"]}) for each in rows)
    return World(home, pool, test, "class")


def _curve(world: World, draw: int) -> dict[str, float]:
    """The gain over no label, by strategy and number of labels."""
    home = road.fit(CLASSIFY, world.home, world.label, market="US", options={})[0]
    none, start = _transferred(world, home, np.empty(0, np.int64))
    order = np.random.default_rng([draw, 7]).permutation(world.pool.num_rows)
    found = {f"random {RANDOM}": _transferred(world, home, order[:RANDOM])[1] - start}
    free = world.pool.drop_columns([world.label])
    for n in PICKED:
        picked = suggest(none, free, n, seed=draw)
        found[f"picked {n}"] = _transferred(world, home, picked.rows, picked.weight)[1] - start
    return found


def _transferred(
    world: World, home: Classifier, labelled: np.ndarray, weight: np.ndarray | None = None
) -> tuple[Classifier, float]:
    """The transfer with these labels and what they stand for, and its accuracy on the test rows."""
    shown = np.zeros(world.pool.num_rows, bool)
    shown[labelled] = True
    column = pc.if_else(pa.array(shown), world.pool[world.label], pa.scalar(None, pa.string()))
    data = world.pool.set_column(world.pool.column_names.index(world.label), world.label, column)
    counts = np.ones(world.pool.num_rows)
    counts[labelled] = 1.0 if weight is None else weight
    data, options = data.append_column("stands_for", pa.array(counts)), {"weight": "stands_for"}
    model = road.transfer(CLASSIFY, data, world.label, base=home, source=world.home, options=options)[0]
    truth = np.array(world.test[world.label].to_pylist(), object)
    return model, float(np.mean(CLASSIFY.answers(model.probabilities(world.test), model.classes) == truth))


def _reached(sizes: list[int], gains: list[float], wanted: float) -> float:
    """The number of labels at which a curve reaches a gain."""
    for low, high in zip(range(len(sizes)), range(1, len(sizes)), strict=False):
        if gains[high] >= wanted:
            share = (wanted - gains[low]) / (gains[high] - gains[low])
            return sizes[low] + share * (sizes[high] - sizes[low])
    return sizes[-1] * wanted / max(gains[-1], 1e-9)
