"""LightGBM text out and in: plain lightgbm gives the same numbers, and a plain file serves as a base."""

import datetime as dt
import json
import os

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pytest

import xbsql
from bench.torture_mutants import sized
from xbsql.engine import booster_probe, booster_text
from xbsql.engine.booster_text import BrokenText
from xbsql.engine.candidates.boosted import BoostedPredictor
from xbsql.session.session import Session
from xbsql.store.model import State
from xbsql.surface.duck import session_of


def parcels(n, seed, factor=1.0):
    generator = np.random.default_rng(seed)
    weight, mode = generator.lognormal(1, 0.6, n), generator.choice(["air", "sea", "road"], n)
    slow = np.where(mode == "sea", 1.6, np.where(mode == "road", 0.8, 0.1))
    days = factor * (2 + slow * weight) + 0.3 * generator.normal(size=n)
    sent = [dt.date(2025, 1, 1) + dt.timedelta(int(day)) for day in generator.integers(0, 300, n)]
    return pa.table({"weight": weight, "mode": mode, "sent": sent, "days": days})


def late(table):
    days = np.asarray(table["days"])
    names = np.where(days > 6, "very", np.where(days > 4, "late", "fine"))
    return table.drop_columns(["days"]).append_column("late", pa.array(names))


HOME, TARGET, TEST = parcels(800, 0), parcels(80, 1, 1.3), parcels(200, 2, 1.3)


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(store=tmp_path_factory.mktemp("store"))
    xbsql.fit(con, "home", HOME, "days")
    xbsql.transfer(con, "target", TARGET, "days", base="home", source=HOME, method="target")
    xbsql.fit(con, "classes", late(HOME), "late")
    yield con
    con.close()


def exported(con, model, folder):
    rows = xbsql.export_booster(con, model, str(folder)).to_pylist()
    about = json.loads((folder / "columns.json").read_text())
    return rows, about


@pytest.mark.parametrize(("model", "table"), [("home", TEST), ("target", TEST), ("classes", late(TEST))])
def test_plain_lightgbm_gives_the_members_numbers_on_the_described_matrix(con, model, table, tmp_path):
    rows, about = exported(con, model, tmp_path)
    fitted = session_of("test", con).model("test", model)
    x, boosters = fitted.reader.read(table), 0
    for row, card in zip(rows, about["files"], strict=True):
        plain = lgb.Booster(model_file=tmp_path / row["file"])
        assert [column["name"] for column in card["matrix"]] == plain.feature_name()
        assert (plain.num_trees(), plain.num_feature()) == (row["trees"], row["columns"])
        if any(column["view"] == "source" for column in card["matrix"]) or row["weight"] is None:
            continue
        matrix = np.stack([encoded(column, table) for column in card["matrix"]], axis=1)
        found = plain.predict(matrix)
        expected = fitted.predictor.members[row["member"]].predict(x)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        boosters += 1
    assert boosters


def encoded(column, table):
    """A column of the matrix, made from columns.json alone."""
    if column["view"] == "market":
        return np.ones(len(table))
    values = table[column["column"]].to_pylist()
    if column["role"] == "category":
        codes = {level: code for code, level in enumerate(column["levels"])}
        return np.array([codes.get(value, len(codes)) for value in values], float)
    if column["role"] == "date":
        epoch = dt.date(1970, 1, 1)
        parts = {"year": lambda d: d.year, "month": lambda d: d.month, "weekday": lambda d: d.weekday()}
        part = parts.get(column["name"].split(".")[1], lambda d: (d - epoch).days)
        return np.array([part(value) for value in values], float)
    return np.array(values, float)


