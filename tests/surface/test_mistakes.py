"""From SQL, Python and Polars alike: a mistake in the data is one line that names the function called."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import xbsql
import xbsql.frame
from xbsql import errors
from xbsql.errors import XbsqlError

N = 60


def shop(seed=1):
    rng = np.random.default_rng(seed)
    x, mode = rng.normal(size=N), rng.choice(["a", "b", "c"], N)
    y = rng.normal(size=N) + 2 * x + (mode == "a")
    days = [f"2025-01-{1 + i % 28:02d}" for i in range(N)]
    return pa.table({"x": x, "mode": mode, "day": days, "y": y, "late": np.where(y > 0, "late", "ok")})


def spoilt(column, values):
    table = shop()
    return table.set_column(table.column_names.index(column), column, pa.array(values))


DAMAGE = {
    "an infinite value": (
        spoilt("x", np.append(np.inf, np.arange(N - 1.0))),
        "column 'x' holds an infinite value; make it NULL",
    ),
    "another type": (spoilt("x", ["1.5"] * N), "column 'x'"),
    "text that is no date": (
        spoilt("day", ["01/02/2025"] * N),
        "column 'day' holds text that is no ISO date; strptime(day, ...) makes it one",
    ),
}
CALLS = {
    "fit": "CALL xb.fit('new', bad, 'y')",
    "transfer": "CALL xb.transfer('new', bad, 'y', base := 'days', method := 'source')",
    "predict": "SELECT xb.predict('days', t) FROM bad t",
    "classify": "SELECT xb.classify('late', t) FROM bad t",
    "predict_table": "FROM xb.predict_table('days', bad)",
    "evaluate": "FROM xb.evaluate('days', bad)",
    "explain": "FROM xb.explain('late', bad)",
    "label_curve": "FROM xb.label_curve('days', bad)",
    "suggest_labels": "WITH free AS (SELECT * EXCLUDE late FROM bad) FROM xb.suggest_labels('late', free)",
    "weights": "FROM xb.weights(home, bad)",
    "domain_similarity": "FROM xb.domain_similarity(home, bad)",
}
DEFINED = {
    ("another type", "fit"),  # it is a category
    ("another type", "transfer"),  # every text is a number
    ("text that is no date", "fit"),
    ("text that is no date", "weights"),
    ("text that is no date", "domain_similarity"),
}
"""What is no mistake there."""


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(tmp_path_factory.mktemp("shop") / "shop.duckdb")
    con.register("home", shop(0))
    con.register("late", shop(0).drop_columns(["y"]))
    con.register("days", shop(0).drop_columns(["late"]))
    con.sql("CALL xb.fit('days', days, 'y')").fetchall()
    con.sql("CALL xb.fit('late', late, 'late')").fetchall()
    yield con
    con.close()


def said(con, query):
    with pytest.raises(Exception, match="XbsqlError") as caught:
        con.sql(query).fetchall()
    return str(caught.value).partition("XbsqlError: ")[2]


@pytest.mark.parametrize("function", CALLS)
@pytest.mark.parametrize("damage", DAMAGE)
def test_the_function_called_is_named(con, damage, function):
    table, message = DAMAGE[damage]
    con.register("bad", table)
    if (damage, function) in DEFINED:
        con.sql(CALLS[function]).fetchall()
        return
    found = said(con, CALLS[function])
    assert found.startswith(f"xb.{function}: ")
    assert message in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("x", np.append(np.inf, np.arange(N - 1.0)), "in the source, column 'x' holds an infinite value"),
        ("y", [2.5] * N, "in the source, label column 'y' holds only the value 2.5"),
    ],
)
def test_a_mistake_in_the_source_is_told_from_one_in_the_target(con, column, values, message):
    con.register("bad", spoilt(column, values))
    assert said(con, "CALL xb.transfer('new', home, 'y', source := bad)").startswith(
        f"xb.transfer: {message}"
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("FROM xb.label_curve('days', late, 'late')", "label column 'late' holds string, and values are num"),
        (
            "FROM xb.evaluate('days', late, 'late')",
            "label column 'late' holds string, and values are numbers",
        ),
        ("FROM xb.evaluate('days', few, 'y')", "no column 'x'; model 'days' reads it, and the table has"),
        ("CALL xb.fit('new@1', home, 'y')", "'new@1' cannot be a model's name"),
        ("FROM xb.label_curve('days', endless, 'y')", "label column 'y' is infinite or NaN in 1 rows"),
    ],
)
def test_other_mistakes(con, query, message):
    con.register("few", shop().select(["mode", "day", "y"]))
    con.register("endless", spoilt("y", np.append(np.inf, np.arange(N - 1.0))))
    function = query.partition("xb.")[2].partition("(")[0]
    assert said(con, query).startswith(f"xb.{function}: {message}")


@pytest.mark.parametrize(
    "values", [[["a", "b"]] * N, [{"a": 1}] * N, [b"\xff"] * N], ids=["list", "struct", "blob"]
)
@pytest.mark.parametrize(
    "query",
    [
        "CALL xb.fit('new', bad, 'y', options := {'group': 'mode'})",
        "CALL xb.fit('new', bad, 'y', options := {'category': ['mode']})",
        "CALL xb.fit('new', bad, 'late', options := {'text': 'day', 'kind': 'mode'}, task := 'translate')",
        "CALL xb.transfer('new', home, 'y', source := more, options := {'source_market': 'other'})",
        "FROM xb.evaluate('days', more, 'y', by := 'other')",
        "FROM xb.suggest_labels('late', free, 5, by := 'other')",
    ],
)
def test_a_column_that_is_no_text_is_named_with_what_to_do(con, query, values):
    con.register("bad", spoilt("mode", values))
    con.register("more", shop().append_column("other", pa.array(values)))
    con.register("free", shop().drop_columns(["late"]).append_column("other", pa.array(values)))
    name = "other" if "other" in query else "mode"
    assert f"'{name}'" in (told := said(con, query)) or f"{name} is" in told
    assert f"{name}::VARCHAR" in told or f"md5({name})" in told
    assert "fault of xbsql" not in told


def test_twins_and_polars_say_the_same(con):
    table, message = DAMAGE["an infinite value"]
    with pytest.raises(XbsqlError, match=f"^xb.predict_table: {message}$"):
        xbsql.predict_table(con, "days", table)
    with pytest.raises(XbsqlError, match=f"^xb.fit: {message}$"):
        xbsql.fit(con, "new", table, "y")
    xbsql.frame.use(con)
    with pytest.raises(Exception, match=f"xb.predict: {message}"):
        pl.from_arrow(table).select(pl.struct("x", "mode", "day").xb.predict("days"))


@pytest.mark.parametrize("name", ["t", "d", "s", "row", "tbl", "data", "model", "list", "position"])
def test_a_column_may_have_any_name(con, name):
    table = shop().rename_columns([name if column == "x" else column for column in shop().column_names])
    con.register("named", table)
    con.sql("CALL xb.fit('named', named, 'y')").fetchall()
    (value,) = con.sql("SELECT sum(value) FROM xb.predict_table('named', named)").fetchall()[0]
    assert value == pytest.approx(sum(xbsql.predict_table(con, "named", table)["value"].to_pylist()))
    for query in (
        "FROM xb.evaluate('named', named)",
        "FROM xb.explain('named', named)",
        "FROM xb.weights(named, named)",
        "FROM xb.domain_similarity(named, named)",
        "FROM xb.lint(named, named)",
    ):
        assert con.sql(query).fetchall() is not None


def test_a_name_that_differs_in_case_is_meant():
    error = errors.unknown("f", "column", "TITLE ", ["TITLE2", "Title"])
    assert str(error).endswith("(did you mean 'Title'?)")
