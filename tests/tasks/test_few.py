"""Few series: verdicts and blends from weeks of days, closed days, and markets that nobody has sold in."""

from __future__ import annotations

from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import xbsql
from xbsql.errors import XbsqlError
from xbsql.sample.daily import FACTS, FIRST_DAY, simulate_daily
from xbsql.series.read.table import read_series
from xbsql.store.model import restore
from xbsql.tasks import road
from xbsql.tasks.forecast.task import TASK

GIVEN = {"until": "2030-01-01", "horizon": 14}
DAYS = 500


@cache
def world(seed=3):
    return simulate_daily(4, DAYS + 28, seed=seed)


def table(ids, first=0, last=DAYS, seed=3):
    """Rows of some of the markets, without the facts."""
    return world(seed).table(ids, first, last).select(["unique_id", "ds", "y"])


def told(model, rows, steps=14):
    series = read_series("test", rows, model.columns, model.rules.__class__(frequency=model.frequency))
    return model.forecast(series, steps)


@pytest.fixture(scope="module")
def carried():
    return road.transfer(
        TASK, table([3], DAYS - 56), "y", source=table([0, 1, 2]), market="DE", options=GIVEN
    )


def test_eight_weeks_of_one_market_are_evidence(carried):
    model, done = carried
    assert done.verdict.basis == "evidence"
    truth = world().orders[3, DAYS : DAYS + 14]
    found = told(model, table([3], DAYS - 56))
    error = np.abs(found.yhat[0] - truth).mean() / truth.mean()
    assert error < 0.25
    assert ((truth >= found.lo[0]) & (truth <= found.hi[0])).mean() >= 0.7


def test_a_home_model_is_a_candidate_beside_its_rows():
    home, _ = road.fit(TASK, table([0, 1, 2]), "y", market="US", options=GIVEN)
    _, done = road.transfer(
        TASK, table([3], DAYS - 40), "y", base=home, source=table([0, 1, 2]), options=GIVEN
    )
    assert {"source:model", "profile:home"} <= set(done.weights)


def shut(day=6, seed=0, days=70):
    """A shop that is closed on one weekday."""
    ds = FIRST_DAY + np.arange(days)
    y = np.random.default_rng(seed).poisson(100, days) * (np.arange(days) % 7 != day)
    return pa.table({"unique_id": ["shop"] * days, "ds": ds, "y": y.astype(float)})


@pytest.mark.parametrize("missing", [True, False])
def test_a_closed_day_is_no_day_without_demand(missing):
    rows = shut()
    rows = rows.filter(pa.array(rows["y"].to_numpy() > 0)) if missing else rows
    model, _ = road.fit(TASK, rows, "y", options=GIVEN)
    found = told(model, rows)
    last = 70 if rows["ds"][-1].as_py() == (FIRST_DAY + 69).item() else 69
    closed = (last + np.arange(14)) % 7 == 6
    assert (found.yhat[0][closed] == 0).all()
    assert found.yhat[0][~closed].mean() == pytest.approx(100, abs=6)
    assert found.status[0].endswith("closed on Sundays")


def test_a_christmas_that_only_home_has_seen_is_closed_abroad_and_its_neighbours_are_not():
    markets = simulate_daily(3, 1090, seed=4)
    rows = (markets.table([i], first, 1080) for i, first in ((0, 340), (2, 1045)))
    home, target = (side.select(["unique_id", "ds", "y"]) for side in rows)
    day = (np.datetime64("2023-12-25") - FIRST_DAY - 1080).astype(int)
    base, _ = road.fit(TASK, home, "y", market="US", options=GIVEN)
    model, _ = road.transfer(TASK, target, "y", market="GB", options=GIVEN, base=base)
    found = told(restore(model.state()), target)
    assert np.flatnonzero(found.yhat[0] == 0).tolist() == [day, day + 7]
    assert "closed on Christmas Day, New Year's Day as other markets are" in found.status[0]
    alone, _ = road.fit(TASK, target, "y", market="GB", options=GIVEN)
    assert (told(alone, target).yhat > 0).all()


def shop(y, name="shop"):
    """A table of one shop's days."""
    ds = FIRST_DAY + np.arange(len(y))
    return pa.table({"unique_id": [name] * len(y), "ds": ds, "y": np.asarray(y, float)})


