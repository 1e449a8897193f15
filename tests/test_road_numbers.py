"""The road in SQL for labels that are numbers: fit, transfer, predict, evaluate."""

import subprocess
import sys

import duckdb
import pytest

import xbsql
from xbsql import frame

PARCELS = """
    CREATE OR REPLACE TABLE {name} AS
    SELECT i AS parcel_id, (i * 37 % 100) / 10 AS weight,
           CASE WHEN i % 3 = 0 THEN 'air' ELSE 'sea' END AS mode,
           CASE WHEN i < {labels} THEN
               {late} + CASE WHEN i % 3 = 0 THEN 2 ELSE 11 END + (i * 37 % 100) / 5 + (hash(i) % 100) / 50
           END AS days
    FROM range({rows}) t(i)
"""


@pytest.fixture
def con(tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb")
    yield con
    con.close()


def rows(con, query):
    result = con.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_numbers_are_carried_with_their_interval(con):
    con.execute(PARCELS.format(name="parcels_home", late=0, labels=600, rows=600))
    con.execute(PARCELS.format(name="parcels_jp", late=5, labels=60, rows=300))
    rows(con, "CALL xb.fit('days', parcels_home, 'days')")
    found = rows(
        con, "CALL xb.transfer('days_jp', parcels_jp, 'days', base := 'days', source := parcels_home)"
    )
    assert {row["metric"] for row in found} == {"r2"}
    assert found[-1]["value"] > 0.9
    query = """
        SELECT t.days AS truth, xb.predict('days_jp', t) AS one, p.predicted, p.value, p.lo, p.hi, p.shift
        FROM parcels_jp t JOIN xb.predict_table('days_jp', parcels_jp, shift := true) p USING (parcel_id)
    """
    answers = rows(con, query)
    assert len(answers) == 300
    for row in answers:
        assert row["one"] == {**{name: row[name] for name in ("value", "lo", "hi", "shift")}, "version": 1}
        assert row["lo"] < row["value"] < row["hi"]
        assert row["predicted"] is None
    asked = "SELECT count(shift) AS shifts, count(value) AS n FROM xb.predict_table('days_jp', parcels_jp)"
    assert rows(con, asked) == [{"shifts": 0, "n": 300}]
    inside = [row["lo"] <= row["truth"] <= row["hi"] for row in answers if row["truth"] is not None]
    assert sum(inside) >= 0.8 * len(inside)
    measured = rows(con, "FROM xb.evaluate('days_jp', parcels_jp, by := 'mode')")
    assert {row["metric"] for row in measured} == {"r2", "mae", "rmse", "coverage", "seen"}
    twin = xbsql.predict(con, "days_jp@1", con.sql("FROM parcels_jp").to_arrow_table().to_struct_array())
    assert [row["one"] for row in rows(con, "SELECT xb.predict('days_jp', t) AS one FROM parcels_jp t")] == (
        twin.to_pylist()
    )


def test_a_model_of_another_task_is_named(con):
    con.execute(PARCELS.format(name="few", late=0, labels=20, rows=20))
    rows(con, "CALL xb.fit('few', few, 'days')")
    found = rows(con, "SELECT xb.predict('few', t) AS p FROM few t LIMIT 1")[0]["p"]
    assert (found["lo"], found["hi"]) == (None, None)
    with pytest.raises(duckdb.Error, match=r"'few' was fitted for predict; use xb.predict"):
        con.execute("SELECT xb.classify('few', t) FROM few t").fetchall()
    rows(con, "CALL xb.fit('modes', few, 'mode')")
    with pytest.raises(duckdb.Error, match=r"'modes' was fitted for classify; use xb.classify"):
        con.execute("SELECT xb.predict('modes', t) FROM few t").fetchall()


FRESH = """
import sys, xbsql
con = xbsql.connect(sys.argv[1])
print(con.sql("SELECT xb.predict('days_jp', t) FROM parcels_jp t ORDER BY parcel_id LIMIT 20").fetchall())
"""


def test_a_fresh_process_gives_the_same_answers(con, tmp_path):
    con.execute(PARCELS.format(name="parcels_home", late=0, labels=300, rows=300))
    con.execute(PARCELS.format(name="parcels_jp", late=5, labels=60, rows=60))
    rows(con, "CALL xb.transfer('days_jp', parcels_jp, 'days', source := parcels_home)")
    query = "SELECT xb.predict('days_jp', t) FROM parcels_jp t ORDER BY parcel_id LIMIT 20"
    here = con.execute(query).fetchall()
    con.close()
    command = [sys.executable, "-c", FRESH, str(tmp_path / "shop.duckdb")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    # on a slow machine DuckDB shows a progress bar before the answer
    assert found.stdout.strip().splitlines()[-1] == str(here), found.stderr


def test_a_null_row_is_null(con):
    con.execute(PARCELS.format(name="few", late=0, labels=20, rows=20))
    rows(con, "CALL xb.fit('few', few, 'days')")
    found = rows(con, "SELECT xb.predict('few', {'parcel_id': NULL, 'weight': NULL, 'mode': NULL}) AS p")
    assert found == [{"p": None}]


def test_a_large_table_is_answered_in_blocks_and_alike(con, monkeypatch):
    con.execute(PARCELS.format(name="parcels", late=0, labels=80, rows=90))
    rows(con, "CALL xb.fit('days', parcels, 'days')")
    whole = xbsql.predict_table(con, "days", "parcels", shift=True)
    monkeypatch.setattr("xbsql.session.models.BLOCK_ROWS", 7)
    blocks = xbsql.predict_table(con, "days", "parcels", shift=True)
    assert blocks.select(["parcel_id", "weight"]) == whole.select(["parcel_id", "weight"])
    for name in ("value", "lo", "hi", "shift"):
        assert blocks[name].to_pylist() == pytest.approx(whole[name].to_pylist())
    none = con.sql("SELECT xb.predict('days', t) FROM parcels t WHERE weight < 0").fetchall()
    assert none == []


def test_a_column_that_is_called_like_a_prediction_keeps_its_name(con):
    con.execute(PARCELS.format(name="parcels", late=0, labels=80, rows=80))
    con.execute("CREATE TABLE priced AS SELECT *, weight AS value FROM parcels")
    rows(con, "CALL xb.fit('days', priced, 'days')")
    found = con.sql("FROM xb.predict_table('days', priced)").to_arrow_table()
    assert "value_1" in found.column_names
    assert found["value"].to_pylist() == found["weight"].to_pylist()
    twin = xbsql.predict_table(con, "days", "priced")
    assert twin.column_names == found.column_names
    frame.use(con)
    lazy = con.sql("FROM priced").pl().lazy().xb.predict_table("days")
    assert lazy.collect_schema().names() == lazy.collect().columns == found.column_names
