"""The law of scale: what a series is counted in, pieces, dong or millions, changes nothing but the unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xbsql.series.analogue import fit_analogue
from xbsql.series.backtest import backtest
from xbsql.series.boosted import fit_boosted
from xbsql.series.classical import Classical
from xbsql.series.demand import fit_demand
from xbsql.series.effects import fit_effects
from xbsql.series.fan import MEAN
from xbsql.series.history import is_whole, movement, unit
from xbsql.series.home import Home
from xbsql.series.intermittent import Intermittent
from xbsql.series.method import Known, Method
from xbsql.series.pretrained import Pretrained
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series
from xbsql.series.rules import Recent, Seasonal
from xbsql.series.shaped import fit_shaped
from xbsql.tasks import road
from xbsql.tasks.forecast.options import ForecastOptions
from xbsql.tasks.forecast.task import SeriesProblem

SCALES = (1e-6, 1e9, 2.0**-20, 2.0**30)
WEEKLY = Frequency.named("test", "W-MON")


def amounts(n, weeks, seed, *, zeros=0.0, start=0, level=1.0):
    """Real amounts of n products a week, some of them 0; the same seed gives the same products."""
    size = np.random.default_rng(seed).lognormal(1.5, 1.0, (n, 1))
    draw = np.random.default_rng([seed, weeks])
    y = level * size * draw.gamma(4.0, 0.25, (n, weeks)) * (1 + 0.4 * np.sin(np.arange(weeks) / 2))
    y[draw.random(y.shape) < zeros] = 0.0
    offsets, first = np.arange(n + 1) * weeks, np.full(n, start, np.int64)
    return Series(tuple(f"p{i:02d}" for i in range(n)), y.ravel(), offsets, first, WEEKLY, ("ok",) * n)


def times(series, scale):
    return replace(series, y=series.y * scale)


KNOWN = Known(amounts(20, 30, 0, zeros=0.2, start=90), amounts(20, 120, 0, level=8.0), 4, (13,), 0)
METHODS = {
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


@pytest.mark.parametrize("name", METHODS)
def test_every_method_speaks_in_the_unit_of_its_series(name):
    few = KNOWN.target.take(np.arange(2))
    plain = METHODS[name](KNOWN).fan(few, 5)
    for scale in (1e-6, 1e9):
        known = replace(KNOWN, target=times(KNOWN.target, scale), home=times(KNOWN.home, scale))
        found = METHODS[name](known).fan(times(few, scale), 5) / scale
        np.testing.assert_allclose(found, plain, rtol=1e-3, atol=1e-3 * np.abs(plain).mean())


@pytest.mark.parametrize("seed", range(3))
def test_a_market_beside_home_may_count_in_another_unit(seed):
    """Pieces abroad and dong at home: home's own unit says nothing."""
    plain, _ = fit_model(KNOWN.target, KNOWN.home, seed)
    for scale in (1e-6, 1e9):
        model, _ = fit_model(KNOWN.target, times(KNOWN.home, scale), seed)
        expected = plain.forecast(KNOWN.target, 4)
        found = model.forecast(KNOWN.target, 4)
        np.testing.assert_allclose(found.yhat, expected.yhat, rtol=0.01, atol=0.01)


def fit_model(series, home, seed=0):
    options = ForecastOptions.of("test", {"horizon": 4, "season": [13], "seed": seed})
    return road.solved(SeriesProblem(series, options, "y", options.rules("test"), None, home))


def test_a_model_forecasts_and_promises_in_the_unit_of_its_series():
    """Powers of two change no digit; others change the last, and with it ties among the values of trees."""
    series = amounts(30, 26, 1, zeros=0.3)
    plain = fit_model(series, None)[0].forecast(series, 4)
    for scale in SCALES:
        found = fit_model(times(series, scale), None)[0].forecast(times(series, scale), 4)
        near = 1e-9 if np.log2(scale) == np.rint(np.log2(scale)) else 0.02
        for one, other in zip(found[:3], plain[:3], strict=True):
            np.testing.assert_allclose(one / scale, other, rtol=near, atol=near * plain.yhat.mean())


def test_evidence_counts_histories_of_zeros_alike_in_every_unit():
    series = amounts(20, 26, 1)
    late = series.y.reshape(20, 26) * (np.arange(26) >= np.arange(20)[:, None] + 5)
    known = Known(replace(series, y=late.ravel()), None, 4, (), 0)
    rules = {"recent:8": Recent(8), "seasonal:1": Seasonal(1)}
    methods = [Method(name, "target", lambda _, rule=rule: rule) for name, rule in rules.items()]
    plain = backtest(methods, known, lambda _: None).evidence
    for scale in SCALES:
        found = backtest(methods, replace(known, target=times(known.target, scale)), lambda _: None).evidence
        np.testing.assert_allclose(found.losses, plain.losses, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("negative", [False, True])
def test_what_is_known_in_advance_does_the_same_in_every_unit(negative):
    draw = np.random.default_rng(0)
    promotion = (draw.random((30, 60)) < 0.2).astype(float)
    y = draw.gamma(4.0, 0.25, (30, 60)) * 5 * np.exp(0.8 * promotion) - 3.0 * negative
    names, offsets, first = tuple(map(str, range(30))), np.arange(31) * 60, np.zeros(30, np.int64)
    series = Series(names, y.ravel(), offsets, first, WEEKLY, ("ok",) * 30, promotion.reshape(-1, 1))
    plain = fit_effects(series, 4)
    for scale in SCALES:
        found = fit_effects(times(series, scale), 4)
        np.testing.assert_allclose(found.coefficients, plain.coefficients, rtol=1e-6)
        dearer = fit_effects(replace(series, known=series.known * scale), 4)
        np.testing.assert_allclose(dearer.coefficients * scale, plain.coefficients, rtol=1e-6)


def test_demand_in_dong_is_no_larger_than_what_was_sold():
    """Means above exp(20) were once cut off, and came out at 1e50."""
    dong = times(amounts(6, 80, 2), 1e9)
    known = Known(dong, None, 4, (), 0)
    mean = fit_demand(known, None).fan(dong, 1)[..., MEAN]
    assert mean.max() < 3 * dong.y.reshape(6, 80).mean(axis=1).max()


@pytest.mark.parametrize("value", [0.1, 1e-9, 1e9 / 3])
def test_a_constant_series_moves_by_its_level_and_not_by_rounding(value):
    series = Series(("a",), np.full(50, value), np.array([0, 50]), np.zeros(1, np.int64), WEEKLY, ("ok",))
    assert movement(series)[0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("y", "pieces"),
    [([0, 3, 1], True), ([0, 2.5], False), ([0, 3e7, 1e6], False), ([0, 0], True), ([-1, 2], False)],
)
def test_whole_money_is_no_piece(y, pieces):
    values = np.array(y, float)
    series = Series(("a",), values, np.array([0, len(y)]), np.zeros(1, np.int64), WEEKLY, ("ok",))
    assert is_whole(series) == pieces


def test_a_unit_is_a_power_of_two():
    for level in (1e-30, 0.3, 1024.0, 5e8, 1e90):
        found = unit(np.array([level, -level]))
        assert np.log2(found) == np.rint(np.log2(found))
        assert 1024 <= level / found < 2048
    assert unit(np.zeros(3)) == unit(np.zeros(0)) == 1.0
