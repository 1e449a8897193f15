"""Many classes: learners that cost a few passes, judged on rows held out once."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax

from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.candidates.discriminant import Discriminant
from xbsql.engine.candidates.label_tree import (
    LEAST_LIKELY,
    LOOKED_AT,
    OTHERS,
    SHARPNESS,
    LabelTree,
    LabelTreePredictor,
    grouped,
)
from xbsql.engine.candidates.nodes import NodePredictor
from xbsql.engine.evidence import Setting
from xbsql.engine.held_out import hold_out, judged_once, many
from xbsql.engine.objective import classification
from xbsql.engine.transfer import NO_SOURCE
from xbsql.features.views import Features
from xbsql.store.model import restore

CLASSES = 40


def texts(rows, seed=0, classes=CLASSES, width=400):
    """Rows whose n-grams and embedding say the class, with noise; the last class has no row."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99)
    own, means = centres.integers(0, width, (classes, 6)), centres.normal(size=(classes, 16))
    y = generator.integers(0, classes - 1, rows)
    columns = np.concatenate([own[y], generator.integers(0, width, (rows, 4))], axis=1)
    place = np.repeat(np.arange(rows), columns.shape[1]), columns.ravel()
    grams = sparse.csr_matrix((np.full(columns.size, 0.3, np.float32), place), shape=(rows, width))
    text = means[y] + generator.normal(size=(rows, 16))
    text = (text / np.linalg.norm(text, axis=1, keepdims=True)).astype(np.float32)
    return Sample(Features({"ngram": grams, "text": text}), y)


@pytest.mark.parametrize("learner", [LabelTree(CLASSES), Discriminant(CLASSES)], ids=["tree", "discriminant"])
def test_a_learner_of_many_classes_learns_and_comes_back_bit_for_bit(learner):
    fitted, other = learner.fit(texts(2000)), texts(300, seed=1)
    found = fitted.predict(other.x)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)
    assert (found.argmax(axis=1) == other.y).mean() > 0.8
    assert found[:, CLASSES - 1].max() < 0.2
    np.testing.assert_array_equal(restore(fitted.state()).predict(other.x), found)
    assert fitted.predict(other.x.take(slice(0, 0))).shape == (0, CLASSES)


def test_a_weight_is_a_row_that_stands_twice():
    sample = texts(300)
    twice = sample.take(np.repeat(np.arange(300), 2))
    weighed = Sample(sample.x, sample.y, np.full(300, 2.0))
    lines = [Discriminant(CLASSES).fit(each) for each in (twice, weighed)]
    directions = [line.coefficients / np.linalg.norm(line.coefficients) for line in lines]
    np.testing.assert_allclose(*directions, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3, 9, 200])
def test_groups_hold_every_class_and_are_about_as_many_as_their_members(classes):
    sample = texts(500, classes=max(classes, 2))
    group = grouped(sample.x["ngram"], sample.y, classes)
    assert len(group) == classes
    assert sorted(set(group.tolist())) == list(range(group.max() + 1))
    assert group.max() + 1 <= max(round(classes**0.5), 1)


def test_two_classes_and_a_class_alone_in_its_group():
    sample = texts(200, classes=3)
    fitted = LabelTree(3).fit(sample)
    assert isinstance(fitted, LabelTreePredictor)
    assert (fitted.predict(sample.x).argmax(axis=1) == sample.y).mean() > 0.9


def test_a_class_is_as_likely_as_its_group_and_its_place_within_it():
    fitted, other = LabelTree(CLASSES).fit(texts(2000)), texts(50, seed=2)
    found, members = fitted.predict(other.x), fitted.members.toarray()
    order, count = np.argsort(fitted.group, kind="stable"), fitted.groups.shape[1]
    for row, grams in enumerate(other.x["ngram"].toarray()):
        likely = softmax(SHARPNESS * (grams @ fitted.groups.toarray() + fitted.intercepts[:count]))
        expected = np.full(CLASSES, OTHERS / CLASSES)
        for group in np.argsort(-likely)[:LOOKED_AT]:
            if likely[group] >= LEAST_LIKELY * likely.max():
                own = np.flatnonzero(fitted.group[order] == group)
                scores = grams @ members[:, own] + fitted.intercepts[count + own]
                expected[order[own]] += likely[group] * softmax(SHARPNESS * scores)
        np.testing.assert_allclose(found[row], expected / expected.sum(), rtol=1e-4, atol=1e-7)


def test_rows_are_held_out_once_and_groups_stay_whole():
    sample = texts(3000)
    group = np.random.default_rng(0).integers(0, 1000, 3000)
    sample = Sample(sample.x, sample.y, group=group)
    setting = Setting(NO_SOURCE, sample, sample.x, classification(CLASSES), None, 0)
    sizes = []

    def fit(source, target, unlabelled):
        sizes.append(len(target))
        return Discriminant(CLASSES).fit(target)

    found = hold_out(setting, [Candidate("target_only:text", "target", fit)], {}, lambda name: None)
    assert not set(group[found.rows]) & set(group[~found.rows])
    assert sizes == [int((~found.rows).sum())]
    assert 300 <= found.rows.sum() <= 310
    assert found.evidence.losses.shape == (1, found.rows.sum())
    np.testing.assert_array_equal(found.evidence.y, sample.y[found.rows])


def test_what_is_many():
    assert not many(100_000, None)
    assert not many(100_000, 20)
    assert many(12_000, 394)
    assert judged_once(12_000, 394)
    assert not judged_once(200, 5000)


def test_a_name_that_is_near_to_everything_does_not_win_for_it():
    """Hubs: rows of a target say which name all of them are near to."""
    generator = np.random.default_rng(0)
    true = generator.normal(size=(120, 32))
    hub = true.mean(axis=0) * 20
    names = np.vstack([true, hub])
    rows = true + 1.2 * generator.normal(size=true.shape) + 0.35 * hub
    names, rows = ((x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in (names, rows))
    empty = sparse.csr_matrix((len(names), 8), dtype=np.float32)
    nodes = NodePredictor.of(Sample(Features({"text": names, "ngram": empty}), np.arange(121)), names)
    x = Features({"text": rows, "ngram": empty[:120]})
    plain, adapted = (each.predict(x).argmax(axis=1) for each in (nodes, nodes.adapted(rows, empty[:120])))
    assert (adapted == np.arange(120)).mean() > (plain == np.arange(120)).mean() + 0.1
    assert (adapted == 120).mean() < 0.05


def test_nodes_that_an_older_version_stored_say_the_same_but_know_of_no_nonsense():
    generator = np.random.default_rng(0)
    names, rows = (generator.normal(size=(n, 16)).astype(np.float32) for n in (20, 150))
    names, rows = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (names, rows))
    empty = sparse.csr_matrix((20, 8), dtype=np.float32)
    found = NodePredictor.of(Sample(Features({"text": names, "ngram": empty}), np.arange(20)), names)
    state = found.state()
    old = {name: value for name, value in state.arrays.items() if name != "nonsense"}
    again = NodePredictor.from_state(replace(state, arrays={**old, "across": np.eye(16, dtype=np.float32)}))
    x = Features({"text": rows, "ngram": sparse.csr_matrix((150, 8), dtype=np.float32)})
    assert again.predict(x) == pytest.approx(found.predict(x), abs=1e-5)
