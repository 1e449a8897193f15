from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.series.blend import SeriesBlend
from xbsql.series.coherent import METHODS, least_spread, reconcile, rollup, spread, summed
from xbsql.series.demand import fit_demand
from xbsql.series.fan import MEAN
from xbsql.series.method import Known
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series
from xbsql.series.rules import Recent

KEYS = [("DE", "shoes", 1), ("DE", "bags", 2), ("JP", "shoes", 1), ("JP", "shoes", 3), ("JP", "bags", 2)]
TREE = rollup(KEYS)


def children(key):
    depth = sum(part is not None for part in key)
    return [k for k in TREE.keys if k[:depth] == key[:depth] and sum(p is not None for p in k) == depth + 1]


def histories(lengths, end=10):
    lengths = np.array(lengths)
    n = len(lengths)
    y = np.arange(1.0, lengths.sum() + 1)
    offsets, names = np.r_[0, np.cumsum(lengths)], tuple("abcdefgh"[:n])
    return Series(names, y, offsets, end - lengths, Frequency.counts(1), ("ok",) * n)


def test_a_rollup_has_every_first_part_once_and_the_series_last():
    assert TREE.keys == (
        (None, None, None),
        ("DE", None, None),
        ("JP", None, None),
        ("DE", "shoes", None),
        ("DE", "bags", None),
        ("JP", "shoes", None),
        ("JP", "bags", None),
        *KEYS,
    )
    assert TREE.upper == 7


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(METHODS), st.booleans())
def test_reconciled_forecasts_add_up_at_every_node(seed, method, negative):
    generator = np.random.default_rng(seed)
    forecast = generator.normal(size=(len(TREE.keys), 4)) if negative else generator.gamma(0.5, 9, (12, 4))
    found = dict(zip(TREE.keys, reconcile(forecast, TREE, method), strict=True))
    for key in TREE.keys[: TREE.upper]:
        np.testing.assert_allclose(found[key], sum(found[k] for k in children(key)), rtol=1e-9, atol=1e-9)
    if not negative:
        assert min(row.min() for row in found.values()) >= 0


@pytest.mark.parametrize("method", METHODS)
def test_forecasts_that_add_up_already_stay_as_they_are(method):
    bottom = np.random.default_rng(0).random((5, 3))
    forecast = TREE.sums @ bottom
    np.testing.assert_allclose(reconcile(forecast, TREE, method), forecast)


def test_what_the_sums_know_reaches_the_series():
    """The market's forecast is right and every product's too low: the structural way lifts the products."""
    truth = TREE.sums @ np.full((5, 1), 10.0)
    forecast = truth.copy()
    forecast[TREE.upper :] = 6.0
    error = {method: np.abs(reconcile(forecast, TREE, method) - truth).sum() for method in METHODS}
    assert error["structural"] < 0.5 * error["bottom_up"]


def test_the_history_of_a_sum_is_the_sum_of_the_histories():
    series = histories([3, 5, 2, 0, 4])
    nodes = summed("t", series, TREE)
    assert nodes.lengths.tolist() == [5, 5, 4, 3, 5, 2, 4, 3, 5, 2, 0, 4]
    assert (nodes.ends == 10).all()
    for i, key in enumerate(TREE.keys):
        members = [j for j in range(5) if all(a in (None, b) for a, b in zip(key, KEYS[j], strict=True))]
        expected = np.zeros(10)
        for j in members:
            expected[series.start[j] : 10] += series.values(j)
        np.testing.assert_array_equal(nodes.values(i), expected[10 - nodes.lengths[i] :])
    assert nodes.names[1] == "DE/*/*"


def test_series_that_end_apart_cannot_be_added():
    series = histories([3, 5, 2, 1, 4])
    apart = Series(
        series.names, series.y, series.offsets, series.start + np.arange(5), series.frequency, series.status
    )
    with pytest.raises(XbsqlError, match="'end': 'common'"):
        summed("xb.forecast", apart, TREE)