def plain_file(folder, *, objective="regression", classes=1, frame=True, **more):
    """What another team's LightGBM wrote."""
    table = HOME if objective != "multiclass" else late(HOME)
    levels = ["air", "road", "sea"]
    codes = np.array([levels.index(mode) for mode in table["mode"].to_pylist()], float)
    y = np.asarray(table["days"]) if objective not in ("binary", "multiclass") else None
    if objective == "binary":
        y = np.asarray(table["days"]) > 4
    elif objective == "multiclass":
        y = np.array([["fine", "late", "very"].index(name) for name in table["late"].to_pylist()])
    data = lgb.Dataset(
        np.stack([np.asarray(table["weight"]), codes], axis=1),
        y, feature_name=["weight", "mode"], categorical_feature=[1],
    )  # fmt: skip
    settings = {"objective": objective, "verbosity": -1, "num_threads": 1, **more}
    settings |= {"num_class": classes} if objective == "multiclass" else {}
    text = lgb.train(settings, data, 30).model_to_string()
    levels_text = json.dumps([levels]) if frame else "null"
    head = text.split("pandas_categorical")[0]
    file = folder / "plain.txt"
    file.write_text(f"{head}pandas_categorical:{levels_text}\n")
    return file


def matrix(table):
    codes = [["air", "road", "sea"].index(mode) for mode in table["mode"].to_pylist()]
    return np.stack([np.asarray(table["weight"]), np.array(codes, float)], axis=1)


def test_a_plain_file_predicts_what_lightgbm_predicts(con, tmp_path):
    file = plain_file(tmp_path)
    (row,) = xbsql.import_booster(con, "plain", str(file), "days").to_pylist()
    assert row == {"model": "plain", "version": 1, "task": "predict", "columns": 2, "trees": 30}
    (again,) = xbsql.import_booster(con, "plain", str(file), "days").to_pylist()
    assert again["version"] == 1
    found = xbsql.predict(con, "plain", TEST.to_struct_array()).field("value").to_numpy()
    np.testing.assert_allclose(found, lgb.Booster(model_file=file).predict(matrix(TEST)), rtol=1e-12)


@pytest.mark.parametrize("method", ["auto", "parameter"])
def test_a_plain_file_is_a_base_that_helps(con, tmp_path, method):
    xbsql.import_booster(con, "base", str(plain_file(tmp_path)), "days", market="US")
    rows = xbsql.transfer(con, "carried", TARGET.slice(0, 40), "days", base="base", method=method).to_pylist()
    assert {row["arm"] for row in rows} >= {"target only", "blend"}
    measured = xbsql.evaluate(con, "carried", TEST, "days").to_pylist()
    assert next(row["value"] for row in measured if row["metric"] == "r2") > 0.8


def test_classes_go_by_their_names(con, tmp_path):
    file = plain_file(tmp_path, objective="multiclass", classes=3)
    xbsql.import_booster(con, "named", str(file), "late", classes=["fine", "late", "very"])
    found = xbsql.classify(con, "named", TEST.to_struct_array())
    best = lgb.Booster(model_file=file).predict(matrix(TEST)).argmax(axis=1)
    assert found.field("label").to_pylist() == [["fine", "late", "very"][code] for code in best]
    xbsql.transfer(con, "carried_classes", late(TARGET), "late", base="named")
    xbsql.import_booster(con, "two", str(plain_file(tmp_path, objective="binary")), "late")
    assert set(xbsql.classify(con, "two", TEST.to_struct_array()).field("label").to_pylist()) <= {"0", "1"}


def test_what_was_exported_can_be_imported(con, tmp_path):
    plain = HOME.drop_columns(["sent"])
    xbsql.fit(con, "once", plain, "days")
    rows, _ = exported(con, "once", tmp_path)
    file, name = next((row["file"], row["member"]) for row in rows)
    xbsql.import_booster(con, "again", str(tmp_path / file), "days")
    found = xbsql.predict(con, "again", TEST.to_struct_array()).field("value").to_numpy()
    fitted = session_of("test", con).model("test", "once")
    expected = fitted.predictor.members[name].predict(fitted.reader.read(TEST))
    np.testing.assert_array_equal(found, expected)


