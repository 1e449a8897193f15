"""The SQL surface: functions are there as documented, from every connection; every mistake is one line."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import xbsql
from xbsql.surface.functions import FUNCTIONS


@pytest.fixture
def con(tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb")
    yield con
    con.close()


def run(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def row(con, query):
    return con.execute(query).fetchall()[0]


def test_importing_loads_nothing_heavy():
    heavy = ("torch", "triton", "lightgbm", "polars", "ray", "duckdb", "sklearn", "numpy", "pyarrow")
    found = run(f"import sys, xbsql; print([m for m in {heavy!r} if m in sys.modules])")
    assert found.stdout.strip() == "[]", found.stderr


def test_connecting_loads_no_framework():
    heavy = ("torch", "triton", "lightgbm", "polars", "ray", "sklearn", "scipy")
    found = run(f"import sys, xbsql; xbsql.connect(); print([m for m in {heavy!r} if m in sys.modules])")
    assert found.stdout.strip() == "[]", found.stderr


def test_the_sample_is_there_and_loaded_when_asked_for():
    found = run(
        "import sys, xbsql; con = xbsql.connect(); assert 'xbsql.sample' not in sys.modules; "
        "xbsql.sample.add_examples(con); print(con.sql('SELECT count(*) FROM parcels').fetchall()[0][0] > 0)"
    )
    assert found.stdout == "True\n", found.stderr


def test_every_public_name_is_listed_and_there():
    assert sorted(xbsql.__all__) == sorted({*xbsql._PLACES, "__version__", *(f.name for f in FUNCTIONS)})
    for name in xbsql.__all__:
        assert getattr(xbsql, name) is not None
        assert name == "__version__" or getattr(xbsql, name).__doc__


def test_every_function_has_a_macro_with_its_arguments(con):
    found = con.sql(
        "SELECT function_name, parameters FROM duckdb_functions() WHERE database_name = 'xb'"
    ).fetchall()
    macros = {name: parameters for name, parameters in found if not name.startswith("_")}
    documented = {f.name: [a.name for a in f.arguments] for f in FUNCTIONS}
    assert macros == documented


def test_nothing_is_written_to_the_users_file(tmp_path):
    path = tmp_path / "clean.duckdb"
    con = xbsql.connect(path)
    con.sql("SELECT xb.similarity([1.0], [1.0])").fetchall()
    con.close()
    with duckdb.connect(str(path)) as plain:
        assert row(plain, "SELECT count(*) FROM duckdb_tables()") == (0,)
        assert row(plain, "SELECT count(*) FROM duckdb_functions() WHERE NOT internal") == (0,)


def test_it_is_seen_from_cursors_and_second_connections_and_outlives_the_first(tmp_path):
    path = str(tmp_path / "shop.duckdb")
    first = xbsql.connect(path)
    query = "SELECT xb.similarity([3.0, 4.0], [3.0, 4.0], 'dot')"
    with first.cursor() as cursor:
        assert row(cursor, query) == (25.0,)
    second = duckdb.connect(path)
    assert row(second, query) == (25.0,)
    xbsql.load(second)
    first.close()
    assert row(second, query) == (25.0,)
    assert xbsql.last_calls(second).num_rows == 1
    second.close()


def test_loading_twice_keeps_the_session(con):
    con.sql("SELECT xb.similarity([1.0], [1.0])").fetchall()
    assert xbsql.load(con) is con
    assert xbsql.last_calls(con).num_rows == 1


def test_closing_frees_the_file(tmp_path):
    path = tmp_path / "shop.duckdb"
    xbsql.connect(path).close()
    found = run(f"import duckdb; duckdb.connect({str(path)!r}).close(); print('opened')")
    assert found.stdout.strip() == "opened", found.stderr


def test_a_process_that_leaves_its_connection_open_ends_silently(tmp_path):
    found = run(
        "import sys, xbsql; con = xbsql.connect(sys.argv[1]); con.sql('FROM xb.models()').fetchall()",
        tmp_path / "a.duckdb",
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_a_read_only_file_can_be_used(tmp_path):
    path = tmp_path / "shop.duckdb"
    duckdb.connect(str(path)).close()
    with xbsql.connect(path, read_only=True) as con:
        assert row(con, "SELECT xb.similarity([1.0], [1.0])") == (1.0,)


def test_another_alias_leaves_xb_to_its_owner(tmp_path):
    path = str(tmp_path / "xb.duckdb")
    with pytest.raises(xbsql.XbsqlError, match="has a catalogue 'xb' of its own; pass another alias"):
        xbsql.connect(path)
    with xbsql.connect(path, alias="xbs") as con:
        assert row(con, "SELECT xbs.similarity([1.0], [1.0])") == (1.0,)
        assert con.sql("FROM xbs.models()").fetchall() == []


def test_the_store_is_where_it_was_asked_for(tmp_path, monkeypatch):
    def store_of(con):
        return (
            con.execute("SELECT detail FROM xb.selfcheck() WHERE name = 'store'")
            .fetchone()[0]
            .split(" is ")[0]
        )

    with xbsql.connect(tmp_path / "a.duckdb") as con:
        assert store_of(con) == str(tmp_path / "a.duckdb.xbsql")
    monkeypatch.setenv("XBSQL_STORE", str(tmp_path / "env"))
    with xbsql.connect(tmp_path / "b.duckdb") as con:
        assert store_of(con) == str(tmp_path / "env")
    with xbsql.connect(tmp_path / "c.duckdb", store=tmp_path / "given") as con:
        assert store_of(con) == str(tmp_path / "given")
        with pytest.raises(xbsql.XbsqlError, match=r"has the store .* open"):
            xbsql.load(con, store=tmp_path / "other")


FOLDER = """
import os, sys, xbsql
from xbsql.surface.duck import session_of
one, two, cursor = xbsql.connect(), xbsql.connect(), xbsql.connect().cursor()
paths = [session_of("test", con).store.path for con in (one, one.cursor(), two, cursor)]
one.execute("CREATE TABLE t AS SELECT i::DOUBLE AS x, i * 2.5 AS y FROM range(40) t(i)")
one.sql("CALL xb.fit('m', t, 'y')").fetchall()
counts = [con.execute("SELECT count(*) FROM xb.models()").fetchone()[0] for con in (one, two)]
one.close()
if not os.fork():
    sys.exit()
