"""No name that a caller gives reaches a file outside the store, or one of the store that is not its own."""

import contextlib
import inspect
import shutil

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.errors import XbsqlError

N = 40
HOME = pa.table({"x": np.arange(N) % 7 * 1.0, "y": np.arange(N) * 1.0})
VECTORS = pa.table({
    "id": np.arange(9),
    "v": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(27, dtype=np.float32)), 3),
})  # fmt: skip
ROWS = HOME.drop_columns(["y"]).to_struct_array()

CALLS = {
    "add_to_index": lambda con, name: xbsql.add_to_index(con, name, VECTORS, "id", "v"),
    "build_index": lambda con, name: xbsql.build_index(con, name, VECTORS, "id", "v"),
    "classify": lambda con, name: xbsql.classify(con, name, ROWS),
    "delete_from_index": lambda con, name: xbsql.delete_from_index(con, name, [1]),
    "drop_index": lambda con, name: xbsql.drop_index(con, name),
    "drop_model": lambda con, name: xbsql.drop_model(con, name),
    "estimate": lambda con, name: xbsql.estimate(con, "transfer", HOME, "y", base=name),
    "evaluate": lambda con, name: xbsql.evaluate(con, name, HOME, "y"),
    "explain": lambda con, name: xbsql.explain(con, name, HOME),
    "export_booster": lambda con, name: xbsql.export_booster(con, name, "/tmp/none"),
    "extract": lambda con, name: xbsql.extract(con, name, ROWS),
    "extract_table": lambda con, name: xbsql.extract_table(con, name, HOME),
    "fit": lambda con, name: xbsql.fit(con, name, HOME, "y"),
    "forecast": lambda con, name: xbsql.forecast(con, name, HOME, "x", "y", "y", 3),
    "backtest": lambda con, name: xbsql.backtest(con, name, HOME),
    "import_booster": lambda con, name: xbsql.import_booster(con, name, "/tmp/none", "y"),
    "label_curve": lambda con, name: xbsql.label_curve(con, name, HOME),
    "model_card": lambda con, name: xbsql.model_card(con, name),
    "picture_sheet": lambda con, name: xbsql.picture_sheet(con, name, HOME, "/tmp/none"),
    "predict": lambda con, name: xbsql.predict(con, name, ROWS),
    "predict_table": lambda con, name: xbsql.predict_table(con, name, HOME),
    "promote": lambda con, name: xbsql.promote(con, name, 1),
    "search": lambda con, name: xbsql.search(con, name, VECTORS["v"]),
    "search_text": lambda con, name: xbsql.search_text(con, name, pa.array(["a"])),
    "suggest_labels": lambda con, name: xbsql.suggest_labels(con, name, HOME),
    "transfer": lambda con, name: xbsql.transfer(con, name, HOME, "y", source=HOME),
    "transfer from": lambda con, name: xbsql.transfer(con, "t", HOME, "y", base=name),
    "add_events": lambda con, name: xbsql.add_events(con, name, HOME),
    "recommend": lambda con, name: xbsql.recommend(con, name, HOME, "y"),
    "similar_items": lambda con, name: xbsql.similar_items(con, name, HOME, "y"),
    "translate": lambda con, name: xbsql.translate(con, name, pa.array(["a"])),
    "translate_table": lambda con, name: xbsql.translate_table(con, name, HOME),
    "localise": lambda con, name: xbsql.localise(con, name, HOME, {"x": "translated"}),
    "adapt": lambda con, name: xbsql.adapt(con, name, HOME, "y"),
    "drift": lambda con, name: xbsql.drift(con, name, HOME),
    "history": lambda con, name: xbsql.history(con, name),
    "verdict": lambda con, name: xbsql.verdict(con, name),
}
SQL = {
    "add_to_index": "CALL xb.add_to_index({}, v, id := id, vec := v)",
    "build_index": "CALL xb.build_index({}, v, id := id, vec := v)",
    "classify": "SELECT xb.classify({}, h) FROM h",
    "delete_from_index": "CALL xb.delete_from_index({}, [1])",
    "drop_index": "CALL xb.drop_index({})",
    "drop_model": "CALL xb.drop_model({})",
    "estimate": "FROM xb.estimate('transfer', h, 'y', base := {})",
    "evaluate": "FROM xb.evaluate({}, h)",
    "explain": "FROM xb.explain({}, h)",
    "export_booster": "CALL xb.export_booster({}, '/tmp/none')",
    "extract": "SELECT xb.extract({}, h) FROM h",
    "extract_table": "FROM xb.extract_table({}, h)",
    "fit": "CALL xb.fit({}, h, 'y')",
    "forecast": "FROM xb.forecast({}, h, id := x, ts := y, y := y, horizon := 3)",
    "backtest": "FROM xb.backtest({}, h)",
    "import_booster": "CALL xb.import_booster({}, '/tmp/none', 'y')",
    "label_curve": "FROM xb.label_curve({}, h)",
    "model_card": "FROM xb.model_card({})",
    "picture_sheet": "FROM xb.picture_sheet({}, h, '/tmp/none')",
    "predict": "SELECT xb.predict({}, h) FROM h",
    "predict_table": "FROM xb.predict_table({}, h)",
    "promote": "CALL xb.promote({}, 1)",
    "search": "SELECT xb.search({}, v) FROM v",
    "search_text": "SELECT xb.search_text({}, 'a')",
    "suggest_labels": "FROM xb.suggest_labels({}, h)",
    "transfer": "CALL xb.transfer({}, h, 'y', source := h)",
    "transfer from": "CALL xb.transfer('t', h, 'y', base := {})",
    "add_events": "CALL xb.add_events({}, h)",
    "recommend": "FROM xb.recommend({}, h, y)",
    "similar_items": "FROM xb.similar_items({}, h, y)",
    "translate": "SELECT xb.translate({}, 'a')",
    "translate_table": "FROM xb.translate_table({}, h)",
    "localise": "FROM xb.localise({}, h, {{'x': 'translated'}})",
    "adapt": "CALL xb.adapt({}, h, 'y')",
    "drift": "FROM xb.drift({}, h)",
    "history": "FROM xb.history({})",
    "verdict": "FROM xb.verdict({})",
}
"""Every function that takes a name, in Python and in SQL."""
NAMED = {"model", "index", "base"}
ENCODERS = {"embed", "embed_both", "embed_image", "domain_similarity", "match"}
"""Their `model` is an encoder, or a model whose rows are pairs."""

