from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

from xbsql.engine import design
from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.linear import Linear
from xbsql.engine.design import Layout, fit_design, log_odds
from xbsql.features.views import Features
from xbsql.store.model import restore

TABLE = Layout(("table",), (5,))


def table(n, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 6))
    x[:, 5] = generator.integers(0, 4, n)
    x[::7, 2] = np.nan
    return Features({"table": x})


def labels(x, classes, seed=0):
    generator = np.random.default_rng(seed)
    value = x["table"][:, 0] - x["table"][:, 1] + (x["table"][:, 5] == 2)
    if classes is None:
        return value + 0.1 * generator.normal(size=len(x))
    odds = np.stack([value * k for k in range(classes)], axis=1)
    return (odds + generator.gumbel(size=odds.shape)).argmax(axis=1)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_softmax_and_ridge_are_those_of_scikit_learn(form):
    generator = np.random.default_rng(0)
    matrix, weight = generator.normal(size=(80, 5)), generator.uniform(0.5, 2, 80)
    x = Features({"ngram": form(matrix)})
    y = (matrix[:, :3] + generator.gumbel(size=(80, 3))).argmax(axis=1)
    ours = Linear(Layout(("ngram",)), 3, penalty=2.0).fit(Sample(x, y, weight))
    theirs = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(matrix, y, weight)
    np.testing.assert_allclose(ours.predict(x), theirs.predict_proba(matrix), atol=1e-3)
    value = matrix[:, 0] + generator.normal(size=80)
    ours = Linear(Layout(("ngram",)), None, penalty=2.0).fit(Sample(x, value, weight))
    theirs = Ridge(2.0).fit(matrix, value, weight)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(matrix), atol=1e-5)


@pytest.mark.parametrize("classes", [2, 4, None])
def test_a_restored_line_predicts_bit_for_bit(classes):
    x = table(60)
    line = Linear(TABLE, classes).fit(Sample(x, labels(x, classes)))
    assert (restore(line.state()).predict(table(20, seed=1)) == line.predict(table(20, seed=1))).all()


@pytest.mark.parametrize("classes", [2, 3, None])
def test_the_penalty_draws_to_the_source(classes):
    source = table(400)
    home = Linear(TABLE, classes).fit(Sample(source, labels(source, classes)))
    few = table(20, seed=2)
    sample = Sample(few, labels(few, classes, seed=2))
    held = Linear(TABLE, classes, 1e9, home).fit(sample)
    free = Linear(TABLE, classes, 1e-3, home).fit(sample)
    np.testing.assert_allclose(held.coefficients, home.coefficients, atol=1e-4)
    assert np.abs(free.coefficients - home.coefficients).max() > 0.1


@pytest.mark.parametrize("classes", [2, 3, None])
@pytest.mark.parametrize("view", ["wrong", "right"])
def test_the_sources_score_is_never_turned_round(classes, view):
    x = table(100)
    y = labels(x, classes)
    truth = y[:, None].astype(float) if classes is None else np.eye(classes)[y] * 0.7 + 0.3 / classes
    score = (
        truth if view == "right" else -truth if classes is None else truth[:, np.roll(np.arange(classes), 1)]
    )
    seen = Features({**x.views, "source": score})
    line = Linear(Layout(("source",)), classes, penalty=1.0).fit(Sample(seen, y))
    own = np.diag(line.coefficients) if (classes or 0) > 2 else line.coefficients[0, -1:]
    assert (own > 0.1).all() if view == "right" else (own >= 0).all()
    if classes != 3 and view == "wrong":
        assert np.ptp(line.predict(seen), axis=0).max() < 1e-6


def test_a_class_without_rows_gets_a_small_probability():
    x = table(50)
    found = Linear(TABLE, 4).fit(Sample(x, labels(x, 2))).predict(x)
    assert found.shape == (50, 4)
    assert 0 < found[:, 2:].max() < 0.05


def test_an_outlier_bends_a_line_no_further_than_the_98_percent_quantile():
    x = table(200)
    y = labels(x, None)
    far = x["table"].copy()
    far[0, 0] = 1e9
    near = Linear(TABLE, None).fit(Sample(x, y)).predict(x)
    bent = Linear(TABLE, None).fit(Sample(Features({"table": far}), y)).predict(x)
    assert np.abs(near - bent).max() < 0.3


@pytest.mark.parametrize("row", [[np.nan] * 6, [0, 0, 0, 0, 0, 99.0], [1e300, -1e300, 0, 0, 0, 0]])
def test_rows_unlike_any_seen_are_served(row):
    x = table(50)
    line = Linear(TABLE, 3).fit(Sample(x, labels(x, 3)))
    assert line.predict(Features({"table": np.array([row])})).sum() == pytest.approx(1.0)


def test_columns_that_a_wider_table_has_beside_are_not_read():
    x = table(50)
    line = Linear(TABLE, 2).fit(Sample(x, labels(x, 2)))
    wide = Features({"table": np.concatenate([x["table"], np.full((50, 3), 7.0)], axis=1)})
    assert (line.predict(wide) == line.predict(x)).all()


def test_a_column_of_nulls_is_harmless():
    x = table(50)
    x["table"][:, 3] = np.nan
    assert np.isfinite(Linear(TABLE, 2).fit(Sample(x, labels(x, 2))).predict(x)).all()


def test_log_odds_add_up():
    p = np.array([[0.2, 0.8]])
    assert log_odds(p) == pytest.approx(np.log(4))
    assert log_odds(np.array([[0.2, 0.3, 0.5]])).sum() == pytest.approx(0.0)
    assert np.isfinite(log_odds(np.array([[0.0, 1.0]]))).all()


def test_the_view_source_comes_first():
    with pytest.raises(ValueError, match="'source' comes first"):
        fit_design(table(5), Layout(("table", "source")))


@pytest.mark.parametrize("classes", [None, 3])
def test_many_levels_are_held_sparse_and_change_no_answer(classes, monkeypatch):
    rng = np.random.default_rng(3)
    columns = np.column_stack([rng.normal(size=(400, 2)), rng.integers(0, 30, (400, 2)).astype(float)])
    columns[::7, 0], columns[::5, 2] = np.nan, np.nan
    x = Features({"table": columns})
    layout = Layout(("table",), (2, 3))
    value = np.nan_to_num(columns[:, 0]) + columns[:, 3] / 10
    y = value + 0.1 * rng.normal(size=400) if classes is None else np.digitize(value, [1.0, 2.0])
    sample, fitted = Sample(x, y), fit_design(x, layout)
    unseen = Features({"table": np.array([[0.0, 1.0, 77.0, np.nan]])})
    held = fitted(x)
    assert sparse.issparse(held)
    found = [Linear(layout, classes).fit(sample).predict(each) for each in (x, unseen)]
    monkeypatch.setattr(design, "SPARSE", 0.0)
    np.testing.assert_array_equal(design.dense(held), fitted(x))
    for each, answers in zip((x, unseen), found, strict=True):
        np.testing.assert_allclose(Linear(layout, classes).fit(sample).predict(each), answers, atol=2e-4)