os.wait()
print(len(set(paths)), paths[0] == paths[1], counts, paths[0].is_dir(), paths[0], sep="|")
"""


def test_a_database_in_memory_has_a_store_of_its_own_that_goes_with_the_process(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("XBSQL_STORE", None)
    found = subprocess.run(
        [sys.executable, "-c", FOLDER], capture_output=True, text=True, check=False, env=environment
    )
    *facts, path = found.stdout.splitlines()[-1].split("|")
    assert facts == ["3", "True", "[1, 0]", "True"], found.stderr
    assert not Path(path).exists()
    assert not (tmp_path / ".xbsql").exists()


@pytest.mark.parametrize("rows", [0, 1, 2047, 2048, 2049])
def test_rows_at_the_borders_of_duckdbs_chunks(con, rows):
    query = f"SELECT xb.similarity([i::FLOAT, 1], [1, 0]::FLOAT[], 'dot') FROM range({rows}) t(i)"
    assert [row[0] for row in con.sql(query).fetchall()] == [float(i) for i in range(rows)]


def test_null_in_null_out(con):
    found = row(con, "SELECT xb.similarity(NULL, [1.0]), xb.language(NULL), xb.embed(NULL)")
    assert found == (None, None, None)


def test_tiny_batches_are_pointed_out(con):
    con.execute("CREATE TABLE t AS SELECT i, [i::FLOAT] AS v FROM range(40000) t(i)")
    con.execute("SELECT max(xb.similarity(v, v)) FROM t WHERE i % 200 = 0").fetchall()
    found = row(con, "SELECT rows, batches, note FROM xb.last_calls()")
    assert (found[0], found[1] > 8) == (200, True)
    assert found[2].startswith("tiny batches: ")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT xb.embed(3)", "xb.embed: needs VARCHAR, got int32; cast the column"),
        ("SELECT xb.embed('a', 'txet')", "xb.embed: no text encoder 'txet'"),
        ("SELECT xb.similarity('a', 'b')", r"xb.similarity: needs vectors .FLOAT\[n\]., got string"),
        (
            "SELECT xb.similarity([1.0], [1.0, 2.0])",
            "vectors of 1 and 2 numbers; embed both sides with one model",
        ),
        (
            "SELECT xb.similarity([1.0], [1.0], 'cosin')",
            r"no metric 'cosin'; there is .* .did you mean 'cosine'",
        ),
        ("SELECT xb.classify('nope', title) FROM t", "xb.classify: no model 'nope'; the store has nothing"),
        ("SELECT xb.classify(x, x) FROM (VALUES ('a'), ('b')) v(x)", "xb.classify: no model 'a'"),
        (
            "SELECT xb.classify(x, 'a') FROM (VALUES ('a'), (NULL), ('b')) v(x)",
            "xb.classify: model is NULL in 1 of 3 rows; leave them out, or give a name in quotes",
        ),
        (
            "SELECT xb.similarity([1.0], [1.0], x) FROM (VALUES ('l2'), ('dot')) v(x)",
            "metric varies",
        ),
        ("SELECT xb.classify(NULL, title) FROM t", "model must be a name in quotes, got None"),
        ("SELECT xb.predict('nope', t) FROM t", "xb.predict: no model 'nope'"),
        ("CALL xb.fit('m', t, 'price')", "label column 'price' holds only the value 1.5"),
        ("CALL xb.fit('m', t, 'title', task := 'predict')", "holds string, and values are numbers; cast it"),
        ("FROM xb.predict_table('nope', t)", "xb.predict_table: no model 'nope'"),
        ("FROM xb.predict_table('nope', missing)", "Table with name missing does not exist"),
        (
            "CALL xb.fit('m', t, 'ctegory')",
            r"no label column 'ctegory'; the table has title, category, price, day .did you mean",
        ),
        ("CALL xb.fit('m@2', t, 'category')", "'m@2' cannot be a model's name"),
        ("CALL xb.fit('m', empty, 'category')", "xb.fit: data has no rows"),
        ("CALL xb.fit('m', t, 'category', options := 3)", "options must be a STRUCT"),
        ("CALL xb.fit('m', t, 'category', task := 'clasify')", "no task 'clasify'; there is classify"),
        ("CALL xb.fit('m', t, 'day')", "holds date32.*, and labels are numbers, VARCHAR or BOOLEAN; cast it"),
        ("CALL xb.transfer('m', t, 'category')", "neither base nor source is given"),
        ("CALL xb.transfer('m', t, 'category', base := 'nope')", "xb.transfer: no model 'nope'"),
        ("CALL xb.transfer('m', t, 'category', source := empty)", "xb.transfer: source has no rows"),
        ("CALL xb.promote('nope', 1)", "xb.promote: no model 'nope'"),
        ("CALL xb.drop_model('nope')", "xb.drop_model: no model 'nope'"),
        ("FROM xb.model_card('nope')", "xb.model_card: no model 'nope'"),
        ("FROM xb.evaluate('nope', t)", "xb.evaluate: no model 'nope'"),
    ],
)
def test_a_mistake_is_one_clear_line(con, query, message):
    con.execute(
        """CREATE TABLE t AS SELECT 'red shoe' AS title, 'shoes' AS category, 1.5::DOUBLE AS price,
           DATE '2026-01-01' AS day"""
    )
    con.execute("CREATE TABLE empty AS FROM t LIMIT 0")
    with pytest.raises(duckdb.Error, match=message) as caught:
        con.sql(query).fetchall()
    if "xb." in message or "model" in message:
        assert "\n" not in str(caught.value)


def test_a_closed_or_plain_connection_says_what_to_do():
    con = duckdb.connect()
    with pytest.raises(xbsql.XbsqlError, match=r"xbsql.fit: xbsql is not loaded .* call xbsql.load"):
        xbsql.fit(con, "m", pa.table({"a": [1]}), "a")
    con.close()
    with pytest.raises(xbsql.XbsqlError, match="the connection is closed"):
        xbsql.load(con)


def test_python_twins_take_names_relations_and_arrow(con):
    table = pa.table({"title": ["a"], "x": [1]})
    con.register("view", table)
    for data in ("view", con.sql("FROM view"), table):
        with pytest.raises(xbsql.XbsqlError, match="no label column 'y'; the table has title, x"):
            xbsql.fit(con, "m", data, "y")
    for data, message in [("missing", "does not exist"), (table.slice(1), "no rows"), (3, "xb.fit")]:
        with pytest.raises(xbsql.XbsqlError, match=message):
            xbsql.fit(con, "m", data, "y")
