"""Data as they come: each mistake is one line or a defined behaviour, in fit, transfer and predict alike."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.predict.task import TASK as predict

N = 60


def rows(seed=1, n=N, **more):
    rng = np.random.default_rng(seed)
    x, mode = rng.normal(size=n), rng.choice(["a", "b", "c"], n)
    y = rng.normal(size=n) + 2 * x + (mode == "a")
    return pa.table({"x": x, "mode": mode, "y": y, "late": np.where(y > 0, "late", "ok"), **more})


TASKS = {"y": predict, "late": classify}
OTHER = {"y": "late", "late": "y"}


@pytest.fixture(scope="module")
def homes():
    return {
        label: road.fit(task, rows(0).drop_columns([OTHER[label]]), label)[0] for label, task in TASKS.items()
    }


def answers(model, table):
    columns = [column.combine_chunks() for column in table.columns]
    given = pa.StructArray.from_arrays(columns, table.column_names)
    return model.predict(model.signature.batch("xb.predict", "m", given))


def roads(homes, label, table):
    """What is noted by fit and by transfer, and what the home model answers; an error in its place."""
    task, found = TASKS[label], {}
    runs = {
        "fit": lambda: road.fit(task, table, label)[1][0]["note"] or "",
        "transfer": lambda: "; ".join(
            road.transfer(task, table, label, base=homes[label], method="source")[1].verdict.notes
        ),
        "predict": lambda: answers(homes[label], table),
    }
    for name, run in runs.items():
        try:
            found[name] = run()
        except XbsqlError as error:
            found[name] = error
    assert not [text for text in map(str, found.values()) if text.startswith("xb") and "\n" in text]
    return found


CASES = {
    "an all-NULL column": ({"e": pa.nulls(N, pa.float64())}, "column 'e' is not read", None),
    "an untyped NULL column": ({"e": pa.nulls(N)}, "column 'e' is not read", None),
    "NaN is NULL": ({"e": np.where(np.arange(N) % 3 == 0, np.nan, np.arange(N))}, "", None),
    "an infinite value": ({"x": np.append(np.inf, np.arange(N - 1.0))}, "'x' holds an infinite value", ...),
    "minus infinity": ({"x": np.append(-np.inf, np.arange(N - 1.0))}, "'x' holds an infinite value", ...),
    "ISO dates as text": ({"d": [f"2025-01-{1 + i % 28:02d}" for i in range(N)]}, "", None),
    "other dates as text": (
        {"d": [f"{1 + i % 28:02d}/01/2025" for i in range(N)]},
        r"column 'd' is read as a category, its dates \('01/01/2025'\) are not ISO: strptime",
        None,
    ),
    "a list": ({"e": [[1], *[[1, 2]] * (N - 1)]}, "column 'e' is not read", None),
    "a vector": ({"e": [[1, 2]] * N}, "", None),
    "more columns than rows": ({f"c{i}": np.sin(i * np.arange(N) + i) for i in range(64)}, "", None),
}  # fmt: skip


@pytest.mark.parametrize("label", TASKS)
@pytest.mark.parametrize("case", CASES)
def test_odd_columns(homes, label, case):
    changed, message, refused = CASES[case]
    table = rows().drop_columns([OTHER[label]])
    for name, values in changed.items():
        table = table.drop_columns([name]) if name in table.column_names else table
        table = table.append_column(name, pa.array(values))
    found = roads(homes, label, table)
    for name in ("fit", "transfer"):
        assert isinstance(found[name], XbsqlError) == (refused is not None)
        assert re.search(message, str(found[name]))
    if refused is None:
        assert found["predict"].null_count == 0
    else:
        assert "'x' holds an infinite value; make it NULL" in str(found["predict"])


@pytest.mark.parametrize("label", TASKS)
def test_a_category_beyond_the_limit_keeps_its_most_frequent_values(label):
    n = 3000
    table = rows(n=n, sku=[f"s{i // 2}" for i in range(n)]).drop_columns([OTHER[label]])
    model, report = road.fit(TASKS[label], table, label)
    assert "column 'sku' has 1000 values or more" in report[0]["note"]
    levels = next(column.levels for column in model.reader.table.columns if column.name == "sku")
    assert len(levels) == 1000
    assert answers(model, table.slice(0, 5)).null_count == 0


@pytest.mark.parametrize("label", TASKS)
@pytest.mark.parametrize("twice", ["x", "label"])
def test_two_columns_of_one_name_are_refused(homes, label, twice):
    table = rows().drop_columns([OTHER[label]])
    name = label if twice == "label" else twice
    doubled = pa.table([*table.columns, table[name]], names=[*table.column_names, name])
    found = roads(homes, label, doubled)
    for way in ("fit", "transfer", *(["predict"] if twice == "x" else [])):
        assert f"two columns are named '{name}'; give one another name" in str(found[way])


@pytest.mark.parametrize("label", TASKS)
def test_a_target_with_none_of_the_homes_columns_is_served_and_told(homes, label):
    table = rows().drop_columns([OTHER[label]]).rename_columns(["p", "q", label])
    found = roads(homes, label, table)
    assert "none of the columns that the home model reads" in found["transfer"]
    assert "no column 'x'; model 'm' reads it, and the row has p, q" in str(found["predict"])
    some = rows().drop_columns([OTHER[label]]).rename_columns(["x", "q", label])
    assert "the target lacks 'mode', which the home model reads" in roads(homes, label, some)["transfer"]


@pytest.mark.parametrize(
    ("label", "values", "message"),
    [
        ("y", ["a", "b"] * 30, "holds string, and values are numbers; cast it"),
        ("y", [[1.0]] * N, "holds list<item: double>, and values are numbers"),
        ("y", [2.5] * N, "holds only the value 2.5"),
        ("late", [1.5, 2.5] * 30, "holds double, and classes are text, integers or booleans; cast it"),
        ("late", ["ok"] * N, "holds only one class, 'ok'"),
        ("late", [None] * N, "holds no label, every row is NULL"),
    ],
)
def test_labels_that_cannot_be_learned(label, values, message):
    table = rows().drop_columns([OTHER[label], label]).append_column(label, pa.array(values))
    with pytest.raises(XbsqlError, match=message) as caught:
        road.fit(TASKS[label], table, label)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("label", TASKS)
def test_categories_alone_are_a_table(label):
    table = rows().select(["mode", label]).append_column("lane", pa.array(["n", "s", "n"] * 20))
    model, _ = road.fit(TASKS[label], table, label)
    assert answers(model, table).null_count == 0
    again, _ = road.transfer(TASKS[label], table, label, base=model, source=table)
    assert answers(again, table).null_count == 0


def test_vectors_that_are_all_null_in_the_target_are_missing():
    numbers = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
    home = pa.table({"e": list(numbers), "x": numbers[:, 0], "y": np.where(numbers[:, 0] > 0, "a", "b")})
    model = road.fit(classify, home, "y")[0]
    target = pa.table({"e": pa.nulls(9, home["e"].type), "x": numbers[:9, 0]})
    assert answers(model, target).null_count == 0


@pytest.mark.parametrize("label", TASKS)
def test_few_rows_many_times_are_told(homes, label):
    more = {"z": np.random.default_rng(3).normal(size=N)}
    table = rows(**more).drop_columns([OTHER[label]])
    copies = pa.concat_tables([table.slice(0, 8)] * 20)
    found = roads(homes, label, copies)
    assert "160 labelled rows are 8 different ones" in str(found["fit"])
    assert "different ones" not in str(roads(homes, label, table)["fit"])
    few = copies.select(["mode", label])
    assert "different ones" not in str(roads(homes, label, few)["fit"]), "values of a category meet by chance"
