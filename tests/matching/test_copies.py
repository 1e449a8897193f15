"""Rows of one text are one text, and as many rows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.harmonise.assignment import assigned
from xbsql.matching import copies as module
from xbsql.matching.copies import Copies, expanded
from xbsql.matching.pairs import CandidatePairs

TEXTS = st.lists(st.sampled_from(["tea", "hose", "belt", "n/a", "", None]), max_size=30)


def all_pairs(left, right):
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(len(left.texts)), np.arange(len(right.texts))))
    return CandidatePairs(i, j, *(np.zeros(len(i)),) * 4)


@settings(deadline=None)
@given(TEXTS)
def test_every_row_with_a_text_is_there_once_and_in_order(texts):
    found = Copies.of(texts, None)
    there = [row for row, text in enumerate(texts) if text not in ("n/a", "", None)]
    assert sorted(found.rows.tolist()) == there
    assert found.texts == sorted(set(found.texts))
    for text, start, count in zip(found.texts, found.start, found.count, strict=True):
        rows = found.rows[start : start + count].tolist()
        assert rows == [row for row, other in enumerate(texts) if other == text]


def test_a_text_of_two_blocks_is_two_and_one_without_a_block_is_none():
    found = Copies.of(["tea", "tea", "tea", "hose"], np.array([1, 0, -1, 0]))
    assert found.texts == ["hose", "tea", "tea"]
    assert found.block.tolist() == [0, 0, 1]
    assert found.rows.tolist() == [3, 1, 0]


@settings(deadline=None)
@given(TEXTS, TEXTS, st.integers(1, 4))
def test_as_many_rows_find_a_partner_as_the_smaller_side_has(left, right, most):
    kept = module.MOST_COPIES
    module.MOST_COPIES = most
    try:
        own, other = Copies.of(left, None), Copies.of(right, None)
        pairs = all_pairs(own, other)
        same = np.array([own.texts[i] == other.texts[j] for i, j in zip(pairs.i, pairs.j, strict=True)], bool)
        which, i, j = expanded(pairs, own, other)
    finally:
        module.MOST_COPIES = kept
    assert len(set(zip(i.tolist(), j.tolist(), strict=True))) == len(i)
    chosen = assigned(i, j, np.where(same[which], 5.0, -5.0), 0.0, (len(own.rows), len(other.rows)))
    for text in own.texts:
        rows = [row for row in range(len(own.rows)) if left[own.rows[row]] == text]
        there = sum(other == text for other in right)
        assert (chosen[rows] >= 0).sum() == min(len(rows), there)
