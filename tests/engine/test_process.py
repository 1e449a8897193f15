"""The text learners: what a chained factor, left-out rows, mutual pairs and votes must give."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from xbsql import kernels
from xbsql.engine.candidate import Sample
from xbsql.engine.candidates import process as process_module
from xbsql.engine.candidates.alignment import Moved, map_between, moved, mutual_pairs
from xbsql.engine.candidates.covariance import Covariance
from xbsql.engine.candidates.neighbours import NeighbourVote
from xbsql.engine.candidates.process import (
    Factor,
    GaussianProcess,
    indicators,
    share_of_each,
    sharpest,
)
from xbsql.engine.nearest import nearest, ranks
from xbsql.features.views import Features, stack
from xbsql.store.model import restore

CLASSES = 4


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def titles(generator, n, width=24):
    """Rows around four centres, with n-grams that half tell the class."""
    y = np.concatenate([np.arange(CLASSES), generator.integers(0, CLASSES, n - CLASSES)])
    centres = np.random.default_rng(7).normal(size=(CLASSES, width))
    text = unit(centres[y] + 1.2 * generator.normal(size=(n, width)))
    grams = (generator.random((n, 60)) < 0.03).astype(np.float32)
    grams[np.arange(n), y * 15 + generator.integers(0, 15, n)] = 1.0
    return Features({"text": text, "ngram": sparse.csr_matrix(unit(grams))}), y.astype(np.int64)


def covariance_inverse(covariance, x, noise):
    return np.linalg.inv(covariance(x, x).astype(np.float64) + np.diag(noise))


@pytest.mark.parametrize("lexical", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("cuts", [(60,), (40, 20), (30, 1, 29), (20, 20, 10, 10)])
def test_a_factor_in_parts_is_the_factor_of_all(lexical, cuts):
    covariance = Covariance(lexical=lexical)
    x, y = titles(np.random.default_rng(0), 60)
    noise = np.repeat(np.linspace(0.2, 0.6, len(cuts)), cuts)
    starts = np.cumsum((0, *cuts))
    factor = Factor.of(covariance, x.take(slice(0, cuts[0])), y[: cuts[0]], noise[0])
    for start, end in itertools.pairwise(starts[1:]):
        factor = factor.extended(x.take(slice(start, end)), y[start:end], noise[start])
    process = factor.fitted(CLASSES)
    dual = covariance_inverse(covariance, x, noise) @ indicators(y, CLASSES)
    np.testing.assert_allclose(process.dual, dual, atol=2e-4)
    test, _ = titles(np.random.default_rng(1), 30)
    logits = process.sharpness * (covariance(test, x) @ dual)
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(process.predict(test), expected, atol=2e-4)


@pytest.mark.parametrize(("first", "last"), [(0, 30), (30, 50), (50, 60), (35, 41)])
def test_left_out_is_a_fit_without_the_row(first, last):
    covariance = Covariance()
    x, y = titles(np.random.default_rng(2), 60)
    factor = Factor.of(covariance, x.take(slice(0, 30)), y[:30], 0.3)
    for start, end in ((30, 50), (50, 60)):
        factor = factor.extended(x.take(slice(start, end)), y[start:end], 0.3)
    found = factor.left_out(factor.fitted(CLASSES), first, last)
    for row in range(first, last):
        others = np.delete(np.arange(60), row)
        inverse = covariance_inverse(covariance, x.take(others), np.full(59, 0.3))
        scores = (
            covariance(x.take(np.array([row])), x.take(others)) @ inverse @ indicators(y[others], CLASSES)
        )
        np.testing.assert_allclose(found[row - first], scores[0], atol=5e-4)


def test_no_more_rows_leave_a_factor_as_it_is():
    x, y = titles(np.random.default_rng(3), 20)
    factor = Factor.of(Covariance(), x, y)
    assert factor.extended(x.take(slice(0, 0)), y[:0]) is factor


def test_shared_spelling_reaches_rows_that_the_embedding_cannot_tell():
    x, y = titles(np.random.default_rng(4), 400)
    blind = Features({"text": np.tile(x["text"][:1], (400, 1)), "ngram": x["ngram"]})
    train, test = slice(0, 300), slice(300, 400)
    share = {}
    for lexical in (0.0, 0.5):
        learner = GaussianProcess(CLASSES, Covariance(lexical=lexical))
        fitted = learner.fit(Sample(blind.take(train), y[train]))
        share[lexical] = (fitted.predict(blind.take(test)).argmax(axis=1) == y[test]).mean()
    assert share[0.0] < 0.4
    assert share[0.5] > 0.5


@given(st.lists(st.integers(0, 5), min_size=1, max_size=300), st.integers(6, 100))
@example([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3], 14)
@settings(max_examples=60, deadline=None)
def test_a_share_of_each_class_keeps_every_class_and_the_shares(labels, most):
    y = np.array(labels, np.int64)
    kept = share_of_each(y, most)
    assert len(kept) == min(most, len(y))
    assert (np.diff(kept) > 0).all()
    assert set(y[kept]) == set(y)
    counts, found = np.bincount(y, minlength=6), np.bincount(y[kept], minlength=6)
    there = counts > 0
    last, next_ = (found[there] - 1) / counts[there], found[there] / counts[there]
    # No class has a row that another, relative to its size, was to have sooner: Adams' way to share seats.
    assert last.max() <= next_.min() + 1e-12


def test_probabilities_become_as_sharp_as_the_scores_allow():
    generator = np.random.default_rng(5)
    scores = generator.normal(size=(4000, CLASSES))
    y = (7.0 * scores + generator.gumbel(size=scores.shape)).argmax(axis=1)
    assert sharpest(scores, y) == pytest.approx(7.0, rel=0.15)


def test_mutual_pairs_find_a_hidden_order_from_both_sides():
    generator = np.random.default_rng(6)
    source = unit(generator.normal(size=(80, 16)))
    order = generator.permutation(80)
    target = unit(source[order] + 0.05 * generator.normal(size=(80, 16)))
    pairs = mutual_pairs(target, source)
    assert len(pairs.target) == 80
    assert (order[pairs.target] == pairs.source).all()
    assert (np.diff(pairs.score) <= 0).all()
    back = mutual_pairs(source, target)
    assert set(zip(back.source, back.target, strict=True)) == set(
        zip(pairs.target, pairs.source, strict=True)
    )


def test_a_crowded_row_is_not_everybodys_partner():
    generator = np.random.default_rng(7)
    source = unit(generator.normal(size=(50, 8)))
    source[0] = unit(source.mean(axis=0, keepdims=True))[0]
    target = unit(source + 0.6 * source[:1] + 0.1 * generator.normal(size=(50, 8)))
    pairs = mutual_pairs(target, source)
    assert (pairs.source == 0).sum() <= 1
    assert (pairs.target == pairs.source).mean() > 0.8


def test_the_map_undoes_what_moved_a_market_and_only_that():
    generator = np.random.default_rng(8)
    source = unit(generator.normal(size=(600, 12)))
    turn, _ = np.linalg.qr(np.eye(12) + 0.15 * generator.normal(size=(12, 12)))
    turn *= np.sign(np.diag(turn))
    target = unit(source @ turn + 0.03 * generator.normal(size=(600, 12)))
    back = moved(Features({"text": target}), map_between(target, source))["text"]
    assert (back * source).sum(axis=1).mean() > (target * source).sum(axis=1).mean() + 0.05
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), 1.0, atol=1e-5)
    few = map_between(unit(generator.normal(size=(3, 12))), unit(generator.normal(size=(3, 12))), pull=100.0)
    np.testing.assert_allclose(few, np.eye(12), atol=0.05)


def test_the_nearest_rows_vote_and_weights_count():
    rows = unit(np.array([[1, 0], [1, 0.01], [0, 1]]))
    sample = Sample(Features({"text": rows}), np.array([0, 1, 2]))
    even = NeighbourVote(3, k=2).fit(sample).predict(Features({"text": rows}))
    assert even.argmax(axis=1).tolist() == [0, 1, 2]
    heavy = Sample(sample.x, sample.y, np.array([1.0, 5.0, 1.0]))
    assert NeighbourVote(3, k=2).fit(heavy).predict(Features({"text": rows[:1]})).argmax() == 1
    np.testing.assert_allclose(even.sum(axis=1), 1.0)
    assert (even > 0).all()


def test_restored_predictors_give_the_same_bits():
    x, y = titles(np.random.default_rng(9), 80)
    sample = Sample(x, y)
    across = map_between(x["text"][:40], x["text"][40:])
    fitted = [GaussianProcess(CLASSES).fit(sample), NeighbourVote(CLASSES).fit(sample)]
    test = stack([x.take(slice(0, 10)), titles(np.random.default_rng(10), 20)[0]])
    for predictor in [*fitted, Moved(fitted[0], across)]:
        assert np.array_equal(restore(predictor.state()).predict(test), predictor.predict(test))
        assert predictor.predict(test.take(slice(0, 0))).shape == (0, CLASSES)


@pytest.mark.parametrize("home", [0, 25])
def test_parts_of_the_same_rows_answer_as_rows_of_their_own(home):
    x, y = titles(np.random.default_rng(5), 90)
    whole, codes = x.take(slice(home, 90)), y[home:]
    known = np.random.default_rng(6).random(len(whole)) < 0.7
    base = Factor.of(Covariance(), x.take(slice(0, home)), y[:home]) if home else None

    def answers(rows, asked):
        factor = (
            Factor.of(Covariance(), rows, codes[known]) if base is None else base.extended(rows, codes[known])
        )
        return factor.fitted(CLASSES, last=int(known.sum())).predict(asked)

    alone = answers(whole.take(known), whole.take(~known))
    shared = answers(whole.part(known), whole.part(~known))
    np.testing.assert_allclose(shared, alone, atol=1e-5)
    np.testing.assert_allclose(answers(whole.part(known), whole.take(~known)), alone, atol=1e-5)


def test_rows_of_a_part_are_a_part_of_the_same():
    x, _ = titles(np.random.default_rng(7), 30)
    part = x.part(np.arange(30) % 2 == 0).take(np.array([3, 1]))
    assert part.part_of[0] is x
    np.testing.assert_array_equal(part["text"], x["text"][[6, 2]])
    np.testing.assert_array_equal(part["text"], x.take(part.part_of[1])["text"])


def test_sharpness_of_many_rows_is_that_of_a_sample_of_them(monkeypatch):
    x, y = titles(np.random.default_rng(8), 1200)
    order = np.argsort(y, kind="stable")  # sorted rows: their last would be one class
    sample = Sample(x.take(order), y[order])
    every = GaussianProcess(CLASSES).fit(sample)
    monkeypatch.setattr(process_module, "MOST_LEFT_OUT", 400)
    some = GaussianProcess(CLASSES).fit(sample)
    assert abs(np.log(some.sharpness / every.sharpness)) < 0.5
    fresh, _ = titles(np.random.default_rng(9), 50)
    np.testing.assert_allclose(some.predict(fresh), every.predict(fresh), atol=0.15)


@given(st.integers(1, 40), st.integers(1, 2500), st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_nearest_rows_of_both_sides_are_those_of_the_search(n, m, seed):
    rng = np.random.default_rng(seed)
    target, source = unit(rng.normal(size=(m, 6))), unit(rng.normal(size=(n, 6)))
    k = min(n, m, 10)
    sides = [(target, source), (source, target)]
    for (scores, _), (a, b) in zip(nearest(target, source, k, k), sides, strict=True):
        np.testing.assert_allclose(scores, kernels.topk(a, b, k)[0], atol=1e-6)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([-1.0, 0.0, 0.5, 2.0])), max_size=40),
    st.sampled_from([0, 2**16 - 6, 2**16 - 3, 2**40]),
)
def test_the_rank_of_a_pair_is_how_many_of_its_row_stand_before_it(pairs, first):
    found = ranks(np.array([first + row for row, _ in pairs], np.int64), np.array([v for _, v in pairs]))
    for place, (row, value) in enumerate(pairs):
        before = [(v > value) or (v == value and k < place) for k, (r, v) in enumerate(pairs) if r == row]
        assert found[place] == sum(before)
