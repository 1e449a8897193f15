"""What leaves after the first round, and blocks found whatever their numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.matching.match import CLOSELY, HOPELESS, HUBS, promising
from xbsql.matching.neighbours import blocks
from xbsql.matching.pairs import CandidatePairs, Side
from xbsql.matching.stated import CONTRADICT

SIDE = 40
LEFT, RIGHT = np.divmod(np.arange(SIDE * SIDE), SIDE)


@given(st.integers(0, 2**32 - 1))
def test_likely_pairs_and_the_best_of_every_row_stay(seed):
    rng = np.random.default_rng(seed)
    odds, near = rng.normal(-8, 3, len(LEFT)), rng.normal(size=len(LEFT))
    stated = np.where(rng.random((len(LEFT), 2)) < 0.1, CONTRADICT, 0.0)
    pairs = CandidatePairs(LEFT, RIGHT, near, near, near, near, stated)
    kept = promising(pairs, odds)
    assert kept[pairs.allowed & (odds > HOPELESS)].all()
    for rows in (LEFT, RIGHT):
        for row in range(SIDE):
            own = np.flatnonzero(rows == row)
            assert kept[own[np.argsort(-near[own])[:HUBS]]].all(), "nearest, also where they are barred"
            able = own[pairs.allowed[own]]
            assert kept[able[np.argsort(-odds[able])[:CLOSELY]]].all()
    assert not kept[odds < -12].all(), "the rest leaves"


@pytest.mark.parametrize("seed", range(3))
def test_blocks_hold_the_rows_of_both_sides_ascending(seed):
    rng = np.random.default_rng(seed)
    one, two = rng.integers(-1, 6, 30), rng.integers(-1, 9, 20)
    vectors = np.zeros((30, 2), np.float32)
    found = blocks(Side(["a"] * 30, vectors, one), Side(["b"] * 20, vectors[:20], two))
    expected = sorted(set(one.tolist()) & set(two.tolist()) - {-1})
    assert [one[own[0]] for own, _ in found] == expected
    for (own, other), block in zip(found, expected, strict=True):
        assert own.tolist() == np.flatnonzero(one == block).tolist()
        assert other.tolist() == np.flatnonzero(two == block).tolist()
