"""Rows that belong stay, rows with as likely partners elsewhere do not, and what is held stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.entities.test_joined import drawn, graph
from xbsql.linking.belonging import belonging, figures, without_doubtful
from xbsql.linking.joined import joined
from xbsql.linking.worth import Rules

FREE = np.zeros(5, np.bool_)


def test_partners_elsewhere_speak_against_a_row_and_partners_within_for_it():
    alone = graph([0, 1, 1, 2, 2], {(0, 1): 2.0})
    rival = graph([0, 1, 1, 2, 2], {(0, 1): 2.0, (0, 2): 2.0})
    circle = graph([0, 1, 1, 2, 2], {(0, 1): 2.0, (0, 3): 2.0, (1, 3): 2.0})
    pair, three = np.array([0, 0, 2, 3, 4]), np.array([0, 0, 2, 0, 4])
    odds = [belonging(alone, Rules(), pair)[0], belonging(rival, Rules(), pair)[0]]
    assert odds[1] < odds[0] < belonging(circle, Rules(), three)[0]
    assert belonging(rival, Rules(), pair)[1] == pytest.approx(belonging(alone, Rules(), pair)[1], abs=0.3)
    assert np.isnan(belonging(alone, Rules(), pair)[2:]).all()


def test_copies_of_a_partner_are_no_rivals():
    pairs = {(0, 1): 2.0, (0, 2): 2.0, (0, 3): 1.0, (0, 4): 1.0}
    entity, copy = np.array([0, 0, 2, 3, 4]), np.array([0, 1, 1, 3, 3])
    market = [0, 1, 1, 1, 1]
    beyond = figures(graph(market, pairs, copy=copy), Rules(), entity)[0, 2] ** 2
    assert beyond == pytest.approx(1 / (1 + np.exp(-1.0)))
    apart = figures(graph(market, pairs), Rules(), entity)[0, 2] ** 2
    assert apart == pytest.approx(1 / (1 + np.exp(-2.0)) + 2 / (1 + np.exp(-1.0)))


def test_a_row_that_is_held_stays():
    made = graph([0, 1, 1, 1, 1], {(0, 1): 0.1, (0, 2): 3.0, (0, 3): 3.0, (0, 4): 3.0})
    entity = np.array([0, 0, 2, 3, 4])
    found, odds = without_doubtful(made, Rules(), entity, FREE, 0.0)
    assert found.tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(odds).all()
    held = np.array([True, True, False, False, False])
    assert without_doubtful(made, Rules(), entity, held, 0.0)[0].tolist() == entity.tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1.0, 5.0))
def test_what_stays_belongs_and_no_entity_gets_a_row(seed, least):
    made, rules = drawn(seed, 9, 3), Rules()
    entity = joined(made, rules)
    found, odds = without_doubtful(made, rules, entity, np.zeros(9, np.bool_), least)
    stays = np.isfinite(odds)
    assert (odds[stays] >= least).all()
    assert all(len(set(entity[found == each].tolist())) == 1 for each in set(found.tolist()))
    assert (np.bincount(found, minlength=9)[found] > 1).tolist() == stays.tolist()
