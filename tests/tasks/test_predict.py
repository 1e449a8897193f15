"""Numbers at home and abroad: what a transfer must bring, what its intervals hold, and what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.store.model import restore
from xbsql.tasks import road
from xbsql.tasks.predict.intervals import conformal_radius
from xbsql.tasks.predict.task import TASK as predict

SLOWER = {"air": 0.0, "sea": 9.0, "road": 4.0}


def parcels(n, seed, *, stretch=1.0, late=0.0, labels=None):
    """Parcels with numbers, a category, dates and NULLs; abroad the days are stretched and late."""
    rng = np.random.default_rng([seed, n])
    weight, distance = rng.gamma(2.0, 3.0, n), rng.uniform(0, 10, n)
    mode = rng.choice(list(SLOWER), n)
    day = np.datetime64("2025-01-01") + rng.integers(0, 365, n).astype("timedelta64[D]")
    days = 2 + 0.5 * weight + 1.2 * distance * (mode != "air") + 3 * np.sin(distance)
    days += np.array([SLOWER[name] for name in mode]) + rng.normal(0, 1.5, n)
    days = stretch * days + late
    unknown = np.zeros(n, bool) if labels is None else np.arange(n) >= labels
    return pa.table(
        {
            "weight": pa.array(weight, mask=rng.random(n) < 0.05),
            "distance": distance,
            "mode": mode,
            "day": day,
            "days": pa.array(days, mask=unknown),
        }
    )


def abroad(n, seed, **more):
    return parcels(n, seed, stretch=1.15, late=3.0, **more)


def score(model, table, metric="r2", label="days"):
    return next(
        row["value"] for row in road.evaluate(predict, model, table, label) if row["metric"] == metric
    )


def batch_of(table):
    return table.combine_chunks().to_batches()[0]


@pytest.fixture(scope="module")
def source():
    return parcels(1500, 0)


@pytest.fixture(scope="module")
def home(source):
    return road.fit(predict, source, "days", market="US")


@pytest.fixture(scope="module")
def carried(source, home):
    return road.transfer(predict, abroad(250, 1, labels=50), "days", base=home[0], source=source, market="JP")


def test_the_report_at_home_is_out_of_fold(home):
    model, report = home
    values = {row["metric"]: row for row in report}
    assert list(values) == ["r2", "mae", "rmse"]
    for metric, row in values.items():
        assert row["lo"] < row["value"] < row["hi"]
        assert abs(row["value"] / score(model, parcels(2000, 5), metric) - 1) < 0.1


@pytest.mark.parametrize("given", [{"base"}, {"source"}, {"base", "source"}])
def test_with_fifty_labels_the_blend_beats_both_alone(source, home, given):
    both = {"base": home[0], "source": source}
    data, test = abroad(50, 1), abroad(2000, 2)
    model, done = road.transfer(predict, data, "days", **{name: both[name] for name in given})
    alone, _ = road.fit(predict, data, "days")
    assert (done.verdict.outcome, done.verdict.basis, done.verdict.metric) == ("HELPS", "evidence", "r2")
    assert score(model, test) > score(alone, test) + 0.08
    assert score(model, test) > score(home[0], test) + 0.08


def test_an_unrelated_source_costs_nothing(source):
    wrong = source["days"].take(pa.array(np.random.default_rng(1).permutation(len(source))))
    model, done = road.transfer(predict, abroad(150, 3), "days", source=source.set_column(4, "days", wrong))
    alone, _ = road.fit(predict, abroad(150, 3), "days")
    assert done.verdict.outcome != "HELPS"
    assert score(model, abroad(2000, 2)) > score(alone, abroad(2000, 2)) - 0.02


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_hold_their_share_of_the_target(source, home, level):
    found = [
        score(
            road.transfer(
                predict, abroad(200, seed), "days", base=home[0], method="parameter", options={"level": level}
            )[0],
            abroad(4000, 9),
            "coverage",
        )
        for seed in (1, 2, 3)
    ]
    assert level - 0.05 < np.mean(found) < level + 0.05


def test_without_a_label_home_serves_and_there_is_no_interval(home):
    model, done = road.transfer(predict, abroad(200, 1, labels=0), "days", base=home[0])
    assert (done.verdict.outcome, done.verdict.basis, done.verdict.labels) == ("NOT MEASURED", "prior", 0)
    found = model.predict(batch_of(abroad(100, 2)))
    assert found.field("lo").null_count == found.field("hi").null_count == 100
    assert {row["metric"] for row in road.evaluate(predict, model, abroad(100, 2), "days")} == {
        "r2",
        "mae",
        "rmse",
    }
    assert score(model, abroad(1000, 2)) == pytest.approx(score(home[0], abroad(1000, 2)), abs=0.05)


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize(("level", "rank"), [(0.9, 45), (0.5, 25), (0.98, 49)])
def test_the_radius_is_the_quantile_of_one_unit_more(level, rank, repeats):
    held_out = np.zeros((repeats, 49))
    y = np.random.default_rng(0).permutation(np.arange(1.0, 50.0))
    assert conformal_radius(y, held_out, level, np.arange(49)) == pytest.approx(rank)
    assert conformal_radius(y, held_out, 0.99, np.arange(49)) is None


def test_the_radius_lies_between_two_residuals_where_the_rank_does():
    y = np.random.default_rng(0).permutation(np.arange(1.0, 50.0))
    assert conformal_radius(y, np.zeros((1, 49)), 0.91, np.arange(49)) == pytest.approx(45.5)


def test_a_restored_model_predicts_the_same_bits(home, carried):
    batch = batch_of(abroad(300, 2))
    for model in (home[0], carried[0]):
        assert restore(model.state()).predict(batch).equals(model.predict(batch))


def test_the_same_call_gives_the_same_model(source, home, carried):
    again, _ = road.transfer(predict, abroad(250, 1, labels=50), "days", base=home[0], source=source)
    batch = batch_of(abroad(100, 2))
    assert again.predict(batch).equals(carried[0].predict(batch))


def test_predictions_are_null_only_where_every_input_is(carried):
    batch = batch_of(abroad(3, 2))
    empty = pa.record_batch([pa.nulls(3, field.type) for field in batch.schema], schema=batch.schema)
    rows = pa.Table.from_batches([batch, empty]).set_column(2, "mode", pa.array(["train"] * 3 + [None] * 3))
    found = carried[0].predict(batch_of(rows))
    assert found.is_null().to_pylist() == [False] * 3 + [True] * 3
    assert np.isfinite(found.slice(0, 3).field("value").to_numpy()).all()
    assert len(carried[0].predict(batch.slice(0, 0))) == 0


def test_groups_are_measured_apart_and_undefined_scores_are_null(carried):
    rows = abroad(60, 4).set_column(2, "mode", pa.array(["sea"] * 59 + ["air"]))
    found = road.evaluate(predict, carried[0], rows, "days", by="mode")
    counts = {row["group"]: row["rows"] for row in found}
    assert counts == {None: 60, "air": 1, "sea": 59}
    lone = next(row for row in found if (row["group"], row["metric"]) == ("air", "r2"))
    assert (lone["value"], lone["lo"], lone["hi"]) == (None, None, None)


def titles(n, seed, factor, *, columns):
    rng = np.random.default_rng([seed, n])
    words = np.array(["red cotton shirt", "steel cooking pot", "oak garden chair", "wireless headphones"])
    kind, weight = rng.integers(0, 4, n), rng.uniform(0, 5, n)
    price = factor * (10.0 + 12.0 * kind + 2 * columns * weight) + rng.normal(0, 2, n)
    title = [f"{words[k]} number {rng.integers(1000)}" for k in kind]
    return pa.table({"title": title, **({"weight": weight} if columns else {}), "price": price})


@pytest.mark.parametrize("columns", [False, True])
def test_text_is_read_alone_and_beside_columns(columns):
    source, data, test = (
        titles(n, s, f, columns=columns) for n, s, f in [(300, 0, 1.0), (40, 1, 1.3), (300, 2, 1.3)]
    )
    options = {"text": ["title"]}
    model, done = road.transfer(predict, data, "price", source=source, options=options)
    alone, _ = road.fit(predict, data, "price", options=options)
    assert done.verdict.outcome != "HURTS"
    assert score(model, test, label="price") > 0.9
    assert score(model, test, label="price") > score(alone, test, label="price") - 0.01
    assert restore(model.state()).predict(batch_of(test)).equals(model.predict(batch_of(test)))


def test_no_row_leaves_the_market_where_none_may(source):
    model, _ = road.fit(predict, source.slice(0, 100), "days", options={"keep_rows": False})
    assert "reach" not in model.state().parts
    assert model.predict(batch_of(source.slice(0, 5))).field("shift").null_count == 5


SMALL = parcels(40, 0)


def labelled(values, kind=None):
    return SMALL.set_column(4, "days", pa.array(values, kind))


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (
            SMALL.rename_columns(["weight", "distance", "mode", "day", "dais"]),
            {},
            "no label column 'days'; the table has .*dais",
        ),
        (labelled(["a", "b"] * 20), {}, "holds string, and values are numbers; cast it"),
        (labelled([True, False] * 20), {}, "holds bool, and values are numbers"),
        (labelled([3.0] * 40), {}, "holds only the value 3; give rows of several values"),
        (labelled([None] * 40, pa.float64()), {}, "holds no label, every row is NULL"),
        (labelled([None] * 40), {}, "holds no label, every row is NULL"),
        (labelled([1.0, np.inf, np.nan, None] * 10), {}, "infinite or NaN in 20 rows; set these to NULL"),
        (labelled([1e200, 3.0] * 20), {}, r"values up to 1e\+200 in size; give it in another unit"),
        (labelled([1e-40, 3e-40] * 20), {}, r"'days' holds values up to 3e-40 in size; give it in another"),
        (SMALL.slice(0, 0), {}, "no label"),
        (SMALL.select(["days"]), {}, "no column to read"),
        (SMALL, {"levle": 0.9}, "no option 'levle'.*'level'"),
        (SMALL, {"classes": {"a": "b"}}, "no option 'classes'"),
        (SMALL, {"level": 90}, "'level' is 90; give a share between 0 and 1"),
    ],
)
def test_bad_data_for_a_fit_is_one_clear_line(data, options, message):
    with pytest.raises(XbsqlError, match=message) as caught:
        road.fit(predict, data, "days", options=options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "given", "message"),
    [
        (SMALL.slice(0, 0), {}, "no rows"),
        (labelled([3.0] * 40), {}, "holds only the value 3"),
        (labelled(["a"] * 40), {}, "holds string"),
        (SMALL, {"base": None}, "neither base nor source"),
        (SMALL, {"method": "parametr"}, "no method 'parametr'.*'parameter'"),
        (SMALL, {"source": labelled([np.inf] * 40)}, "infinite or NaN in 40 rows"),
        (SMALL, {"source": labelled([-1e155, 2.0] * 20)}, r"values up to 1e\+155 in size"),
        (SMALL, {"source": labelled([None] * 40, pa.float64())}, "no row of the source has a label"),
    ],
)
def test_a_bad_target_is_one_clear_line(home, data, given, message):
    with pytest.raises(XbsqlError, match=message) as caught:
        road.transfer(predict, data, "days", **{"base": home[0], **given})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [{"base"}, {"base", "source"}])
@pytest.mark.parametrize(
    "names", [["weight", "distance", "mode", "when", "days"], ["kg", "km", "by", "when", "days"]]
)
def test_the_target_may_have_columns_of_its_own(source, home, given, names):
    data, test = abroad(150, 1).rename_columns(names), abroad(1000, 2).rename_columns(names)
    both = {"base": home[0], "source": source}
    model, done = road.transfer(predict, data, "days", **{name: both[name] for name in given})
    alone, _ = road.fit(predict, data, "days")
    assert done.verdict.outcome != "HURTS"
    assert score(model, test) > score(alone, test) - 0.02


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_the_label_decides_nothing(source, unit):
    def scaled(table):
        return table.set_column(4, "days", pa.array(unit * table["days"].to_numpy()))

    model, done = road.transfer(predict, scaled(abroad(50, 1)), "days", source=scaled(source.slice(0, 400)))
    assert done.verdict.outcome == "HELPS"
    assert score(model, scaled(abroad(1000, 2))) > 0.88
    assert 0.8 < score(model, scaled(abroad(1000, 2)), "coverage") < 0.98


@pytest.mark.parametrize("kind", [pa.int32(), pa.uint8(), pa.float32(), pa.decimal128(30, 2)])
def test_labels_may_be_any_number(kind):
    data = labelled(list(range(40)), pa.int64())
    data = data.set_column(4, "days", data["days"].cast(kind))
    model, report = road.fit(predict, data, "days")
    assert report[0]["rows"] == 40
    assert model.predict(batch_of(data)).field("value").null_count == 0


def test_few_labels_are_fitted_and_nothing_is_claimed():
    model, report = road.fit(predict, SMALL.slice(0, 12), "days")
    assert [row["metric"] for row in report] == ["r2"]
    assert (report[0]["value"], report[0]["note"]) == (None, "too few labels to measure")
    assert model.radius is None


def test_progress_rises_to_one(source):
    told = []
    road.transfer(
        predict,
        abroad(40, 1),
        "days",
        source=source.slice(0, 100),
        progress=lambda share, text: told.append(share),
    )
    assert told == sorted(told)
    assert told[-1] == 1.0
