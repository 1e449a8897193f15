"""Forecasts at home and abroad: what a transfer must bring, what intervals hold, and what is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.series.read.table import read_series
from xbsql.store.model import restore
from xbsql.store.store import Store
from xbsql.tasks import road
from xbsql.tasks.forecast.task import TASK as forecast

MONDAY = np.datetime64("2023-01-02")
UNTIL = {"until": "2030-01-01", "horizon": 6}


@cache
def sales(weeks, first=0, *, share=1.0, products=40, seed=0, kind="same"):
    """Weekly pieces of products as a table; those of one seed are the same products in every market."""
    levels = np.random.default_rng(seed).lognormal(1.5, 1.2, products)
    levels = np.random.default_rng(9).permutation(levels) if kind == "shuffled" else levels
    rng = np.random.default_rng([seed, weeks, first, int(share * 100)])
    pieces = rng.poisson(share * np.repeat(levels[:, None], weeks, axis=1))
    days = MONDAY + 7 * (first + np.arange(weeks))
    ids = np.repeat([f"p{i:03d}" for i in range(products)], weeks)
    return pa.table({"unique_id": ids, "ds": np.tile(days, products), "y": pieces.ravel().astype(float)})


FEW = sales(4, 76, share=0.3, products=80)


def histories(model, table):
    return read_series("test", table, model.columns, model.rules)


@pytest.fixture(scope="module")
def home():
    return road.fit(forecast, sales(80), "y", market="US", options=UNTIL)


@pytest.fixture(scope="module")
def carried(home):
    return road.transfer(
        forecast, FEW, "y", source=sales(80, share=4.0, products=80), market="DE", options=UNTIL
    )


def test_the_report_says_what_the_past_showed(home):
    (row,) = home[1]
    assert row["metric"] == "skill"
    assert row["lo"] < row["value"] < row["hi"]
    assert "40 series" in row["note"]


def test_products_known_at_home_are_foreseen_abroad(carried):
    model, done = carried
    assert (done.verdict.outcome, done.verdict.basis) == ("HELPS", "evidence")
    history = histories(model, FEW)
    found = model.forecast(history, 6)
    truth = sales(6, 80, share=0.3, products=80)["y"].to_numpy().reshape(80, 6)
    alone, _ = road.fit(forecast, FEW, "y", options=UNTIL)
    error = np.abs(found.yhat - truth).mean()
    assert error <= np.abs(alone.forecast(history, 6).yhat - truth).mean()


def test_other_products_of_the_same_names_do_no_harm():
    target = sales(30, 50)
    model, done = road.transfer(
        forecast, target, "y", source=sales(80, share=4.0, kind="shuffled"), options=UNTIL
    )
    assert done.verdict.outcome != "HELPS"
    truth = sales(6, 80)["y"].to_numpy().reshape(40, 6)
    alone, _ = road.fit(forecast, target, "y", options=UNTIL)
    history = histories(model, target)
    wrong = np.abs(model.forecast(history, 6).yhat - truth).mean()
    assert wrong < 1.1 * np.abs(alone.forecast(history, 6).yhat - truth).mean()


def test_a_home_model_alone_can_be_the_source(home):
    model, done = road.transfer(forecast, sales(8, 72, share=0.2), "y", base=home[0], options=UNTIL)
    assert {arm.name for arm in done.verdict.arms} >= {"target only", "source only", "blend"}
    assert np.isfinite(model.forecast(histories(model, sales(8, 72, share=0.2)), 3).yhat).all()


def test_a_new_product_is_forecast_at_its_level_at_home(carried):
    model, _ = carried
    cold = histories(model, FEW).until(10**6)
    found = model.forecast(cold, 2)
    levels = np.random.default_rng(0).lognormal(1.5, 1.2, 80)
    assert np.corrcoef(np.log(found.yhat[:, 0]), np.log(levels))[0, 1] > 0.8
    assert all(status.endswith("no history: forecast from its market") for status in found.status)


def test_intervals_hold_what_they_say(home):
    model, truth = home[0], sales(6, 80)["y"].to_numpy().reshape(40, 6)
    found = model.forecast(histories(model, sales(80)), 6)
    for level, least, most in ((0.5, 0.4, 0.75), (0.9, 0.84, 0.99)):
        found = model.forecast(histories(model, sales(80)), 6, level)
        assert least <= ((truth >= found.lo) & (truth <= found.hi)).mean() <= most
    assert (found.lo >= 0).all()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()


def test_a_stored_model_forecasts_bit_for_bit_the_same(carried, tmp_path):
    model, _ = carried
    history = histories(model, FEW)
    Store(tmp_path).save("m", model.state(), {"key": "k"})
    again = restore(model.state())
    for one, other in zip(model.forecast(history, 7), again.forecast(history, 7), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_data_give_the_same_model_in_any_order(home):
    table = sales(80).take(pa.array(np.random.default_rng(0).permutation(80 * 40)))
    again, _ = road.fit(forecast, table, "y", options=UNTIL)
    history = histories(again, sales(80))
    np.testing.assert_array_equal(again.forecast(history, 3).yhat, home[0].forecast(history, 3).yhat)


def test_odd_series_leave_the_others_alone(home):
    ids, ds = ["one"] + ["zero"] * 20 + ["gap"] * 2, MONDAY + 7 * np.r_[79, 60:80, 40, 79]
    odd = pa.table({"unique_id": ids, "ds": ds, "y": [3.0] + [0.0] * 20 + [1.0, np.nan]})
    found = home[0].forecast(histories(home[0], pa.concat_tables([sales(80), odd])), 4)
    alone = home[0].forecast(histories(home[0], sales(80)), 4)
    assert np.isfinite(found.yhat).all()
    names = histories(home[0], pa.concat_tables([sales(80), odd])).names
    kept = [i for i, name in enumerate(names) if name.startswith("p0")]
    np.testing.assert_allclose(found.yhat[kept], alone.yhat, rtol=1e-9)


def test_scores_by_step_and_over_all(home):
    rows = road.evaluate(forecast, home[0], sales(80), "y", by="step")
    groups = {row["group"] for row in rows}
    assert groups == {None, "1", "2", "3", "4", "5", "6"}
    values = {row["metric"]: row["value"] for row in rows if row["group"] is None}
    assert values["mase"] < 0.9
    assert 0.8 < values["coverage"] <= 1.0
    assert abs(values["bias"]) < 0.2


def test_progress_tells_where_it_is():
    told = []
    road.fit(forecast, sales(30), "y", options=UNTIL, progress=lambda share, text: told.append((share, text)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"horizn": 3}, "no option 'horizn'"),
        ({"horizon": 0}, "horizon"),
        ({"horizon": 10_000}, "horizon"),
        ({"level": 2}, "level"),
        ({"season": [1]}, "season"),
        ({"id": "nobody"}, "nobody"),
    ],
)
def test_mistakes_are_said_in_one_line(options, match):
    with pytest.raises(XbsqlError, match=match) as caught:
        road.fit(forecast, sales(30), "y", options={**UNTIL, **options})
    assert "\n" not in str(caught.value)


def test_a_transfer_needs_a_home(home):
    with pytest.raises(XbsqlError, match="neither base nor source"):
        road.transfer(forecast, sales(30), "y", options=UNTIL)
    with pytest.raises(XbsqlError, match="no method 'magic'"):
        road.transfer(forecast, sales(8, 72), "y", base=home[0], method="magic", options=UNTIL)


@pytest.mark.parametrize("horizon", [0, 10_000])
def test_a_horizon_has_bounds(home, horizon):
    with pytest.raises(XbsqlError, match="horizon"):
        home[0].forecast(histories(home[0], sales(80)), horizon)
