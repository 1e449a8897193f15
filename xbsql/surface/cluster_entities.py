"""Entities over a Ray cluster, a shard of whole blocks at a time: the answer is that of one machine."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xbsql.arrow import one_chunk, written_out
from xbsql.linking.shards import shard_of
from xbsql.session.entities import of_shard
from xbsql.session.offer_shards import SHARD
from xbsql.session.offers import Asked, check
from xbsql.session.session import Session
from xbsql.surface.cluster import check_columns, column_of, ray_of
from xbsql.surface.offers import ITEM, ordered

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from ray.data import Dataset

    from xbsql.surface.cluster import Place

WHERE = "cluster.entities"


def entities(
    data: Dataset, id: str, market: str, text: str, *, store: Place, beside: str | None = None,
    block: str | None = None, threshold: float = 0.5, many: bool = False, variants: bool = False,
) -> Dataset:  # fmt: skip
    """entity, market, id, score and entity_score: one product in every market, see `xb.entities`.

    Rows of one value of `block` are compared with each other only, so whole blocks are put together to shards
    and each shard is worked on alone, by one process, as on one machine: entities, their numbers and scores
    are the same. What the offers that come first in their entities are called travels to the driver, which
    numbers them. Rows come in any order. Labels and settled entities are for one machine. The work starts
    with the call.

    Args:
        data: rows.
        id: what names an offer in its market.
        market: the catalogue that a row is of.
        text: what is compared by meaning, VARCHAR.
        store: the folder of the models, at the same path on every node.
        beside: a struct of what else is known.
        block: only rows of one value are compared; without it there is one shard.
        threshold: the least probability that a row belongs to its entity.
        many: whether an entity may hold several rows of a market.
        variants: whether products that differ in size, count or model number are one.

    Raises:
        XbsqlError: ray is not installed, no such column, a threshold outside 0 .. 1; while it runs, inside
            Ray's own error, columns that cannot be read, an entity that joins everything.
    """
    ray = ray_of(WHERE)
    asked = Asked(threshold, many, variants)
    check(WHERE, asked)
    given = {"id": id, "market": market, "text": text, "block": block, "beside": beside}
    named = {key: name for key, name in given.items() if name is not None}
    check_columns(WHERE, data, list(named.values()))
    offers = data.map_batches(partial(_items, named=named), batch_format="pyarrow").materialize()
    shard, total = _shards(ray.get(offers.map_batches(_counted, batch_format="pyarrow").to_arrow_refs()))
    work = partial(_found, store=str(Path(store).absolute()), asked=asked, total=total)
    placed = offers.map_batches(partial(_placed, shard=shard), batch_format="pyarrow")
    grouped = placed.groupby("_xb_shard", num_partitions=max(shard.values(), default=0) + 1)
    found = grouped.map_groups(work, batch_format="pyarrow").materialize()
    firsts = ray.get(found.map_batches(_firsts, batch_format="pyarrow").to_arrow_refs())
    answered: Dataset = found.map_batches(
        partial(_numbered, numbers=ray.put(_numbers(firsts))), batch_format="pyarrow"
    )
    return answered


def _items(batch: pa.Table, named: dict[str, str]) -> pa.Table:
    """The columns that count, by what they are."""
    columns = {key: column_of(batch, name) for key, name in named.items()}
    return pa.table(columns)


def _counted(batch: pa.Table) -> pa.Table:
    """How many rows each block has; NULL is one of them."""
    if "block" not in batch.column_names:
        return pa.table({"block": pa.nulls(1, pa.string()), "rows": [len(batch)]})
    counts = Counter(written_out(WHERE, "block", one_chunk(batch["block"])).to_pylist())
    return pa.table({"block": pa.array(list(counts), pa.string()), "rows": list(counts.values())})


def _shards(parts: list[pa.Table]) -> tuple[dict[str, int], int]:
    """The shard of each block, and the number of rows; rows of no block go with the first."""
    counts: Counter[str | None] = Counter()
    for part in parts:
        for row in part.to_pylist():
            counts[row["block"]] += row["rows"]
    names = sorted(name for name in counts if name is not None)
    size = np.array([counts[name] for name in names], np.int64)
    size[:1] += counts[None]
    return dict(zip(names, shard_of(size, SHARD).tolist(), strict=True)), sum(counts.values())


def _placed(batch: pa.Table, shard: dict[str, int]) -> pa.Table:
    """The rows with the number of their shard."""
    found = pa.array(np.zeros(len(batch), np.int64))
    if "block" in batch.column_names:
        names = written_out(WHERE, "block", one_chunk(batch["block"])).to_pylist()
        found = pa.array([0 if name is None else shard[name] for name in names], pa.int64())
    return batch.append_column("_xb_shard", found)


def _found(group: pa.Table, store: str, asked: Asked, total: int) -> pa.Table:
    """The entities of one shard, beside its rows."""
    absent = {name: pa.nulls(len(group)) for name in ITEM if name not in group.column_names}
    rows = ordered(pa.table({**{n: group[n] for n in group.column_names}, **absent}).select(ITEM))
    found = of_shard(Session(Path(store), device="cpu"), WHERE, rows, asked, total)
    columns = {name: rows[name] for name in ITEM if name in group.column_names}
    return pa.table(
        {
            **columns,
            "_xb_shard": group["_xb_shard"],
            "_xb_first": _first(found["entity"].to_numpy()),
            **{name: found[name] for name in ("entity", "score", "entity_score")},
        }
    )


def _first(entity: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows are the first of their entities, bool, shape (n,)."""
    found = np.zeros(len(entity), np.bool_)
    found[np.unique(entity, return_index=True)[1]] = True
    return found


def _firsts(batch: pa.Table) -> pa.Table:
    return batch.filter(batch["_xb_first"])


def _numbers(parts: list[pa.Table]) -> dict[int, NDArray[np.int64]]:
    """The numbers of the entities of each shard, in the order of their first rows among those of all."""
    firsts = pa.concat_tables([part for part in parts if len(part)] or parts[:1])
    absent = {name: pa.nulls(len(firsts)) for name in ITEM if name not in firsts.column_names}
    whole = pa.table({**{name: firsts[name] for name in firsts.column_names}, **absent})
    whole = ordered(whole)
    shard, entity = (whole[name].to_numpy() for name in ("_xb_shard", "entity"))
    number = np.arange(1, len(whole) + 1)
    found = {}
    for place in np.unique(shard).tolist():
        own = shard == place
        found[place] = np.zeros(int(entity[own].max()) + 1, np.int64)
        found[place][entity[own]] = number[own]
    return found


def _numbered(batch: pa.Table, numbers: Any) -> pa.Table:  # noqa: ANN401 - what Ray calls an object
    import ray

    return _answered(batch, ray.get(numbers))


def _answered(batch: pa.Table, numbers: dict[int, NDArray[np.int64]]) -> pa.Table:
    """The answer with the entities' numbers."""
    shard, entity = (batch[name].to_numpy() for name in ("_xb_shard", "entity"))
    found = np.array([numbers[a][b] for a, b in zip(shard.tolist(), entity.tolist(), strict=True)], np.int64)
    rest = ("market", "id", "score", "entity_score")
    return pa.table([pa.array(found), *(batch[name] for name in rest)], names=["entity", *rest])
