"""What every forecaster owes: a fan of the right shape, in the unit of the series, and a second life."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xbsql.series.analogue import fit_analogue
from xbsql.series.boosted import fit_boosted
from xbsql.series.classical import Classical
from xbsql.series.demand import fit_demand
from xbsql.series.fan import (
    LEVELS,
    MEAN,
    MEDIAN,
    fan_of,
    interval,
    mean_of,
    normal_fan,
    pinball,
    weighted_quantiles,
)
from xbsql.series.history import ahead, closed, context, is_sparse, least_of, movement, trust
from xbsql.series.home import Home
from xbsql.series.intermittent import Intermittent
from xbsql.series.method import Known
from xbsql.series.methods import home_methods, own_methods
from xbsql.series.pretrained import Pretrained
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series
from xbsql.series.rules import Recent, Seasonal
from xbsql.series.shaped import fit_shaped
from xbsql.store.model import restore

WEEKLY = Frequency.named("test", "W-MON")


def series_of(values, names=None, start=0):
    """Series of any lengths out of lists of values."""
    lengths = [len(one) for one in values]
    names = names or [f"p{i:03d}" for i in range(len(values))]
    y = np.concatenate([np.asarray(one, float) for one in values])
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    first = np.full(len(values), start, np.int64)
    return Series(tuple(names), y, offsets, first, WEEKLY, ("ok",) * len(values))


def demand(n, weeks, seed, *, share=1.0):
    """Pieces of n products a week; the same seed gives the same products, `share` of home's level."""
    levels = np.random.default_rng(seed).lognormal(1.5, 1.0, n)
    wave = 1 + 0.5 * np.sin(2 * np.pi * np.arange(weeks) / 52)
    return np.random.default_rng([seed, weeks]).poisson(share * levels[:, None] * wave).astype(float)


@pytest.fixture(scope="module")
def known():
    home = series_of(list(demand(40, 120, 0, share=8.0)))
    return Known(series_of(list(demand(40, 30, 0)), start=90), home, 4, (13,), 0)


FITTED = {
    "last": lambda known: Seasonal(1),
    "season": lambda known: Seasonal(13, 2),
    "recent": lambda known: Recent(8),
    "classical": lambda known: Classical(("ets", "theta", "decomposed"), (13,)),
    "sba": lambda known: Intermittent("sba"),
    "tsb": lambda known: Intermittent("tsb"),
    "pretrained": lambda known: Pretrained(),
    "demand": lambda known: fit_demand(known, None),
    "demand at home": lambda known: fit_demand(known, Home.of(known.home)),
    "shaped": fit_shaped,
    "analogue": fit_analogue,
    "trees": lambda known: fit_boosted(known, "own"),
    "trees, pooled": lambda known: fit_boosted(known, "pooled"),
}


@pytest.fixture(scope="module", params=FITTED)
def forecaster(request, known):
    return FITTED[request.param](known)


@pytest.mark.parametrize("horizon", [1, 9])
def test_a_fan_has_its_shape_and_ascends(forecaster, known, horizon):
    few = known.target.take(np.arange(5))
    fan = forecaster.fan(few, horizon)
    assert fan.shape == (5, horizon, 10)
    assert np.isfinite(fan).all()
    assert (np.diff(fan[..., :MEAN], axis=-1) >= 0).all()


def test_a_state_lives_again_bit_for_bit(forecaster, known):
    few = known.target.take(np.arange(6))
    np.testing.assert_array_equal(restore(forecaster.state()).fan(few, 3), forecaster.fan(few, 3))


def test_a_series_is_forecast_the_same_in_any_company(forecaster, known):
    alone = forecaster.fan(known.target.take(np.array([3])), 4)
    beside = forecaster.fan(known.target.take(np.array([7, 3, 1])), 4)[1:2]
    np.testing.assert_allclose(alone, beside, rtol=0.02, atol=0.5)


