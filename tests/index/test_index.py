"""An index answers like its definition, keeps its rows through every change, and is whole or not there."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.index import addition, card, generation
from xbsql.kernels import reference


@pytest.fixture
def con(tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb")
    yield con
    con.close()


def points(rows, dim=12, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)


def table(vectors, ids=None):
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    return pa.table({"sku": pa.array(np.arange(len(vectors)) if ids is None else ids), "v": flat})


def build(con, vectors, ids=None, name="idx", **options):
    return xbsql.build_index(con, name, table(vectors, ids), "sku", "v", **options)


def found(con, queries, k, name="idx", **options):
    """Ids as whole numbers, one list a query."""
    lists = xbsql.search(con, name, table(queries)["v"], k, **options).to_pylist()
    return [[int(hit["id"]) for hit in hits] for hits in lists]


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rows", [1, 64, 997])
def test_a_search_is_its_definition(con, metric, weighted, rows):
    vectors, queries = points(rows), points(5, seed=1)
    weights = np.linspace(0.1, 2, 12) if weighted else None
    build(con, vectors, metric=metric, weights=weights)
    k = min(rows, 10)
    scores, expected = reference.topk(queries, vectors, k, metric, weights)
    hits = xbsql.search(con, "idx", table(queries)["v"], k)
    assert [[int(hit["id"]) for hit in one] for one in hits.to_pylist()] == expected.tolist()
    np.testing.assert_allclose(hits.flatten().field("score").to_numpy(), scores.ravel(), rtol=1e-6, atol=1e-6)
    assert [hit["rank"] for hit in hits[0].as_py()] == list(range(1, k + 1))


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 300, 999])
def test_a_filter_finds_k_rows_where_k_match(con, kept):
    vectors, queries = points(1000), points(4, seed=1)
    build(con, vectors)
    ids = np.random.default_rng(2).permutation(1000)[:kept]
    mask = np.isin(np.arange(1000), ids)
    hits = found(con, queries, 7, filter=pa.array(ids, pa.int64()))
    if not kept:
        assert hits == [[], [], [], []]
        return
    _, expected = reference.topk(queries, vectors, 7, "cosine", None, mask)
    assert hits == [[row for row in rows if row >= 0] for rows in expected.tolist()]
    assert {len(rows) for rows in hits} == {min(7, kept)}


def test_equal_scores_come_by_id_whatever_the_order_of_the_rows(con):
    vectors = np.repeat(points(3), 5, axis=0)
    order = np.random.default_rng(3).permutation(15)
    build(con, vectors[order], ids=order)
    assert found(con, vectors[:1], 5) == [[0, 1, 2, 3, 4]]


def test_additions_and_deletions_are_those_of_one_build(con, monkeypatch):
    monkeypatch.setattr(addition, "MOST_SEGMENTS", 3)
    rng, truth, queries = np.random.default_rng(4), {}, points(6, seed=5)
    for step in range(7):
        ids, vectors = rng.permutation(400)[:90], points(90, seed=10 + step)
        if step == 0:
            build(con, vectors, ids=ids)
        else:
            xbsql.add_to_index(con, "idx", table(vectors, ids), "sku", "v")
        truth |= dict(zip(ids.tolist(), vectors, strict=True))
        gone = rng.permutation(400)[:20].tolist()
        state = xbsql.delete_from_index(con, "idx", gone)
        truth = {key: value for key, value in truth.items() if key not in gone}
        assert state["rows"].to_pylist() == [len(truth)]
        keys = sorted(truth)
        _, expected = reference.topk(queries, np.stack([truth[key] for key in keys]), 10, "cosine")
        assert found(con, queries, 10) == [[keys[row] for row in rows] for rows in expected.tolist()]
    assert found(con, queries, 999)[0] == found(con, queries, len(truth))[0]


def test_everything_can_be_deleted(con):
    build(con, points(5))
    xbsql.delete_from_index(con, "idx", [0, 1, 2, 3, 4, 77])
    assert found(con, points(2), 3) == [[], []]
    xbsql.add_to_index(con, "idx", table(points(2), [8, 9]), "sku", "v")
    assert sorted(found(con, points(1), 3)[0]) == [8, 9]


def generations(con):
    home = xbsql.surface.duck.session_of("test", con).indexes.path / "idx"
    return generation.numbers(home)


def test_the_same_content_again_changes_nothing(con):
    con.register("given", table(points(300)))
    con.execute("CREATE TABLE t AS FROM given")
    shown = con.sql("FROM xb.build_index('idx', t, id := sku, vec := v)")
    first = shown.fetchall()
    assert con.sql("FROM xb.build_index('idx', t, id := sku, vec := v)").fetchall() == first
    con.execute("CREATE TABLE shuffled AS FROM t ORDER BY hash(sku)")
    con.sql("CALL xb.build_index('idx', shuffled, id := sku, vec := v)").fetchall()
    assert generations(con) == [1]
    for _ in range(2):
        con.sql(
            "CALL xb.add_to_index('idx', (FROM t LIMIT 9), id := sku + 1000, vec := v)"
        ) if False else None
        xbsql.add_to_index(con, "idx", table(points(9), range(1000, 1009)), "sku", "v")
        xbsql.delete_from_index(con, "idx", [3])
    assert generations(con)[-1] == 4, "the second addition replaces rows once more, after the deletion"
    con.sql("CALL xb.build_index('idx', t, id := sku, vec := v, metric := 'dot')").fetchall()
    assert generations(con)[-1] == 5


def test_rows_without_id_or_vector_are_counted(con):
    con.execute(
        """CREATE TABLE t AS FROM (VALUES (1, [1.0, 0.0]), (NULL, [1.0, 0.0]), (2, NULL), (3, [0.0, 1.0]),
           (4, ['nan'::FLOAT, 0.0]), (5, ['inf'::FLOAT, 0.0])) v(id, vec)"""
    )
    state = con.sql("FROM xb.build_index('idx', t, id, vec)").fetchall()[0]
    assert state[:4] == ("idx", 2, 4, 2)
    query = "SELECT xb.search('idx', v) FROM (VALUES ([1.0, 0.1]), (NULL), (['nan'::FLOAT, 1.0])) v(v)"
    hits = [row[0] for row in con.sql(query).fetchall()]
    assert [hit["id"] for hit in hits[0]] == ["1", "3"]
    assert hits[1:] == [None, []]


def test_sql_takes_filters_as_lists_and_ids_compare_with_the_tables_own(con):
    con.register("given", table(points(500)))
    con.execute("CREATE TABLE t AS SELECT *, sku * 1.0 AS price FROM given")
    con.sql("CALL xb.build_index('idx', t, id := sku, vec := v)").fetchall()
    joined = con.sql(
        """WITH asked AS (FROM t WHERE sku = 0), hits AS (
           SELECT unnest(xb.search('idx', v, k := 3, filter := (SELECT list(sku) FROM t WHERE price > 494)),
                           recursive := true) FROM asked)
           SELECT t.price FROM t JOIN hits ON t.sku = hits.id"""
    ).fetchall()
    assert len(joined) == 3
    assert min(joined) >= (495.0,)
    nothing = "SELECT xb.search('idx', v, filter := (SELECT list(sku) FROM t WHERE price < 0)) FROM t LIMIT 1"
    assert con.sql(nothing).fetchall() == [([],)]
    own = con.sql(
        "SELECT sku, xb.search('idx', v, filter := [sku, -1])[1].id FROM (FROM t LIMIT 40)"
    ).fetchall()
    assert [str(sku) for sku, _ in own] == [found for _, found in own]
    assert len(con.sql("SELECT xb.search('idx', v, k := 2) FROM t").fetchall()) == 500


def test_python_and_sql_agree(con):
    con.register("given", table(points(2100)))
    con.execute("CREATE TABLE t AS FROM given")
    con.sql("CALL xb.build_index('idx', t, id := sku, vec := v)").fetchall()
    sql = con.sql("SELECT xb.search('idx', v, k := 4) AS hits FROM t ORDER BY sku").to_arrow_table()
    assert sql["hits"].to_pylist() == xbsql.search(con, "idx", table(points(2100))["v"], 4).to_pylist()
    join = "(con, t, t, 'sku', 'v', 'sku', 'v', 3)"
    sql = con.sql("FROM xb.similarity_join(t, t, qid := sku, qvec := v, cid := sku, cvec := v, k := 3)")
    twin = xbsql.similarity_join(con, "t", "t", "sku", "v", "sku", "v", 3)
    assert sql.to_arrow_table().to_pylist() == twin.to_pylist(), join
    sql = con.sql("FROM xb.duplicates(t, id := sku, vec := v, threshold := 0.8)").to_arrow_table()
    assert sql.to_pylist() == xbsql.duplicates(con, "t", "sku", "v", 0.8).to_pylist()
    assert len(sql) > 0


def test_a_join_is_the_definition_and_keeps_the_ids_type(con):
    left, right = points(30, seed=1), points(80, seed=2)
    con.register("q", table(left, [f"q{i:02}" for i in range(30)]))
    con.register("c", table(right, [i * 0.5 for i in range(80)]))
    rows = con.sql(
        "FROM xb.similarity_join(q, c, qid := sku, qvec := v, cid := sku, cvec := v, k := 2)"
    ).fetchall()
    scores, expected = reference.topk(left, right, 2, "cosine")
    assert [row[:2] for row in rows] == [(f"q{i:02}", j * 0.5) for i in range(30) for j in expected[i]]
    np.testing.assert_allclose([row[2] for row in rows], scores.ravel(), rtol=1e-6)


def test_clusters_hang_together(con):
    angles = [0.0, 0.1, 0.2, 2.0, 2.1, 4.0]
    con.register("t", table(np.array([[np.cos(a), np.sin(a)] for a in angles], np.float32)))
    rows = con.sql("FROM xb.duplicates(t, id := sku, vec := v, threshold := 0.994)").fetchall()
    assert [(a, b, cluster) for a, b, _, cluster in rows] == [(0, 1, 0), (1, 2, 0), (3, 4, 3)]


def test_a_dead_build_leaves_the_index_and_no_rows(con, tmp_path):
    build(con, points(50))
    before = found(con, points(3), 5)
    with pytest.raises(xbsql.XbsqlError, match=r"3 ids come more than once \(0, 1, 2\)"):
        build(con, points(8), ids=[0, 1, 2, 0, 1, 2, 3, 4])
    con.execute("CREATE TABLE bad AS SELECT i AS sku, [1.0] AS v FROM range(3000) t(i)")
    con.execute("INSERT INTO bad VALUES (9999, [1.0, 2.0])")
    with pytest.raises(duckdb.Error, match=r"vectors of (different lengths|1 and 2 numbers)"):
        con.sql("CALL xb.build_index('idx', bad, id := sku, vec := v)").fetchall()
    folder = xbsql.surface.duck.session_of("test", con).indexes.path
    assert [entry.name for entry in folder.iterdir()] == ["idx"]
    assert [entry.name for entry in (folder / "idx").iterdir()] == ["1"]
    assert found(con, points(3), 5) == before


FULL = """
import resource, signal, sys, numpy as np, pyarrow as pa, xbsql
con = xbsql.connect(store=sys.argv[1])
def table(rows):
    v = np.ones((rows, 64), np.float32) + np.arange(rows, dtype=np.float32)[:, None]
    return pa.table({"id": range(rows), "v": pa.FixedSizeListArray.from_arrays(pa.array(v.reshape(-1)), 64)})