def steady(days, seed=1):
    return np.random.default_rng(seed).poisson(100, days).astype(float)


def launched():
    """Nothing for forty days."""
    return np.r_[np.zeros(40), steady(100)]


def locked_down():
    """Nothing for a month in between."""
    return np.r_[steady(70), np.zeros(30), steady(40)]


def moved():
    """Closed on Sundays, for the last six weeks on Mondays."""
    place = np.arange(140) % 7
    return steady(140) * np.where(np.arange(140) < 98, place != 6, place != 0)


@pytest.mark.parametrize(
    ("history", "closed", "said"),
    [
        (launched, [], "40 periods of zeros before the first sale left out"),
        (locked_down, [], "30 periods of zeros in a stretch taken as closed"),
        (moved, [0, 7], "closed on Mondays"),
    ],
)
def test_days_without_trade_in_the_past_leave_the_level_and_the_days_to_come_as_they_are(
    history, closed, said
):
    rows = shop(history())
    model, _ = road.fit(TASK, rows, "y", options=GIVEN)
    found = told(model, rows)
    assert said in found.status[0]
    assert np.flatnonzero(found.closed[0]).tolist() == closed
    assert found.yhat[0][~found.closed[0]] == pytest.approx(100, abs=12)
    assert (found.lo[0] <= found.yhat[0]).all()
    assert ((found.hi - found.lo)[0][~found.closed[0]] < 80).all()


def test_weeks_in_a_table_of_days_are_said_and_their_total_is_kept():
    weekly = shop(np.full(20, 700.0), "weekly").set_column(1, "ds", pa.array(FIRST_DAY + 7 * np.arange(20)))
    rows = pa.concat_tables([shop(steady(140)), weekly])
    model, _ = road.fit(TASK, rows, "y", options=GIVEN)
    found = told(model, rows)
    daily, other = (found.status.index(text) for text in sorted(found.status, key=len))
    assert found.yhat[daily].sum() == pytest.approx(1400, rel=0.1)
    assert found.yhat[other].sum() == pytest.approx(1400, rel=0.2)
    assert found.status[daily] == "ok"
    assert "in longer periods than the table's" in found.status[other]


def test_another_fill_decides_that_nothing_is_closed():
    model, _ = road.fit(TASK, shut(), "y", options={**GIVEN, "fill": "interpolate"})
    assert not told(model, shut()).closed.any()


def test_a_market_with_facts_and_no_order_is_forecast_at_its_level():
    rows = simulate_daily(9, 400, seed=5)
    known, new = rows.table(list(range(8))), rows.markets[8]
    facts = {name: [new.facts[name]] for name in FACTS}
    blank = {
        "unique_id": [new.market],
        "ds": np.array([FIRST_DAY + 400]),
        "y": pa.array([None], pa.float64()),
    }
    whole = pa.concat_tables([known, pa.table({**blank, **facts}).cast(known.schema)])
    model, _ = road.fit(TASK, whole, "y", options={**GIVEN, "facts": list(FACTS)})
    found = told(model, whole)
    (row,) = [i for i, text in enumerate(found.status) if "no history" in text]
    true = new.mean(np.arange(400, 414))
    assert 1 / 3 < found.yhat[row].sum() / true.sum() < 3
    assert (found.lo[row] <= true).all()
    assert (found.hi[row] >= true).all()


def test_a_target_whose_series_are_all_empty_is_forecast_from_home():
    blank = pa.table({
        "unique_id": ["NZ"], "ds": np.array([FIRST_DAY + DAYS]), "y": pa.array([None], pa.float64())
    })  # fmt: skip
    model, done = road.transfer(TASK, blank, "y", source=table([0, 1, 2]), options=GIVEN)
    assert done.verdict.outcome == "NOT MEASURED"
    found = told(model, _named(blank))
    usual = np.exp(np.mean(np.log(world().orders[:3, DAYS - 91 : DAYS].mean(axis=1))))
    (row,) = [i for i, text in enumerate(found.status) if "no history" in text]
    assert 0.3 < np.median(found.yhat[row]) / usual < 3
    assert np.isfinite(found.hi).all()