@pytest.mark.parametrize("rule", [Seasonal(1), Seasonal(13), Recent(8), Classical(("ets",), ())])
def test_a_rule_speaks_in_the_unit_of_the_series(rule, known):
    once, large = known.target, replace(known.target, y=known.target.y * 1000.0)
    np.testing.assert_allclose(rule.fan(large, 3), 1000 * rule.fan(once, 3), rtol=2e-2, atol=60.0)


def test_odd_series_fail_neither_themselves_nor_others():
    odd = series_of([[5.0], [0.0] * 30, [3.0] * 30, list(range(30)), [1e12, 0.0] * 12, [-4.0, 2.0] * 10])
    for found in (Classical(("ets", "theta"), (13,)), Seasonal(13), Recent(8), Intermittent("sba")):
        assert np.isfinite(found.fan(odd, 5)).all()


def test_the_last_value_spreads_with_the_root_of_the_steps():
    walk = series_of([np.cumsum(np.random.default_rng(0).normal(size=400))])
    fan = Seasonal(1).fan(walk, 9)[0]
    width = fan[:, -2] - fan[:, 0]
    assert width[8] / width[0] == pytest.approx(3.0)
    assert fan[4, MEDIAN] == walk.y[-1]


def test_a_product_without_history_is_forecast_at_its_level_at_home(known):
    hidden = known.target.take(np.arange(10)).until(10**6)
    shown = replace(known, target=known.target.take(np.arange(10, 40)))
    levels = demand(40, 30, 0)[:10].mean(axis=1)
    told = fit_demand(shown, Home.of(known.home)).fan(hidden, 2)[:, 0, MEAN]
    assert np.corrcoef(np.log(told), np.log(levels))[0, 1] > 0.9
    unknown = fit_demand(shown, None).fan(hidden, 2)[:, 0, MEAN]
    assert np.ptp(unknown) == 0


WORDS = {"mug": 60.0, "teapot": 30.0, "towel": 6.0, "notebook": 2.0}
COLOURS = ("red", "blue", "green", "white", "yellow", "black", "pink", "grey", "brown", "orange")


@pytest.fixture(scope="module")
def titled():
    """Products of four kinds, each kind with its level; the target sells them at a third."""
    names = [f"{word} {colour}" for word in WORDS for colour in COLOURS]
    levels = np.repeat(list(WORDS.values()), len(COLOURS))
    draw = np.random.default_rng(0)
    home, target = (draw.poisson(levels[:, None] * share, (40, 30)).astype(float) for share in (1.0, 1 / 3))
    series = (replace(series_of(list(values), names), titles=tuple(names)) for values in (target, home))
    return Known(*series, 4, (13,), 0)


def test_a_product_that_home_does_not_sell_is_forecast_by_its_title(titled):
    unsold = np.arange(40) % 10 < 3
    target = replace(titled, target=titled.target.take(~unsold), home=titled.home.take(~unsold))
    hidden = titled.target.take(unsold).until(10**6)
    levels = np.repeat(list(WORDS.values()), 3) / 3
    told = fit_demand(target, Home.of(target.home)).fan(hidden, 1)[:, 0, MEAN]
    assert np.corrcoef(np.log(told), np.log(levels))[0, 1] > 0.95
    assert told.max() > 4 * told.min()
    mute = fit_demand(target, Home.of(target.home)).fan(replace(hidden, titles=None), 1)[:, 0, MEAN]
    assert np.ptp(mute) == 0


def test_titles_live_again_with_a_model(titled):
    hidden = replace(titled.target.until(10**6), names=tuple(f"new {i}" for i in range(40)))
    model = fit_demand(titled, Home.of(titled.home))
    np.testing.assert_array_equal(restore(model.state()).fan(hidden, 2), model.fan(hidden, 2))


def test_what_titles_say_of_a_product_leaves_the_product_out(titled):
    two = titled.home.take(np.array([0, 39]))
    home = Home.of(two)
    np.testing.assert_allclose(home.alike(two)[:, 0], home.facts(two.names)[::-1, 0])
    assert (home.alike(two)[:, 1] < 0.9).all()


