"""Nearest rows both ways are those of the exact search, the best sparse rows those of the dense product."""

import numpy as np
import pytest
from scipy import sparse

from xbsql import kernels
from xbsql.engine import nearest as products
from xbsql.engine.nearest import nearest
from xbsql.matching import tokens
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
def test_the_best_of_sparse_rows(rows, most, monkeypatch):
    monkeypatch.setattr(tokens, "_ROWS", rows)
    rng = np.random.default_rng(0)
    left, right = (sparse.csr_matrix(np.maximum(rng.integers(-3, 3, (size, 9)), 0)) for size in (20, 30))
    i, j = best_of_rows(left, right, most)
    dense = (left @ right.T).toarray()
    expected = [
        sorted(np.argsort(-dense[row], kind="stable")[: min(most, int((dense[row] > 0).sum()))].tolist())
        for row in range(20)
    ]
    assert [j[i == row].tolist() for row in range(20)] == expected
