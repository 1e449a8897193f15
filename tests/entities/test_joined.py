"""Entities from pairs: the best partition of small cases, one row a market, any order, circles, guards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.harmonise.assignment import assigned
from xbsql.linking.graph import Graph
from xbsql.linking.joined import joined
from xbsql.linking.shards import shards
from xbsql.linking.worth import Rules, belongs, sums


def graph(market, pairs, **more):
    """A graph from {(row, row): odds}."""
    keys = sorted(pairs)
    i, j = (np.array([key[end] for key in keys], np.int64) for end in (0, 1))
    return Graph(np.array(market, np.int64), i, j, np.array([pairs[key] for key in keys], float), **more)


def drawn(seed, rows, markets):
    rng = np.random.default_rng(seed)
    market = np.sort(rng.integers(0, markets, rows))
    pairs = {
        (a, b): float(rng.normal(0, 3))
        for a in range(rows)
        for b in range(a + 1, rows)
        if market[a] != market[b] and rng.random() < 0.7
    }
    return graph(market, pairs)


def partitions(rows):
    """Every way to put rows together, as the lowest row of each row's part."""
    if not rows:
        yield []
        return
    for rest in partitions(rows[:-1]):
        for part in sorted({*rest, rows[-1]}):
            yield [*rest, part]


def total(found, made, rules):
    return float(sums(made, rules, np.array(found, np.int64)).worth(rules).sum())


def one_a_market(found, market):
    keys = list(zip(found, market, strict=True))
    return len(set(keys)) == len(keys)


@pytest.mark.parametrize("seed", range(12))
def test_it_is_near_the_best_of_all_partitions(seed):
    made, rules = drawn(seed, 7, 3), Rules()
    found = joined(made, rules)
    allowed = [p for p in partitions(list(range(7))) if one_a_market(p, made.market.tolist())]
    best = max(total(p, made, rules) for p in allowed)
    assert one_a_market(found.tolist(), made.market.tolist())
    assert total(found, made, rules) >= 0.85 * best


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 14))
def test_two_markets_are_assigned_as_one_to_one(seed, rows):
    made, rules = drawn(seed, rows, 2), Rules()
    chosen = assigned(made.i, made.j, made.odds, 0.0, (rows, rows))
    best = made.odds[chosen[chosen >= 0]].sum()
    assert total(joined(made, rules), made, rules) == pytest.approx(best)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_markets_changes_nothing(seed, random):
    made, rules = drawn(seed, 12, 4), Rules()
    order = list(range(12))
    random.shuffle(order)
    place = {row: new for new, row in enumerate(order)}
    again = graph(
        made.market[order],
        {
            tuple(sorted((place[a], place[b]))): odds
            for a, b, odds in zip(made.i.tolist(), made.j.tolist(), made.odds.tolist(), strict=True)
        },
    )
    groups = [
        {frozenset(np.flatnonzero(entity == each).tolist()) for each in entity}
        for entity in (joined(made, rules), joined(again, rules))
    ]
    assert groups[0] == {frozenset(order[row] for row in group) for group in groups[1]}


def test_the_prior_of_two_markets_does_not_depend_on_how_rows_are_mixed():
    pairs = {(0, 2): 2.0, (0, 3): 1.0, (1, 3): 0.5}
    mixed = {(0, 2): 2.0, (0, 1): 1.0, (1, 3): 0.5}
    apart, between = graph([0, 0, 1, 1], pairs), graph([0, 1, 1, 0], mixed)
    assert between.prior == pytest.approx(apart.prior)


def circle(odds, closing):
    """Three markets of 40 rows; a pair of each two markets is as likely as given."""
    market = np.repeat(np.arange(3), 40)
    pairs = {(k, 40 + k): odds for k in range(40)} | {(40 + k, 80 + k): odds for k in range(40)}
    pairs |= {(k, 80 + k): closing for k in range(40)}
    return graph(market, pairs)


def test_a_circle_lifts_what_no_pair_alone_would_show():
    entity = joined(circle(-0.5, -0.5), Rules())
    assert (entity[:40] == entity[80:]).all()
    alone = graph([0] * 40 + [1] * 40, {(k, 40 + k): -0.5 for k in range(40)})
    assert len(set(joined(alone, Rules()).tolist())) == 80


def test_what_speaks_against_one_pair_holds_back_the_circle():
    made = circle(1.0, -12.0)
    assert not (joined(made, Rules())[:40] == joined(made, Rules())[80:]).any()


def test_rows_of_one_market_are_joined_where_many_may_be():
    made = graph([0, 0, 1], {(0, 2): 5.0, (1, 2): 4.0})
    assert joined(made, Rules()).tolist() == [0, 1, 0]
    assert joined(made, Rules(many=True)).tolist() == [0, 0, 0]


def test_settled_entities_stay_and_new_rows_are_placed_among_them():
    pairs = {(0, 2): -9.0, (0, 4): 5.0, (1, 3): 6.0, (1, 5): 6.0, (2, 4): 4.0, (3, 5): 6.0}
    made = graph([0, 0, 1, 1, 2, 2], pairs)
    known = np.array([7, 8, 7, 9, -1, -1])
    found = joined(made, Rules(), known)
    assert found[0] == found[2] == found[4]
    assert found[1] != found[3]
    assert found[5] in (found[1], found[3])


def test_a_known_difference_is_never_joined_not_even_by_way_of_a_third():
    pairs = {(0, 1): 6.0, (1, 2): 6.0}
    made = graph([0, 1, 2], {**pairs, (0, 2): 2.0}, apart=np.array([0 * 3 + 2]))
    found = joined(made, Rules())
    assert found[0] != found[2]
    assert len(set(found.tolist())) == 2


def test_the_odds_of_a_row_of_two_are_those_of_their_pair():
    made = graph([0, 1, 1], {(0, 1): 1.5})
    assert belongs(made, Rules(), np.array([0, 0, 2])).tolist() == pytest.approx(
        [1.5, 1.5, np.nan], nan_ok=True
    )


def test_a_higher_threshold_joins_no_more():
    made = drawn(3, 14, 3)
    counts = [len(set(joined(made, Rules(threshold=each)).tolist())) for each in (-3.0, 0.0, 3.0, 20.0)]
    assert counts == sorted(counts)
    assert counts[-1] == 14


def test_no_rows_have_no_entities():
    assert len(joined(graph([], {}), Rules())) == 0
    assert joined(graph([-1, -1], {}), Rules()).tolist() == [0, 1]


def test_shards_hold_whole_blocks_and_every_row_once():
    block = np.array([3, 0, 1, 1, -1, 2, 2, 2, 0, 4])
    found = shards(block, 3)
    assert sorted(np.concatenate(found).tolist()) == list(range(10))
    assert [sorted(set(np.maximum(block[rows], 0).tolist())) for rows in found] == [[0], [1, 2], [3, 4]]
    assert shards(np.empty(0, np.int64), 3) == []
    assert [rows.tolist() for rows in shards(np.zeros(4, np.int64), 1)] == [[0, 1, 2, 3]]
