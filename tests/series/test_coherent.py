from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.series.coherent import METHODS, reconcile, rollup, spread, summed
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series

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


def test_a_series_without_a_part_counts_once_in_the_sums_before_it():
    tree = rollup([("a", "x"), (None, "y"), ("a", None)])
    assert tree.keys == ((None, None), ("a", None), ("a", "x"), (None, "y"), ("a", None))
    assert tree.sums.toarray()[:2].tolist() == [[1, 1, 1], [1, 0, 1]]
