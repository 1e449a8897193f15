"""Any argument is answered or refused in one line, from SQL, Python and Polars; found by a fuzz."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import xbsql
import xbsql.frame
from xbsql.errors import XbsqlError

N = 40
LONG = "x" * 5_000


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(store=tmp_path_factory.mktemp("store"))
    con.execute(
        f"""
        CREATE TABLE t AS SELECT i AS id, 'red shoe ' || i AS title, i % 7 + 0.5 AS x, 2.0 * i AS y,
            [i, 1.0]::FLOAT[] AS vec, 'DE' AS market FROM range({N}) r(i);
        CREATE TABLE united AS SELECT *, union_value(k := id) AS u FROM t;
        CREATE TABLE nobody AS FROM t LIMIT 0;
        CREATE TABLE xy AS SELECT x, y FROM t;
        """
    )
    con.execute("CALL xb.fit('m', xy, 'y')")
    xbsql.frame.use(con)
    yield con
    con.close()


def frame(con, name="t"):
    return pl.DataFrame(con.table(name).to_arrow_table())


def said(con, query):
    with pytest.raises(Exception, match="XbsqlError") as caught:
        con.sql(query).fetchall()
    line = str(caught.value).partition("XbsqlError: ")[2]
    assert "\n" not in line
    assert "fault of xbsql" not in line
    return line


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT xb.classify([], title) FROM t", "xb.classify: model must be a name in quotes, got "),
        ("SELECT xb.classify(i, x) FROM (SELECT id AS i, x FROM t)", "model must be a name in quotes, got 0"),
        ("FROM xb.evaluate('infinity'::DATE, t)", "model is a date32.* from the year 1 to 9999"),
        ("FROM xb.evaluate(DATE '0044-03-15 (BC)', t)", "model is a date32"),
        ("SELECT xb.newsvendor([0.1, 0.9], 'a', 1, 2)", "quantiles is string"),
        ("FROM xb.delete_from_index('i', union_value(k := 1))", "no index 'i'"),
        ("FROM xb.lint(united)", "xb.lint: column 'u' is a UNION; cast it"),
        ("SELECT xb.to_currency(1, 'JPY', 'EUR', united)", "column 'u' is a UNION"),
        ("FROM xb.predict_table('m', united)", "column 'u' is a UNION"),
        ("FROM xb.match(t, t, lid := id, ltext := [id], rid := id, rtext := title)",
         "the text to"),
        ("FROM xb.match(t, t, lid := id, ltext := title, rid := id, rtext := title, block := vec)",
         "block is"),
        ("FROM xb.match(t, t, lid := id, ltext := title, rid := id, rtext := title, beside := {'prise': x})",
         "no field of beside 'prise'.*did you mean 'price'"),
        ("FROM xb.match(nobody, nobody, lid := id, ltext := title, rid := id, rtext := title, model := 'no')",
         "xb.match: no model 'no'"),
        ("FROM xb.predict_table('no', nobody)", "xb.predict_table: no model 'no'"),
        ("FROM xb.route_options(nobody, 'm', 'no')", "xb.route_options: no model 'no'"),
        ("SELECT xb.parse_number(NULL, 'ZZ')", "no market 'ZZ'"),
        ("CALL xb.fit('n', t, 'y', market := 'ZZ')", "xb.fit: no market 'ZZ'"),
        ("CALL xb.transfer('n', t, 'y', base := 'm', market := 'UK')", "xb.transfer: no market 'UK'.*'GB'"),
        ("FROM xb.import_booster('n', 'x', 'y', market := 'Germany')", "no market 'Germany'.*'DE'"),
    ],
)  # fmt: skip
def test_sql_refuses_in_one_line(con, query, message):
    assert xbsql.XbsqlError
    with pytest.raises(Exception, match=message):
        raise AssertionError(said(con, query))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: xbsql.choose_routes(c, "t", "t", "market", pa.table({"a": [1]}), "x"), "cost must be the"),
        (lambda c: xbsql.match(c, "t", "t", 0, "title", "id", "title"), "lid must be the name .*, got 0"),
        (lambda c: xbsql.forecast(c, "m", "t", None, "x", "y"), "id must be the name .* or names of columns"),
        (lambda c: xbsql.lint(c, None), "None is no table; give its name, or an Arrow"),
        (lambda c: xbsql.search(c, "i", [1.0], filter=0.5), "filter is 0.5; give a list of ids"),
        (lambda c: xbsql.parse_date(c, pa.array(["1.2.2025"]), 10**30), "market holds values of no"),
        (lambda c: xbsql.build_index(c, "i", "nobody", "id", text="title"), "no row has an id"),
        (lambda c: xbsql.predict_table(c, "no", "nobody"), "no model 'no'"),
        (lambda c: xbsql.fit(c, "n", "t", "y", market=3), "market must be a country code in quotes"),
    ],
)  # fmt: skip
def test_python_refuses_in_one_line(con, call, message):
    with pytest.raises(XbsqlError, match=message):
        call(con)


def test_a_message_repeats_little_of_what_was_given(con):
    for call in (
        lambda: xbsql.evaluate(con, "m", LONG),
        lambda: xbsql.fit(con, LONG, "t", "y"),
        lambda: xbsql.convert(con, [1.0], LONG, "kg"),
        lambda: xbsql.promote(con, LONG, 1),
    ):
        with pytest.raises(XbsqlError) as caught:
            call()
        assert "x" * 201 not in str(caught.value)


def test_a_day_of_no_calendar_is_refused_wherever_it_stands(con):
    with pytest.raises(XbsqlError, match="start"):
        xbsql.launch(con, "t", "id", "m", start=3)
    assert said(con, "FROM xb.launch(t, id, 'm', start := 'infinity'::TIMESTAMP)").startswith(
        "xb.launch: start"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.lazy().xb.match([], "id", "title", "id", "title"), "right must be a frame of Polars"),
        (
            lambda f: f.lazy().xb.match(f, 0, "title", "id", "title"),
            "lid must be the name of a column, got 0",
        ),
        (lambda f: f.lazy().xb.extract_table(f), "model must be a name in quotes, got"),
        (lambda f: f.select(pl.col("x").xb.convert("kg", 10**30)), "new_unit holds values of no one type"),
        (lambda f: f.clear().select(pl.struct("x").xb.predict("no")), "no model 'no'"),
        (lambda f: f.select(pl.lit(10**30).xb.convert("kg", "g")), "Int128"),
    ],
)
def test_polars_refuses_in_one_line(con, call, message):
    with pytest.raises(Exception, match=message):
        call(frame(con))


def test_polars_widens_a_literal_beside_a_column(con):
    found = frame(con).select(pl.lit("1.234,5").xb.parse_number(pl.col("market")))
    assert found.to_series().to_list() == [1234.5] * N
    by_row = frame(con).select(pl.struct("x").xb.predict(pl.lit("m")).struct.field("value"))
    assert by_row.null_count().item() == 0


def test_polars_gives_one_list_to_every_row():
    frame = pl.DataFrame({"levels": [[0.1, 0.5, 0.9]] * 3})
    found = frame.select(pl.col("levels").xb.newsvendor([60.0, 100.0, 160.0], 8.0, 2.0))
    assert found.to_series().to_list() == pytest.approx([145.0] * 3)


def test_a_struct_is_repeated_beside_no_row(con):
    none = pa.array([], pa.float64())
    with pytest.raises(XbsqlError, match="demand_sd is struct"):
        xbsql.safety_stock(con, none, {"a": 1}, 3.0)


def test_nothing_to_explain_gives_no_row(con):
    con.execute("CREATE OR REPLACE TABLE blank AS SELECT NULL::DOUBLE AS x FROM range(3)")
    for per_row in ("true", "false"):
        assert con.sql(f"FROM xb.explain('m', blank, per_row := {per_row})").fetchall() == []


def test_ids_of_lists_are_matched_in_python_too(con):
    table = con.sql("SELECT [id] AS id, title FROM t LIMIT 3").to_arrow_table()
    found = xbsql.match(con, table, table, "id", "title", "id", "title")
    assert found["lid"].to_pylist() == [[0], [1], [2]]


def test_a_market_is_written_in_capitals(con):
    con.execute("CALL xb.fit('german', xy, 'y', market := ' de')")
    assert con.sql("SELECT market FROM xb.models() WHERE model = 'german'").fetchall() == [("DE",)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("FROM xb.match(t, t, lid := id, ltext := 'title', rid := id, rtext := title)", "ltext is the text"),
        ("FROM xb.match_candidates(t, t, lid := id, ltext := title, rid := id, rtext := 'title')", "rtext"),
        ("CALL xb.build_index('i', t, id := id, text := 'title')", "name it without quotes: text := title"),
        ("FROM xb.forecast('f', t, id, 'day', y)", "ts is the text 'day' in every row"),
    ],
)  # fmt: skip
def test_a_column_in_quotes_is_no_column(con, query, message):
    assert message in said(con, query)


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "shop.duckdb").write_text("no folder")
    with pytest.raises(XbsqlError, match=r"the store .*shop.duckdb is a file; give a folder"):
        xbsql.connect(store=tmp_path / "shop.duckdb")


def test_series_in_text_are_no_classes(con):
    days = [dt.date(2024, 1, 1) + dt.timedelta(7 * i) for i in range(30)]
    values = [f"{v},5" for v in np.arange(30)]
    table = pa.table({"unique_id": ["a"] * 30, "ds": days, "y": values})
    with pytest.raises(XbsqlError, match=r"the table holds series, and their values 'y' are text; cast them"):
        xbsql.fit(con, "n", table, "y")
    with pytest.raises(XbsqlError, match=r"column 'y' is string.*xb.parse_number"):
        xbsql.fit(con, "n", table, "y", task="forecast")


def test_classes_in_two_spellings_are_told(con):
    names = ["Shoes", "shoes ", " Shoes", "Bags"] * 12
    table = pa.table({"title": [f"thing {i}" for i in range(48)], "category": names})
    (note,) = set(xbsql.fit(con, "n", table, "category")["note"].to_pylist())
    assert "classes ' Shoes', 'Shoes', 'shoes ' differ in case or blanks alone" in note
    names = ["Bags &amp; Cases", "Bags & Cases", "Ca\u00adps", "Shoes"] * 12
    table = pa.table({"title": [f"thing {i}" for i in range(48)], "category": names})
    (note,) = set(xbsql.fit(con, "n", table, "category")["note"].to_pylist())
    assert "classes 'Bags & Cases', 'Bags &amp; Cases' differ in HTML entities or unseen characters" in note
