"""Looking inside in SQL and Python: places are those of the table, and each mistake is one line."""

import datetime as dt

import duckdb
import pyarrow as pa
import pytest

import xbsql
import xbsql.frame

PARCELS = """
    CREATE OR REPLACE TABLE {name} AS
    SELECT (i * 37 % 100) / 10 AS weight, CASE WHEN i % 3 = 0 THEN 'air' ELSE 'sea' END AS mode,
           {late} + CASE WHEN i % 3 = 0 THEN 2 ELSE 11 END + (i * 37 % 100) / 5 + (hash(i) % 100) / 50 AS days
    FROM range({rows}) t(i)
"""


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(tmp_path_factory.mktemp("insight") / "shop.duckdb")
    con.execute(PARCELS.format(name="home", late=0, rows=300))
    con.execute(PARCELS.format(name="abroad", late=5, rows=36))
    con.execute("CREATE TABLE titles AS SELECT 'red shoe ' || i AS title FROM range(8) t(i)")
    con.sql("CALL xb.fit('days', home, 'days')").fetchall()
    con.sql("CALL xb.transfer('days_jp', abroad, 'days', base := 'days')").fetchall()
    con.sql("CALL xb.transfer('days_alone', abroad, 'days', source := home)").fetchall()
    yield con
    con.close()


def rows(con, query):
    return con.sql(query).to_arrow_table().to_pylist()


def test_contributions_stand_beside_the_rows_they_explain(con):
    con.execute(PARCELS.format(name="many", late=5, rows=5000))
    found = rows(
        con,
        """
        SELECT count(*) AS n, max(abs(said - p.value)) AS gap
        FROM (SELECT row, sum(contribution) AS said FROM xb.explain('days_jp', many) GROUP BY row)
        JOIN (SELECT *, row_number() OVER () AS row FROM xb.predict_table('days_jp', many)) p USING (row)
        """,
    )
    assert found[0]["n"] == 5000
    assert found[0]["gap"] < 1e-9


@pytest.mark.parametrize("more", ["", ", background := home", ", per_row := false"])
def test_the_twin_says_what_sql_says(con, more):
    given = (
        {"background": "home"} if "background" in more else {"per_row": False} if "per_row" in more else {}
    )
    twin = xbsql.explain(con, "days_jp", "abroad", **given)
    assert twin.to_pylist() == rows(con, f"FROM xb.explain('days_jp', abroad{more})")
    assert twin.schema.types == [pa.int64(), pa.string(), pa.string(), pa.string(), pa.float64()]


def test_a_background_is_what_rows_are_compared_with(con):
    con.execute("CREATE OR REPLACE TABLE one AS FROM abroad LIMIT 1")
    base = rows(con, "FROM xb.explain('days_jp', one, background := home)")[0]
    mean = rows(con, "SELECT avg(value) AS v FROM xb.predict_table('days_jp', home)")[0]["v"]
    assert (base["feature"], base["row"]) == ("(base)", 1)
    assert base["contribution"] == pytest.approx(mean, abs=0.5)


def arms(con, model, tbl):
    return {row["arm"] for row in rows(con, f"FROM xb.label_curve('{model}', {tbl})")}


def test_a_curve_starts_from_what_has_not_seen_the_rows(con):
    assert arms(con, "days", "abroad") == {"source only", "target only", "blend"}
    assert xbsql.label_curve(con, "days_jp", "abroad").to_pylist() == rows(
        con, "FROM xb.label_curve('days', abroad)"
    ), "a transferred model stands for its base"
    assert arms(con, "days", "home") == {"target only"}, "fitted on these very rows"
    assert arms(con, "days_alone", "abroad") == {"target only"}


def test_weights_name_the_places_of_the_source(con):
    found = rows(con, "FROM xb.weights(home, abroad, columns := ['weight', 'mode'])")
    assert [row["row"] for row in found] == list(range(1, 301))
    assert sum(row["weight"] for row in found) == pytest.approx(300)
    twin = xbsql.weights(con, "home", "abroad", columns=["weight", "mode"])
    assert twin.to_pylist() == found


