import numpy as np
import pytest

from xbsql.engine.twins import twins


def drawn(rng, n, d=64):
    """Products of 12 kinds: directions of length one, those of a kind near each other."""
    kinds = np.random.default_rng(0).normal(size=(12, d))
    return unit(kinds[rng.integers(0, 12, n)] + 0.9 * rng.normal(size=(n, d)))


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def market(share, seed, n=80, spread=0.09):
    """Labelled rows of which a share is a home row in another language, others, and home."""
    rng = np.random.default_rng(seed)
    home = drawn(rng, 600)
    same = rng.random(n + 300) < share
    rows = np.where(
        same[:, None], home[: n + 300] + spread * rng.normal(size=(n + 300, 64)), drawn(rng, n + 300)
    )
    return unit(rows), home, same[:n]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_twins_are_found(share, seed):
    everyone, home, same = market(share, seed)
    found = twins(everyone[:80], everyone, home)
    assert found.target[same].mean() > 0.9
    partners = np.flatnonzero(same)
    assert found.home[partners].mean() > 0.9, "the twin of labelled row i is home row i"


@pytest.mark.parametrize("seed", range(4))
def test_where_home_sells_none_of_the_products_there_are_none(seed):
    everyone, home, _ = market(0.0, seed)
    found = twins(everyone[:80], everyone, home)
    assert not found.target.any()
    assert not found.home.any()


def test_equal_texts_are_twins_however_few_and_all_their_copies():
    rng = np.random.default_rng(1)
    home = drawn(rng, 40)
    home[7] = home[3]
    found = twins(np.stack([home[3], drawn(rng, 1)[0]]), np.stack([home[3], drawn(rng, 1)[0]]), home)
    assert found.target.tolist() == [True, False]
    assert np.flatnonzero(found.home).tolist() == [3, 7]


@pytest.mark.parametrize(("labelled", "home"), [(1, 1), (1, 5), (12, 2), (12, 1), (3, 40)])
def test_few_rows_are_no_mistake(labelled, home):
    rng = np.random.default_rng(2)
    rows, at_home = drawn(rng, labelled), drawn(rng, home)
    found = twins(rows, rows, at_home)
    assert (found.target.shape, found.home.shape) == ((labelled,), (home,))
