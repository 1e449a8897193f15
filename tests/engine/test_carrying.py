"""Rows carried to where names lie: a word that is read wrongly is learnt from the names it stands in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from xbsql.engine.candidates.carrying import WIDTH, carried, learnt_map, older_map


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def market():
    """Names of two words each, and the same in a language a quarter of whose words are read wrongly."""
    generator = np.random.default_rng(0)
    words = generator.normal(size=(40, 64))
    seen = np.where(np.arange(40)[:, None] % 4, words, generator.normal(size=(40, 64)))
    pairs = np.array([(a, b) for a in range(40) for b in range(a)])
    pairs = pairs[generator.permutation(len(pairs))[:780]]
    held = np.zeros((len(pairs), 1000), np.float32)
    held[np.arange(len(pairs))[:, None], pairs * 7] = np.sqrt(0.5)
    names, rows = (unit(each[pairs].sum(axis=1)) for each in (words, seen))
    return names, rows, sparse.csr_matrix(held)


def right(rows, names):
    return ((rows @ names.T).argmax(axis=1) == np.arange(len(rows)))[680:].mean()


def test_rows_that_taught_nothing_come_nearer_to_their_names(market):
    names, rows, grams = market
    across = learnt_map(rows[:680], grams[:680], names)
    assert across.shape == (64 + WIDTH, 64)
    there = carried(rows, grams, across)
    assert np.linalg.norm(there, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert right(there, names) > right(rows, names) + 0.03
    near = [(each * names).sum(axis=1)[680:].mean() for each in (there, rows)]
    assert near[0] > near[1] + 0.03


def test_where_nothing_is_near_little_moves(market):
    names, rows, grams = market
    across = learnt_map(rows[:2], grams[:2], names)
    assert (carried(rows, grams, across) * rows).sum(axis=1)[680:].mean() > 0.95


def test_a_map_of_vectors_alone_says_where_rows_lie(market):
    _, rows, grams = market
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(64, 64)))[0].astype(np.float32)
    found = carried(rows, grams, older_map(turned))
    assert found == pytest.approx(unit(rows + unit(rows @ turned)), abs=1e-5)
