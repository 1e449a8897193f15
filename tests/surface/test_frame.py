"""Polars gives what SQL gives, lazily, over the same memory."""

import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import xbsql
import xbsql.frame
from xbsql.session import text as texts
from xbsql.surface.functions import FUNCTIONS

TITLES = ["red running shoes", "rote Laufschuhe", "frozen pizza", None, "pizza surgelée", "red running shoes"]


@pytest.fixture
def con(tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb")
    xbsql.frame.use(con)
    con.register("items", frame().collect().to_arrow())
    con.execute("CREATE TABLE t AS FROM items")
    yield con
    con.close()


def frame():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(TITLES), 8)).astype(np.float32)
    return pl.LazyFrame({"sku": range(len(TITLES)), "title": TITLES, "v": pl.Series(vectors)})


def sql(con, query):
    return con.sql(query).to_arrow_table().to_pylist()


ROWS = {
    "embed": ("xb.embed(title)", lambda c: c("title").xb.embed()),
    "similarity": ("xb.similarity(v, v, 'l2')", lambda c: c("v").xb.similarity("v", "l2")),
    "language": ("xb.language(title)", lambda c: c("title").xb.language()),
    "classify": ("xb.classify('cat', title)", lambda c: c("title").xb.classify("cat")),
    "search": ("xb.search('idx', title, k := 2)", lambda c: c("title").xb.search("idx", 2)),
    "search_text": (
        "xb.search_text('idx', title, k := 2, filter := [1, 2])",
        lambda c: c("title").xb.search_text("idx", 2, filter=[1, 2]),
    ),
}
FRAMES = {
    "build_index": (
        "FROM xb.build_index('idx', t, id := sku, text := title)",
        lambda lf: lf.xb.build_index("idx", "sku", text="title"),
    ),
    "add_to_index": (
        "FROM xb.add_to_index('idx', t, id := sku, text := title)",
        lambda lf: lf.xb.add_to_index("idx", "sku", text="title"),
    ),
    "similarity_join": (
        "FROM xb.similarity_join(t, t, qid := sku, qvec := v, cid := sku, cvec := v, k := 2)",
        lambda lf: lf.xb.similarity_join(lf, "sku", "v", "sku", "v", 2),
    ),
    "duplicates": (
        "FROM xb.duplicates(t, id := sku, vec := v, threshold := 0.1)",
        lambda lf: lf.xb.duplicates("sku", "v", 0.1),
    ),
}
PAIRED = "t, t, lid := sku, ltext := title, rid := sku, rtext := title"
FRAMES |= {
    "match": (f"FROM xb.match({PAIRED})", lambda lf: lf.xb.match(lf, "sku", "title", "sku", "title")),
    "match_candidates": (
        f"FROM xb.match_candidates({PAIRED})",
        lambda lf: lf.xb.match_candidates(lf, "sku", "title", "sku", "title"),
    ),
}
TRAINED = {"classify", "predict", "predict_table", "evaluate", "fit", "transfer"}
WITHOUT_ROWS = {
    "promote", "drop_model", "models", "model_card", "last_calls", "selfcheck", "indexes",
    "delete_from_index", "drop_index", "export_booster", "import_booster", "help", "options",
    "history", "verdict", "termbase", "market_facts",
}  # fmt: skip


def test_every_function_that_takes_rows_is_there():
    for function in FUNCTIONS:
        space = xbsql.frame.Expressions if function.kind == "row" else xbsql.frame.Frames
        assert hasattr(space, function.name) or function.name in WITHOUT_ROWS, function.name


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("name", sorted(ROWS.keys() - TRAINED))
def test_a_row_function_gives_what_sql_gives(con, name, engine):
    con.sql("CALL xb.build_index('idx', t, id := sku, text := title)").fetchall()
    query, expression = ROWS[name]
    lazy = frame().select(found=expression(pl.col))
    expected = sql(con, f"SELECT {query} AS found FROM t ORDER BY sku")
    found = lazy.collect(engine=engine)
    assert lazy.collect_schema() == found.schema
    assert found.to_arrow().to_pylist() == expected


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_a_table_function_gives_what_sql_gives(con, name):
    con.sql("CALL xb.build_index('idx', t, id := sku, text := title)").fetchall()
    query, call = FRAMES[name]
    lazy = call(frame())
    found = lazy.collect()
    assert lazy.collect_schema() == found.schema
    expected = sql(con, query)
    assert len(expected) > 0
    assert [{**row, "seconds": 0} for row in found.to_dicts()] == [{**row, "seconds": 0} for row in expected]


