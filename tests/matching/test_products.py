"""Nearest rows both ways are those of the exact search, the best sparse rows those of the dense product."""

import numpy as np
import pytest
from scipy import sparse

from xbsql import kernels
from xbsql.engine import nearest as products
from xbsql.engine.nearest import nearest
from xbsql.matching import neighbours, tokens
from xbsql.matching import products as dense_products
from xbsql.matching.neighbours import TwoWayNeighbours, cosines, likenesses
from xbsql.matching.pairs import Side
from xbsql.matching.tokens import best_of_rows


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 50), (50, 1), (63, 100), (100, 63), (7, 7)])
@pytest.mark.parametrize("held", [1, 500, 2**24])
def test_they_are_the_exact_ones(n, m, held, monkeypatch):
    monkeypatch.setattr(products, "_HELD", held)
    rng = np.random.default_rng(n * m)
    left, right = (rng.normal(size=(size, 16)).astype(np.float32) for size in (n, m))
    forth, back = nearest(left, right, 30, 10)
    for found, exact in (
        (forth, kernels.topk(left, right, min(30, m))),
        (back, kernels.topk(right, left, min(10, n))),
    ):
        assert np.allclose(found.products, exact[0], atol=1e-5)
        assert (found.rows == exact[1]).all()


def test_of_equal_products_the_lower_row_comes_first(monkeypatch):
    monkeypatch.setattr(products, "_HELD", 8)
    ones = np.ones((4, 3), np.float32)
    forth, back = nearest(ones, ones[:3], 2, 3)
    assert forth.rows.tolist() == [[0, 1]] * 4
    assert back.rows.tolist() == [[0, 1, 2]] * 3


@pytest.mark.parametrize("rows", [1, 3, 128])
@pytest.mark.parametrize("most", [1, 4, 50])
@pytest.mark.parametrize("few", [0, 4096])
@pytest.mark.parametrize("held", [0, 2**23])
def test_the_best_of_sparse_rows(rows, most, few, held, monkeypatch):
    monkeypatch.setattr(dense_products, "_HELD", held)
    monkeypatch.setattr(tokens, "_ROWS", rows)
    monkeypatch.setattr(tokens, "_FEW", few)
    rng = np.random.default_rng(0)
    left, right = (sparse.csr_matrix(np.maximum(rng.integers(-3, 3, (size, 9)), 0)) for size in (20, 30))
    i, j = best_of_rows(left, right, most)
    dense = (left @ right.T).toarray()
    expected = [
        sorted(np.argsort(-dense[row], kind="stable")[: min(most, int((dense[row] > 0).sum()))].tolist())
        for row in range(20)
    ]
    assert [j[i == row].tolist() for row in range(20)] == expected


@pytest.mark.parametrize("cells", [1, 40, 4_000_000])
def test_pairs_are_cut_from_the_products_of_their_blocks(cells, monkeypatch):
    monkeypatch.setattr(neighbours, "_CELLS", cells)
    rng = np.random.default_rng(0)
    one, two = rng.integers(-1, 3, 20), rng.integers(-1, 4, 30)
    vectors = [rng.normal(size=(size, 4)).astype(np.float32) for size in (20, 30)]
    sides = [Side(["a"] * len(v), v, block) for v, block in zip(vectors, (one, two), strict=True)]
    i, j = np.nonzero((one[:, None] == two[None, :]) & (one[:, None] >= 0))
    order = rng.permutation(len(i))[:100]
    i, j = i[order], j[order]
    assert np.allclose(cosines(*sides, i, j), (vectors[0] @ vectors[1].T)[i, j], atol=1e-6)
    own, other = (sparse.random(size, 9, 0.3, "csr", random_state=size) for size in (20, 30))
    assert np.allclose(likenesses(*sides, own, other, i, j), (own @ other.T).toarray()[i, j])


def test_columns_of_one_side_alone_leave_and_products_stay():
    rng = np.random.default_rng(0)
    left, right = (sparse.random(20, 60, 0.1, "csr", np.float32, rng) for _ in range(2))
    one, two = dense_products.shared(left, right)
    assert one.shape[1] == two.shape[1] < 60
    assert (one.toarray().any(axis=0) & two.toarray().any(axis=0)).all()
    found = dense_products.products(one, dense_products.turned(two))
    assert np.array_equal(found, (left @ right.T).toarray())


@pytest.mark.parametrize("kept", [0, 2**24])
def test_neighbours_and_cosines_are_the_same_whether_products_are_kept(kept, monkeypatch):
    monkeypatch.setattr(neighbours, "_KEPT", kept)
    rng = np.random.default_rng(0)
    left, right = (
        Side(["a"] * n, rng.integers(-3, 4, (n, 4)).astype(np.float32), rng.integers(-1, 3, n))
        for n in (20, 30)
    )
    near = TwoWayNeighbours.of(left, right, 5)
    assert (near.products is None) == (kept == 0)
    assert near.cosines(near.i, near.j).tolist() == cosines(left, right, near.i, near.j).tolist()
    monkeypatch.setattr(neighbours, "_KEPT", 2**24 - kept)
    other = TwoWayNeighbours.of(left, right, 5)
    assert (near.i.tolist(), near.j.tolist()) == (other.i.tolist(), other.j.tolist())
    assert near.nearness(near.i, near.j).tolist() == near.near.tolist() == other.near.tolist()
