"""The threshold that no test label enters."""

import numpy as np
import pytest

from bench.match_promap import best_threshold, f1, threshold


def test_the_expected_f1_is_highest_at_the_threshold():
    chance = np.random.default_rng(0).random(200)
    cut = best_threshold(chance)

    def expected(least):
        found = chance >= least
        return 2 * chance[found].sum() / (found.sum() + chance.sum())

    assert expected(cut) == pytest.approx(max(expected(least) for least in chance))
    assert cut < 0.5, "F1 takes pairs that are likelier none"


def test_without_labels_as_large_a_share_is_taken_as_at_home():
    chance = np.random.default_rng(0).random(1000) ** 4
    assert (chance >= threshold(chance, 0.3, 0)).mean() == pytest.approx(0.3, abs=0.002)
    assert threshold(chance, 0.3, 50) == best_threshold(chance)


def test_f1_of_nothing_is_nothing():
    none, some = np.zeros(3, bool), np.array([True, False, True])
    assert f1(none, none) == 0
    assert f1(some, some) == 1