HOSTILE = {
    "a folder": "{outside}",
    "the folder above": "../outside",
    "an index": "../indexes/idx",
    "a way round": "cat/../cat",
    "this folder": ".",
    "above": "..",
    "nothing": "",
    "NUL": "cat\0",
    "a line": "cat\n",
    "long": "x" * 5000,
    "no letter": "5",
    "a draft": ".draft-1-2",
    "a version with a path": "cat@../../indexes",
    "a version that is no number": "cat@²",
    "a version of 5,000 digits": "cat@" + "9" * 5000,
    "no version": "cat@",
    "version 0": "cat@0",
    "two versions": "cat@1@1",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    con = xbsql.connect(store=folder / "store")
    xbsql.fit(con, "cat", HOME, "y")
    xbsql.build_index(con, "idx", VECTORS, "id", "v")
    con.register("h", HOME)
    con.register("v", VECTORS)
    shutil.copytree(folder / "store" / "models" / "cat", folder / "outside")
    shutil.copytree(folder / "outside", folder / "store" / "outside")
    yield folder, con
    con.close()


def seen(folder):
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()
    }


def one_line(text):
    return "\n" not in text and len(text) < 900 and "fault of xbsql" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("call", CALLS)
def test_a_hostile_name_is_one_line_and_touches_nothing(place, call, hostile):
    folder, con = place
    name, before = HOSTILE[hostile].format(outside=folder / "outside"), seen(folder)
    with pytest.raises(XbsqlError) as caught:
        CALLS[call](con, name)
    assert one_line(str(caught.value)), caught.value
    quoted = "('" + name.replace("'", "''").replace("\0", "' || chr(0) || '") + "')"
    with pytest.raises(duckdb.Error) as caught:
        con.sql(SQL[call].format(quoted)).fetchall()
    said = str(caught.value)
    assert "fault of xbsql" not in said, said
    assert len(said) < 6500, said  # DuckDB repeats the statement where it cannot read it
    assert seen(folder) == before


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["\udcff", 5, b"cat", ["cat", 5], 1.5])
def test_what_is_no_text_is_no_name(place, call, name):
    folder, con = place
    before = seen(folder)
    with pytest.raises(XbsqlError):
        CALLS[call](con, name)
    assert seen(folder) == before


