"""The main road in SQL, end to end on the sample market, and what must not derail it."""

import os
import signal
import subprocess
import sys
import time

import duckdb
import pyarrow as pa
import pytest

import xbsql
from xbsql import sample

SHOP = """
    CREATE TABLE home AS SELECT product_id, title, category FROM catalogue
        WHERE market = 'US' AND hash(product_id) % 2 = 0;
    CREATE TABLE japan AS SELECT product_id, title, category FROM catalogue
        WHERE market = 'JP' AND hash(product_id) % 2 = 1;
    CREATE TABLE japan_60 AS
        SELECT title, CASE WHEN position <= 60 THEN category END AS category
        FROM (SELECT *, row_number() OVER (ORDER BY hash(product_id)) AS position FROM japan);
    CREATE TABLE japan_0 AS SELECT title, NULL::VARCHAR AS category FROM japan;
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("road")
    con = xbsql.connect(folder / "shop.duckdb")
    con.register("catalogue", sample.catalog())
    con.execute(SHOP)
    con.execute("CALL xb.fit('home', home, 'category', market := 'US')").fetchall()
    yield con
    con.close()


def rows(con, query):
    result = con.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def accuracy(con, model, table):
    return rows(con, f"FROM xb.evaluate('{model}', {table}, 'category') WHERE metric = 'accuracy'")[0][
        "value"
    ]


def test_home_knowledge_serves_abroad_without_a_label(shop):
    found = rows(shop, "CALL xb.transfer('jp_0', japan_0, 'category', base := 'home', source := home)")
    assert {row["verdict"] for row in found} == {"NOT MEASURED"}
    assert {row["basis"] for row in found} == {"prior"}
    assert accuracy(shop, "jp_0", "japan") >= accuracy(shop, "home", "japan") - 0.01
    assert accuracy(shop, "jp_0", "japan") > 0.6


def test_a_transfer_with_labels_helps_and_says_so(shop):
    found = rows(shop, "CALL xb.transfer('jp_60', japan_60, 'category', base := 'home', source := home)")
    arms = {row["arm"]: row for row in found}
    assert list(arms) == ["target only", "source only", "pooled", "blend"]
    assert found[0]["verdict"] == "HELPS"
    assert found[0]["labels"] == 60
    assert arms["blend"]["lo"] <= arms["blend"]["value"] <= arms["blend"]["hi"]
    assert arms["blend"]["value"] > arms["target only"]["value"] + 0.1
    rows(shop, "CALL xb.fit('alone', japan_60, 'category')")
    assert accuracy(shop, "jp_60", "japan") > accuracy(shop, "alone", "japan") + 0.1


def test_the_same_call_again_changes_nothing(shop):
    query = "CALL xb.transfer('again', japan_60, 'category', base := 'home')"
    first, second = rows(shop, query), rows(shop, query)
    assert first == second
    table = shop.sql("FROM japan_60 ORDER BY random()").to_arrow_table()
    twin = xbsql.transfer(shop, "again", table, "category", base="home").to_pylist()
    assert twin == first
    assert [row["version"] for row in rows(shop, "FROM xb.models() WHERE model = 'again'")] == [1]


def test_another_label_or_option_is_another_version(shop):
    rows(shop, "CALL xb.fit('v', home, 'category')")
    found = rows(shop, "CALL xb.fit('v', home, 'category', options := {'seed': 7})")
    assert found[0]["version"] == 2
    assert [row["promoted"] for row in rows(shop, "FROM xb.models() WHERE model = 'v'")] == [False, True]
    rows(shop, "CALL xb.promote('v', 1)")
    assert rows(shop, "SELECT value FROM xb.model_card('v') WHERE key = 'version'") == [{"value": "1"}]


def test_texts_rows_and_tables_agree(shop):
    query = """
        SELECT xb.classify('home', t.title) AS by_text, xb.classify('home', t) AS by_row, p.predicted, p.value
        FROM japan t JOIN xb.predict_table('home', japan) p ON t.product_id = p.product_id
    """
    found = rows(shop, query)
    assert len(found) == rows(shop, "SELECT count(*) AS n FROM japan")[0]["n"]
    for row in found:
        assert row["by_text"] == row["by_row"]
        assert (row["predicted"], row["value"]) == (row["by_text"]["label"], row["by_text"]["score"])
        assert 0 <= row["by_text"]["shift"] <= 1
        assert row["by_text"]["margin"] >= 0


def test_the_python_twin_predicts_what_sql_predicts(shop):
    table = shop.sql("SELECT title FROM japan").to_arrow_table()
    twin = xbsql.classify(shop, "home", table["title"]).to_pylist()
    assert twin == [row["c"] for row in rows(shop, "SELECT xb.classify('home', title) AS c FROM japan")]
    assert xbsql.predict_table(shop, "home", "japan").column_names[-5:] == [
        "predicted",
        "value",
        "lo",
        "hi",
        "shift",
    ]


def test_evaluate_by_group_counts_every_row_once(shop):
    shop.execute("CREATE OR REPLACE TABLE halves AS SELECT *, (hash(title) % 2)::VARCHAR AS half FROM japan")
    found = rows(shop, """FROM xb.evaluate('home', halves, "by" := 'half') WHERE metric = 'accuracy'""")
    groups = {row["group"]: row["rows"] for row in found}
    assert groups[None] == groups["0"] + groups["1"]


def test_null_and_empty_and_huge_texts_are_answered(shop):
    query = (
        "SELECT xb.classify('home', x) AS c FROM (VALUES (NULL), (''), (repeat('red shoes ', 100000))) v(x)"
    )
    found = [row["c"] for row in rows(shop, query)]
    assert found[0] is None
    assert found[1]["label"] is not None
    assert found[2]["label"] is not None


def test_a_csv_with_broken_utf8_costs_a_clear_line_or_the_rows(shop, tmp_path):
    file = tmp_path / "broken.csv"
    file.write_bytes(b"title,category\nrote Schuhe,shoes\ngr\xfcne Jacke,clothing\n")
    read = "SELECT xb.classify('home', title) AS c FROM read_csv('{}', all_varchar = true{})"
    with pytest.raises(duckdb.Error, match=r"(?i)utf"):
        shop.execute(read.format(file, "")).fetchall()
    found = rows(shop, read.format(file, ", ignore_errors = true"))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("make", "call", "message"),
    [
        ("SELECT title, NULL::VARCHAR AS category FROM home", "xb.fit('x', bad, 'category')", "no label"),
        ("SELECT title, 'shoes' AS category FROM home", "xb.fit('x', bad, 'category')", "one class|only one"),
        ("SELECT category FROM home", "xb.fit('x', bad, 'category')", "no column|nothing to"),
        (
            "SELECT 1 AS title, category FROM japan",
            "xb.transfer('x', bad, 'category', base := 'home')",
            "title",
        ),
        (
            "SELECT title AS name, category FROM japan",
            "xb.transfer('x', bad, 'category', base := 'home')",
            "title",
        ),
        ("SELECT title, category FROM home", "xb.fit('x', bad, 'category', options := {'txt': 1})", "option"),
        (
            "SELECT title, category FROM japan",
            "xb.transfer('x', bad, 'category', base := 'home', method := 'parametr')",
            "method",
        ),
    ],
)
def test_bad_training_data_is_one_clear_line_and_stores_nothing(shop, make, call, message):
    shop.execute(f"CREATE OR REPLACE TABLE bad AS {make}")
    with pytest.raises(duckdb.Error, match=message) as caught:
        shop.execute(f"CALL {call}").fetchall()
    assert "\n" not in str(caught.value)
    assert "fault of xbsql" not in str(caught.value)
    assert rows(shop, "FROM xb.models() WHERE model = 'x'") == []


def test_a_class_seen_only_in_the_target_is_learned(shop):
    shop.execute(
        """CREATE OR REPLACE TABLE more AS SELECT title, category FROM japan_60
           UNION ALL SELECT 'ギフトカード ' || i || '円分', 'gift_cards' FROM range(20) t(i)"""
    )
    rows(shop, "CALL xb.transfer('more', more, 'category', base := 'home', source := home)")
    found = rows(shop, "SELECT xb.classify('more', 'ギフトカード 25円分').label AS label")
    assert found == [{"label": "gift_cards"}]


FIT = """
import sys, xbsql
con = xbsql.connect(sys.argv[1], read_only=True, store=sys.argv[2])
print("ready", flush=True)
con.execute(f"CALL xb.fit('contested', home, 'category', options := {{'seed': {sys.argv[3]}}})").fetchall()
print("done", flush=True)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as con:
        con.register("catalogue", sample.catalog())
        con.execute(SHOP)
    return path


