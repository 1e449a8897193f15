"""Stock formulas against their definitions, by simulation and at their borders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.supply import stock


def one(*values):
    return [np.array([float(value)]) for value in values]


def order(levels, quantiles, under, over):
    return stock.newsvendor("f", np.array(levels), np.array(quantiles), under, over)


def test_a_reorder_point_covers_the_share_of_cycles_that_was_asked_for():
    rng, cycles = np.random.default_rng(0), 200_000
    lead = rng.normal(6, 0.8, cycles)
    sold = 100 * lead + 20 * np.sqrt(np.maximum(lead, 0)) * rng.normal(size=cycles)
    for service in (0.8, 0.95, 0.99):
        point = 600 + stock.safety_stock("f", *one(100, 20, 6, 0.8, service))[0]
        assert (sold <= point).mean() == pytest.approx(service, abs=0.004)


@settings(deadline=None)
@given(
    st.floats(0, 1e4), st.floats(0, 1e3), st.floats(0, 100), st.floats(0, 50),
    st.floats(0.5, 0.999), st.floats(0.5, 0.999),
)  # fmt: skip
def test_more_service_never_needs_less_stock(demand, sd, lead, lead_sd, a, b):
    low, high = (stock.safety_stock("f", *one(demand, sd, lead, lead_sd, s))[0] for s in sorted((a, b)))
    assert 0 <= low <= high


def test_certain_demand_and_lead_time_need_none():
    assert stock.safety_stock("f", *one(100, 0, 4, 0, 0.99))[0] == 0


@settings(deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(0.01, 0.99))
def test_the_spread_of_a_normal_interval_is_its_deviation(mean, sd, level):
    from scipy.stats import norm

    half = norm.ppf((1 + level) / 2) * sd
    lo, hi = mean - half, mean + half
    assert stock.spread_of("f", *one(lo, hi, level))[0] == pytest.approx(sd, rel=1e-6, abs=1e-6)


def test_the_newsvendor_orders_what_costs_least():
    rng = np.random.default_rng(0)
    demand, levels = rng.gamma(4, 25, 100_000), np.linspace(0.01, 0.99, 99)
    quantiles = np.quantile(demand, levels)
    for under, over in ((8, 2), (1, 1), (1, 9)):
        best = order(levels, quantiles, under, over)
        costs = [
            np.mean(under * np.maximum(demand - q, 0) + over * np.maximum(q - demand, 0))
            for q in (best, best * 0.9, best * 1.1)
        ]
        assert costs[0] == min(costs)


def test_on_time_is_half_at_what_is_expected_and_certain_where_nothing_varies():
    found = stock.on_time(*one(8, 6, 10), 0.9, np.array([8.0]))
    assert found[0] == pytest.approx(0.5)
    assert stock.on_time(*one(8, 6, 10), 0.9, np.array([10.0]))[0] == pytest.approx(0.95)
    certain = stock.on_time(*one(8, 8, 8), 0.9, np.array([8.0]))
    assert certain[0] == 1
    assert np.isnan(stock.on_time(*one(8, np.nan, np.nan), 0.9, np.array([8.0]))[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stock.safety_stock("f", *one(-1, 1, 1, 1, 0.9)), "demand is -1"),
        (lambda: stock.safety_stock("f", *one(1, 1, 1, -2, 0.9)), "lead_time_sd is -2"),
        (lambda: stock.safety_stock("f", *one(1, 1, 1, 1, 1)), "service_level is 1; give a share"),
        (lambda: stock.spread_of("f", *one(3, 2, 0.9)), "hi is below lo"),
        (
            lambda: order([0.4, 0.6], [1.0, 2], 9, 1),
            "0.9 is outside the levels",
        ),
        (
            lambda: order([0.5], [1.0, 2], 1, 1),
            "1 levels and 2 quantiles",
        ),
        (lambda: order([0.5, 0.4], [1.0, 2], 1, 1), "do not ascend"),
        (lambda: order([0.5], [1.0], 0, 1), "give costs above 0"),
    ],
)
def test_a_mistake_is_one_line(call, message):
    with pytest.raises(XbsqlError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