def test_models_give_what_sql_gives(con):
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, 120)
    shop = pl.LazyFrame(
        {
            "x": rng.normal(size=120) + 3 * kinds,
            "y": rng.normal(size=120),
            "kind": np.array(["a", "b"])[kinds],
        }
    )
    con.register("rows", shop.collect().to_arrow())
    con.execute("CREATE TABLE shop AS FROM rows")
    con.sql("CALL xb.fit('m', shop, 'kind')").fetchall()
    fitted = shop.xb.fit("m", "kind")
    assert fitted.collect_schema() == fitted.collect().schema
    assert fitted.collect()["version"].unique().to_list() == [1], "the same rows are the same fit"
    for lazy, query in [
        (shop.xb.predict_table("m"), "FROM xb.predict_table('m', shop)"),
        (
            shop.select(p=pl.struct("x", "y").xb.classify("m")),
            "SELECT xb.classify('m', {x: x, y: y}) AS p FROM shop",
        ),
        (shop.xb.evaluate("m", by="kind"), "FROM xb.evaluate('m', shop, by := 'kind')"),
        (shop.xb.explain("m"), "FROM xb.explain('m', shop)"),
        (shop.xb.label_curve("m"), "FROM xb.label_curve('m', shop)"),
        (shop.xb.weights(shop), "FROM xb.weights(shop, shop)"),
        (shop.xb.domain_similarity(shop), "FROM xb.domain_similarity(shop, shop)"),
    ]:
        assert lazy.collect_schema() == lazy.collect().schema
        assert lazy.collect().to_arrow().to_pylist() == sql(con, query)
    con.sql("CALL xb.fit('v', shop, 'x')").fetchall()
    valued = shop.select(p=pl.struct(pl.all()).xb.predict("v"))
    assert valued.collect_schema() == valued.collect().schema
    assert valued.collect().to_arrow().to_pylist() == sql(con, "SELECT xb.predict('v', t) AS p FROM shop t")
    carried = shop.xb.transfer("n", "kind", base="m").collect()
    assert "blend" in carried["arm"].to_list()


def test_nothing_runs_before_it_is_collected(con):
    lazy = frame().with_columns(found=pl.col("title").xb.search("nope", 2))
    assert lazy.collect_schema()["found"] == pl.List(
        pl.Struct({"id": pl.String, "score": pl.Float32, "rank": pl.Int32})
    )
    assert frame().xb.fit("m", "title").collect_schema().names()[0] == "model"
    assert xbsql.last_calls(con).num_rows == 0
    with pytest.raises(Exception, match="no index 'nope'"):
        lazy.collect()


def test_vectors_come_in_without_a_copy(con, monkeypatch):
    run, seen = texts.similarity, []

    def similarity(session, a, b, metric):
        seen.append(a.values.buffers()[1].address)
        return run(session, a, b, metric)

    monkeypatch.setattr(texts, "similarity", similarity)
    vectors = np.ones((100, 8), np.float32)
    given = pl.DataFrame({"v": pl.Series(vectors)})
    given.select(pl.col("v").xb.similarity("v"))
    assert seen == [given["v"].to_numpy(allow_copy=False).ctypes.data]


def test_an_unknown_column_is_one_clear_line(con):
    with pytest.raises(xbsql.XbsqlError, match=r"xb.duplicates: no column 'skew'; the frame has sku, title"):
        frame().xb.duplicates("skew", "v")