def _named(blank):
    """The same with one order elsewhere, so that the table has a frequency."""
    return pa.concat_tables([blank, table([3]).cast(blank.schema)])


def test_a_table_without_a_row_is_one_market_of_which_nothing_is_known(tmp_path):
    with xbsql.connect(tmp_path / "shop.duckdb") as con:
        orders = table([0, 1, 2])
        con.register("orders", orders)
        options = "{'id': 'unique_id', 'ts': 'ds', 'horizon': 14}"
        con.sql(f"CALL xb.fit('markets', orders, 'y', options := {options})").fetchall()
        con.execute("CREATE TABLE none AS FROM orders LIMIT 0")
        asked = """FROM xb.forecast('markets', none, unique_id, ds, y, horizon := 3, expected := {},
                                    expected_sd := {}, options := {{'until': '2022-05-31'}})"""
        found = con.sql(asked.format(1200, 10)).fetchall()
        assert [row[:2] for row in found] == [(None, 1), (None, 2), (None, 3)]
        assert all(600 < row[3] < 2400 for row in found)
        assert "nothing is known" in found[0][-1]
        with pytest.raises(duckdb.Error, match="expected is -1"):
            con.sql(asked.format(-1, 10)).fetchall()
        con.execute("CREATE TABLE late AS FROM orders WHERE ds >= DATE '2022-01-01'")
        calendar = "FROM xb.forecast('markets', {}, unique_id, ds, y, options := {{'calendar': 'US'}})"
        said = [con.sql(calendar.format(rows)).fetchall()[0][-1] for rows in ("late", "orders")]
        assert ["the calendar is left out" in text for text in said] == [True, False]
        tried = con.sql("FROM xb.backtest('markets', orders, origins := 2)").fetchall()
        assert len(tried) == 3 * 2 * 14
        with pytest.raises(duckdb.Error, match="origins is 0"):
            con.sql("FROM xb.backtest('markets', orders, origins := 0)").fetchall()


def test_two_grids_are_said():
    weekly = pa.table({
        "unique_id": ["w"] * 60, "ds": FIRST_DAY + 7 * np.arange(60), "y": np.arange(60.0)
    })  # fmt: skip
    home, _ = road.fit(TASK, weekly, "y", options=GIVEN)
    with pytest.raises(XbsqlError, match="home's periods are W-MON and these D"):
        road.transfer(TASK, table([3], DAYS - 56), "y", base=home, options=GIVEN)


def test_a_series_that_ended_a_year_ago_sells_nothing_since():
    rows = pa.concat_tables([table([0], DAYS - 400), table([1], DAYS - 400, DAYS - 365)])
    model, _ = road.fit(TASK, rows, "y", options=GIVEN)
    found = told(model, rows)
    ended = found.status.index(next(text for text in found.status if "since its last row" in text))
    assert found.yhat[ended].max() < 0.05 * found.yhat[1 - ended].max()


def test_a_horizon_beyond_a_year_stays_near_the_truth(carried):
    found = told(carried[0], table([3], DAYS - 56), 400)
    assert np.isfinite(found.yhat).all()
    truth = world().markets[3].mean(np.arange(DAYS, DAYS + 400))
    assert np.abs(found.yhat[0] - truth).mean() < 0.3 * truth.mean()
    assert found.yhat[0].sum() == pytest.approx(truth.sum(), rel=0.25)


def test_a_clock_that_changes_at_midnight_makes_no_gap():
    zone = pa.timestamp("s", "America/Sao_Paulo")
    days = np.datetime64("2018-09-01") + np.arange(120)
    local = pa.array(days.astype("datetime64[s]")).cast(pa.timestamp("s"))
    ds = pc.assume_timezone(local, "America/Sao_Paulo", nonexistent="latest").cast(zone)
    y = np.random.default_rng(0).poisson(50, 120).astype(float)
    rows = pa.table({"unique_id": ["br"] * 120, "ds": ds, "y": y})
    model, _ = road.fit(TASK, rows, "y", options=GIVEN)
    found = told(model, rows)
    assert found.status == ("ok",)
    assert found.yhat[0] == pytest.approx(50, abs=5)
