"""What is made once serves all that need it; what nobody needs is not made; and no answer depends on it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import Bounds, minimize

from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.candidates.boosted import Boosted
from xbsql.engine.candidates.instance import pool
from xbsql.engine.candidates.softmax import INTERCEPT_PENALTY, softmax_coefficients
from xbsql.engine.candidates.tables import from_model, target_only
from xbsql.engine.design import Layout
from xbsql.engine.objective import classification
from xbsql.engine.transfer import carried, transfer
from xbsql.features.ngrams import _kept as kept
from xbsql.features.ngrams import counts
from xbsql.features.views import Features
from xbsql.metrics.rows import MOST_DRAWN, bootstrap_counts

AUC = classification(2, "auc")


def counted(candidate, fits):
    def fit(source, target, unlabelled):
        fits.append((candidate.name, len(target)))
        return candidate.fit(source, target, unlabelled)

    return Candidate(candidate.name, candidate.family, fit, candidate.uses_labels, candidate.prior)


def upside_down(learner):
    class Turned:
        def __init__(self, inner):
            self.inner = inner

        def predict(self, x):
            return self.inner.predict(x)[:, ::-1]

    return lambda source, target, unlabelled: Turned(learner.fit(source, target, unlabelled))


def test_the_hopeless_leave_early_and_are_fitted_on_all_labels_only_when_asked_for(pair):
    market, fits = pair(n=600), []
    good = target_only(market.tables)
    bad = Candidate("wrong:way", "instance", upside_down(good[0]))
    own = Candidate("worse:own", "target", upside_down(good[0]))
    done = transfer(
        [counted(c, fits) for c in [*good, bad, own]], market.source, market.target, market.unlabelled, AUC
    )
    for name in ("wrong:way", "worse:own"):
        assert done.weights[name] == 0.0
        assert name not in done.evidence.names
        assert 0 < sum(fitted == name for fitted, _ in fits) < 5
    before = len(fits)
    assert done.predictors["wrong:way"].predict(market.test.x).shape == (len(market.test), 2)
    assert fits[before:] == [("wrong:way", 600)]
    assert set(done.predictors) == set(done.weights)


def test_few_rows_are_no_reason_to_leave(pair):
    market, fits = pair(n=150), []
    bad = Candidate("wrong:way", "instance", upside_down(target_only(market.tables)[0]))
    everyone = [*target_only(market.tables), bad]
    done = transfer(
        [counted(c, fits) for c in everyone], market.source, market.target, market.unlabelled, AUC
    )
    assert "wrong:way" in done.evidence.names
    assert sum(name == "wrong:way" for name, _ in fits) == 5


@pytest.mark.parametrize("n", [12, 150])
def test_without_a_verdict_the_blend_is_the_same(pair, n):
    market = pair(n=n)
    everyone = target_only(market.tables) + from_model(market.tables, market.source)[:3]
    given = (everyone, market.source, market.target, market.unlabelled, AUC)
    both = [transfer(*given).blend, carried(*given)]
    np.testing.assert_array_equal(*(blend.predict(market.test.x) for blend in both))


def test_shared_bins_change_no_tree(pair):
    market = pair(n=100)
    learner, texts = Boosted(Layout(("table", "market"), (5,)), 2, leaves=7, rounds=20), []
    for shared in (True, False):
        target = market.target
        for balance in (1.0, 0.5, 0.0):
            if not shared:
                target = Sample(Features(dict(target.x.views)), target.y)
            texts.append(learner.fit(pool(market.source.sample, target, balance)).text)
    assert texts[:3] == texts[3:]
    assert len(set(texts)) == 3


@pytest.mark.parametrize("rows", [15, 400])
@pytest.mark.parametrize("bounded", [False, True])
def test_the_least_loss_is_found_along_any_directions(rows, bounded):
    generator = np.random.default_rng(rows)
    matrix = generator.normal(size=(rows, 30)) * np.geomspace(0.05, 3, 30)
    y = (matrix[:, :3] - matrix[:, -3:] + generator.gumbel(size=(rows, 3))).argmax(axis=1)
    weight, centre = generator.uniform(0.2, 3, rows), 0.1 * generator.normal(size=(31, 3))
    lower = np.full((31, 3), -np.inf)
    lower[[0, 29], [0, 1]] = 0.0 if bounded else -np.inf
    limits = Bounds(lower.ravel(), np.inf) if bounded else None
    pull = np.full((31, 1), 0.7)
    pull[-1] = INTERCEPT_PENALTY

    def loss(flat):
        w = flat.reshape(31, 3)
        raw = matrix @ w[:-1] + w[-1]
        logs = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
        lost = -(weight @ logs[np.arange(rows), y]) + 0.5 * (pull * (w - centre) ** 2).sum()
        return lost / weight.sum()

    found = softmax_coefficients(matrix, y, weight, 0.7, centre, limits)
    assert (found >= lower).all()
    options = {"maxiter": 5000, "maxfun": 10**6, "ftol": 1e-13, "gtol": 1e-8}
    least = minimize(loss, found.ravel(), method="L-BFGS-B", bounds=limits, options=options).fun
    assert loss(found.ravel()) - least < 2e-6


def test_what_is_made_of_rows_is_made_once():
    x, made = Features({"table": np.zeros((2, 1))}), []
    assert [x.once("key", lambda: made.append(1) or len(made)) for _ in range(3)] == [1, 1, 1]
    assert x.take(slice(0, 1)).once("key", lambda: 7) == 7


def test_texts_have_the_same_ngrams_whatever_was_asked_before():
    texts = ["red shoe", None, "blue coat", "red shoe", "", "coat"]
    kept.counts(["blue coat", "green hat"])
    for asked in (texts, texts[::-1], texts[:1], []):
        found, plain = kept.counts(asked), counts([*asked, ""])[:-1]
        assert found.shape == plain.shape
        assert (found != plain).nnz == 0
    kept.counts(texts).data[:] = -1.0
    assert (kept.counts(texts) != counts(texts)).nnz == 0


@pytest.mark.parametrize("grouped", [False, True])
def test_bundles_vary_as_units_do(grouped):
    n = 3 * MOST_DRAWN
    value = np.random.default_rng(0).exponential(size=n)
    group = np.arange(n) // 2 if grouped else None
    count = bootstrap_counts(n, 400, 0, group)
    assert count.shape == (400, n)
    assert len(np.unique(count[0][:10])) > 1
    means = count @ value / count.sum(axis=1)
    assert means.mean() == pytest.approx(value.mean(), rel=0.01)
    assert means.std() == pytest.approx(value.std() / np.sqrt(n), rel=0.2)