def test_categories_of_numbers_and_codes_without_levels_are_read_as_numbers(con, tmp_path):
    file = plain_file(tmp_path)
    file.write_text(file.read_text().replace('["air", "road", "sea"]', "[10, 20, 30]"))
    xbsql.import_booster(con, "numbers", str(file), "days")
    codes = pa.array([10 * (1 + ["air", "road", "sea"].index(m)) for m in TEST["mode"].to_pylist()])
    rows = TEST.set_column(1, "mode", codes).to_struct_array()
    expected = lgb.Booster(model_file=file).predict(matrix(TEST))
    np.testing.assert_allclose(xbsql.predict(con, "numbers", rows).field("value").to_numpy(), expected)
    bare = plain_file(tmp_path, frame=False)
    xbsql.import_booster(con, "codes", str(bare), "days")
    rows = TEST.set_column(1, "mode", pa.array(matrix(TEST)[:, 1])).to_struct_array()
    np.testing.assert_allclose(xbsql.predict(con, "codes", rows).field("value").to_numpy(), expected)


OBJECTIVE, NAMES, LEVELS = "objective=regression", "feature_names=weight mode", '[["air", "road", "sea"]]'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tree\n", "hello\n", "is no LightGBM text, or not all of it"),
        ("end of trees", "", "is no LightGBM text, or not all of it"),
        ("Tree=0\nnum_leaves", "Tree=0\nleaves", "a tree is broken"),
        ("Tree=1\n", "Tree=7\n", "a tree is broken"),
        ("left_child=1", "left_child=0", "a tree is broken"),
        ("split_feature=", "split_feature=9", "a tree is broken"),
        ("leaf_value=", "leaf_value=1 ", "a tree is broken"),
        ("threshold=", "threshold=x", "a tree is broken"),
        ("cat_threshold=", "cat_threshold=1 ", "a tree is broken"),
        (OBJECTIVE, "objective=poisson", "objective 'poisson'; use one of regression"),
        (OBJECTIVE, "objective=regression sqrt", "objective 'regression sqrt'"),
        (OBJECTIVE, f"average_output\n{OBJECTIVE}", "random forest"),
        (NAMES, "feature_names=weight weight", "two columns alike"),
        (LEVELS, '[["a"], ["b"]]', "2 categories and 1 columns"),
    ],
)
def test_a_file_that_does_not_serve_is_one_line(con, tmp_path, old, new, message):
    file = plain_file(tmp_path)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(xbsql.XbsqlError, match=message) as caught:
        xbsql.import_booster(con, "bad", str(file), "days")
    assert "\n" not in str(caught.value)


def test_other_mistakes_are_one_line(con, tmp_path):
    with pytest.raises(xbsql.XbsqlError, match=r"cannot read .*: No such file"):
        xbsql.import_booster(con, "bad", str(tmp_path / "nothing.txt"), "days")
    with pytest.raises(xbsql.XbsqlError, match="'a b' cannot be a model's name"):
        xbsql.import_booster(con, "a b", str(plain_file(tmp_path)), "days")
    with pytest.raises(xbsql.XbsqlError, match="predicts numbers; leave `classes` out"):
        xbsql.import_booster(con, "bad", str(plain_file(tmp_path)), "days", classes=["a"])
    with pytest.raises(xbsql.XbsqlError, match="has 2 classes, and 1 names were given"):
        xbsql.import_booster(con, "bad", str(plain_file(tmp_path, objective="binary")), "late", classes=["a"])
    with pytest.raises(xbsql.XbsqlError, match="cannot write"):
        xbsql.export_booster(con, "home", str(plain_file(tmp_path) / "below"))
    titles = pa.table({"title": ["red shoe", "blue bag"] * 20, "kind": ["shoe", "bag"] * 20})
    xbsql.fit(con, "texts", titles, "kind")
    with pytest.raises(xbsql.XbsqlError, match="no part of model 'texts' is a LightGBM model"):
        xbsql.export_booster(con, "texts", str(tmp_path))


