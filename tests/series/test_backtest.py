"""Evidence from past origins: nobody sees what came later; and what follows from the evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xbsql.series.backtest import backtest, objective, origins
from xbsql.series.blend import SeriesBlend
from xbsql.series.calibration import MOST, calibrated, edges_of
from xbsql.series.carry import carry
from xbsql.series.fan import COLUMNS, normal_fan
from xbsql.series.history import SETTLED
from xbsql.series.method import Known, Method
from xbsql.series.methods import own_methods
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series
from xbsql.series.rules import Recent, Seasonal
from xbsql.store.model import State, restore

WEEKLY = Frequency.named("test", "W-MON")


def noise(n, weeks, *, end=200, seed=0):
    """n series of white noise that all end before period `end`."""
    y = np.random.default_rng(seed).normal(size=n * weeks)
    names = tuple(f"p{i:03d}" for i in range(n))
    start = np.full(n, end - weeks, np.int64)
    return Series(names, y, np.arange(n + 1) * weeks, start, WEEKLY, ("ok",) * n)


class Spy:
    """A method that keeps what it was shown."""

    def __init__(self):
        self.shown = []

    def fit(self, known):
        self.shown.append(known)
        return Seasonal(1)


@pytest.mark.parametrize(
    ("weeks", "horizon", "found"),
    [(100, 8, [12, 8]), (16, 8, [8]), (8, 8, [4, 2]), (4, 8, [2, 1]), (2, 8, [1]), (1, 8, [])],
)
def test_origins_leave_a_history_to_forecast_from(weeks, horizon, found):
    assert origins(noise(40, weeks), horizon) == found


def test_few_series_are_tried_from_more_origins():
    assert len(origins(noise(5, 100), 8)) == 6


def test_no_method_sees_what_came_after_the_origin():
    spy, target, home = Spy(), noise(40, 60), noise(40, 120, seed=1)
    methods = [
        Method("last", "target", lambda known: Seasonal(1)),
        Method("spy", "instance", spy.fit),
    ]
    found = backtest(methods, Known(target, home, 8, (), 0), lambda name: None)
    assert [int(known.target.ends.max()) for known in spy.shown] == [188, 192]
    assert all((known.home.ends <= known.target.ends.max()).all() for known in spy.shown)
    assert found.evidence.losses.shape == (2, 40 * 8 * 2)
    assert len(np.unique(found.evidence.group)) == 40


def test_home_lends_nothing_where_it_is_noise():
    last, mean = Seasonal(1), Recent(26)
    methods = [
        Method("mean", "target", lambda known: mean),
        Method("home", "source", lambda known: last),
    ]
    done = carry(methods, Known(noise(60, 80), noise(60, 80), 6, (), 0), lambda share, name: None)
    assert done.verdict.outcome == "HURTS"
    assert done.weights["home"] == 0


def test_home_is_said_to_help_where_it_does():
    last, mean = Seasonal(1), Recent(26)
    methods = [
        Method("last", "target", lambda known: last),
        Method("home", "source", lambda known: mean),
    ]
    done = carry(methods, Known(noise(60, 80), noise(60, 80), 6, (), 0), lambda share, name: None)
    assert done.verdict.outcome == "HELPS"
    assert done.weights["home"] > 0.9
    assert set(done.blend.members) == {"home"}


def test_too_short_a_history_is_served_by_the_prior():
    methods = [
        Method("last", "target", lambda known: Seasonal(1)),
        Method("home", "source", lambda known: Recent(4), prior=3.0),
    ]
    done = carry(methods, Known(noise(5, 1), noise(60, 80), 8, (), 0), lambda share, name: None)
    assert done.verdict.basis == "prior"
    assert done.weights["home"] > done.weights["last"] > 0
    assert done.calibration is None


def test_values_that_never_move_are_hit_or_missed():
    y, other = np.zeros(30), np.full((30, COLUMNS), 4.0)
    assert objective().score(y, np.zeros((30, COLUMNS))) == 1
    assert objective().score(y, other) == 0
    assert objective().score(y, other, np.ones((7, 30))).tolist() == [0] * 7


def test_the_reported_score_is_0_of_the_markets_own_quantiles_and_1_of_the_truth():
    y = np.random.default_rng(0).normal(size=5000)
    judge = objective()
    known = np.repeat(y[:, None], COLUMNS, axis=1)
    plain = np.broadcast_to(normal_fan(np.array(0.0), np.array(1.0)), (len(y), COLUMNS))
    assert float(judge.score(y, known)) == 1.0
    assert float(judge.score(y, plain)) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("width", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_an_interval_of_the_wrong_width_is_put_right(width, level):
    y = np.random.default_rng(0).normal(size=4000)
    fan = np.broadcast_to(normal_fan(np.array(0.0), np.array(width)), (4000, COLUMNS))
    found = calibrated(y, fan, np.arange(4000) % 4)
    lo, hi = found.ends(fan[:1, None].repeat(6, axis=1), level)
    assert (lo[0, 0], hi[0, 5]) == (pytest.approx(-hi[0, 0]), pytest.approx(hi[0, 3]))
    again = np.random.default_rng(1).normal(size=100_000)
    assert (np.abs(again) <= hi[0, 0]).mean() == pytest.approx(level, abs=0.04)


def test_a_factor_is_drawn_towards_1_where_origins_are_few():
    y, step = np.random.default_rng(0).normal(size=4000), np.zeros(4000, np.int64)
    fan = np.broadcast_to(normal_fan(np.array(0.0), np.array(0.5)), (4000, COLUMNS))
    whole, half, none = (calibrated(y, fan, step, trust).factors for trust in (1.0, 0.5, 0.0))
    np.testing.assert_allclose(half, np.sqrt(whole))
    np.testing.assert_allclose(none, 1.0)


def test_short_intermittent_histories_leave_intervals_nearly_as_they_are():
    pieces = replace(noise(40, 8), y=np.random.default_rng(0).poisson(0.7, 40 * 8).astype(float))
    done = carry(own_methods(pieces, ()), Known(pieces, None, 8, (), 0), lambda share, name: None)
    assert (np.abs(np.log(done.calibration.factors)) <= np.log(MOST) * 8 / SETTLED).all()


@pytest.mark.parametrize(("n", "alike"), [(3, True), (40, False)])
def test_intervals_of_few_series_are_put_right_for_all_steps_at_once(n, alike):
    done = carry(own_methods(noise(n, 60), ()), Known(noise(n, 60), None, 8, (), 0), lambda share, name: None)
    factors = done.calibration.factors
    assert bool((factors == factors[:, :1]).all()) == alike
    assert len(factors) == 1


@pytest.mark.parametrize(("n", "groups"), [(12, 1), (40, 2), (70, 4)])
def test_intermittent_demand_of_many_series_is_put_right_by_how_much_is_expected(n, groups):
    rng = np.random.default_rng(0)
    y = rng.poisson(np.repeat(np.geomspace(0.2, 5, n), 30)).astype(float)
    series = replace(noise(n, 30), y=y)
    done = carry(own_methods(series, ()), Known(series, None, 8, (), 0), lambda share, name: None)
    assert len(done.calibration.factors) == groups
    kept = restore(done.calibration.state())
    np.testing.assert_array_equal(kept.edges, done.calibration.edges)


def test_series_of_other_levels_are_put_right_each_for_itself_and_the_same_in_any_unit():
    rng, n, step = np.random.default_rng(0), 8000, np.arange(8000) % 4
    level = np.repeat(np.arange(80.0), 100)
    y = level + rng.normal(size=n) * np.where(level < 40, 0.7, 2.0)
    fan = normal_fan(level, np.ones(n))
    each = edges_of(np.arange(80.0))
    np.testing.assert_array_equal(each, [19, 39, 59])
    grouped, alone = calibrated(y, fan, step, level=level, edges=each), calibrated(y, fan, step)
    for unit in (1.0, 1000.0):
        found = replace(grouped, edges=grouped.edges * unit)
        lo, hi = found.ends(unit * fan[[1050, 7050], None], 0.9)
        assert ((hi - lo)[:, 0] / 3.29 / unit).tolist() == pytest.approx([0.7, 2.0], rel=0.1)
    assert alone.factors.shape == (1, 4, 8)
    kept = restore(State("series_calibration", arrays={"factors": alone.factors[0]}))
    np.testing.assert_array_equal(kept.factors, alone.factors, "of a version without groups")
    again = restore(grouped.state())
    np.testing.assert_array_equal(again.edges, grouped.edges)
    np.testing.assert_array_equal(again.factors, grouped.factors)


@pytest.mark.parametrize(
    ("levels", "edges"),
    [
        (np.arange(29.0), []),
        (np.arange(30.0), [14]),
        (np.zeros(200), []),
        (np.r_[np.zeros(140), np.arange(1.0, 61.0)], [0]),
        (np.r_[np.zeros(120), np.arange(1.0, 81.0)], [0, 30]),
        (np.r_[np.zeros(95), np.arange(1.0, 6.0)], []),
    ],
)
def test_groups_are_no_smaller_than_they_may_be_and_part_no_equals(levels, edges):
    assert edges_of(levels).tolist() == edges


class Silent:
    """A forecaster that has nothing to say of the first series."""

    def fan(self, history, horizon):
        fan = Recent(4).fan(history, horizon)
        fan[[name == "p000" for name in history.names]] = np.nan
        return fan


def test_the_others_make_up_for_a_silent_member():
    few, last = noise(3, 20), Seasonal(1)
    blend = SeriesBlend({"a": Silent(), "b": last}, {"a": 0.5, "b": 0.5}, None)
    fan = blend.fan(few, 2)
    np.testing.assert_allclose(fan[0], last.fan(few, 2)[0])
    np.testing.assert_allclose(fan[1:], (Recent(4).fan(few, 2)[1:] + last.fan(few, 2)[1:]) / 2)


def test_a_series_without_a_value_and_without_a_market_has_no_forecast():
    blend = SeriesBlend({"last": Seasonal(1)}, {"last": 1.0}, None)
    fan = blend.fan(noise(2, 5).until(np.array([5, 0])), 3)
    assert np.isnan(fan[0]).all()
    assert np.isfinite(fan[1]).all()