xbsql.build_index(con, "idx", table(10), "id", "v")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
for change in (xbsql.build_index, xbsql.add_to_index):
    try:
        change(con, "idx", table(5000), "id", "v")
    except xbsql.XbsqlError as error:
        print(error)
print(xbsql.indexes(con)["rows"].to_pylist(), len(xbsql.search(con, "idx", table(1)["v"], 3)[0]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes to stand for a full disk")
def test_a_full_disk_in_the_middle_of_a_build_leaves_the_index(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert lines[-1] == "[10] 3", done.stdout + done.stderr
    assert lines[0].startswith("xb.build_index: cannot write ")
    assert lines[1].startswith("xb.add_to_index: cannot write ")
    assert sorted(entry.name for entry in (tmp_path / "indexes").iterdir()) == ["idx"]


def test_a_query_during_a_rebuild_sees_the_old_or_the_new_one(con):
    old, new = points(400, seed=1), points(400, seed=2)
    query = old[:1]
    sides = [reference.topk(query, side, 5, "cosine")[1][0].tolist() for side in (old, new)]
    build(con, old)
    seen, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            seen.append(found(con.cursor(), query, 5)[0])

    thread = threading.Thread(target=ask)
    thread.start()
    for turn in range(6):
        build(con, (new, old)[turn % 2])
    stop.set()
    thread.join()
    assert seen
    assert all(rows in sides for rows in seen)


def test_two_connections_see_each_others_changes(tmp_path):
    store = tmp_path / "store"
    with (
        xbsql.connect(tmp_path / "a.duckdb", store=store) as one,
        xbsql.connect(tmp_path / "b.duckdb", store=store) as two,
    ):
        build(one, points(20))
        assert found(two, points(1), 1) == found(one, points(1), 1)
        xbsql.delete_from_index(two, "idx", found(one, points(1), 1)[0])
        assert found(one, points(1), 1) == found(two, points(1), 1)
        xbsql.drop_index(one, "idx")
        with pytest.raises(xbsql.XbsqlError, match="no index 'idx'; the store has nothing"):
            found(two, points(1), 1)


def test_writers_of_two_connections_lose_nothing(tmp_path):
    store = tmp_path / "store"
    cons = [xbsql.connect(tmp_path / f"{i}.duckdb", store=store) for i in range(2)]
    build(cons[0], points(10))

    def add(con, first):
        for start in range(first, first + 40, 10):
            xbsql.add_to_index(
                con, "idx", table(points(10, seed=start), range(start, start + 10)), "sku", "v"
            )

    threads = [threading.Thread(target=add, args=each) for each in zip(cons, (1000, 2000), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert xbsql.indexes(cons[0])["rows"].to_pylist() == [90]
    for con in cons:
        con.close()


@pytest.fixture
def words(con):
    con.execute(
        """CREATE TABLE w AS FROM (VALUES (1, 'red running shoes'), (2, 'rote Laufschuhe'),
           (3, 'frozen pizza'), (4, '赤いランニングシューズ'),
           (5, 'USB-C cable 2m XK-2201'), (6, NULL)) v(id, title)"""
    )
    con.sql("CALL xb.build_index('words', w, id := id, text := title)").fetchall()
    return con


def ids(con, query):
    return [hit["id"] for hit in con.sql(query).fetchall()[0][0]]


def test_an_index_of_texts_takes_texts(words):
    assert set(ids(words, "SELECT xb.search('words', 'sneakers for jogging', k := 3)")) == {"1", "2", "4"}
    assert ids(words, "SELECT xb.search_text('words', 'xk-2201', k := 2)")[0] == "5"
    assert ids(words, "SELECT xb.search_text('words', 'ランニング', k := 1)") == ["4"]
    assert "3" not in ids(words, "SELECT xb.search_text('words', 'pizza', filter := [1, 2])")
    assert words.sql("SELECT xb.search_text('words', NULL)").fetchall() == [(None,)]


def test_words_survive_additions(words):
    words.execute("CREATE TABLE more AS FROM (VALUES (7, 'garden hose'), (3, 'ice cream')) v(id, title)")
    for _ in range(2):
        words.sql("CALL xb.add_to_index('words', more, id := id, text := title)").fetchall()
    assert ids(words, "SELECT xb.search_text('words', 'garden', k := 1)") == ["7"]
    assert ids(words, "SELECT xb.search_text('words', 'ice', k := 1)") == ["3"]
    session = xbsql.surface.duck.session_of("test", words)
    hits = session.indexes.open("test", "words").search_words(["pizza"], 5)
    assert (hits.rows >= 0).sum() == 0


def test_an_index_of_another_encoder_version_is_refused(words, monkeypatch):
    encoder = xbsql.surface.duck.session_of("test", words).encoder("text")
    monkeypatch.setattr(encoder, "version", "another")
    with pytest.raises(
        duckdb.Error, match=r"index 'words' was built by 'text' \w+, this is another; build it again"
    ):
        words.sql("SELECT xb.search('words', 'shoes')").fetchall()


def test_a_changed_or_truncated_index_is_refused(con, tmp_path):
    build(con, points(100))
    folder = xbsql.surface.duck.session_of("test", con).indexes.path / "idx" / "1"
    other = xbsql.connect(tmp_path / "other.duckdb", store=tmp_path / "shop.duckdb.xbsql")
    codes = next(folder.glob("*.codes.npy"))
    content = codes.read_bytes()
    codes.write_bytes(content[:-9])
    with pytest.raises(xbsql.XbsqlError, match=r"lacks \w+.codes.npy, or holds it truncated; build it"):
        found(other, points(1), 1)
    assert "truncated" in xbsql.indexes(con)["note"].to_pylist()[0]
    codes.write_bytes(content)
    manifest = folder / card.MANIFEST
    manifest.write_text(manifest.read_text().replace('"rows": 100', '"rows": 99'))
    with pytest.raises(xbsql.XbsqlError, match=r"manifest.json that was changed after it was written"):
        found(other, points(1), 1)
    other.close()
    assert build(con, points(100))["rows"].to_pylist() == [100]
    assert len(found(con, points(1), 5)[0]) == 5


@pytest.mark.parametrize(
    ("format", "message"), [(1, "format 1, this xbsql reads 2; build it"), (9, "upgrade")]
)
def test_an_index_of_another_format_is_refused(con, tmp_path, format, message):
    build(con, points(10))
    manifest = xbsql.surface.duck.session_of("test", con).indexes.path / "idx" / "1" / card.MANIFEST
    content = json.loads(manifest.read_text()) | {"format": format}
    content.pop("digest")
    manifest.write_text(json.dumps(content | {"digest": card.sealed(content)}))
    with (
        xbsql.connect(tmp_path / "other.duckdb", store=tmp_path / "shop.duckdb.xbsql") as other,
        pytest.raises(xbsql.XbsqlError, match=message),
    ):
        found(other, points(1), 1)


def test_more_than_there_are_gives_all(con):
    build(con, points(5))
    con.register("q", table(points(2)))
    rows = con.sql("SELECT len(xb.search('idx', v, k := 1000000)) FROM q").fetchall()
    assert rows == [(5,), (5,)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT xb.search('nope', [1.0])", "xb.search: no index 'nope'; the store has idx"),
        ("SELECT xb.search('idx', [1.0])", "index 'idx' has vectors of 12 numbers, got 1; embed"),
        ("SELECT xb.search('idx', 'shoes')", "does not know which encoder made its vectors"),
        ("SELECT xb.search('idx', v, k := 0) FROM t", "xb.search: k is 0; give a whole number"),
        ("SELECT xb.search('idx', v, filter := 'sku') FROM t", "filter is 'sku'; give a list of ids"),
        ("SELECT xb.search('idx', v, filter := 3) FROM t", "filter is int32; give a list of ids"),
        ("SELECT xb.search_text('idx', 'shoes')", "index 'idx' holds no text; build it with text"),
        ("CALL xb.build_index('a b', t, id := sku, vec := v)", "'a b' cannot be an index's name"),
        ("CALL xb.build_index('i', t, id := sku)", "every row is without vec and text; name a column"),
        ("CALL xb.build_index('i', t, id := v, vec := v)", "give BIGINT or VARCHAR ids"),
        ("CALL xb.build_index('i', t, id := NULL, vec := v)", "every id is NULL; name the id column"),
        ("CALL xb.build_index('i', t, id := sku, vec := sku)", r"needs vectors .FLOAT\[n\]., got"),
        (
            "CALL xb.build_index('i', t, id := sku, vec := v, metric := 'cos')",
            "no metric 'cos'; there is cosine",
        ),
        ("CALL xb.build_index('i', t, id := sku, vec := v, encoder := 'txt')", "no text encoder 'txt'"),
        ("CALL xb.build_index('i', t, id := sku, vec := v, weights := [1.0])", "1 weights for vectors of 12"),
        ("CALL xb.build_index('i', empty, id := sku, vec := v)", "no row has an id and a vector"),
        ("CALL xb.build_index('i', t, id := sku, vec := v, text := sku)", "text is .*; cast it"),
        ("CALL xb.add_to_index('nope', t, id := sku, vec := v)", "xb.add_to_index: no index 'nope'"),
        (
            "CALL xb.add_to_index('idx', t, id := sku::VARCHAR, vec := v)",
            "has int64 ids, got string; cast the ids",
        ),
        ("CALL xb.add_to_index('idx', t, id := sku, vec := v[1:3])", "has vectors of 12 numbers, got 3"),
        ("CALL xb.delete_from_index('nope', [1])", "xb.delete_from_index: no index 'nope'"),
        ("CALL xb.drop_index('nope')", "xb.drop_index: no index 'nope'"),
        ("FROM xb.duplicates(t, id := sku, vec := v, metric := 'x')", "xb.duplicates: no metric 'x'"),
        ("FROM xb.duplicates(t, id := sku, vec := v, threshold := 'nan')", "must be a finite number"),
        (
            "FROM xb.similarity_join(t, t, qid := sku, qvec := v, cid := sku, cvec := v[1:2])",
            "vectors of 12 and 2 numbers",
        ),
    ],
)
def test_a_mistake_is_one_clear_line(con, query, message):
    con.register("given", table(points(20)))
    con.execute("CREATE TABLE t AS FROM given")
    con.execute("CREATE TABLE empty AS FROM t LIMIT 0")
    build(con, points(20))
    with pytest.raises(duckdb.Error, match=message):
        con.sql(query).fetchall()
    folder = xbsql.surface.duck.session_of("test", con).indexes.path
    assert [entry.name for entry in folder.iterdir()] == ["idx"]


def home_of(con, name="idx"):
    return xbsql.surface.duck.session_of("test", con).indexes.path / name


def parts_of(con, name="idx"):
    folder = home_of(con, name)
    newest = folder / str(generation.newest(folder))
    return sorted(path for path in newest.iterdir() if path.suffix != ".json")


@pytest.fixture(scope="module")
def every_part(tmp_path_factory):
    """A store whose one index has every file that an index can have."""
    folder = tmp_path_factory.mktemp("parts")
    rows = points(600, 256) * np.linspace(1, 0.01, 256, dtype=np.float32) ** 2
    with xbsql.connect(store=folder) as con:
        words = [f"shoe {i} red" for i in range(600)]
        data = table(rows.astype(np.float32)).append_column("t", pa.array(words))
        xbsql.build_index(con, "idx", data, "sku", "v", text="t", mode="approximate")
        xbsql.delete_from_index(con, "idx", [3])
        names = [path.name.partition(".")[2] for path in parts_of(con)]
    return folder, rows, names


PARTS = (
    "arrow", "bounds.npy", "cell-centre.npy", "cell-curve.npy", "cell-rank.npy", "cell-start.npy",
    "codes.npy", "head.npy", "length.npy", "npy", "term-count.npy", "term-length.npy", "term-start.npy",
    "term-text.npy", "vectors.npy",
)  # fmt: skip


def test_every_part_is_there(every_part):
    assert {name.removeprefix("ids.") for name in every_part[2]} == set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_a_flipped_byte_is_found_also_by_who_had_it_open(every_part, tmp_path, part):
    folder, rows, _ = every_part
    shutil.copytree(folder, tmp_path / "store")
    with xbsql.connect(store=tmp_path / "store") as con:
        before = found(con, rows[:3], 4)
        path = next(path for path in parts_of(con) if path.name.endswith(part) and path.name.count(".") < 3)
        path = path if part != "npy" else next(path for path in parts_of(con) if path.name == "alive.npy")
        content = path.read_bytes()
        at = len(content) - 3 - len(content) % 2
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        with pytest.raises(xbsql.XbsqlError, match=rf"holds a changed {path.name} .sha256"):
            found(con, rows[:3], 4)
        assert xbsql.indexes(con)["index"].to_pylist() == ["idx"]
        path.write_bytes(content)
        assert found(con, rows[:3], 4) == before


def test_an_index_without_digests_is_opened_by_its_shapes(con):
    build(con, points(50))
    before = found(con, points(3, seed=1), 5)
    folder = home_of(con) / "1"
    resealed(folder, lambda manifest: manifest.pop("digests"))
    assert found(con, points(3, seed=1), 5) == before
    length = next(folder.glob("*.length.npy"))
    np.save(length, np.full(50, np.nan))
    with pytest.raises(xbsql.XbsqlError, match="holds a value in length that is no length; build it again"):
        found(con, points(3, seed=1), 5)


def resealed(folder, change):
    content = json.loads((folder / card.MANIFEST).read_text())
    content.pop("digest")
    change(content)
    (folder / card.MANIFEST).write_text(json.dumps(content | {"digest": card.sealed(content)}))


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["card"].update(dim=13),
        lambda found: found["card"].update(dim="12"),
        lambda found: found["card"].update(rows=51),
        lambda found: found["card"].update(metric="cos"),
        lambda found: found["card"].update(segments=["../../../x"]),
        lambda found: found["card"].update(segments=[]),
        lambda found: found["card"].update(id_type="string"),
        lambda found: found["card"].update(weights=[float("nan")] * 12),
        lambda found: found["card"].update(more=1),
        lambda found: found.update(card=[]),
        lambda found: found.update(files=[]),
        lambda found: found.update(digests="x"),
        lambda found: found.update(format="2"),
    ],
)
def test_a_card_that_contradicts_the_files_is_one_line(con, change):
    build(con, points(50))
    resealed(home_of(con) / "1", change)
    with pytest.raises(xbsql.XbsqlError, match=r"index 'idx' (holds|has|lacks) .*; build it again") as caught:
        found(con, points(3, seed=1), 5)
    assert "\n" not in str(caught.value)


def test_dropped_and_built_anew_is_another_index(con):
    build(con, points(40), ids=np.arange(40))
    kept = pa.array([1, 2, 3])
    assert {*found(con, points(1), 3, filter=kept)[0]} == {1, 2, 3}
    xbsql.drop_index(con, "idx")
    build(con, points(40), ids=np.arange(40)[::-1] * 3)
    assert {*found(con, points(1), 3, filter=kept)[0]} == {3}
    assert generations(con)[-1] == 3, "a generation's number is never given twice"


def test_an_addition_to_an_index_that_is_dropped_meanwhile_is_refused(con, monkeypatch):
    build(con, points(40))
    whole = addition.check_fits

    def dropped(*arguments):
        monkeypatch.setattr("xbsql.index.builder.check_fits", whole)
        xbsql.drop_index(con, "idx")
        build(con, points(5, seed=9))
        xbsql.drop_index(con, "idx")
        return whole(*arguments)

    monkeypatch.setattr("xbsql.index.builder.check_fits", dropped)
    with pytest.raises(xbsql.XbsqlError, match="no index 'idx'; the store has nothing"):
        xbsql.add_to_index(con, "idx", table(points(5), range(100, 105)), "sku", "v")


def test_only_dead_builds_are_swept(con):
    build(con, points(5))
    folder, old = home_of(con).parent, time.time() - 7200
    session = xbsql.surface.duck.session_of("test", con)
    ids, vectors = (column.combine_chunks() for column in table(points(4)).columns)
    session.builder.take("t", "living", None, ids, vectors, pa.nulls(4))
    (living,) = folder.glob(".rows-*")
    dead = [folder / ".rows-1-aa", folder / ".dropped-bb", folder / "idx" / ".draft-1-cc"]
    for path in dead:
        path.mkdir()
    for path in (living, *dead):
        os.utime(path, (old, old))
    session.indexes._tidied = False
    build(con, points(6))
    assert not [path for path in dead if path.exists()]
    assert living.exists()
    session.builder.forget("living")
    assert not living.exists()


def test_ever_new_filters_take_no_more_memory(con):
    build(con, points(20_000, 4))
    shelf = xbsql.surface.duck.session_of("test", con).indexes
    for start in range(1000):
        found(con, points(1, 4), 1, filter=pa.array([start]))
    assert shelf._masks._total <= 16 * 2**20
    assert shelf._masks._total == sum(mask.nbytes for mask in shelf._masks._values.values())


@pytest.mark.parametrize("damage", ["pipe", "link", "folder"])
def test_a_special_file_is_never_opened(con, tmp_path, damage):
    build(con, points(20))
    for path in (home_of(con) / "1" / card.MANIFEST, next((home_of(con) / "1").glob("*.length.npy"))):
        content = path.read_bytes()
        path.unlink()
        {"pipe": os.mkfifo, "link": lambda at: at.symlink_to("/dev/zero"), "folder": os.mkdir}[damage](path)
        with pytest.raises(xbsql.XbsqlError):
            found(con, points(1), 1)
        assert xbsql.indexes(con)["note"].to_pylist() != [None]
        path.rmdir() if damage == "folder" else path.unlink()
        path.write_bytes(content)
    assert len(found(con, points(1), 1)[0]) == 1
