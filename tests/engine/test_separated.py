"""Means of classes are moved until unlabelled rows are torn between few classes, and never lose a class."""

import numpy as np
import pytest
import torch

from xbsql.engine.candidates.prototypes import Known, fit_prototypes, fit_space
from xbsql.engine.candidates.separated import SHARPNESS, Given, _confusion, directions_of, separated
from xbsql.engine.design import unit

CLASSES, WIDTH, ROWS = 6, 24, 60


def shop(seed, away=1.2):
    """Home rows, one a class, and target rows whose classes lie away from them, each its own way."""
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(CLASSES, WIDTH))
    there = middle + away * rng.normal(size=middle.shape)
    y = np.repeat(np.arange(CLASSES), ROWS)
    rows = there[y] + 2.2 * rng.normal(size=(len(y), WIDTH))
    order = rng.permutation(len(y))
    return unit(middle.astype(np.float32)), unit(rows[order].astype(np.float32)), y[order]


def known(rows, y):
    return Known(np.asarray(rows, np.float32), np.asarray(y, np.int64))


def fitted(home, pool, own=None, classes=CLASSES):
    space = fit_space(np.zeros(home.rows.shape[1], np.float32), pool if len(pool) else home.rows)
    own = own or known(home.rows[:0], [])
    start = fit_prototypes(space, home, own, pool, classes)
    both = known(np.concatenate([home.rows, own.rows]), np.concatenate([home.y, own.y]))
    given = Given(both, pool, directions_of(pool, home.rows), labels=bool(len(own.y)))
    return start, separated(start, given)


def right(found, rows, y):
    return float((found.owner[(rows @ found.means.T).argmax(axis=1)] == y).mean())


def test_unlabelled_rows_are_told_right_more_often():
    gains = []
    for seed in range(6):
        home, pool, y = shop(seed)
        start, found = fitted(known(home, range(CLASSES)), pool)
        gains.append(right(found, pool, y) - right(start, pool, y))
    assert np.mean(gains) > 0.015
    assert min(gains) >= 0.0


@pytest.mark.parametrize("rows", [1, 7, 200])
@pytest.mark.parametrize("classes", [2, 5, 31])
def test_confusion_is_that_of_the_paper(rows, classes):
    """Jin et al., equations 2 to 6, in float64: the mean of what stands beside the diagonal."""
    rng = np.random.default_rng(rows * classes)
    told = rng.dirichlet(np.full(classes, 0.5), size=rows)
    entropy = -(told * np.log(told)).sum(axis=1)
    weight = rows * (1 + np.exp(-entropy)) / (1 + np.exp(-entropy)).sum()
    table = np.einsum("ni,n,nj->ij", told, weight, told)
    table /= table.sum(axis=1, keepdims=True)
    beside = (table.sum() - np.trace(table)) / classes
    assert float(_confusion(torch.from_numpy(told))) == pytest.approx(beside, abs=1e-6)


def test_sure_answers_are_not_confused():
    assert float(_confusion(torch.eye(4))) == pytest.approx(0.0, abs=1e-6)
    assert float(_confusion(torch.full((5, 4), 0.25))) == pytest.approx(0.75, abs=1e-6)


def test_directions_are_of_length_one_and_at_right_angles():
    _, pool, _ = shop(0)
    found = directions_of(pool, np.zeros((3, WIDTH), np.float32))
    np.testing.assert_allclose(found @ found.T, np.eye(len(found)), atol=1e-4)
    assert not len(directions_of(np.zeros((4, 8), np.float32)))


@pytest.mark.parametrize(
    "case", ["no pool", "no picture", "one without a picture", "one class missing", "several means a class"]
)
def test_what_is_missing_stays_missing(case):
    home, pool, _ = shop(1)
    classes, labels = CLASSES, np.arange(CLASSES)
    if case == "no pool":
        pool = pool[:0]
    if case == "no picture":
        home = np.zeros_like(home)
        pool = np.zeros_like(pool)
    if case == "one without a picture":
        home[2] = 0.0
    if case == "one class missing":
        classes += 1
    if case == "several means a class":
        labels = labels // 2
    start, found = fitted(known(home, labels), pool, classes=classes)
    assert (found.owner == start.owner).all()
    there = start.means.any(axis=1)
    assert (found.means.any(axis=1) == there).all()
    np.testing.assert_allclose(np.linalg.norm(found.means[there], axis=1), 1.0, atol=1e-5)
    assert np.isfinite(found.means).all()
    assert found.sharpness == (start.sharpness if case == "no picture" else SHARPNESS)


def test_labels_of_the_target_are_followed_and_the_same_rows_give_the_same_means():
    home, pool, y = shop(2, away=2.5)
    shown = np.concatenate([np.flatnonzero(y == code)[:5] for code in range(CLASSES)])
    own, rest = known(pool[shown], y[shown]), np.setdiff1d(np.arange(len(y)), shown)
    _, found = fitted(known(home, range(CLASSES)), pool[rest], own)
    _, again = fitted(known(home, range(CLASSES)), pool[rest], own)
    assert np.array_equal(found.means, again.means)
    _, without = fitted(known(home, range(CLASSES)), pool[rest])
    assert right(found, pool[rest], y[rest]) > right(without, pool[rest], y[rest]) + 0.1
