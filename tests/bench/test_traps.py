"""The simulated traps: repeatable, complete, and without a hint from one part in another."""

import numpy as np
import pytest

from bench.trap_tables import LABELS, TEST_ROWS, TRAPS, UNLABELLED


def draw(name, seed=0):
    return TRAPS[name](np.random.default_rng(seed))


@pytest.mark.parametrize("name", TRAPS)
def test_a_seed_gives_the_same_tables_and_another_seed_others(name):
    assert draw(name).source.equals(draw(name).source)
    assert draw(name).test.equals(draw(name).test)
    assert not draw(name).test.equals(draw(name, seed=1).test)


@pytest.mark.parametrize("name", TRAPS)
def test_the_parts_have_their_sizes_and_share_no_row(name):
    trap = draw(name)
    assert trap.test.num_rows >= TEST_ROWS
    assert trap.unlabelled.num_rows == UNLABELLED
    assert trap.labelled.num_rows == {"no labels": 0, "source 100 times the target": 60}.get(name, LABELS)
    numbers = [set(part.column(0).to_pylist()) for part in (trap.labelled, trap.unlabelled, trap.test)]
    assert len(set.union(*numbers)) == sum(map(len, numbers))


def test_what_a_trap_promises_is_in_its_tables():
    leak = draw("leaking column").source
    agreement = np.corrcoef(leak["h"].to_numpy(), leak["y"].to_numpy(zero_copy_only=False) == "k1")[0, 1]
    assert agreement > 0.95
    missing = draw("missing class")
    assert set(missing.source["y"].to_pylist()) == {"k0", "k1"}
    assert set(missing.labelled["y"].to_pylist()) == {"k0", "k1", "k2"}
    other = draw("other columns")
    assert set(other.source.column_names) & set(other.test.column_names) == {"shop", "y"}
    unseen = draw("unseen categories")
    assert not set(unseen.source["shop"].to_pylist()) & set(unseen.test["shop"].to_pylist())
    rare = np.mean(np.array(draw("label shift").test["y"].to_pylist()) == "k1")
    assert 0.1 < rare < 0.35
