"""threshold_join: every pair of the definition, in order, and no other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import reference, threshold_join


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of a few hundred rows, so that a small corpus has several."""
    monkeypatch.setattr("xbsql.kernels.cpu_scan._VALUES", 1 << 13)
    monkeypatch.setattr("xbsql.kernels.cpu_scan._QUERIES", 128)


def sides(rng, m, n):
    """Two sides in which many rows occur twice."""
    left = rng.standard_normal((m, 24)).astype(np.float32)
    left[m // 2 :] = left[: m - m // 2]
    if n is None:
        return left, None
    right = rng.standard_normal((n, 24)).astype(np.float32)
    right[: min(m, n) // 3] = left[: min(m, n) // 3]
    return left, right


@pytest.mark.parametrize("keep", [None, 0.9, 0.2, 0.0], ids="keep={}".format)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("metric", "threshold"), [("cosine", 0.5), ("dot", 9.0), ("l2", -12.0), ("cosine", -1.0)]
)
@pytest.mark.parametrize("shape", [(1, None), (1, 1), (7, None), (601, None), (140, 701)], ids=str)
def test_is_the_definition(shape, metric, threshold, weighted, keep):
    rng = np.random.default_rng(1)
    left, right = sides(rng, *shape)
    w = rng.random(24) if weighted else None
    mask = None if keep is None else rng.random(shape[1] or shape[0]) < keep
    found = threshold_join(left, right, threshold, metric=metric, weights=w, mask=mask)
    wide = (left.astype(float), None if right is None else right.astype(float))
    for mine, theirs in zip(found, reference.threshold_join(*wide, threshold, metric, w, mask), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_threshold_itself_is_in():
    x = np.eye(4, dtype=np.float32)
    i, j, score = threshold_join(x, x * 2, 2.0, metric="dot")
    assert (i.tolist(), j.tolist(), score.tolist()) == ([0, 1, 2, 3], [0, 1, 2, 3], [2.0] * 4)


def test_nan_is_in_no_pair():
    x = torch.ones(6, 3)
    x[2, 1] = torch.nan
    i, j, _ = threshold_join(x, threshold=0.9)
    assert 2 not in {*i.tolist(), *j.tolist()}
    assert len(i) == 10


def test_too_many_pairs_are_refused():
    x = np.ones((100, 3), np.float32)
    assert len(threshold_join(x, max_pairs=4950)[0]) == 4950
    with pytest.raises(
        ValueError, match=r"threshold_join: more than max_pairs=4949 pairs reach 0\.9; raise either"
    ):
        threshold_join(x, max_pairs=4949)


@pytest.mark.parametrize("empty", ["left", "right"])
def test_an_empty_side_has_no_pairs(empty):
    x, none = np.ones((3, 2), np.float32), np.empty((0, 2), np.float32)
    found = threshold_join(*((none, x) if empty == "left" else (x, none)))
    assert [len(each) for each in found] == [0, 0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": np.nan}, "threshold is nan; it must be a finite number"),
        ({"right": np.ones((2, 3), np.float32)}, "left has 2 columns, right has 3"),
        ({"metric": "jaccard"}, "metric is 'jaccard'"),
        ({"max_pairs": -1}, "max_pairs is -1"),
        ({"mask": np.ones(3, bool)}, "mask has 3 entries; it needs 4"),
    ],
)
def test_mistakes_are_one_line(options, message):
    with pytest.raises(ValueError, match=message):
        threshold_join(np.ones((4, 2), np.float32), **options)
