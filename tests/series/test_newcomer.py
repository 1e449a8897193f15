"""Markets before their first order: levels from facts, from other markets, from what the user expects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xbsql.series.fan import MEAN, interval
from xbsql.series.levels import SPREAD
from xbsql.series.method import Known
from xbsql.series.newcomer import fit_newcomer
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series
from xbsql.store.model import restore

DAILY = Frequency.named("test", "D")
MONDAY = 18_631


def markets(levels, facts=None, days=200, seed=0, ramp=None):
    """Markets of these levels, that sell twice as much on Saturdays."""
    rng = np.random.default_rng(seed)
    shape = 1.0 + (np.arange(days) % 7 == 5)
    y = rng.poisson(np.outer(levels, shape)).astype(float)
    n = len(levels)
    start = np.full(n, MONDAY, np.int64)
    names = tuple(f"m{i}" for i in range(n))
    return Series(names, y.ravel(), np.arange(n + 1) * days, start, DAILY, ("ok",) * n, facts=facts)


def cold(facts=None, expected=None):
    """One market that begins where the others end, a Saturday."""
    end = np.array([MONDAY + 201], np.int64)
    series = Series(("new",), np.zeros(0), np.zeros(2, np.int64), end, DAILY, ("ok",), facts=facts)
    return replace(series, expected=expected)


def fitted(series):
    return fit_newcomer(Known(series, None, 28, (7,), 0))


def test_a_fact_that_tells_levels_tells_that_of_a_new_market():
    facts = np.exp(np.linspace(0, 3, 8))[:, None]
    model = fitted(markets(40 * facts[:, 0], facts))
    for size in (2.0, 15.0):
        fan = model.fan(cold(np.array([[size]])), 28)
        assert fan[0, :, MEAN].sum() / (40 * size * 32) == pytest.approx(1, abs=0.25)
    assert model.deviation < 0.5


@pytest.mark.parametrize("size", [0, 3])
def test_few_markets_say_which_fact_their_level_is_proportional_to(size):
    facts = np.exp(np.random.default_rng(size).normal(0, 1, (8, 6)))
    model = fitted(markets(np.maximum(60 * facts[:, size], 2.0), facts))
    elasticity = model.coefficients[1:] / model.scale
    assert elasticity[size] == pytest.approx(1, abs=0.15)
    assert np.abs(np.delete(elasticity, size)).max() < 0.2


def test_a_market_unlike_all_known_ones_is_less_sure():
    facts = np.exp(np.linspace(0, 1, 6))[:, None]
    model = fitted(markets(40 * facts[:, 0], facts))
    near, far = (model.level(cold(np.array([[value]])))[1][0] for value in (1.6, 60.0))
    assert far > 1.3 * near


def test_a_model_stored_before_lines_were_unsure_lives_again():
    model = fitted(markets(np.array([50.0, 60, 70])))
    state = model.state()
    stored = {name: array for name, array in state.arrays.items() if name != "covariance"}
    assert not restore(replace(state, arrays=stored)).covariance.any()


def test_the_days_of_the_week_are_those_of_the_known_markets():
    fan = fitted(markets(np.array([50.0, 60, 70, 80]))).fan(cold(), 28)[0, :, MEAN]
    saturday = (MONDAY + 201 + np.arange(28) - MONDAY) % 7 == 5
    assert fan[saturday].mean() / fan[~saturday].mean() == pytest.approx(2, abs=0.2)


def test_an_interval_is_as_wide_as_levels_differ():
    alike = fitted(markets(np.full(12, 100.0)))
    apart = fitted(markets(np.exp(np.linspace(2, 7, 12))))
    wide = [np.log(np.divide(*interval(model.fan(cold(), 1), 0.9)[::-1]))[0, 0] for model in (alike, apart)]
    assert wide[1] > 3 * wide[0]


def test_two_markets_say_little_and_one_says_that_it_is_not_alone():
    for n in (1, 2):
        model = fitted(markets(np.full(n, 100.0)))
        lo, hi = interval(model.fan(cold(), 2), 0.9)
        assert lo[0, 1] < 60
        assert hi[0, 1] > 170
        assert model.deviation <= SPREAD


def test_what_the_user_expects_moves_the_level_as_far_as_it_is_sure():
    model = fitted(markets(np.exp(np.linspace(3, 6, 5))))
    plain = model.level(cold())[0][0]
    found = [model.level(cold(expected=np.array([[1200.0, sd]])))[0][0] for sd in (60.0, 1200.0)]
    assert found[0] == pytest.approx(np.log(1200), abs=0.05)
    assert plain < found[1] < found[0]


def test_no_market_at_all_leaves_the_user_alone_and_says_nothing_without_him():
    model = fitted(markets(np.zeros(0)))
    assert np.isnan(model.fan(cold(), 3)).all()
    fan = model.fan(cold(expected=np.array([[100.0, 10.0]])), 3)
    assert np.allclose(fan[0, :, 4], 100, rtol=0.02)


def test_without_a_fact_at_the_fit_there_is_nothing_to_say_of_facts():
    found = fitted(markets([100.0, 200.0, 400.0]))
    assert found.remarks(cold(), ("reach",)) == [""]


def test_an_unknown_fact_widens_the_interval():
    facts = np.exp(np.linspace(0, 3, 8))[:, None]
    model = fitted(markets(40 * facts[:, 0], facts))
    known, unknown = (model.level(cold(np.array([[value]])))[1][0] for value in (4.0, np.nan))
    assert unknown > 1.5 * known


def test_a_launch_within_the_histories_teaches_the_ramp():
    world = markets(np.full(4, 300.0), days=500)
    age = np.arange(400)
    grown = np.random.default_rng(1).poisson(300 * (1 - 0.7 * np.exp(-age / 60)))
    parts = [*(world.values(i) for i in range(4)), grown]
    offsets = np.r_[0, np.cumsum([len(part) for part in parts])]
    start = np.r_[world.start, MONDAY + 100]
    names, status = (*world.names, "late"), ("ok",) * 5
    series = Series(names, np.concatenate(parts).astype(float), offsets, start, DAILY, status)
    model = fitted(series)
    assert -1.3 < model.ramp[0] < -0.3
    assert model.ramp[-1] == 0
    assert (np.diff(model.ramp) > -0.1).all()


def test_it_lives_again():
    facts = np.exp(np.linspace(0, 3, 8))[:, None]
    model = fitted(markets(40 * facts[:, 0], facts))
    asked = cold(np.array([[3.0]]))
    np.testing.assert_array_equal(restore(model.state()).fan(asked, 9), model.fan(asked, 9))


def test_counts_have_no_year_and_their_newcomers_need_no_memory():
    counts = replace(markets(np.array([50.0, 60, 70])), frequency=Frequency.named("test", "I"))
    model = fitted(counts)
    assert model.calendar.at(counts).shape == counts.y.shape
    fan = model.fan(replace(cold(), frequency=counts.frequency), 3)
    assert 20 < fan[0, 1, MEAN] < 200