HEADERS = [
    ("num_tree_per_iteration=1", "num_tree_per_iteration=0", "trees, 0 at a time"),
    ("num_tree_per_iteration=1", "num_tree_per_iteration=5", "trees, and the objective|trees at a time"),
    (
        "num_tree_per_iteration=1",
        "num_tree_per_iteration=2000000000",
        "line 'num_tree_per_iteration=2000000000",
    ),
    ("num_class=1", "num_class=1000000000", "line 'num_class=1000000000"),
    ("num_class=1", "num_class=3", "has num_class=3"),
    ("\nobjective=", "\ntree_sizes=10 10\nobjective=", "two lines 'tree_sizes='"),
    ("max_feature_idx=1", "max_feature_idx=7", "counts its columns in two ways"),
    ("tree_sizes=", "tree_sizes=1", "tree_sizes are not those of its trees"),
    ("Tree=2\n", "\x00Tree=2\n", "no LightGBM text"),
    ("Tree=2\n", "\rTree=2\n", "no LightGBM text"),
    ("leaf_value=", "leaf_value=nan ", "a tree is broken"),
    ("leaf_value=", "leaf_value=1e999 ", "a tree is broken"),
    ("num_cat=", "num_cat=1\nnum_cat=", "a tree is broken"),
    ("\nis_linear=0", "\nis_linear=1", "a tree is broken"),
    ("\nshrinkage=", "\n\nshrinkage=", "a tree is broken"),
    ('[["air", "road", "sea"]]', '[["air", 1, null]]', "lists no categories"),
    ('[["air", "road", "sea"]]', "[[[[", "no JSON"),
]


@pytest.mark.parametrize("road", ["import", "store"])
@pytest.mark.parametrize(("old", "new", "message"), HEADERS)
def test_what_kills_lightgbm_is_found_before_it_reads_it(con, tmp_path, road, old, new, message):
    file = plain_file(tmp_path)
    text = file.read_text().replace(old, new, 1)
    assert text != file.read_text()
    text = text if "ree" in old else sized(text)
    file.write_bytes(text.encode())
    if road == "import":
        message = "no LightGBM text|a tree is broken|tree_sizes" if "\r" in new else message
        with pytest.raises(xbsql.XbsqlError, match=message):
            xbsql.import_booster(con, "bad", str(file), "days")
    elif "pandas" not in message and "JSON" not in message and "categories" not in message:
        config = {"views": ["table"], "categorical": [1], "classes": None, "width": 2}
        with pytest.raises(BrokenText, match=message):
            BoostedPredictor.from_state(State("boosted", config, texts={"model": text}))


def drawn(random):
    """Rows as they come: gaps, infinities, categories, constants, sizes from 1e-30 to 1e30; and labels."""
    n, width = int(random.integers(30, 400)), int(random.integers(1, 6))
    x = random.normal(size=(n, width)) * 10.0 ** random.integers(-30, 30, width)
    x[:, 0] = random.integers(0, int(random.integers(1, 90)), n)
    x[random.random((n, width)) < random.choice([0, 0.3])] = np.nan
    if random.random() < 0.2:
        x[:, -1] = random.choice([0.0, np.nan, np.inf, 1e300])
    y = np.nan_to_num(x[:, 0]) % 3 + random.normal(size=n) * 0.1
    return x, y


