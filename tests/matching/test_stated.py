"""Sizes, counts and model numbers: what agrees, what contradicts, and what only one title states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.matching.stated import AGREE, APART, CONTRADICT, SILENT, Stated, compared, contradicting

ONE = np.zeros(1, np.int64)
WORDS = ["tea", "hose", "250 ml", "0,25 l", "1 kg", "12 pcs", "x6", "60 x 40 cm", "RX-580", "RX580", "2 m"]


def judged(left, right):
    return compared(Stated.of([left]), Stated.of([right]), ONE, ONE)[0].tolist()


@pytest.mark.parametrize(
    ("left", "right", "sizes"),
    [
        ("olive oil 250 ml", "Olivenöl 0,25 l", AGREE),
        ("olive oil 250 ml", "Olivenöl 500 ml", CONTRADICT),
        ("olive oil 250 ml", "Olivenöl", SILENT),
        ("frying pan 11 in", "Bratpfanne 28 cm", AGREE),
        ("screws 12 pcs", "Schrauben, 24 Stück", CONTRADICT),
        ("screws pack of 12", "Schrauben, 12 Stück", AGREE),
        ("coffee 12 pcs", "Kaffee 2 m", APART),
        ("poster 60 x 40 cm", "Poster 40 x 60 cm", AGREE),
        ("poster 60 x 40 cm", "Poster 60 x 80 cm", CONTRADICT),
        ("poster 60 x 40 cm", "Poster 40 cm", AGREE),
        ("poster 60 x 40 cm", "Poster 90 cm", CONTRADICT),
        ("coffee 2 x 500 g", "Kaffee 1 kg", APART),
    ],
)
def test_sizes_and_counts(left, right, sizes):
    assert judged(left, right) == [sizes, SILENT]
    assert judged(right, left) == [sizes, SILENT]


@pytest.mark.parametrize(
    ("left", "right", "models"),
    [
        ("drill RX-580", "Bohrer rx580", AGREE),
        ("drill RX-580", "Bohrer RX-590", CONTRADICT),
        ("drill RX-580", "Bohrer RX580B", APART),
        ("drill RX-580", "Bohrer", SILENT),
    ],
)
def test_model_numbers(left, right, models):
    assert judged(left, right) == [SILENT, models]
    assert judged(right, left) == [SILENT, models]


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=5), st.lists(st.sampled_from(WORDS), max_size=5))
def test_it_is_the_same_from_either_side_and_no_title_contradicts_itself(left, right):
    left, right = " ".join(left), " ".join(right)
    assert judged(left, right) == judged(right, left)
    assert min(judged(left, left)) >= SILENT


def test_many_pairs_are_judged_as_each_alone():
    texts = [f"{a} {b}" for a in WORDS for b in WORDS[2:]]
    left, right = Stated.of(texts), Stated.of(texts[::-1])
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(0, len(texts), 7), np.arange(0, len(texts), 11)))
    found = compared(left, right, i, j)
    assert found.tolist() == [judged(texts[a], texts[::-1][b]) for a, b in zip(i, j, strict=True)]
    assert contradicting(left, right, i, j).tolist() == [min(row) == CONTRADICT for row in found.tolist()]
    assert not compared(None, right, i, j).any()
    assert not contradicting(left, None, i, j).any()
    assert compared(left, right, i[:0], j[:0]).shape == (0, 2)
