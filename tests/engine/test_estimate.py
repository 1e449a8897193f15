import numpy as np
import pytest

from xbsql.engine.estimate import Confidence, agreement, estimate
from xbsql.store.model import restore


def predictions(rng, n, skill, truth=None, classes=5):
    """True classes, and probabilities of a model whose logits carry so much of them."""
    y = rng.integers(0, classes, n) if truth is None else truth
    logits = skill * np.eye(classes)[y] + rng.normal(size=(n, classes))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return y, p / p.sum(axis=1, keepdims=True)


def right(y, p):
    return float((p.argmax(axis=1) == y).mean())


@pytest.mark.parametrize("skill", [0.5, 1.5, 3.0])
def test_on_rows_like_those_at_home_it_is_the_accuracy(skill):
    rng = np.random.default_rng(0)
    confidence = Confidence.of(*predictions(rng, 2000, skill))
    y, p = predictions(rng, 500, skill)
    found = estimate(confidence, {"one": p}, {"one": 0.3}, sold=True)
    assert found.lo <= right(y, p) <= found.hi
    assert abs(found.value - right(y, p)) < 0.06


def test_who_disagrees_lowers_it_and_widens_its_interval():
    rng = np.random.default_rng(1)
    confidence = Confidence.of(*predictions(rng, 2000, 2.0))
    y, one = predictions(rng, 500, 2.0)
    _, other = predictions(rng, 500, 2.0, truth=rng.permutation(y))
    weights = {"one": 1.0, "other": 1.0}
    same = estimate(confidence, {"one": one, "other": one}, weights)
    apart = estimate(confidence, {"one": one, "other": other}, weights)
    assert apart.value < same.value - 0.1
    assert apart.hi - apart.lo > 1.5 * (same.hi - same.lo)
    assert agreement({"one": one}, {"one": 1.0}) is None


def test_it_stays_between_none_and_all_and_comes_back_from_the_store():
    rng = np.random.default_rng(2)
    confidence = Confidence.of(*predictions(rng, 60, 9.0))
    again = restore(confidence.state())
    _, p = predictions(rng, 40, 9.0)
    found = estimate(again, {"one": p, "other": p}, {"one": 1.0, "other": 1.0})
    assert 0.0 <= found.lo < found.value <= found.hi <= 1.0, "an interval has a width where all are right"
    assert again.expected(p) == confidence.expected(p)


def test_no_number_of_rows_takes_away_what_homes_differ_by():
    rng = np.random.default_rng(3)
    confidence = Confidence.of(*predictions(rng, 50_000, 2.0))
    _, p = predictions(rng, 50_000, 2.0)
    found = estimate(confidence, {"one": p, "other": p}, {"one": 1.0, "other": 1.0})
    assert found.hi - found.lo > 0.14
