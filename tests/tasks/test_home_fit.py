"""A home model in the target as it is: which way it points, and how its classes' shares moved."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.home_fit import home_fit
from xbsql.tasks.predict.task import TASK as predict


def market(n, seed, *, share=0.5, sign=1.0, kinds=("late", "soon")):
    """Rows of two or more kinds, told apart by `x`; 'days' is a number that follows it."""
    rng = np.random.default_rng([seed, n])
    rest = [(1 - share) / (len(kinds) - 1)] * (len(kinds) - 1)
    kind = rng.choice(len(kinds), n, p=[share, *rest])
    x = sign * 2.0 * kind + rng.normal(size=n)
    return pa.table({"x": x, "kind": np.array(kinds)[kind], "days": 3.0 * kind + rng.normal(size=n)})


def values(module, label, target, **home):
    rows = market(400, 0, **home)
    other = {"ignore": ["days" if label == "kind" else "kind"]}
    model, _ = road.fit(module, rows, label, options=other)
    return {row["measure"]: row["value"] for row in home_fit(module, model, rows, target)}


@pytest.mark.parametrize(("sign", "right"), [(1.0, True), (-1.0, False)])
def test_the_score_tells_whether_a_model_points_the_right_way(sign, right):
    target = market(200, 1, sign=sign)
    assert (values(classify, "kind", target)["auc"] > 0.5) == right
    assert (values(predict, "days", target)["r2"] > 0) == right


@pytest.mark.parametrize(("share", "shift"), [(0.5, 0.0), (0.9, 0.4), (0.2, 0.3)])
def test_the_shift_of_the_classes_is_found_without_labels(share, shift):
    target = market(2000, 1, share=share).drop_columns(["kind"])
    found = values(classify, "kind", target)
    assert set(found) == {"label_shift"}
    assert found["label_shift"] == pytest.approx(shift, abs=0.08)


def test_classes_of_more_than_two_or_of_the_target_alone_are_scored_by_accuracy():
    three = ("late", "soon", "lost")
    assert set(values(classify, "kind", market(90, 1, kinds=three), kinds=three)) == {
        "accuracy",
        "label_shift",
    }
    assert set(values(classify, "kind", market(90, 1, kinds=three))) == {"accuracy", "label_shift"}


def test_numbers_have_no_classes_and_labels_that_are_unknown_no_score():
    target = market(50, 1)
    unknown = target.set_column(2, "days", pa.nulls(50, pa.float64()))
    assert values(predict, "days", unknown) == {}
    assert set(values(predict, "days", target)) == {"r2"}
