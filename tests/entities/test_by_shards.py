"""What each process of a cluster does for its shard, without Ray: together the answer of one machine."""

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.session.offers import Asked
from xbsql.surface import cluster_entities as by_shards
from xbsql.surface.duck import session_of


@pytest.mark.parametrize("block", ["kind", None])
def test_shards_by_themselves_give_the_answer_of_all(monkeypatch, block):
    monkeypatch.setattr("xbsql.session.offer_shards.SHARD", 8)
    monkeypatch.setattr(by_shards, "SHARD", 8)
    offers = [
        {"sku": place, "shop": shop, "title": f"{title} {place}", "kind": f"k{place % 3}" if place else None}
        for place in range(8)
        for shop, title in (("UK", "tea pot number"), ("DE", "Teekanne Nummer"))
    ]
    offers.append(offers[3])  # listed twice
    rows = pa.Table.from_pylist(offers).take(np.random.default_rng(0).permutation(len(offers)))
    named = {"id": "sku", "market": "shop", "text": "title"} | ({"block": block} if block else {})
    with xbsql.connect() as con:
        wanted = xbsql.entities(con, rows, "sku", "shop", "title", block=block)
        store = str(session_of("test", con).store.path)
        batches = [by_shards._items(rows.slice(start, 5), named) for start in range(0, len(rows), 5)]
        shard, total = by_shards._shards([by_shards._counted(batch) for batch in batches])
        assert total == len(rows)
        placed = pa.concat_tables([by_shards._placed(batch, shard) for batch in batches])
        numbers = placed["_xb_shard"].to_numpy()
        assert len(set(numbers.tolist())) == (2 if block else 1)
        groups = [placed.filter(pa.array(numbers == place)) for place in sorted(set(numbers.tolist()))]
        found = [by_shards._found(group, store, Asked(), total) for group in groups]
    known = by_shards._numbers([by_shards._firsts(part) for part in found])
    answer = pa.concat_tables([by_shards._answered(part, known) for part in found])
    keys = [(name, "ascending") for name in ("entity", "market", "id")]
    assert answer.sort_by(keys).to_pylist() == wanted.sort_by(keys).to_pylist()
