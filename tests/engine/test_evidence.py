from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.engine.candidate import Sample
from xbsql.engine.evidence import of_units, standard_scores, standing, tempered, trust_in, weigh
from xbsql.engine.folds import assign_folds, enough
from xbsql.engine.objective import classification, regression


def losses(generator, n, *means):
    return np.stack([mean + generator.normal(size=n) for mean in means])


def test_what_cannot_be_told_from_the_best_keeps_weight_and_what_is_clearly_worse_loses_it():
    found = losses(np.random.default_rng(0), 400, 0.0, 0.02, 2.0)
    weights = weigh(found, np.ones(3))
    assert weights[:2].min() > 0.1
    assert weights[2] == 0.0


def test_without_a_difference_the_weights_are_the_prior():
    same = np.tile(np.random.default_rng(1).normal(size=50), (3, 1))
    np.testing.assert_allclose(weigh(same, np.array([1.0, 2.0, 1.0])), [0.25, 0.5, 0.25])


def test_evidence_that_is_not_trusted_leaves_the_prior():
    found = losses(np.random.default_rng(3), 400, 0.0, 0.2)
    full, half, none = (weigh(found, np.array([1.0, 3.0]), t) for t in (1.0, 0.2, 0.0))
    assert full[1] < half[1] < none[1]
    np.testing.assert_allclose(none, [0.25, 0.75])


@given(st.integers(0, 1000), st.integers(2, 6))
def test_weights_sum_to_one_and_do_not_depend_on_the_order(seed, candidates):
    generator = np.random.default_rng(seed)
    found = losses(generator, 40, *generator.normal(size=candidates) / 3)
    order = generator.permutation(candidates)
    weights = weigh(found, np.ones(candidates))
    assert weights.sum() == pytest.approx(1.0)
    assert ((weights == 0) | (weights >= 0.01)).all()
    np.testing.assert_allclose(weigh(found[order], np.ones(candidates)), weights[order], atol=1e-9)


@given(st.integers(0, 1000))
def test_a_unit_counts_once_however_many_rows_it_has(seed):
    generator = np.random.default_rng(seed)
    single, copies = generator.normal(size=(3, 40)), generator.integers(1, 30, 40)
    copied, group = np.repeat(single, copies, axis=1), np.repeat(generator.permutation(40), copies)
    shuffled = generator.permutation(len(group))
    units = of_units(copied[:, shuffled], group[shuffled])
    np.testing.assert_allclose(np.sort(units, axis=1), np.sort(single, axis=1))
    np.testing.assert_allclose(standard_scores(units), standard_scores(single))
    np.testing.assert_allclose(weigh(units, np.ones(3)), weigh(single, np.ones(3)), atol=1e-9)


@given(st.integers(0, 1000), st.integers(2, 5), st.integers(1, 3))
def test_folds_spread_classes_evenly_and_keep_groups_whole(seed, folds, size):
    generator = np.random.default_rng(seed)
    y = np.repeat(generator.integers(0, 3, 40), size)
    group = np.repeat(generator.permutation(40), size)
    found = assign_folds(y, group, folds, generator)
    assert len(np.unique(np.stack([group, found]), axis=1).T) == 40
    for code in np.unique(y):
        counts = np.bincount(found[y == code], minlength=folds) / size
        assert counts.max() - counts.min() <= 2


@pytest.mark.parametrize(
    ("y", "group", "sufficient"),
    [
        (np.r_[np.zeros(25), np.ones(5)], None, True),
        (np.r_[np.zeros(24), np.ones(5)], None, False),
        (np.r_[np.zeros(96), np.ones(4)], None, False),
        (np.r_[np.zeros(50), np.ones(50)], np.repeat(np.arange(20), 5), False),
        (np.arange(40), None, False),
        (np.r_[np.arange(20), np.repeat(np.arange(20, 30), 2)], None, True),
        (np.r_[np.arange(21), np.repeat(np.arange(21, 31), 2)], None, False),
    ],
)
def test_folds_need_thirty_independent_labels_and_five_outside_the_largest_class(y, group, sufficient):
    sample = Sample(None, y.astype(int), group=group)
    assert enough(sample, classification(2)) is sufficient


def test_values_need_thirty_labels_alone():
    assert enough(Sample(None, np.zeros(30)), regression())
    assert not enough(Sample(None, np.zeros(29)), regression())


@pytest.mark.parametrize(("rare", "expected"), [(0, 0.5), (8, 0.52), (15, 0.71), (30, 1.0), (500, 1.0)])
def test_the_prior_holds_against_few_labels_of_a_rare_class(rare, expected):
    assert trust_in(rare) == pytest.approx(expected, abs=0.01)


@given(st.integers(0, 1000), st.floats(0.1, 10.0))
def test_labels_that_stand_for_more_count_more_and_only_their_ratio_matters(seed, times):
    generator = np.random.default_rng(seed)
    sampling = generator.uniform(0.1, 30.0, 40)
    assert tempered(sampling).mean() == pytest.approx(1.0)
    np.testing.assert_allclose(tempered(times * sampling), tempered(sampling))
    order = np.argsort(sampling)
    assert (np.diff(tempered(sampling)[order]) >= 0).all()
    assert tempered(sampling).max() < sampling.max() / sampling.mean()
    assert 1 / 40 <= standing(sampling) <= 1.0
    assert standing(np.full(40, times)) == pytest.approx(1.0)