def test_a_column_of_a_frame_may_be_an_expression(con):
    offers = pl.LazyFrame(
        {"id": [1, 1, 2], "market": ["a", "b", "a"], "title": ["red tea", "red tea", "spoon"], "size": "x"}
    )
    plain = offers.xb.entities("id", "market", "title").collect()
    col = pl.col
    assert offers.xb.entities(col("id"), col("market"), col("title")).collect().equals(plain)
    made = offers.xb.entities(
        col("id").cast(pl.String), "market", "title", beside=pl.struct("size")
    ).collect()
    assert made["entity"].equals(plain["entity"])
    assert made["id"].to_list() == [str(id) for id in plain["id"]]
    compared = offers.head(1).xb.compare_pairs(pl.struct(text="title"), pl.struct(text="title")).collect()
    assert compared.columns[:5] == ["id", "market", "title", "size", "text_cosine"]
    with pytest.raises(xbsql.XbsqlError, match=r"lane must be the name of a column, .*with_columns"):
        offers.xb.choose_routes(offers, col("id") + 1, "id", "id")


def test_an_expression_is_of_the_tables_that_its_argument_names(con):
    """What stands beside is of both, an id of its own side alone; a frame without any text matches by it."""
    left = pl.DataFrame({"sku": [1, 2, 3], "look": [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]})
    right = left.reverse().rename({"sku": "code"}).lazy()
    beside = pl.struct(image=pl.col("look"))
    found = left.xb.match(right, pl.col("sku") * 10, None, pl.col("code") + 1, None, beside=beside)
    assert found.collect_schema().names() == ["lid", "rid", "score"]
    assert sorted(found.select("lid", "rid").collect().rows()) == [(10, 2), (20, 3), (30, 4)]
    vectors = pl.col("look").cast(pl.List(pl.Float32))
    near = left.xb.similarity_join(right, "sku", vectors, "code", vectors, k=1).collect()
    assert sorted(near.select("qid", "cid").rows()) == [(1, 1), (2, 2), (3, 3)]
    with pytest.raises(xbsql.XbsqlError, match=r"xb.match: right must be a frame of Polars, got 'x'"):
        left.xb.match("x", "sku", None, "code", None, beside=beside)


def test_a_series_has_the_methods_of_an_expression(con):
    given = pl.Series("*", [1.0, 2.0])
    found = given.xb.spread(pl.Series("hi", [4.0, 2.5]), level=0.9)
    assert found.name == "*"
    assert found.to_list() == xbsql.spread(con, given, [4.0, 2.5], 0.9).to_pylist()
    assert pl.Series("t", TITLES).xb.language().struct.field("code").is_null().to_list()[3]
    assert "classify" in dir(given.xb)
    with pytest.raises(AttributeError, match="no attribute 'predict_tabel'"):
        given.xb.predict_tabel("m")


def test_an_empty_store_is_named_with_the_way_to_another(con, tmp_path):
    said = rf"the store {tmp_path}/empty has nothing; choose another by xbsql.frame.use\(folder\)"
    xbsql.frame.use(tmp_path / "empty")
    for lazy in (
        frame().select(pl.col("title").xb.classify("m")),
        frame().select(pl.col("title").xb.search("m")),
        frame().xb.predict_table("m"),
        frame().xb.evaluate("m"),
    ):
        with pytest.raises(xbsql.XbsqlError, match=said):
            lazy.collect()


UNTOLD = """
import polars as pl, xbsql.frame
try:
    pl.Series("t", ["a"]).xb.classify("m")
except xbsql.XbsqlError as error:
    print(error)
"""


def test_without_use_the_store_is_in_the_home_folder(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("XBSQL_STORE", None)
    done = subprocess.run(
        [sys.executable, "-c", UNTOLD], capture_output=True, text=True, check=False, env=environment
    )
    assert f"no model 'm'; the store {tmp_path}/.xbsql has nothing" in done.stdout, done.stderr


CODE = """
import polars as pl, sys, xbsql.frame
xbsql.frame.use(sys.argv[1])
vectors = pl.Series([[1.0, 2.0], [2.0, 1.0]], dtype=pl.Array(pl.Float32, 2))
lf = pl.LazyFrame({"id": [1, 2], "v": vectors})
print(len(lf.xb.duplicates("id", "v", 0.1).collect()))
print(len(lf.select(pl.col("v").xb.similarity("v")).collect()))
"""


def test_a_process_that_used_it_ends_silently(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("1\n2\n", "")
