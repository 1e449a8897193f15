"""Gaps and mutual matches: what stands first for both of its rows, and what cannot be told apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xbsql.matching.pairs import Matches, gaps, mutual, once

LEFT, RIGHT = np.divmod(np.arange(12), 4)


@given(st.lists(st.integers(0, 5), min_size=12, max_size=12))
def test_a_mutual_match_is_first_of_both_rows_and_alone(values):
    scores = np.array(values, np.float64)
    grid = scores.reshape(3, 4)
    found = mutual(LEFT, RIGHT, scores, 3)
    for left, right in enumerate(found.right):
        if right < 0:
            assert found.likely[left] == 0
            continue
        assert (np.delete(grid[left], right) <= grid[left, right]).all()
        assert (np.delete(grid[:, right], left) <= grid[left, right]).all()
    chosen = found.right[found.right >= 0].tolist()
    assert len(chosen) == len(set(chosen))
    assert (gaps(LEFT, RIGHT, scores) >= 0).all()
    assert (gaps(LEFT, RIGHT, scores)[:, 0].reshape(3, 4).min(axis=1) == 0).all()


def test_what_cannot_be_told_apart_teaches_nothing():
    assert mutual(LEFT, RIGHT, np.ones(12), 3).right.tolist() == [-1, -1, -1]
    assert mutual(LEFT[:0], RIGHT[:0], np.empty(0), 3).right.tolist() == [-1, -1, -1]


def test_turned_twice_is_the_same():
    matches = Matches(np.array([2, -1, 0]), np.array([0.9, 0.0, 0.4]))
    turned = matches.turned(4)
    assert turned.right.tolist() == [2, -1, 0, -1]
    again = turned.turned(3)
    assert again.right.tolist() == matches.right.tolist()
    assert again.likely.tolist() == matches.likely.tolist()


def test_a_row_whose_best_pair_is_barred_teaches_nothing():
    scores = np.array([[9, 1, 1, 5], [1, 8, 2, 1], [1, 1, 7, 2]], np.float64).ravel()
    assert mutual(LEFT, RIGHT, scores, 3).without(np.array([0])).right.tolist() == [-1, 1, 2]
    assert mutual(LEFT, RIGHT, scores, 3).right.tolist() == [0, 1, 2]


@given(st.lists(st.integers(0, 9)))
def test_keys_that_return_are_there_once(keys):
    asked = np.array(keys, np.int64)
    found, places = once(asked)
    assert found.tolist() == sorted(set(keys)) == asked[places].tolist()
