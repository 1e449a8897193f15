"""Refined weights: the mixture never loses more, and labels decide how far they move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.engine.mixture import PULL, refined


def divergence(found, start):
    kept = found > 0
    return float((found[kept] * np.log(found[kept] / start[kept])).sum())


def objective(weights, start, parts, truth, share, labels):
    mixed, part = weights @ parts, share / share.sum()
    loss = part @ (-np.log(mixed) if truth is None else np.square(truth - mixed))
    scale = 1.0 if truth is None else 2.0 * (part @ np.square(truth - start @ parts))
    return loss / scale + PULL / labels * divergence(weights, start)


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(30, 300), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_mixture_and_its_pull_together_never_lose_more(seed, members, n, values):
    g = np.random.default_rng(seed)
    truth = g.normal(size=n) if values else None
    parts = truth + g.normal(size=(members, n)) if values else g.uniform(0.05, 0.95, size=(members, n))
    start = g.dirichlet(np.ones(members))
    share = g.uniform(0.1, 3.0, size=n)
    found = refined(start, parts, truth, share, n)
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0).all()
    after, before = (objective(w, start, parts, truth, share, n) for w in (found, start))
    assert after <= before + 1e-9


def test_members_that_err_apart_are_worth_more_together_than_the_best_alone():
    g = np.random.default_rng(0)
    truth, shared = g.normal(size=2000), g.normal(size=2000)
    parts = np.stack([truth + shared, truth + shared + 0.01, truth + 1.1 * g.normal(size=2000)])
    found = refined(np.array([0.48, 0.48, 0.04]), parts, truth, np.ones(2000), 2000)
    assert found[2] == pytest.approx(0.45, abs=0.05)


def test_few_labels_move_the_weights_less_than_many():
    g = np.random.default_rng(1)
    truth = g.normal(size=400)
    parts = np.stack([truth + g.normal(size=400), truth + 0.3 * g.normal(size=400)])
    start = np.array([0.9, 0.1])
    moved = [refined(start, parts, truth, np.ones(400), labels)[1] for labels in (5, 50, 400)]
    assert 0.1 < moved[0] < moved[1] < moved[2]


def test_a_member_without_weight_gets_none_and_equal_members_keep_theirs():
    truth = np.random.default_rng(2).normal(size=100)
    parts = np.stack([np.zeros(100), np.zeros(100), truth])
    found = refined(np.array([0.3, 0.7, 0.0]), parts, truth, np.ones(100), 100)
    np.testing.assert_allclose(found, [0.3, 0.7, 0.0], atol=1e-9)


def test_a_row_that_counts_twice_is_the_same_as_two_rows():
    g = np.random.default_rng(3)
    truth, start = g.normal(size=60), np.array([0.5, 0.5])
    parts = truth + g.normal(size=(2, 60)) * np.array([[1.0], [0.5]])
    twice = np.repeat(np.arange(60), np.where(np.arange(60) < 20, 2, 1))
    weighted = refined(start, parts, truth, np.where(np.arange(60) < 20, 2.0, 1.0), 60)
    copied = refined(start, parts[:, twice], truth[twice], np.ones(len(twice)), 60)
    np.testing.assert_allclose(weighted, copied, atol=1e-6)
