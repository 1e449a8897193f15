"""A model a row: each row gets what its own model says, whatever its neighbours' are."""

import polars as pl
import pyarrow as pa
import pytest

import xbsql
import xbsql.frame
from xbsql.session import models

MARKETS = ("de", "jp")
ROWS = 5000


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(tmp_path_factory.mktemp("rows") / "shop.duckdb")
    con.execute(
        f"""CREATE TABLE t AS
        SELECT i, hash(i) % 100 / 10.0 AS x, CASE WHEN hash(i, 1) % 3 = 0 THEN 'de' ELSE 'jp' END AS market
        FROM range({ROWS}) r(i);
        UPDATE t SET x = NULL WHERE i % 50 = 0"""
    )
    for place, market in enumerate(MARKETS):
        con.execute(
            f"""CREATE TABLE {market} AS
            SELECT x, CASE WHEN x < {3 + 3 * place} THEN 'a' ELSE 'b' END AS kind, x * {1 + place} AS cost
            FROM t WHERE x IS NOT NULL AND i < 400"""
        )
        for model, label, other in (("cat", "kind", "cost"), ("cost", "cost", "kind")):
            ignore = f"options := {{'ignore': ['{other}']}}"
            con.sql(f"CALL xb.fit('{model}_{market}', {market}, '{label}', {ignore})").fetchall()
    yield con
    con.close()


@pytest.mark.parametrize(("function", "prefix"), [("classify", "cat_"), ("predict", "cost_")])
def test_every_row_is_answered_by_its_own_model(con, function, prefix, monkeypatch):
    asked, ask = [], getattr(models, function)
    monkeypatch.setattr(models, function, lambda *a: asked.append((a[1], len(a[2]))) or ask(*a))
    found = con.execute(f"SELECT xb.{function}('{prefix}' || market, t) FROM t ORDER BY i").fetchall()
    batches = [rows for _, rows in asked]
    assert len(asked) <= 2 * (ROWS // 2048 + 1), "each model once a batch"
    assert sum(batches) == ROWS
    expected = con.execute(
        f"""SELECT CASE WHEN market = 'de' THEN xb.{function}('{prefix}de', t)
                        ELSE xb.{function}('{prefix}jp', t) END FROM t ORDER BY i"""
    ).fetchall()
    assert found == expected
    rows = con.sql("FROM t ORDER BY i").to_arrow_table()
    names = [prefix + market for market in rows["market"].to_pylist()]
    for given in (names, pa.array(names), pl.Series(names)):
        twin = getattr(xbsql, function)(con, given, rows.to_struct_array())
        assert [(value,) for value in twin.to_pylist()] == expected
    xbsql.frame.use(con)
    frame = pl.from_arrow(rows)
    model = pl.concat_str(pl.lit(prefix), "market")
    for engine in ("in-memory", "streaming"):
        call = getattr(pl.struct("x").xb, function)(model)
        lazy = frame.lazy().select(found=call).collect(engine=engine)
        assert [tuple(row.values()) for row in lazy.to_dicts()] == expected


def test_the_log_names_every_model(con):
    con.sql("SELECT xb.predict('cost_' || market, t) FROM t LIMIT 100").fetchall()
    call = xbsql.last_calls(con).to_pylist()[0]
    assert (call["function"], call["model"]) == ("predict", "cost_de, cost_jp")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("'cat_' || nullif(market, 'de')", r"xb.classify: model is NULL in \d+ of \d+ rows; leave them out"),
        ("'cta_' || market", "xb.classify: no model 'cta_.*; the store has cat_de, .*did you mean"),
        ("CASE WHEN i % 2 = 0 THEN 'cost_de' ELSE 'cat_de' END", "'cost_de' was fitted for predict"),
        ("i", "xb.classify: model must be a name in quotes, got 0"),
    ],
)
def test_a_wrong_name_in_one_row_is_one_clear_line(con, model, message):
    with pytest.raises(Exception, match=message):
        con.sql(f"SELECT xb.classify({model}, t) FROM t").fetchall()


def test_there_is_a_model_for_each_row(con):
    with pytest.raises(xbsql.XbsqlError, match="2 models for 3 rows; give one model, or one for each row"):
        xbsql.classify(con, ["cat_de", "cat_jp"], pa.array([{"x": 1.0}] * 3))
