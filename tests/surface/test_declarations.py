"""One declaration gives every face: SQL, Python, Polars, help, comments, the log and the names in errors."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Annotated

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import xbsql
import xbsql.frame
from xbsql import errors
from xbsql.session.session import Session
from xbsql.surface import faces
from xbsql.surface import function as functions
from xbsql.surface.arguments import Flag, Name, Rows, Share, Values
from xbsql.surface.calls import called
from xbsql.surface.functions import FUNCTIONS
from xbsql.surface.macros import macro

ROOT = Path(__file__).parents[2]


@pytest.fixture
def con(tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb")
    con.execute("CREATE TABLE t AS SELECT i::DOUBLE AS x, i % 2 AS kind FROM range(5) t(i)")
    yield con
    con.close()


@pytest.fixture
def declared(monkeypatch):
    """Two functions that exist in this test alone, each by one declaration."""
    monkeypatch.setattr(functions, "FUNCTIONS", functions.FUNCTIONS.copy())
    known = functions.FUNCTIONS

    @functions.function("DOUBLE", example="SELECT xb.doubled(1)")
    def doubled(
        session: Session,
        value: Annotated[pa.Array, Values("DOUBLE"), "a number"],
        factor: Annotated[Share, "by what"] = 2.0,
    ) -> pa.Array:
        """A number times a factor. NULL gives NULL."""
        return pc.multiply(value.cast(pa.float64()), factor)

    @functions.function({"rows": "BIGINT", "said": "VARCHAR"}, example="FROM xb.counted(t)")
    def counted(
        session: Session,
        tbl: Annotated[pa.Table, Rows(), "the rows"],
        label: Annotated[Name, "a word"] = "rows",
        fail: Annotated[Flag, "whether to fail"] = False,
    ) -> list:
        """How many rows a table has."""
        if fail:
            raise errors.invalid("deep below", "it failed as asked", "see xb.counted")
        return [{"rows": len(tbl), "said": label}]

    monkeypatch.setattr("xbsql.surface.duck.FUNCTIONS", tuple(known.values()))
    monkeypatch.setattr("xbsql.surface.calls.FUNCTIONS", known)
    for module in ("frames", "help"):
        monkeypatch.setattr(f"xbsql.surface.{module}.FUNCTIONS", known)
    statements = [*xbsql.surface.duck.sql.statements(), *(macro(known[n]) for n in ("doubled", "counted"))]
    monkeypatch.setattr("xbsql.surface.duck.sql.statements", lambda: statements)
    return known


def test_a_declared_function_is_in_every_face(declared, tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb", alias="xy")
    xbsql.frame.use(con)
    assert con.sql("SELECT xy.doubled(3), xy.doubled(3, factor := 5), xy.doubled(NULL)").fetchall() == [
        (6.0, 15.0, None)
    ]
    con.execute("CREATE TABLE t AS FROM range(4) t(i)")
    assert con.sql("FROM xy.counted(t, label := 'n')").fetchall() == [(4, "n")]
    assert called("doubled", con, value=[1.0, None], factor=2.0).to_pylist() == [2.0, None]
    assert called("counted", con, tbl="t", label="rows", fail=False).to_pylist() == [
        {"rows": 4, "said": "rows"}
    ]
    frame = pl.DataFrame({"i": [1.0, 2.0]})
    lazy = xbsql.frame.Expressions(pl.col("i"))._call("doubled", factor=3)
    assert frame.lazy().select(lazy).collect()["i"].to_list() == [3.0, 6.0]
    assert xbsql.frame.Frames(frame)._call("counted", label="a", fail=False).collect().rows() == [(2, "a")]
    assert con.sql("SELECT argument, type, \"default\" FROM xy.help('doubled')").fetchall() == [
        ("(value, factor := 2.0)", "DOUBLE", None),
        ("value", "DOUBLE", None),
        ("factor", "DOUBLE", "2.0"),
    ]
    logged = {row["function"] for row in xbsql.last_calls(con).to_pylist()}
    assert {"doubled", "counted", "help"} <= logged
    with pytest.raises(Exception, match=r"XbsqlError: xy.counted: it failed as asked; see xy.counted$"):
        con.sql("FROM xy.counted(t, fail := true)").fetchall()
    with pytest.raises(xbsql.XbsqlError, match=r"^xy.counted: fail must be true or false, got 'yes'$"):
        called("counted", con, tbl="t", label="rows", fail="yes")
    for text in (faces.python(declared["counted"]), faces.polars([declared["counted"]])):
        compile(text, "face", "exec")
        assert 'label: str = "rows"' in text
    con.close()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_the_generated_function_has_the_declared_arguments(function):
    found = inspect.signature(getattr(xbsql, function.name)).parameters
    assert list(found) == ["con", *(a.name for a in function.arguments)]
    for a in function.arguments:
        default = found[a.name].default
        assert default == a.given or (a.kind.type == "STRUCT" and default is None)


def test_every_macro_has_a_comment(con):
    query = "SELECT function_name, comment FROM duckdb_functions() WHERE database_name = 'xb'"
    comments = dict(con.sql(query).fetchall())
    for function in FUNCTIONS:
        assert comments[function.name] == " ".join(function.doc.split())


def test_help_lists_every_function_and_every_name_in_the_docs(con):
    names = {row[0] for row in con.sql("SELECT function FROM xb.help()").fetchall()}
    assert names == {function.name for function in FUNCTIONS}
    pages = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
    for page in pages:
        for name in re.findall(r"\bxb\.([a-z_]+)\(", page.read_text()):
            assert con.sql(f"FROM xb.help('{name}')").fetchall(), f"{page.name} names xb.{name}"
    assert con.sql("FROM xb.help('xb.FIT')").fetchall() == con.sql("FROM xb.help('fit')").fetchall()
    with pytest.raises(Exception, match=r"xb.help: no function 'fitt'; .*did you mean 'fit'"):
        con.sql("FROM xb.help('fitt')").fetchall()


def test_no_module_hides_a_public_name():
    """A module of a public name would take its place once it is imported."""
    for found in pkgutil.walk_packages(xbsql.__path__, "xbsql."):
        if not found.name.startswith(("xbsql.kernels", "xbsql.cluster", "xbsql.surface.cluster")):
            importlib.import_module(found.name)
    for _ in range(2):
        for name in xbsql.__all__:
            assert name == "__version__" or callable(getattr(xbsql, name)), name


def test_every_call_is_logged_once_whoever_asks(con):
    xbsql.frame.use(con)
    con.sql("SELECT xb.convert(x, 'kg', 'g') FROM t").fetchall()
    xbsql.holiday(con, pa.array([20_000], pa.date32()), "DE")
    con.sql("FROM t").pl().select(pl.col("x").xb.spread(9.0))
    found = [(row["function"], row["rows"]) for row in xbsql.last_calls(con).to_pylist()]
    assert found == [("spread", 5), ("holiday", 1), ("convert", 5)]


@pytest.mark.parametrize(
    ("sql", "python"),
    [
        ("FROM xb.duplicates(e, id, v)", lambda con: xbsql.duplicates(con, "e", "id", "v")),
        (
            "FROM xb.similarity_join(e, f, id, v, id, v)",
            lambda con: xbsql.similarity_join(con, "e", "f", "id", "v", "id", "v"),
        ),
        (
            "FROM xb.similarity_join(f, e, id, v, id, v)",
            lambda con: xbsql.similarity_join(con, "f", "e", "id", "v", "id", "v"),
        ),
        ("FROM xb.match(e, f, id, t, id, t)", lambda con: xbsql.match(con, "e", "f", "id", "t", "id", "t")),
        ("FROM xb.match(f, e, id, t, id, t)", lambda con: xbsql.match(con, "f", "e", "id", "t", "id", "t")),
        (
            "FROM xb.match_candidates(e, f, id, t, id, t)",
            lambda con: xbsql.match_candidates(con, "e", "f", "id", "t", "id", "t"),
        ),
    ],
)
def test_an_empty_table_is_the_same_from_sql_and_python(con, sql, python):
    con.execute("CREATE TABLE e(id BIGINT, v FLOAT[2], t VARCHAR)")
    con.execute("CREATE TABLE f AS SELECT 1::BIGINT AS id, [1, 2]::FLOAT[2] AS v, 'red shoes' AS t")
    assert con.sql(sql).to_arrow_table().to_pylist() == python(con).to_pylist()


@pytest.mark.parametrize("given", [["a", None], pa.array(["a", None]), pl.Series(["a", None])])
def test_python_takes_columns_of_any_make(con, given):
    assert xbsql.language(con, given).is_null().to_pylist() == [False, True]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("xb.similarity_join(t, t, x, [x], x, [x], k := 'two')", "xb.similarity_join: k"),
        ("xb.explain('m', t, per_row := 'no')", "xb.explain: per_row must be true or false, got 'no'"),
        ("xb.weights(t, t, columns := [])", r"xb.weights: columns is an empty list; give names: \['weight'"),
        ("xb.weights(t, t, columns := [1])", "xb.weights: columns must be names"),
        ("xb.predict_table(3, t)", "xb.predict_table: model must be a name in quotes, got 3"),
        ("xb.fit('m', t, 'x', options := 'a')", "xb.fit: options must be a STRUCT"),
    ],
)
def test_a_constant_of_the_wrong_type_is_one_clear_line(con, call, message):
    with pytest.raises(Exception, match=message):
        con.sql(f"FROM {call}").fetchall()