@pytest.mark.parametrize(
    ("id", "given", "kind"),
    [("code", "sku", str), ("day", "day", dt.date), ("none", "nullif(sku, 'sku 2')", str)],
)
def test_a_column_names_the_rows_that_are_explained_and_weighed(con, id, given, kind):
    con.execute(
        """CREATE OR REPLACE TABLE named AS SELECT *, 'sku ' || i AS sku, nullif(sku, 'sku 2') AS none,
        sku AS code, DATE '2026-01-01' + i::INTEGER AS day
        FROM (SELECT *, row_number() OVER () AS i FROM home LIMIT 40)"""
    )
    names = [row[id] for row in rows(con, "FROM named")]
    for function, call in (
        ("explain", "'days', named{}"),
        ("weights", "named, abroad, columns := ['weight']{}"),
    ):
        places = rows(con, f"FROM xb.{function}({call.format('')})")
        found = rows(con, f"FROM xb.{function}({call.format(f', id := {given}')})")
        assert found == [{**row, "row": names[row["row"] - 1]} for row in places]
        assert {type(row["row"]) for row in found} <= {kind, type(None)}
    twin = xbsql.explain(con, "days", "named", id=id).to_pylist()
    assert twin == rows(con, f"FROM xb.explain('days', named, id := {given})")
    twin = xbsql.weights(con, "named", "abroad", columns=["weight"], id=id).to_pylist()
    assert twin == rows(con, f"FROM xb.weights(named, abroad, columns := ['weight'], id := {given})")
    xbsql.frame.use(con)
    frame = con.sql("FROM named").pl()
    for lazy, more in (
        (frame.xb.weights(con.sql("FROM abroad").pl(), columns=["weight"], id=id), 0),
        (frame.xb.weights(con.sql("FROM abroad").pl(), columns=["weight"]), 1),
    ):
        assert lazy.collect_schema() == lazy.collect().schema
        assert lazy.collect()["row"].to_list() == (list(range(1, 41)) if more else names)


def test_rows_that_are_summed_up_have_no_name(con):
    found = rows(con, "FROM xb.explain('days', home, per_row := false, id := mode)")
    assert {row["row"] for row in found} == {None}


def test_an_id_that_is_no_column_is_one_clear_line(con):
    with pytest.raises(xbsql.XbsqlError, match=r"xb.weights: no column 'mod'; the table has .*mean 'mode'"):
        xbsql.weights(con, "home", "abroad", columns=["weight"], id="mod")


def test_likeness_is_the_same_in_python(con):
    twin = xbsql.domain_similarity(con, "home", "abroad").to_pylist()
    assert twin == rows(con, "FROM xb.domain_similarity(home, abroad)")
    assert twin[2]["column"] == "days"


def test_a_column_that_is_named_twice_is_one(con):
    once, twice = (
        xbsql.domain_similarity(con, "home", "abroad", columns=["days"] * count).to_pylist()
        for count in (1, 2)
    )
    assert once == twice


def test_a_home_model_is_judged_before_the_markets_are_compared(con):
    alike = xbsql.domain_similarity(con, "home", "abroad")
    judged = xbsql.domain_similarity(con, "home", "abroad", model="days").to_pylist()
    assert judged == rows(con, "FROM xb.domain_similarity(home, abroad, model := 'days')")
    assert [row["measure"] for row in judged[:2]] == ["r2", "proxy_a"]
    assert judged[1:] == alike.to_pylist()
    score = "SELECT value FROM xb.evaluate('days', abroad) WHERE metric = 'r2'"
    # the two add up the same rows in another order
    assert judged[0] == {
        "measure": "r2",
        "column": "days",
        "value": pytest.approx(rows(con, score)[0]["value"]),
    }


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("FROM xb.explain('nope', home)", "xb.explain: no model 'nope'"),
        ("FROM xb.explain('days', titles)", "xb.explain: no column 'weight'; model 'days' reads it"),
        (
            "FROM xb.explain('days', one_row)",
            "xb.explain: one row has no other .*; give background := the table",
        ),
        ("FROM xb.explain('days', no_row)", "xb.explain: tbl has no rows"),
        ("FROM xb.explain('days', home, background := no_row)", "xb.explain: background has no rows"),
        ("FROM xb.label_curve('days', home, 'dais')", "no label column 'dais'.*did you mean 'days'"),
        ("FROM xb.label_curve('days', one_row)", "1 rows have a label in column 'days'; give 30 or more"),
        ("FROM xb.label_curve('days', home, options := {'sed': 1})", "xb.label_curve: no option 'sed'"),
        ("FROM xb.weights(home, abroad, method := 'kleip')", "xb.weights: no method 'kleip'.*mean 'kliep'"),
        ("FROM xb.weights(home, abroad, columns := [])", "xb.weights: columns is an empty list"),
        ("FROM xb.weights(home, titles)", "xb.weights: no column has values in both"),
        ("FROM xb.domain_similarity(home, one_row)", "xb.domain_similarity: the target has 1 rows"),
        ("FROM xb.domain_similarity(home, abroad, model := 'nope')", "xb.domain_similarity: no model 'nope'"),
        (
            "FROM xb.domain_similarity(home, no_mode, model := 'days')",
            "xb.domain_similarity: no column 'mode'; model 'days' reads it",
        ),
        ("FROM xb.domain_similarity(home, no_row)", "xb.domain_similarity: target has no rows"),
    ],
)
def test_a_mistake_is_one_clear_line(con, query, message):
    con.execute("CREATE OR REPLACE TABLE one_row AS FROM home LIMIT 1")
    con.execute("CREATE OR REPLACE TABLE no_row AS FROM home LIMIT 0")
    con.execute("CREATE OR REPLACE TABLE no_mode AS SELECT weight FROM home")
    with pytest.raises(duckdb.Error, match=message) as caught:
        con.sql(query).fetchall()
    assert "\n" not in str(caught.value)
    assert "fault of xbsql" not in str(caught.value)
