"""Refined weights: the mixture never loses more, and labels decide how far they move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.engine.mixture import PULL, refined


def divergence(found, start):
    kept = found > 0
    return float((found[kept] * np.log(found[kept] / start[kept])).sum())


def objective(weights, start, parts, truth, labels):
    mixed = weights @ parts
    loss = -np.log(mixed).mean() if truth is None else np.square(truth - mixed).mean()
    scale = 1.0 if truth is None else 2.0 * np.square(truth - start @ parts).mean()
    return loss / scale + PULL / labels * divergence(weights, start)


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(30, 300), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_mixture_and_its_pull_together_never_lose_more(seed, members, n, values):
    g = np.random.default_rng(seed)
    truth = g.normal(size=n) if values else None
    parts = truth + g.normal(size=(members, n)) if values else g.uniform(0.05, 0.95, size=(members, n))
    start = g.dirichlet(np.ones(members))
    found = refined(start, parts, truth, n)
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0).all()
    assert objective(found, start, parts, truth, n) <= objective(start, start, parts, truth, n) + 1e-9


def test_members_that_err_apart_are_worth_more_together_than_the_best_alone():
    g = np.random.default_rng(0)
    truth, shared = g.normal(size=2000), g.normal(size=2000)
    parts = np.stack([truth + shared, truth + shared + 0.01, truth + 1.1 * g.normal(size=2000)])
    found = refined(np.array([0.48, 0.48, 0.04]), parts, truth, 2000)
    assert found[2] == pytest.approx(0.45, abs=0.05)


def test_few_labels_move_the_weights_less_than_many():
    g = np.random.default_rng(1)
    truth = g.normal(size=400)
    parts = np.stack([truth + g.normal(size=400), truth + 0.3 * g.normal(size=400)])
    start = np.array([0.9, 0.1])
    moved = [refined(start, parts, truth, labels)[1] for labels in (5, 50, 400)]
    assert 0.1 < moved[0] < moved[1] < moved[2]


def test_a_member_without_weight_gets_none_and_equal_members_keep_theirs():
    truth = np.random.default_rng(2).normal(size=100)
    parts = np.stack([np.zeros(100), np.zeros(100), truth])
    found = refined(np.array([0.3, 0.7, 0.0]), parts, truth, 100)
    np.testing.assert_allclose(found, [0.3, 0.7, 0.0], atol=1e-9)
