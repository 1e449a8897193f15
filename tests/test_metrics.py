from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss, r2_score, roc_auc_score

from xbsql.metrics import rows as metrics

CLASSIFYING = [metrics.accuracy, metrics.macro_f1, metrics.auc]
VALUING = [metrics.r2, metrics.mae]


def problem(score, n, seed, classes=3):
    generator = np.random.default_rng(seed)
    if score in VALUING:
        y = generator.normal(size=n)
        return y, y + generator.normal(size=n)
    y = generator.integers(0, classes, n)
    # Rounded, so that scores tie.
    odds = np.round(generator.normal(size=(n, classes)) + np.eye(classes)[y], 1)
    return y, np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("score", [*CLASSIFYING, *VALUING])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_count_of_k_is_k_equal_rows(score, classes):
    y, prediction = problem(score, 60, seed=1, classes=classes)
    counts = metrics.bootstrap_counts(60, draws=20, seed=2)
    repeated = [
        score(y[rows], prediction[rows]) for rows in (np.repeat(np.arange(60), c.astype(int)) for c in counts)
    ]
    np.testing.assert_allclose(score(y, prediction, counts), repeated, atol=1e-12)


@given(st.integers(0, 10_000))
def test_auc_is_that_of_scikit_learn_with_ties(seed):
    y, prediction = problem(metrics.auc, 40, seed, classes=2)
    if len(np.unique(y)) == 2:
        assert metrics.auc(y, prediction) == pytest.approx(roc_auc_score(y, prediction[:, 1]), abs=1e-12)
    else:
        assert np.isnan(metrics.auc(y, prediction))


def test_scores_are_those_of_scikit_learn():
    y, prediction = problem(metrics.accuracy, 200, seed=3)
    guess = prediction.argmax(axis=1)
    assert metrics.accuracy(y, prediction) == pytest.approx(np.mean(guess == y))
    assert metrics.macro_f1(y, prediction) == pytest.approx(f1_score(y, guess, average="macro"))
    assert metrics.log_loss(y, prediction).mean() == pytest.approx(log_loss(y, prediction))
    assert metrics.auc(y, prediction) == pytest.approx(roc_auc_score(y, prediction, multi_class="ovr"))
    y, value = problem(metrics.r2, 200, seed=4)
    assert metrics.r2(y, value) == pytest.approx(r2_score(y, value))


@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_r2_does_not_depend_on_the_unit(unit):
    y, value = problem(metrics.r2, 200, seed=4)
    assert metrics.r2(unit * y, unit * value) == pytest.approx(r2_score(y, value))
    assert np.isnan(metrics.r2(unit * y, unit * value, np.eye(200))).all(), "one unit does not vary"


def test_a_class_that_never_occurs_does_not_count_in_macro_f1():
    y, prediction = problem(metrics.macro_f1, 100, seed=5)
    wider = np.concatenate([prediction, np.zeros((100, 1))], axis=1)
    assert metrics.macro_f1(y, wider) == metrics.macro_f1(y, prediction)


def test_one_confident_miss_costs_a_bounded_loss():
    assert metrics.log_loss(np.array([1]), np.array([[1.0, 0.0]]))[0] == pytest.approx(-np.log(1e-4))


def test_undefined_scores_are_nan():
    assert np.isnan(metrics.auc(np.zeros(5, int), np.full((5, 2), 0.5)))
    assert np.isnan(metrics.r2(np.ones(5), np.ones(5)))


def test_honest_confidence_has_no_calibration_error_and_bold_confidence_has_one():
    generator = np.random.default_rng(6)
    p = generator.uniform(0.5, 1.0, 20_000)
    y = (generator.random(20_000) > p).astype(int)
    assert metrics.calibration_error(y, np.stack([p, 1 - p], axis=1)) < 0.02
    bold = np.full((20_000, 2), [0.99, 0.01])
    assert metrics.calibration_error(y, bold) == pytest.approx(0.24, abs=0.02)


def test_a_bootstrap_draws_whole_groups():
    group = np.repeat([4, 7, 9], [1, 5, 3])
    counts = metrics.bootstrap_counts(9, draws=50, seed=7, group=group)
    for code in (4, 7, 9):
        assert (counts[:, group == code] == counts[:, group == code][:, :1]).all()
    assert (counts[:, [0, 1, 6]].sum(axis=1) == 3).all()


def test_an_interval_leaves_undefined_draws_out():
    assert metrics.interval(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert np.isnan(metrics.interval(np.array([np.nan]))).all()
