"""Intervals hold their share in each market, and a model that abstains says of what it does not speak."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from xbsql.errors import XbsqlError
from xbsql.store.model import restore
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.predict.intervals import Radii, fit_radii
from xbsql.tasks.predict.task import TASK as predict

NOISE = {"calm": 0.3, "usual": 1.0, "wild": 3.0}
LEVEL = 0.9


def shipments(n, seed, markets=tuple(NOISE)):
    """Days by weight; how sure they are depends on the market."""
    rng = np.random.default_rng([seed, n])
    market, weight = rng.choice(markets, n), rng.uniform(0, 10, n)
    days = 2 * weight + rng.normal(size=n) * np.array([NOISE[name] for name in market])
    return pa.table({"market": market, "weight": weight, "days": days})


def coverage(model, rows):
    found = road.evaluate(predict, model, rows, "days", by="market")
    return {row["group"]: row["value"] for row in found if row["metric"] == "coverage"}


def batch_of(table):
    return table.combine_chunks().to_batches()[0]


@pytest.fixture(scope="module")
def by_market():
    return road.fit(predict, shipments(700, 0), "days", options={"intervals_by": "market"})[0]


def test_each_market_gets_the_width_it_needs(by_market):
    pooled = road.fit(predict, shipments(700, 0), "days")[0]
    rows = shipments(6000, 1)
    together, apart = coverage(pooled, rows), coverage(by_market, rows)
    assert together["calm"] > 0.98
    assert together["wild"] < 0.82
    for market in (None, *NOISE):
        assert apart[market] == pytest.approx(LEVEL, abs=0.05), market
    found = by_market.predict(batch_of(rows))
    width = (found.field("hi").to_numpy() - found.field("lo").to_numpy()) / 2
    assert len(np.unique(width.round(9))) == len(NOISE)


def test_a_market_of_few_labels_or_none_has_the_pooled_width(by_market):
    rows = shipments(30, 2).set_column(0, "market", pa.array(["new", None, "calm"] * 10))
    radii = by_market.radius.of(rows).reshape(-1, 3)
    assert (radii[:, :2] == by_market.radius.pooled).all()
    assert (radii[:, 2] == by_market.radius.own["calm"]).all()


@pytest.mark.parametrize(("rows", "own"), [(29, set()), (30, {"b"}), (40, {"b"})])
def test_thirty_labels_make_a_width(rows, own):
    y = np.linspace(-1, 1, 100 + rows)
    markets = pa.chunked_array([["a"] * 9 + [None] * 91 + ["b"] * rows])
    found = fit_radii(y, np.zeros((2, len(y))), LEVEL, np.arange(len(y)), "market", markets)
    assert set(found.own) == own
    grouped = fit_radii(y, np.zeros((2, len(y))), LEVEL, np.arange(len(y)) // 2, "market", markets)
    assert grouped.own == {}, "rows of a group are one unit"


def test_a_transfer_calibrates_on_the_target_and_survives_the_store():
    source, data = shipments(400, 0), shipments(240, 3, ("calm", "wild"))
    options = {"intervals_by": "market"}
    model, _ = road.transfer(predict, data, "days", source=source, method="parameter", options=options)
    assert set(model.radius.own) == {"calm", "wild"}
    again = restore(model.state())
    assert again.predict(batch_of(data)).equals(model.predict(batch_of(data)))
    assert isinstance(again.radius, Radii)


def test_the_market_is_a_column_that_is_read():
    with pytest.raises(XbsqlError, match=r"'intervals_by' 'markt'; the model reads .*did you mean 'market'"):
        road.fit(predict, shipments(60, 0), "days", options={"intervals_by": "markt"})


def test_values_far_out_are_not_answered():
    rows = shipments(300, 0)
    model, _ = road.fit(predict, rows, "days", options={"abstain": 0.99})
    far = rows.slice(0, 50).set_column(1, "weight", pc.add(rows["weight"].slice(0, 50), 100.0))
    found = model.predict(batch_of(pa.concat_tables([rows, far])))
    silent = np.array(found.field("value").is_null())
    assert silent[300:].all()
    assert silent[:300].mean() < 0.05
    for name in ("lo", "hi"):
        assert found.field(name).is_null().equals(found.field("value").is_null())
    assert found.field("shift").null_count == 0
    measures = {
        r["metric"]: r["value"] for r in road.evaluate(predict, model, pa.concat_tables([rows, far]), "days")
    }
    assert measures["answered"] == pytest.approx(1 - silent.mean())
    assert measures["mae_answered"] < measures["mae"]
    assert restore(model.state()).predict(batch_of(rows)).equals(model.predict(batch_of(rows)))


def parcels(n, seed):
    rng = np.random.default_rng([seed, n])
    x = rng.normal(size=n)
    return pa.table({"x": x, "z": rng.normal(size=n), "late": (x + rng.normal(0, 0.7, n)) > 0})


def test_unsure_classes_are_not_named():
    rows = parcels(400, 0)
    model, _ = road.fit(classify, rows, "late", options={"abstain": 0.8})
    plain, _ = road.fit(classify, rows, "late")
    test = parcels(1000, 1)
    found, every = model.predict(batch_of(test)), plain.predict(batch_of(test))
    sure = np.array(pc.greater_equal(found.field("score"), 0.8))
    assert 0.2 < sure.mean() < 0.9
    assert np.array_equal(np.array(found.field("label").is_valid()), sure)
    assert found.field("score").equals(every.field("score"))
    assert found.field("label").filter(pa.array(sure)).equals(every.field("label").filter(pa.array(sure)))
    measures = {row["metric"]: row["value"] for row in road.evaluate(classify, model, test, "late")}
    assert measures["answered"] == pytest.approx(sure.mean())
    assert measures["accuracy_answered"] > measures["accuracy"] + 0.03
    assert restore(model.state()).predict(batch_of(test)).equals(found)


def test_two_classes_have_an_area_under_the_curve():
    model, report = road.fit(classify, parcels(300, 0), "late")
    assert [row["metric"] for row in report][-1] == "auc"
    found = {row["metric"]: row for row in road.evaluate(classify, model, parcels(1000, 1), "late")}
    assert found["auc"]["lo"] < found["auc"]["value"] < found["auc"]["hi"]
    assert found["auc"]["value"] == pytest.approx(0.89, abs=0.04)


@pytest.mark.parametrize(
    ("task", "label", "options", "message"),
    [
        (predict, "days", {"abstain": 1.5}, "'abstain' is 1.5; give a share between 0 and 1"),
        (predict, "days", {"abstain": 0.9, "keep_rows": False}, "'keep_rows' false keeps no row to measure"),
        (classify, "market", {"intervals_by": "x"}, "no option 'intervals_by'"),
    ],
)
def test_options_that_cannot_be(task, label, options, message):
    with pytest.raises(XbsqlError, match=message):
        road.fit(task, shipments(60, 0), label, options=options)
