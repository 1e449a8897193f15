"""Unequal classes: what is asked for is what is judged, weighed and answered."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from xbsql.engine.tilt import factors, fit_tilt, tilted
from xbsql.errors import XbsqlError
from xbsql.metrics import rows as metrics
from xbsql.store.model import restore
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify


def rows(n, seed, classes=2, positive=0.12):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    odds = 1.2 * x[:, 0] - x[:, 1] + rng.logistic(size=n)
    late = odds > np.quantile(odds, 1 - positive)
    y = (
        np.where(late, "late", "ok")
        if classes == 2
        else np.where(late, "late", np.where(x[:, 2] > 0, "a", "b"))
    )
    return pa.table({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})


@pytest.fixture(scope="module", params=["f1", "balanced_accuracy"])
def asked(request):
    home, test = rows(600, 0), rows(2000, 1)
    found = {
        metric: road.fit(classify, home, "y", options={"metric": metric})[0]
        for metric in (request.param, "accuracy")
    }
    return request.param, found, test


def measured(model, test):
    return {row["metric"]: row["value"] for row in road.evaluate(classify, model, test, "y")}


def test_rare_classes_are_answered_where_the_metric_counts_them(asked):
    metric, models, test = asked
    scored = metrics.f1 if metric == "f1" else metrics.balanced_accuracy
    y = np.array([models["accuracy"].classes.index(name) for name in test["y"].to_pylist()])
    plain = scored(y, models["accuracy"].probabilities(test))
    told = measured(models[metric], test)
    assert told[metric] > plain + 0.03
    assert told["auc"] == pytest.approx(measured(models["accuracy"], test)["auc"], abs=0.02)


def test_every_door_gives_the_same_answer(asked):
    metric, models, test = asked
    model = restore(models[metric].state())
    batch = test.select(["a", "b", "c"]).to_batches()[0]
    given = model.predict(batch, shift=False).field("label").to_pylist()
    _, names = model.chosen(model.probabilities(test))
    assert given == names.to_pylist()
    assert (
        given.count("late")
        > (models["accuracy"].chosen(models["accuracy"].probabilities(test))[0] == 0).sum()
    )
    truth = np.array(test["y"].to_pylist())
    assert measured(model, test)["accuracy"] == pytest.approx((np.array(given) == truth).mean())


def test_two_unequal_classes_are_judged_by_auc_and_equal_ones_by_accuracy():
    home = rows(300, 2)
    judged = {}
    for share in (0.12, 0.45):
        target = rows(80, 3, positive=share)
        judged[share] = road.transfer(classify, target, "y", source=home, method="parameter")[
            1
        ].verdict.metric
    assert judged == {0.12: "auc", 0.45: "accuracy"}


def test_a_verdict_by_the_metric_that_is_asked():
    found = road.transfer(
        classify,
        rows(90, 4),
        "y",
        source=rows(400, 5),
        method="parameter",
        options={"metric": "balanced_accuracy"},
    )[1]
    assert found.verdict.metric == "balanced_accuracy"
    assert found.verdict.value("blend") > 0.6


def test_f1_is_of_two_classes_and_an_unknown_metric_is_named():
    with pytest.raises(XbsqlError, match="'f1', which is of two classes, and there are 3; use 'macro_f1'"):
        road.fit(classify, rows(90, 6, classes=3), "y", options={"metric": "f1"})
    with pytest.raises(XbsqlError, match="'f2'; there is accuracy, balanced_accuracy, f1, macro_f1, auc"):
        road.fit(classify, rows(90, 6), "y", options={"metric": "f2"})


@pytest.mark.parametrize(("score", "least"), [(metrics.accuracy, 0.0), (metrics.balanced_accuracy, 0.6)])
def test_the_tilt_is_what_the_score_asks_for(score, least):
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.1).astype(np.int64)
    odds = 1.5 * (y - 0.5) + rng.normal(size=400) - 2.2
    p = 1 / (1 + np.exp(-odds))
    held_out = np.stack([1 - p, p], axis=1)[None]
    tilt = fit_tilt(y, held_out, score)
    assert least <= tilt <= (0.5 if score is metrics.accuracy else 1.5)
    answer = tilted(held_out, factors(y, 2, tilt))
    assert answer.sum(axis=-1) == pytest.approx(1.0)
    assert score(y, answer[0]) >= score(y, held_out[0]) - 0.01
