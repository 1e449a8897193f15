"""Adopted rows: they take their partner's class, and are predicted as if they had not."""

import numpy as np
import pytest
from scipy import sparse

from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.covariance import Covariance
from xbsql.engine.candidates.process import Factor
from xbsql.engine.candidates.pseudo_labels import Unechoed, adopted
from xbsql.features.views import Features
from xbsql.store.model import restore

CLASSES = 3


def features(rng, n):
    text = rng.normal(size=(n, 8)).astype(np.float32)
    grams = sparse.random(n, 32, 0.2, "csr", dtype=np.float32, rng=rng)
    return Features({"text": text / np.linalg.norm(text, axis=1, keepdims=True), "ngram": grams})


@pytest.fixture
def world():
    rng = np.random.default_rng(5)
    home, pool = features(rng, 30), features(rng, 12)
    y, pseudo = rng.integers(0, CLASSES, 30), rng.integers(0, CLASSES, 12)
    base = Factor.of(Covariance(), home, y)
    grown = base.extended(pool, pseudo, 0.6)
    process = grown.fitted(CLASSES)
    heard = Unechoed(process, 30, pool, lambda: grown.left_out(process, 30, 42))
    return rng, base, pool, pseudo, process, heard


def test_an_adopted_row_is_predicted_as_if_it_were_not_there(world):
    _, base, pool, pseudo, process, heard = world
    found = heard.predict(pool)
    for row in range(12):
        others = np.arange(12) != row
        without = base.extended(pool.take(others), pseudo[others], 0.6).fitted(CLASSES)
        np.testing.assert_allclose(found[row], without.predict(pool.take([row]))[0], atol=2e-3)
    assert np.abs(found - process.predict(pool)).max() > 0.1, "the echo is not negligible"


def test_other_rows_are_predicted_by_the_process(world):
    rng, _, _, _, process, heard = world
    fresh = features(rng, 7)
    np.testing.assert_array_equal(heard.predict(fresh), process.predict(fresh))


def test_it_lives_again(world):
    rng, _, pool, _, _, heard = world
    again = restore(heard.state())
    for x in (pool, features(rng, 4), pool.take(slice(0, 0))):
        np.testing.assert_array_equal(again.predict(x), heard.predict(x))


def test_scores_of_adopted_rows_are_not_computed_for_folds(world):
    rng, _, pool, _, process, _ = world

    def never():
        pytest.fail("a fold asked for the scores of adopted rows")

    Unechoed(process, 30, pool, never).predict(features(rng, 5))


def test_the_closest_partners_are_adopted_first():
    rng = np.random.default_rng(1)
    source = features(rng, 20)
    pool = source.take(np.arange(6))
    found = adopted(pool, Sample(source, np.arange(20)), most=4)
    assert len(found) == 4
    nearest = (found.x["text"] @ source["text"].T).argmax(axis=1)
    np.testing.assert_array_equal(found.y, nearest)
