"""What leaves before single words are looked at, and blocks found whatever their numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.features.encoder import encoder
from xbsql.features.text import embed_texts
from xbsql.matching.columns import STANDING
from xbsql.matching.match import FEW_RIVALS, HOPELESS, describe, promising
from xbsql.matching.neighbours import blocks
from xbsql.matching.pairs import CandidatePairs, Side
from xbsql.matching.scorer import Scorer

SIDE = 90
LEFT, RIGHT = np.divmod(np.arange(SIDE * SIDE), SIDE)


@given(st.integers(0, 2**32 - 1))
def test_likely_pairs_and_those_of_rows_with_few_rivals_stay(seed):
    rng = np.random.default_rng(seed)
    odds, near = rng.normal(0, 3, len(LEFT)), rng.normal(size=len(LEFT))
    pairs = CandidatePairs(LEFT, RIGHT, near, near, near, near, None)
    blocks_of = np.where(np.arange(SIDE) < FEW_RIVALS, 0, 1)
    side = Side(["a"] * SIDE, np.zeros((SIDE, 2), np.float32), blocks_of)
    kept = promising(side, side, pairs, odds)
    few = blocks_of[LEFT] == 0
    assert kept[few].all()
    assert kept[~few].tolist() == (odds[~few] > HOPELESS).tolist()


def encode(texts):
    return embed_texts(texts, encoder())


def named(count, spelled):
    """Two sides of names of three words, each word in two languages: what two syllables are spelled as."""
    syllables = [(a, b) for a in ("ka", "li", "mo", "ne", "ru") for b in ("ba", "de", "fi", "go")]
    words, rng = [spelled(a, b) for a, b in syllables], np.random.default_rng(0)
    chosen = [rng.choice(len(words), 3, replace=False).tolist() for _ in range(count)]
    texts = [[" ".join(words[place][side] for place in row) for row in chosen] for side in (0, 1)]
    return [Side(each, encode(each)) for each in texts]


def test_what_something_else_speaks_for_is_looked_at_whatever_the_sieve_says():
    sides = named(60, lambda a, b: (f"{a}{b}o", f"{b}{a}u"))
    scorer, pieces = Scorer.default(), encoder().pieces
    whole = describe(*sides, encode, pieces, scorer.judges, lambda stands: np.full(len(stands), 1.0))
    keys = whole.pairs.i * len(sides[1]) + whole.pairs.j
    assert len(keys) > 1000
    none = describe(*sides, encode, pieces, scorer.judges, lambda stands: np.full(len(stands), -1.0))
    assert len(none.pairs) == len(none.table) == 0
    held = describe(
        *sides, encode, pieces, scorer.judges, lambda stands: np.full(len(stands), -1.0), keys[[3, 70]]
    )
    assert (held.pairs.i * len(sides[1]) + held.pairs.j).tolist() == sorted(keys[[3, 70]].tolist())


def test_the_sieve_keeps_likely_matches_and_leaves_most_pairs_out():
    """Names of one script whose words are made up: the sieve has not seen such."""
    sides = named(150, lambda a, b: (f"{a}{b}el", f"{a}{b}ello"))
    scorer, pieces = Scorer.default(), encoder().pieces
    whole = describe(*sides, encode, pieces, scorer.judges)
    kept = scorer.sieve(whole.table[:, : len(STANDING)]) > HOPELESS
    likely = scorer.scored(whole.table, whole.rivals) > 0
    assert likely.sum() > 100
    assert kept[likely].mean() > 0.98
    assert kept.mean() < 0.5


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
