"""An approximate index keeps what an exact one promises, but for the recall that it states."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.index.cells import Cells


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    with xbsql.connect(tmp_path_factory.mktemp("cells") / "shop.duckdb") as con:
        yield con


def clustered(rows, seed, dim=16, groups=60):
    """Points around a few dozen centres, which `seed` does not move."""
    centre = np.random.default_rng(0).normal(size=(groups, dim))
    rng = np.random.default_rng(seed)
    found = centre[rng.integers(0, groups, rows)] + 0.5 * rng.normal(size=(rows, dim))
    return found.astype(np.float32)


def table(vectors, ids=None):
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    return pa.table({"sku": pa.array(np.arange(len(vectors)) if ids is None else ids), "v": flat})


def search(con, name, queries, k=10, **options):
    return xbsql.search(con, name, table(queries)["v"], k, **options).to_pylist()


def ids(hits):
    return [[int(hit["id"]) for hit in one] for one in hits]


def recall(found, wanted):
    return np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(ids(found), ids(wanted), strict=True)])


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_the_stated_recall_is_that_of_other_queries(con, metric, weighted):
    vectors, queries = clustered(6000, 1), clustered(300, 2)
    weights = np.linspace(0.2, 1.5, 16) if weighted else None
    options = {"metric": metric, "weights": weights}
    state = xbsql.build_index(con, "near", table(vectors), "sku", "v", mode="approximate", **options)
    xbsql.build_index(con, "all", table(vectors), "sku", "v", **options)
    exact, stated = search(con, "all", queries), state["recall"][0].as_py()
    assert state["mode"].to_pylist() == ["approximate"]
    assert stated >= 0.93
    assert recall(search(con, "near", queries), exact) == pytest.approx(stated, abs=0.04)
    assert recall(search(con, "near", queries, recall=0.3), exact) < 0.95, "fewer cells find less"
    assert search(con, "near", queries, recall=1.0) == exact


def test_scores_and_order_are_exact_and_equal_ones_come_by_id(con):
    vectors = np.repeat(clustered(700, 3), 4, axis=0)
    order = np.random.default_rng(4).permutation(len(vectors))
    xbsql.build_index(con, "ties", table(vectors[order], order), "sku", "v", mode="approximate")
    xbsql.build_index(con, "plain", table(vectors[order], order), "sku", "v")
    queries = vectors[::97]
    found, wanted = search(con, "ties", queries, 4), search(con, "plain", queries, 4)
    same = [a == b for a, b in zip(found, wanted, strict=True)]
    assert np.mean(same) > 0.9
    assert all(row == sorted(row) for row in ids(found))


def test_a_filter_and_a_deletion_find_k_rows_where_k_match(con):
    vectors, queries = clustered(4000, 5), clustered(20, 6)
    xbsql.build_index(con, "idx", table(vectors), "sku", "v", mode="approximate")
    xbsql.build_index(con, "ref", table(vectors), "sku", "v")
    few = pa.array(np.arange(0, 4000, 190))
    assert search(con, "idx", queries, filter=few) == search(con, "ref", queries, filter=few)
    gone = [i for i in range(4000) if i % 400 > 5]
    for name in ("idx", "ref"):
        xbsql.delete_from_index(con, name, gone)
    found = search(con, "idx", queries, 60)
    assert {len(hits) for hits in found} == {60}
    assert all(row % 400 <= 5 for rows in ids(found) for row in rows)
    assert search(con, "idx", queries, 999) == search(con, "ref", queries, 999)


def test_additions_keep_the_mode(con, monkeypatch):
    monkeypatch.setattr("xbsql.index.addition.MOST_SEGMENTS", 2)
    vectors = clustered(3000, 7)
    xbsql.build_index(con, "grown", table(vectors[:2000]), "sku", "v", mode="approximate")
    for start in (2000, 2500):
        part = table(vectors[start : start + 500], np.arange(start, start + 500))
        state = xbsql.add_to_index(con, "grown", part, "sku", "v")
    assert state.select(["rows", "mode"]).to_pylist() == [{"rows": 3000, "mode": "approximate"}]
    segments = xbsql.surface.duck.session_of("test", con).indexes.open("test", "grown").segments
    assert [segment.cells is not None for segment in segments] == [True], "two segments became one"
    xbsql.build_index(con, "whole", table(vectors), "sku", "v")
    queries = clustered(100, 8)
    assert recall(search(con, "grown", queries), search(con, "whole", queries)) > 0.9


@pytest.mark.parametrize("rows", [1, 2, 11, 70])
def test_small_indexes_and_strange_queries(con, rows):
    vectors = clustered(rows, 9)
    vectors[0] = 0
    xbsql.build_index(con, "small", table(vectors), "sku", "v", mode="approximate")
    queries = np.stack([vectors[-1], np.full(16, np.nan, np.float32), np.zeros(16, np.float32)])
    found = search(con, "small", queries, 5)
    assert [len(hits) for hits in found] == [min(5, rows), 0, min(5, rows)]
    assert ids(found)[0][0] in (0, rows - 1)


def test_sql_says_the_recall_and_takes_one(con):
    con.register("given", table(clustered(1000, 10)))
    con.execute("CREATE OR REPLACE TABLE t AS FROM given")
    built = con.sql("FROM xb.build_index('sql', t, id := sku, vec := v, mode := 'approximate')")
    state = built.to_arrow_table().to_pylist()[0]
    assert state["mode"] == "approximate"
    assert 0.9 < state["recall"] <= 1
    shown = con.sql("SELECT mode, recall FROM xb.indexes() WHERE index = 'sql'").fetchall()
    assert shown == [("approximate", state["recall"])]
    query = "SELECT xb.search('sql', v, k := 3, recall := {}) FROM t ORDER BY sku"
    assert [len(hits) for (hits,) in con.sql(query.format(0.5)).fetchall()] == [3] * 1000
    for given, message in (("0", "recall is 0.0; give a share"), ("NULL", "recall is None; give a share")):
        with pytest.raises(duckdb.Error, match=message):
            con.sql(query.format(given)).fetchall()
    with pytest.raises(duckdb.Error, match="no mode 'fast'; there is exact, approximate"):
        con.sql("CALL xb.build_index('x', t, id := sku, vec := v, mode := 'fast')").fetchall()


def test_the_curve_says_how_many_cells_a_recall_takes():
    none = np.empty(0, np.int64)
    cells = Cells(np.zeros((4, 2), np.float32), none, none, np.array([0.5, 0.9, 0.96, 0.99], np.float32))
    assert [cells.visits(recall) for recall in (0.1, 0.6, 0.95, 0.999)] == [1, 2, 3, 4]
