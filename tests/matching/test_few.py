"""Tables and blocks of few rows: the only candidate is no match because it is the only one."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xbsql
from tests.goods import SAME, UNRELATED
from xbsql.matching.columns import DIRECTIONS, SIMILARITIES
from xbsql.matching.pairs import Side, rivals
from xbsql.matching.scorer import FEW, MANY, Scorer, odds, of_few


@pytest.fixture(scope="module")
def con():
    con = xbsql.connect()
    yield con
    con.close()


def matched(con, left, right, block=None, **more):
    """Left id -> right id and score of two lists of titles; a block is a list as long as each."""
    sides = [
        pa.table(
            {"id": range(len(titles)), "title": titles, "kind": (block or [0] * len(titles))[: len(titles)]}
        )
        for titles in (left, right)
    ]
    found = xbsql.match(con, *sides, "id", "title", "id", "title", block="kind" if block else None, **more)
    return {row["lid"]: (row["rid"], row["score"]) for row in found.to_pylist() if row["rid"] is not None}


@pytest.mark.parametrize("rows", range(1, 6))
def test_unrelated_titles_do_not_match_however_few_there_are(con, rows):
    for left, right in [("UK", "DE"), ("DE", "FR"), ("FR", "UK"), ("ES", "UK"), ("DE", "ES")]:
        own, other = (UNRELATED[language][:rows] for language in (left, right))
        assert matched(con, own, other) == {}, (left, right)
        assert matched(con, own, UNRELATED[right]) == {}, (left, right)


def test_unrelated_titles_of_one_row_a_block_do_not_match(con):
    for right in ("DE", "FR", "ES"):
        assert matched(con, UNRELATED["UK"], UNRELATED[right], block=["a", "b", "c", "d", "e"]) == {}


def test_one_brand_does_not_make_one_product(con):
    own, other = ([f"Aurora {title}" for title in UNRELATED[language]] for language in ("UK", "DE"))
    wrong = [matched(con, own[:rows], other[:rows]) for rows in range(1, 6)]
    assert sum(map(len, wrong)) <= 1, "of 15 rows that share a word with all others"
    assert all(score < 0.7 for found in wrong for _, score in found.values())


@pytest.mark.parametrize("rows", range(1, 6))
def test_translations_find_each_other_however_few_there_are(con, rows):
    for left, right in [("UK", "DE"), ("FR", "UK")]:
        found = matched(con, SAME[left][:rows], SAME[right][:rows])
        assert all(own == other for own, (other, _) in found.items())
        assert len(found) >= rows - 1 - rows // 4, (left, right, found)
    assert matched(con, SAME["UK"][:rows], SAME["UK"][:rows]).keys() == set(range(rows))


def test_the_lesser_number_of_either_side_in_the_block_are_the_rivals():
    vectors = np.zeros((3, 2), np.float32)
    left = Side(["a", "b", "c"], vectors, np.array([0, 0, 1]))
    right = Side(["d", "e", "f"], vectors, np.array([0, 1, 1]))
    assert rivals(left, right, np.array([0, 1, 2]), np.array([0, 0, 2])).tolist() == [1, 1, 1]
    both = Side(["d"] * 2, vectors[:2])
    assert rivals(Side(["a"] * 3, vectors), both, np.array([2]), np.array([1])).tolist() == [2]


def test_many_rivals_leave_a_pair_to_the_other_scorer():
    assert of_few(np.array([1, FEW, (FEW + MANY) // 2, MANY, 10**6])).tolist() == [1.0, 1.0, 0.5, 0.0, 0.0]
    table = np.zeros((2, len(DIRECTIONS)))
    scorer = Scorer.default()
    assert scorer.scored(table, np.array([MANY, MANY])).tolist() == scorer.scored(table).tolist()


@settings(max_examples=30, deadline=None)
@given(row=st.lists(st.floats(-3, 3), min_size=22, max_size=22), step=st.floats(0, 1e6))
def test_a_column_speaks_in_its_own_direction_only_where_few_stand(row, step):
    scorer = Scorer.default()
    better = [value + step * DIRECTIONS[name] for value, name in zip(row, SIMILARITIES, strict=True)]
    low, high = odds(scorer.few, np.array([row, better]), scorer.surest_of_few)
    assert high >= low
    assert abs(low) <= scorer.surest_of_few