def test_every_function_that_takes_a_name_is_called_here():
    public = {name: getattr(xbsql, name) for name in xbsql.__all__}
    functions = {name: call for name, call in public.items() if inspect.isfunction(call)}
    named = {name for name, call in functions.items() if NAMED & inspect.signature(call).parameters.keys()}
    assert named - ENCODERS == {call.split()[0] for call in CALLS}


@pytest.mark.parametrize("hostile", ["{outside}", "cat@²", "x" * 5000])
def test_route_models_and_scorers_are_names_too(place, hostile):
    folder, con = place
    name = hostile.format(outside=folder / "outside")
    texts = pa.table({"id": [1, 2], "t": ["red shoe", "blue shoe"]})
    for call in (
        lambda: xbsql.route_options(con, HOME, name, "cat", "y"),
        lambda: xbsql.route_options(con, HOME, "cat", name, "y"),
        lambda: xbsql.match(con, texts, texts, "id", "t", "id", "t", model=name),
    ):
        with pytest.raises(XbsqlError) as caught:
            call()
        assert one_line(str(caught.value)), caught.value


@pytest.fixture
def linked(place, tmp_path):
    """A store with links in it, each to a folder outside of it that holds a model or an index."""
    folder, _ = place
    store, outside = tmp_path / "store", tmp_path / "outside"
    shutil.copytree(folder / "store", store)
    shutil.copytree(store, outside)
    (store / "models" / "linked").symlink_to(outside / "models" / "cat")
    (store / "models" / "inside").mkdir()
    (store / "models" / "inside" / "1").symlink_to(outside / "models" / "cat" / "1")
    (store / "indexes" / "linked").symlink_to(outside / "indexes" / "idx")
    shutil.copytree(store / "indexes" / "idx", store / "indexes" / "inside")
    shutil.rmtree(store / "indexes" / "inside" / "1")
    (store / "indexes" / "inside" / "1").symlink_to(outside / "indexes" / "idx" / "1")
    with xbsql.connect(store=store) as con:
        yield con, outside


def test_nothing_behind_a_link_is_written_or_removed(linked):
    con, outside = linked
    before = seen(outside)
    for call in ("fit", "promote", "drop_model", "predict", "build_index", "add_to_index", "drop_index"):
        with pytest.raises(XbsqlError, match=r"linked is a link, and the store writes nothing outside"):
            CALLS[call](con, "linked")
    notes = {row["model"]: row["note"] for row in xbsql.models(con).to_pylist()}
    assert notes["cat"] is None
    assert "is a link" in notes["linked"]
    for call in ("fit", "drop_model", "build_index", "add_to_index", "drop_index"):
        with contextlib.suppress(XbsqlError):
            CALLS[call](con, "inside")
    assert seen(outside) == before


def test_a_link_in_place_of_all_models_is_refused(place, tmp_path):
    folder, _ = place
    outside = tmp_path / "outside"
    shutil.copytree(folder / "store", outside)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "models").symlink_to(outside / "models")
    (tmp_path / "store" / "indexes").symlink_to(outside / "indexes")
    before = seen(outside)
    with xbsql.connect(store=tmp_path / "store") as con:
        for call in ("fit", "drop_model", "build_index", "drop_index"):
            with pytest.raises(XbsqlError, match="is a link"):
                CALLS[call](con, "cat")
    assert seen(outside) == before
