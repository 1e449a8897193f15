from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xbsql.series.fan import SCORES
from xbsql.series.simulation import LaunchPlan, simulate

N, HORIZON, DRAWS = 150, 8, 4000


def plan(**changes):
    """Normal demand of mean 100 and deviation 10 a week."""
    mean = np.full((N, HORIZON), 100.0)
    demand = mean[..., None] + 10 * SCORES
    given = LaunchPlan(demand, mean, np.full(N, 14.0), np.zeros(N), np.full(N, 3.0), 0.0, 7.0)
    return replace(given, **changes)


def test_what_is_sold_is_what_is_wanted_after_the_goods_arrived():
    found = simulate(plan(), 0.9, DRAWS, 0)
    np.testing.assert_allclose(found.mean[:N, 0], 800)
    np.testing.assert_allclose(found.mean[:N, 1], 14)
    np.testing.assert_allclose(found.mean[:N, 2], 600, rtol=1e-3)
    np.testing.assert_allclose(found.mean[:, 3], 3 * found.mean[:, 2])


def test_half_the_variance_of_a_period_is_shared_by_all():
    found = simulate(plan(days=np.zeros(N)), 0.9, DRAWS, 0)
    deviation = 10 * np.sqrt(0.5 * HORIZON + 0.5 * HORIZON**2)
    width = (found.hi - found.lo)[:N, 0].mean()
    assert width == pytest.approx(2 * 1.645 * deviation, rel=0.03)


def test_all_products_together_are_relatively_surer_unless_the_price_moves():
    def relative(outcome):
        return ((outcome.hi - outcome.lo) / outcome.mean)[:, 3]

    calm, moved = (relative(simulate(plan(price_error=e), 0.9, DRAWS, 0)) for e in (0.0, 0.2))
    assert calm[N] < 0.15 * calm[:N].mean()
    assert moved[N] > 0.5


def test_revenue_has_the_interval_of_the_draws_and_not_of_the_worst_of_all():
    found = simulate(plan(price_error=0.1, days_error=np.full(N, 4.0)), 0.9, DRAWS, 0)
    assert (found.lo[:N, 3] > found.lo[:N, 2] * 3 * np.exp(-0.1645)).all()
    assert (found.hi[:N, 3] < found.hi[:N, 2] * 3 * np.exp(0.1645)).all()


def test_goods_that_arrive_after_the_horizon_sell_nothing():
    found = simulate(plan(days=np.full(N, 100.0)), 0.9, DRAWS, 0)
    assert not found.mean[:, 2].any()


def test_what_is_not_known_is_left_out_and_the_rest_stays():
    mean = plan().mean.copy()
    mean[0] = np.nan
    demand = plan().demand.copy()
    demand[0] = np.nan
    found = simulate(
        plan(mean=mean, demand=demand, days=np.full(N, np.nan), price=np.full(N, np.nan)), 0.9, 500, 0
    )
    assert np.isnan(found.mean[0, [0, 2]]).all()
    assert np.isnan(found.mean[:, [1, 3]]).all()
    np.testing.assert_allclose(found.mean[1:N, 2], 800)
    assert found.mean[N, 0] == pytest.approx(800 * (N - 1))


def test_the_same_seed_draws_the_same():
    for a, b in zip(simulate(plan(), 0.9, 300, 5), simulate(plan(), 0.9, 300, 5), strict=True):
        np.testing.assert_array_equal(a, b)
