"""Extraction from SQL, Python and Polars: one map a title, one column an attribute, and mistakes."""

from __future__ import annotations

import duckdb
import polars as pl
import pyarrow as pa
import pytest

import xbsql
import xbsql.frame
from xbsql import sample
from xbsql.errors import XbsqlError

FIT = """
CALL xb.fit('found', shelf, 'colour', task := 'extract',
            options := {'attributes': ['brand', 'colour', 'material', 'o''dd "name"']})
"""


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(tmp_path_factory.mktemp("extract") / "shop.duckdb")
    sample.add_examples(con)
    con.execute(
        """ALTER TABLE shelf ADD COLUMN "o'dd ""name\""" VARCHAR; UPDATE shelf SET "o'dd ""name\""" = 'cm'"""
    )
    con.execute(FIT)
    con.execute(
        "CREATE TABLE other AS SELECT * EXCLUDE (colour) FROM shelf UNION ALL BY NAME SELECT NULL AS title"
    )
    yield con
    con.close()


def test_each_value_stands_where_it_says(con):
    found = con.sql(
        """
        SELECT bool_and(title[answer.start:answer.stop] = answer.value), count(*), min(answer.score) > 0
        FROM (SELECT title, unnest(map_values(xb.extract('found', title))) AS answer FROM shelf)
        """
    ).fetchall()[0]
    assert found[0]
    assert found[1] > 150
    assert found[2]


def test_one_column_an_attribute(con):
    table = con.sql("SELECT * FROM xb.extract_table('found', other) ORDER BY title").to_arrow_table()
    own = con.sql("FROM other").columns
    assert table.column_names[: len(own)] == own
    assert [name for name in table.column_names if name == "colour"] == ["colour"]
    shown = con.sql("SELECT xb.extract('found', title)['colour'].value FROM other ORDER BY title").fetchall()
    assert table["colour"].to_pylist() == [value for (value,) in shown]
    assert table["colour"].null_count < 10
    python = xbsql.extract_table(con, "found", "other").sort_by("title")
    assert python["colour"].to_pylist() == table["colour"].to_pylist()


@pytest.mark.parametrize("given", ["other", "'other'", "'main.other'", "few", "'few'"])
def test_a_table_is_given_as_anywhere(con, given):
    counts = f"SELECT count(*), count(colour) FROM xb.extract_table('found', {given})"
    query = f"WITH few AS (FROM other LIMIT 5) {counts}"
    rows, found = con.sql(query).fetchall()[0]
    assert rows == (5 if "few" in given else 61)
    assert found >= rows - 8


def test_a_name_is_a_name_and_no_sql(con):
    asked = ["Farbe", 'x"; DROP TABLE shelf; --', "it's"]
    found = xbsql.extract_table(con, "found", "other", attributes=asked)
    assert found.column_names[-3:] == asked
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in asked)
    answered = con.sql(f"FROM xb.extract_table('found', other, attributes := [{listed}])")
    assert answered.columns[-3:] == asked
    assert con.sql("SELECT count(*) FROM shelf").fetchall()[0] == (60,)
    assert con.sql('SELECT count("Farbe") FROM answered').fetchall()[0][0] > 50


def test_polars_answers_as_sql_does(con):
    xbsql.frame.use(con)
    frame = pl.DataFrame({"title": ["Kelvona red cotton bag 3 cm", None]})
    found = frame.select(pl.col("title").xb.extract("found")).to_series().to_list()
    sql = con.sql("SELECT xb.extract('found', 'Kelvona red cotton bag 3 cm')").fetchall()[0][0]
    assert found[0] == sql
    assert found[1] is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT xb.extract('nothing', 'a')", "xb.extract: no model 'nothing'"),
        ("FROM xb.extract_table('nothing', shelf)", "xb.extract_table: no model 'nothing'"),
        ("FROM xb.extract_table('found', rates)", "title"),
        ("FROM xb.extract_table('found', shelf, attributes := [])", "attributes is an empty list"),
        ("SELECT xb.classify('found', 'a')", "was fitted for extract; use xb.extract"),
        ("FROM xb.predict_table('found', shelf)", "use xb.extract"),
        ("FROM xb.evaluate('found', shelf, 'colour', by := 'title')", "no group 'title'"),
        ("FROM xb.evaluate('found', rates, 'currency')", "no column 'title'"),
        (
            "FROM xb.estimate('fit', shelf, 'colour', options := {'attributes': ['colour']})",
            "what the task 'extract' takes is not known",
        ),
        ("SELECT xb.extract('days', 'a')", "was fitted for predict; name a model of the task 'extract'"),
    ],
)
def test_mistakes_are_one_line(con, query, message):
    if "'days'" in query:
        con.execute("CALL xb.fit('days', parcels, 'days')")
    with pytest.raises((duckdb.Error, XbsqlError)) as caught:
        con.sql(query).fetchall()
    assert message in str(caught.value)


def test_a_transfer_under_other_names(con):
    rows = con.sql(
        """
        FROM xb.transfer('found_de', regal, 'Farbe', base := 'found', source := shelf, market := 'DE',
                         options := {'attributes': ['Marke', 'Farbe', 'Material']})
        """
    ).to_arrow_table()
    assert set(rows["arm"].to_pylist()) == {"target only", "source only", "pooled", "blend"}
    assert "Farbe = colour" in rows["note"][0].as_py()
    found = con.sql(
        "SELECT xb.extract('found_de', title)['Farbe'].canonical AS c FROM regal"
    ).to_arrow_table()
    assert isinstance(found, pa.Table)
    assert set(found["c"].to_pylist()) >= {"red", "navy", "black"}
    card = con.sql("FROM xb.model_card('found_de')").fetchall()
    assert card


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("untitled", "no column 'title'; model 'found' reads it, and the row has name"),
        ("shelf, attributes := ['']", "one of the attributes has no name; leave '' out"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_clear_line(con, asked, message):
    con.execute("CREATE OR REPLACE TABLE untitled AS SELECT 'red cap' AS name")
    with pytest.raises((duckdb.Error, XbsqlError)) as caught:
        con.sql(f"FROM xb.extract_table('found', {asked})").fetchall()
    assert message in str(caught.value)


@pytest.mark.parametrize("attributes", [None, ["colour", "brand"]])
def test_polars_adds_the_columns_that_sql_adds_and_knows_them_before(con, attributes):
    xbsql.frame.use(con)
    frame = pl.from_arrow(con.sql("SELECT title, brand FROM shelf ORDER BY title").to_arrow_table())
    lazy = frame.lazy().xb.extract_table("found", attributes=attributes)
    sql = xbsql.extract_table(con, "found", frame.to_arrow(), attributes=attributes)
    found = lazy.collect()
    assert lazy.collect_schema() == found.schema
    assert found.columns == sql.column_names
    assert found["colour"].to_list() == sql["colour"].to_pylist()
    with pytest.raises(XbsqlError, match=r"xb\.extract_table: .*'absent'"):
        frame.lazy().xb.extract_table("absent")
