"""The label curve: out of fold, nested, and beyond its labels no more than a power law."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.curve import Measured, _followed, label_curve
from xbsql.tasks.predict.task import TASK as predict


def rows(n, seed, *, late=0.0, labels=None):
    rng = np.random.default_rng([seed, n])
    x = rng.normal(size=(n, 4))
    days = late + x @ [2.0, 1.0, -1.0, 0.5] + np.sin(3 * x[:, 0]) + rng.normal(0, 0.3, n)
    shown = np.arange(n) < (n if labels is None else labels)
    columns = {f"x{i}": x[:, i] for i in range(4)}
    return pa.table(
        {**columns, "days": pa.array(days, mask=~shown), "late": pa.array(days > late, mask=~shown)}
    )


@pytest.mark.parametrize(
    ("task", "label", "drop", "metric"),
    [(predict, "days", "late", "r2"), (classify, "late", "days", "accuracy")],
)
def test_the_curve_rises_and_the_source_is_worth_labels(task, label, drop, metric):
    home = road.fit(task, rows(500, 0).drop_columns([drop]), label)[0]
    data = rows(50, 1, late=1.0, labels=36).drop_columns([drop])
    told = []
    found = label_curve(task, home, home, data, label, progress=lambda share, text: told.append(share))
    assert {row["metric"] for row in found} == {metric}
    curve = {(row["arm"], row["labels"], row["basis"]): row for row in found}
    assert [key[:2] for key in curve if key[0] == "source only"] == [("source only", 0)]
    sizes = [key[1] for key in curve if key[0] == "blend" and key[2] == "measured"]
    assert sizes == [0, 10, 20, 28]
    assert [key[1] for key in curve if key[2] == "extrapolated" and key[0] == "blend"] == [72, 144]
    value = {key: row["value"] for key, row in curve.items()}
    assert value["blend", 10, "measured"] > value["target only", 10, "measured"]
    assert value["target only", 28, "measured"] > value["target only", 10, "measured"]
    for row in found:
        assert row["lo"] <= row["value"] <= row["hi"]
        assert row["value"] <= 1
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_without_a_home_the_target_stands_alone():
    data = rows(40, 1).drop_columns(["late"])
    model = road.fit(predict, data, "days")[0]
    assert {row["arm"] for row in label_curve(predict, model, None, data, "days")} == {"target only"}
    with pytest.raises(XbsqlError, match="20 rows have a label in column 'days'; give 30 or more"):
        label_curve(predict, model, None, rows(40, 1, labels=20).drop_columns(["late"]), "days")


def test_labels_that_shuffle_bring_nothing_out_of_fold():
    data = rows(120, 1).drop_columns(["late"])
    wrong = data["days"].take(pa.array(np.random.default_rng(0).permutation(120)))
    data = data.set_column(4, "days", wrong)
    model = road.fit(predict, data, "days")[0]
    found = [row for row in label_curve(predict, model, None, data, "days") if row["basis"] == "measured"]
    assert all(row["value"] < 0.1 for row in found)


def points(score, sizes=(20, 50, 100, 200)):
    return [Measured(n, "blend", score(n), np.array([score(n), score(n) - 0.01])) for n in sizes]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (lambda n: 1 - n**-0.5, lambda n: 1 - n**-0.5),
        (lambda n: 0.7, lambda n: 0.7),
        (lambda n: 0.9 - n / 1000, lambda n: 1 - np.exp(np.log([0.15, 0.2, 0.3]).mean())),
        (lambda n: 1.0, lambda n: 1 - 0.5 / 250),
    ],
)
def test_a_power_law_is_followed_and_a_falling_curve_stays(score, expected):
    found = list(_followed(points(score), 250))
    assert [point.labels for point in found] == [500, 1000]
    for point in found:
        assert point.value == pytest.approx(expected(point.labels), abs=1e-9)
        assert point.basis == "extrapolated"
    assert list(_followed(points(score)[:1], 250)) == []