def start(file, store, seed):
    command = [sys.executable, "-c", FIT, str(file), str(store), str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_processes_fitting_one_name_both_get_their_version(file, tmp_path):
    store = tmp_path / "store"
    found = [process.communicate(timeout=300) for process in [start(file, store, seed) for seed in (1, 1, 2)]]
    assert [out.split()[-1] for out, _ in found] == ["done"] * 3, found
    with xbsql.connect(file, read_only=True, store=store) as con:
        assert [row["version"] for row in rows(con, "FROM xb.models()")] == [1, 2]
        assert rows(con, "SELECT xb.classify('contested', 'red running shoes').label AS label")


@pytest.mark.slow
def test_a_fit_killed_in_the_middle_leaves_the_store_readable(file, tmp_path):
    store = tmp_path / "store"
    process = start(file, store, 1)
    assert process.stdout.readline() == "ready\n"
    time.sleep(2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with xbsql.connect(file, read_only=True, store=store) as con:
        assert all(row["note"] is None for row in rows(con, "FROM xb.models()"))
        rows(con, "CALL xb.fit('contested', home, 'category')")
        assert rows(con, "SELECT xb.classify('contested', 'red running shoes').label AS label")


def test_rows_with_numbers_and_categories_are_read_too(shop):
    shop.execute(
        """CREATE OR REPLACE TABLE parcels AS
           SELECT (i % 7)::DOUBLE AS weight, CASE WHEN i % 3 = 0 THEN 'air' ELSE 'sea' END AS mode,
                  DATE '2026-01-01' + (i % 200)::INTEGER AS day,
                  CASE WHEN (i % 7 > 3) <> (i % 3 = 0) THEN 'late' ELSE 'on_time' END AS outcome
           FROM range(400) t(i)"""
    )
    found = rows(shop, "CALL xb.fit('parcels', parcels, 'outcome')")
    assert next(row["value"] for row in found if row["metric"] == "accuracy") > 0.9
    assert accuracy_of(shop, "parcels", "parcels", "outcome") > 0.9
    with pytest.raises(
        duckdb.Error, match=r"model 'parcels' reads .*, and one string was given; pass the row"
    ):
        shop.execute("SELECT xb.classify('parcels', 'x')").fetchall()
    with pytest.raises(duckdb.Error, match="no column 'weight'"):
        shop.execute("SELECT xb.classify('parcels', {'mode': 'air', 'day': DATE '2026-01-01'})").fetchall()


def accuracy_of(con, model, table, label):
    found = rows(con, f"FROM xb.evaluate('{model}', {table}, '{label}')")
    return next(row["value"] for row in found if row["metric"] == "accuracy" and row["group"] is None)


def test_a_model_serves_many_threads(shop):
    table = pa.table({"title": [f"red shoe {i}" for i in range(5000)]})
    shop.register("many", table)
    shop.execute("SET threads = 4")
    found = rows(
        shop, "SELECT count(DISTINCT xb.classify('home', title).label) AS n, count(*) AS rows FROM many"
    )
    assert found[0]["rows"] == 5000


SWEDISH = """
vattentät vinterjacka för barn|röda löparskor dam|stekpanna i gjutjärn med lock|trådlösa hörlurar med mikrofon
mjuk kudde till soffan|bärbar datorväska i läder|köksknivar av rostfritt stål|bordslampa med dimmer
hundhalsband med namnbricka|tvättmedel för känslig hud|barnvagn med regnskydd|träleksak för småbarn
skrivbordsstol med nackstöd|fiskespö för nybörjare|solglasögon med polariserade glas|trädgårdsslang av gummi
"""


def test_a_language_the_encoder_does_not_know_is_said(shop):
    titles = SWEDISH.strip().replace("\n", "|").split("|") * 3
    table = pa.table(
        {"title": titles, "category": ["kläder" if i % 2 else "annat" for i in range(len(titles))]}
    )
    shop.register("sverige", table)
    found = rows(shop, "CALL xb.transfer('se', sverige, 'category', source := home)")
    assert "not trained on" in found[0]["note"]
    assert "Swedish" in found[0]["note"] or "sv" in found[0]["note"]
    known = rows(shop, "CALL xb.transfer('jp_known', japan_60, 'category', base := 'home')")
    assert "not trained on" not in (known[0]["note"] or "")