def test_demand_is_drawn_to_its_own_history(known):
    model = fit_demand(known, None)
    many = series_of([[50.0] * 30, [0.0] * 30])
    high, low = model.fan(many, 1)[:, 0, MEAN]
    prior = model.means(many)[0]
    assert low < prior < high < 50


@pytest.mark.parametrize("times", [10.0, 1000.0])
def test_one_large_order_teaches_nothing_about_other_products(known, times):
    values = demand(40, 30, 0)
    values[0, -1] = times * values.max()
    ordered = replace(known, target=series_of(list(values), start=90))
    new = series_of([[]], names=["new"])
    before, after = (fit_demand(one, None).fan(new, 1)[0, 0, MEAN] for one in (known, ordered))
    assert after == pytest.approx(before, rel=0.02)


def test_a_mean_remembers_more_than_the_quantiles(known):
    model = fit_demand(known, None)
    now = [2.0] * 8
    past = {"calm": [2.0] * 16, "large": [2.0] * 4 + [90.0] + [2.0] * 3, "long ago": [90.0] * 14 + [2.0] * 8}
    calm, large, old = model.fan(series_of([before + now for before in past.values()]), 1)[:, 0]
    np.testing.assert_allclose(large[:MEAN], calm[:MEAN])
    assert large[MEAN] > 1.5 * calm[MEAN]
    np.testing.assert_allclose(old, calm)


def test_the_shape_of_the_year_is_that_of_home():
    weeks = np.arange(156)
    wave = 100 * (1 + 0.8 * np.sin(2 * np.pi * weeks / 52))
    home, target = series_of([wave, wave]), series_of([wave[130:156] / 10] * 2, start=130)
    known = Known(target, home, 13, (52,), 0)
    mean = fit_shaped(known).fan(target, 13)[0, :, MEAN]
    assert mean.argmax() == 12
    assert mean[12] / mean[0] == pytest.approx(1.8 / 1.0, rel=0.25)


@pytest.mark.parametrize("level", [0.5, 0.67, 0.95, 0.99])
def test_levels_of_a_fan_are_read_off_exactly(level):
    fan = normal_fan(np.zeros((2, 3)), np.ones((2, 3)))
    lo, hi = interval(fan, level)
    column = int(np.argmin(np.abs(LEVELS - (0.5 + level / 2))))
    np.testing.assert_allclose(hi, fan[..., column])
    np.testing.assert_allclose(lo, -hi)


def test_pinball_is_least_at_the_true_quantiles():
    y = np.random.default_rng(0).normal(size=20_000)
    right = np.broadcast_to(normal_fan(np.array(0.0), np.array(1.0)), (len(y), 10))
    for wrong in (right + 0.2, right * 1.3, right * 0.7):
        assert pinball(y, right).mean() < pinball(y, wrong).mean()


def test_weights_of_a_sample_are_how_often_a_value_counts():
    values, weight = np.array([[3.0, 1.0, 2.0]]), np.array([[1.0, 2.0, 1.0]])
    again = weighted_quantiles(np.array([[1.0, 1.0, 2.0, 3.0]]), np.ones((1, 4)), np.array([0.25, 0.625]))
    np.testing.assert_allclose(weighted_quantiles(values, weight, np.array([0.25, 0.625])), again)


def test_histories_stand_side_by_side():
    given = series_of([[1, 2, 3], [], [4]])
    nan = np.nan
    np.testing.assert_array_equal(context(given, 2), [[2, 3], [nan, nan], [nan, 4]])
    np.testing.assert_array_equal(ahead(given, 2, 3), [[2, 3, nan], [nan, nan, nan], [nan, 4, nan]])
    np.testing.assert_allclose(movement(given), [(2 + 2 / 3) / 3, 1.0, 4.0])


@pytest.mark.parametrize(
    ("y", "trusted"),
    [
        ([0.0, 3.0], 1 / 32),
        ([0.0, 3.0] * 16, 0.5),
        ([0.0, 3.0] * 100, 1.0),
        ([2.0, 3.0], 1.0),
        ([0.0, -3.0], 1.0),
        ([], 1.0),
    ],
)
def test_only_short_intermittent_histories_are_trusted_less(y, trusted):
    assert trust(series_of([y, y])) == trusted