@pytest.mark.parametrize(("together", "expected"), [(False, 2.0), (True, 4.0)])
def test_a_sum_is_as_uncertain_as_its_series_move_together(together, expected):
    generator = np.random.default_rng(0)
    own = generator.normal(size=(4, 4000))
    y = np.repeat(own[:1], 4, axis=0) if together else own
    tree = rollup([(name,) for name in "abcd"])
    series = replace(histories([4000] * 4, end=4000), y=y.ravel())
    found = spread(np.ones((4, 2)), summed("t", series, tree), tree)
    assert found[0, 0] == pytest.approx(expected, rel=0.05)
    assert (found[1:] == 1).all()


def test_a_sum_is_no_surer_than_its_own_past_lets_it_be():
    tree, inside = rollup([(name,) for name in "abcd"]), []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        level = np.exp(np.cumsum(generator.normal(0, 0.08, 20)))
        y = generator.poisson(50 * level, (4, 20)).astype(float)
        series = replace(histories([12] * 4, end=12), y=y[:, :12].ravel())
        nodes = summed("t", series, tree)
        half = least_spread(nodes, tree, 8, 0.9)
        assert (half[1:] == 0).all()
        plain = y[:, 4:12].sum(axis=0).mean()
        inside.append(np.abs(y[:, 12:].sum(axis=0) - plain) <= half[0])
    assert 0.8 <= np.mean(inside) <= 0.98
    assert (least_spread(nodes, tree, 8, 0.5)[0] < half[0]).all()
    larger = least_spread(replace(nodes, y=nodes.y * 1e6), tree, 8, 0.9)
    assert larger[0] == pytest.approx(half[0] * 1e6)


def test_a_season_is_no_uncertainty_and_a_short_past_says_nothing():
    tree = rollup([("a",), ("b",)])
    week = np.tile([0.0, 10, 20, 30, 40, 50, 60], 8)
    daily = replace(histories([56] * 2, end=56), y=np.tile(week, 2), frequency=Frequency.named("t", "D"))
    assert least_spread(summed("t", daily, tree), tree, 7, 0.9)[0].max() == 0
    for length in (4, 5, 15, 16):
        few = summed("t", replace(histories([length] * 2, end=length), frequency=daily.frequency), tree)
        assert (least_spread(few, tree, 20, 0.9)[0] > 0).all()
    short = histories([3] * 2, end=3)
    assert (least_spread(summed("t", short, tree), tree, 7, 0.9) == 0).all()


def test_a_sum_is_not_drawn_to_the_level_of_products():
    y = np.random.default_rng(0).poisson(5, (40, 8)).astype(float)
    names = tuple(f"p{i}" for i in range(40))
    products = Series(
        names, y.ravel(), np.arange(41) * 8, np.zeros(40, np.int64), Frequency.counts(1), ("ok",) * 40
    )
    demand = fit_demand(Known(products, None, 4, (), 0), None)
    home = SeriesBlend(
        {"recent:8": Recent(8), "demand:own": demand}, {"recent:8": 0.2, "demand:own": 0.8}, None
    )
    blend = SeriesBlend(
        {"source:model": home, "demand:home": demand}, {"source:model": 0.5, "demand:home": 0.5}, None
    )
    whole = summed("t", products, rollup([(name,) for name in names])).take(np.array([0]))
    plain = y.sum(axis=0).mean()
    assert blend.fan(whole, 4)[..., MEAN].max() < 0.8 * plain
    assert blend.of_sums().fan(whole, 4)[..., MEAN] == pytest.approx(plain)
    assert SeriesBlend({"demand:own": demand}, {"demand:own": 1.0}, None).of_sums() is None


def test_a_series_without_a_part_counts_once_in_the_sums_before_it():
    tree = rollup([("a", "x"), (None, "y"), ("a", None)])
    assert tree.keys == ((None, None), ("a", None), ("a", "x"), (None, "y"), ("a", None))
    assert tree.sums.toarray()[:2].tolist() == [[1, 1, 1], [1, 0, 1]]
