"""The mix: it serves, nothing cheaper does, and where none can it says which lane."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.supply.mix import MixOptions, cheapest


def options(lane, cost, on_time=1.0, capacity=np.inf, fixed=0.0, pool=-1):
    n = len(lane)
    numbers = [np.full(n, 1.0) * values for values in (cost, fixed, on_time, capacity)]
    return MixOptions(np.array(lane), *numbers, np.full(n, 1) * pool)


def solve(given, demand, service=0.0):
    demand = np.array(demand, float)
    return cheapest("f", given, demand, [f"lane{i}" for i in range(len(demand))], service)


def test_the_cheapest_option_takes_what_it_can_carry():
    assert solve(options([0, 0], [1, 3], capacity=[60, np.inf]), [100]).tolist() == pytest.approx([60, 40])


def test_service_buys_as_much_of_the_faster_as_it_needs():
    units = solve(options([0, 0], [9, 2], on_time=[0.99, 0.6]), [100], service=0.9)
    assert units.tolist() == pytest.approx([100 * 0.3 / 0.39, 100 * 0.09 / 0.39], rel=1e-5)


def test_a_fixed_cost_is_paid_once_or_not_at_all():
    given = options([0, 0], [1, 2], fixed=[150, 0])
    assert solve(given, [100]).tolist() == pytest.approx([0, 100])
    assert solve(given, [200]).tolist() == pytest.approx([200, 0])


def test_lanes_of_one_pool_share_its_capacity():
    given = options([0, 0, 1, 1], [1, 5, 1, 3], capacity=[100, np.inf, 100, np.inf], pool=[0, -1, 0, -1])
    assert solve(given, [80, 80]).tolist() == pytest.approx([80, 0, 20, 60])


def test_a_lane_without_demand_gets_nothing():
    assert solve(options([0, 1], [1, 1]), [0, 5]).tolist() == pytest.approx([0, 5])


shares = st.sampled_from([0.5, 0.6, 0.75, 0.9, 1.0])
lanes = st.lists(st.tuples(st.integers(1, 9), shares, st.integers(1, 6)), min_size=1, max_size=3)


def serves(given, demand, service):
    try:
        solve(given, [demand], service)
    except XbsqlError:
        return False
    return True


@settings(max_examples=40, deadline=None)
@given(lanes, st.integers(1, 6), st.sampled_from([0.0, 0.7, 0.9]))
def test_nothing_that_serves_is_cheaper(rows, demand, service):
    cost, on_time, capacity = (np.array(column, float) for column in zip(*rows, strict=True))
    given = options([0] * len(rows), cost, on_time, capacity)
    mixes = [
        np.array(mix, float)
        for mix in itertools.product(*(range(int(most) + 1) for most in capacity))
        if sum(mix) == demand and np.dot(mix, on_time) >= service * demand - 1e-9
    ]
    if not serves(given, demand, service):
        assert not mixes
        return
    units = solve(given, [demand], service)
    assert units.sum() == pytest.approx(demand)
    assert (units <= capacity + 1e-6).all()
    assert units @ on_time >= service * demand - 1e-5
    assert all(units @ cost <= mix @ cost + 1e-5 for mix in mixes)


@pytest.mark.parametrize(
    ("given", "demand", "service", "message"),
    [
        (options([0], [1], capacity=80), [100], 0, "lane 'lane0' needs 100 and its options carry 80"),
        (options([0], [1]), [1, 5], 0, "lane 'lane1' needs 5 and its options carry 0"),
        (options([0, 0], [1, 1], on_time=[0.8, 0.7]), [9], 0.9, "on time for 0.8 of its units at best"),
        (
            options([0, 0], [1, 1], on_time=[1, 0.5], capacity=[5, 9]), [10], 0.9,
            "on time for 0.75 of its units at best",
        ),
        (options([0, 1], [1, 1], capacity=10, pool=0), [8, 8], 0, "not all of them from the capacities"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_one_line(given, demand, service, message):
    with pytest.raises(XbsqlError, match=message) as caught:
        solve(given, demand, service)
    assert "\n" not in str(caught.value)