@pytest.mark.parametrize("seed", range(60))
def test_whatever_lightgbm_writes_is_read(seed):
    random = np.random.default_rng(seed)
    x, y = drawn(random)
    goal, told = [
        ({"objective": "regression"}, y * 10.0 ** random.integers(-20, 20)),
        ({"objective": "binary"}, (y > 1).astype(float)),
        ({"objective": "multiclass", "num_class": 3}, np.clip(np.round(y), 0, 2)),
        ({"objective": "quantile", "alpha": 0.1}, y),
        ({"objective": "regression_l1"}, y),
        ({"objective": "huber", "zero_as_missing": True}, y),
    ][seed % 6]
    more = {"num_leaves": int(random.integers(2, 40)), "min_data_in_leaf": int(random.integers(1, 20)),
            "use_missing": bool(random.integers(2)), "bagging_freq": 1, "bagging_fraction": 0.7}  # fmt: skip
    weight = random.choice([1e-12, 1.0, 1e12]) * random.random(len(x)) if seed % 4 == 0 else None
    data = lgb.Dataset(x, told, weight=weight, categorical_feature=[0] if seed % 3 else [])
    text = lgb.train({**goal, **more, "verbosity": -1, "num_threads": 1}, data, 12).model_to_string()
    found = booster_text.read_text(text)
    assert not found.strange
    asked = np.vstack([x, np.full((1, x.shape[1]), np.nan)])
    expected = lgb.Booster(model_str=text).predict(asked)
    np.testing.assert_array_equal(found.booster.predict(asked), expected)


def test_parameters_never_reach_lightgbm(con, tmp_path):
    file = plain_file(tmp_path)
    text = file.read_text()
    for line in ("[boosting: gbdt]", "end of parameters"):
        file.write_text(text.replace(line, "[nothing", 1))
        xbsql.import_booster(con, f"odd{len(line)}", str(file), "days")
    found = xbsql.predict(con, "odd16", TEST.to_struct_array()).field("value").to_numpy()
    np.testing.assert_array_equal(found, lgb.Booster(model_str=text).predict(matrix(TEST)))


def test_a_text_of_another_version_is_tried_in_a_process_of_its_own(con, tmp_path, monkeypatch):
    file, tried = plain_file(tmp_path), []
    text = file.read_text().replace("version=v4", "version=v4\nfuture=1", 1)
    file.write_text(text)
    whole = booster_text.survives

    def watched(text):
        tried.append(text)
        return whole(text)

    monkeypatch.setattr(booster_text, "survives", watched)
    xbsql.import_booster(con, "future", str(file), "days")
    assert len(tried) == 1
    found = xbsql.predict(con, "future", TEST.to_struct_array()).field("value").to_numpy()
    np.testing.assert_allclose(found, lgb.Booster(model_str=text).predict(matrix(TEST)), rtol=1e-12)
    Session(session_of("test", con).store.path).model("test", "future")
    assert len(tried) == 1, "what is stored is LightGBM's own"
    monkeypatch.setattr(booster_text, "survives", lambda text: False)
    with pytest.raises(xbsql.XbsqlError, match=r"no text that LightGBM reads .a line 'future'"):
        xbsql.import_booster(con, "again", str(file), "days")


def test_a_probe_outlives_a_death_and_a_hang(tmp_path):
    text = plain_file(tmp_path).read_text()
    assert booster_probe.survives(booster_text.loadable(text))
    assert not booster_probe.survives(text.replace("threshold=", "threshold", 1))
    assert not booster_probe.survives("tree\n")
    assert not booster_probe.survives(booster_text.loadable(text), seconds=0.001)


@pytest.mark.parametrize("path", ["{folder}", "{pipe}", "/dev/zero", "a\0b", "x" * 5000, 5])
def test_what_is_no_file_is_not_read(con, tmp_path, path):
    os.mkfifo(tmp_path / "pipe")
    given = path.format(folder=tmp_path, pipe=tmp_path / "pipe") if isinstance(path, str) else path
    with pytest.raises(xbsql.XbsqlError, match=r"cannot read|must be a path, got 5") as caught:
        xbsql.import_booster(con, "bad", given, "days")
    assert len(str(caught.value)) < 400
    if path != 5:
        with pytest.raises(xbsql.XbsqlError, match="cannot write"):
            xbsql.export_booster(con, "home", given if path != "{folder}" else str(tmp_path / "pipe"))


def test_an_export_replaces_a_link_and_follows_none(con, tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "columns.json").symlink_to(tmp_path / "mine")
    exported(con, "home", tmp_path / "out")
    assert (tmp_path / "mine").read_text() == "mine"