@pytest.mark.parametrize("weeks", [16, 200])
def test_where_demand_is_intermittent_demand_leads_and_the_wild_ones_wait(weeks):
    y = (np.arange(weeks) % 2) * 3.0
    many, nothing = series_of([y] * 20), series_of([y + 1] * 20)
    prior = {method.name: method.prior for method in [*own_methods(many, ()), *home_methods(many, many, ())]}
    assert prior["demand:own"] == prior["demand:home"] == 1.0 > prior["recent:8"]
    assert (prior["pool:boosted"] < prior["recent:8"]) == (weeks == 16)
    assert {method.prior for method in own_methods(nothing, ())} == {1.0}


def test_a_mean_of_quantiles_is_that_of_what_has_them():
    assert mean_of(np.full(9, 3.0)) == pytest.approx(3.0)
    assert mean_of(LEVELS) == pytest.approx(0.5)
    skewed = -np.log(1 - LEVELS)
    assert mean_of(skewed) == pytest.approx(1.0, abs=0.06)


def test_a_fan_sorts_its_quantiles():
    fan = fan_of(np.arange(9.0)[::-1], np.array(4.0))
    assert fan.tolist() == [*range(9), 4.0]


@pytest.mark.parametrize("name", ["trees", "analogue"])
def test_a_model_stored_before_histories_of_zeros_had_a_unit_lives_again(name, known):
    state = FITTED[name](known).state()
    before = replace(state, config={key: value for key, value in state.config.items() if key != "least"})
    assert restore(before).least == 1.0


def test_the_unit_of_a_history_of_zeros_is_a_small_value_of_its_market():
    assert least_of(series_of([[0.0, 0.0], [3.0, 0.0, 5.0]])) == 3.0
    assert least_of(series_of([[0.0]])) == least_of(series_of([[]])) == 1.0
    one_slip = series_of([[0.01], np.arange(100.0, 200.0)])
    assert 100 <= least_of(one_slip) < 110


def test_an_analogue_of_a_home_too_short_for_any_says_nothing():
    known = Known(series_of([np.arange(12.0)]), series_of([np.arange(9.0)]), 4, (), 0)
    assert np.isnan(fit_analogue(known).fan(known.target, 4)).all()


def daily_of(values, step=1):
    """Series of days that begin on a Monday, or of hours from midnight."""
    frequency = Frequency.named("test", "D" if step == 1 else "H")
    found = series_of(values, start=19_723 * (1 if step == 1 else 24))
    return replace(found, frequency=frequency)


@pytest.mark.parametrize("weeks", [4, 30])
def test_a_shop_that_is_closed_on_sundays_does_not_sell_now_and_then(weeks):
    days = np.arange(7 * weeks)
    y = np.where(days % 7 == 6, 0.0, 100.0 + days % 3)
    assert closed(daily_of([y, y])).tolist() == (days % 7 == 6).tolist() * 2
    assert not is_sparse(daily_of([y, y]))
    assert is_sparse(series_of([y, y]))


def test_a_shop_that_is_closed_at_night_does_not_sell_now_and_then():
    hours = np.arange(24 * 14)
    y = np.where(hours % 24 < 8, 0.0, 5.0)
    assert (closed(daily_of([y], step=24)) == (hours % 24 < 8)).all()
    assert not is_sparse(daily_of([y], step=24))


@pytest.mark.parametrize("seed", range(5))
def test_products_that_sell_now_and_then_do_so_on_open_days(seed):
    draw = np.random.default_rng(seed)
    y = list(draw.poisson(0.3, (20, 120)).astype(float))
    assert is_sparse(daily_of(y))
    assert not closed(daily_of(y)).any()
    assert is_sparse(daily_of([np.zeros(60)]))
    assert not closed(daily_of([[0.0, 1.0] * 9])).any()
