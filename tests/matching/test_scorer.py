"""The scorer of the package: what it may make of pairs unlike all that it was fitted on."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.matching.columns import DIRECTIONS, PAIR_COLUMNS, SIMILARITIES
from xbsql.matching.scorer import ROUNDS, Scorer

ANY = st.one_of(st.floats(-3, 3), st.sampled_from([-1e6, -1.0, 0.0, 1.0, 1e6]))
ROWS = st.lists(ANY, min_size=len(PAIR_COLUMNS), max_size=len(PAIR_COLUMNS))


def judged(name):
    """How many columns a round reads, and what it makes of them."""
    scorer = Scorer.default()
    judges = dict(zip(ROUNDS, (*scorer.judges, scorer.scored), strict=True))
    return len(SIMILARITIES if name == ROUNDS[0] else PAIR_COLUMNS), judges[name]


@pytest.mark.parametrize("name", ROUNDS)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_nothing_is_surer_than_the_pairs_it_was_fitted_on(name, data):
    width, judge = judged(name)
    odds = judge(np.array([data.draw(ROWS)[:width]]))
    assert np.isfinite(odds).all()
    assert abs(odds[0]) <= Scorer.default().surest < math.log(1e8)


@pytest.mark.parametrize("name", ROUNDS)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_column_speaks_in_its_own_direction_only(name, data):
    """Without this a pair of cosine .01 had log odds of 36: no tree had seen its like."""
    width, judge = judged(name)
    row = np.array(data.draw(ROWS)[:width])
    better = row.copy()
    for place, direction in enumerate(list(DIRECTIONS.values())[:width]):
        better[place] += direction * abs(data.draw(ANY))
    odds = judge(np.stack([row, better]))
    assert odds[1] >= odds[0]


def test_a_direction_is_known_of_every_column():
    assert list(DIRECTIONS) == list(PAIR_COLUMNS)
    assert set(DIRECTIONS.values()) == {-1, 0, 1}
    assert DIRECTIONS["cosine"] == DIRECTIONS["sizes"] == 1
    assert DIRECTIONS["nearness_gap_left"] == DIRECTIONS["carried_rank_right"] == -1


def test_no_pair_has_no_odds():
    assert Scorer.default().scored(np.empty((0, len(PAIR_COLUMNS)))).tolist() == []
