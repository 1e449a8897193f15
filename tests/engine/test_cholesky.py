"""Cholesky factors in float32 solve what they are made of, and leave Python's lock to other threads."""

import threading

import numpy as np
import pytest

from xbsql.engine.cholesky import inverse_diagonal, inverse_root, lower_root, solved


def covariance(n):
    rows = np.random.default_rng(n).normal(size=(n, 8)).astype(np.float32)
    return rows @ rows.T + np.eye(n, dtype=np.float32)


@pytest.mark.parametrize("n", [0, 1, 5, 300])
def test_a_factor_solves_and_inverts(n):
    matrix, right = covariance(n), np.random.default_rng(1).normal(size=(n, 3)).astype(np.float32)
    lower = lower_root(matrix.copy())
    assert np.allclose(np.tril(lower) @ np.tril(lower).T, matrix, atol=1e-3)
    assert np.allclose(matrix @ solved(lower, right), right, atol=1e-3)
    assert np.allclose(np.tril(inverse_root(lower)) @ np.tril(lower), np.eye(n), atol=1e-4)
    assert np.allclose(inverse_diagonal(lower), np.diag(np.linalg.inv(matrix)), atol=1e-4)


def test_what_is_solved_stays_as_it_was():
    lower, right = lower_root(covariance(5)), np.ones((5, 2), np.float32)
    given = lower.copy(), right.copy()
    solved(lower, right), inverse_root(lower)
    assert np.array_equal(lower, given[0])
    assert np.array_equal(right, given[1])


def test_no_factor_of_what_is_not_positive_definite():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        lower_root(-np.eye(3, dtype=np.float32))


def test_other_threads_work_meanwhile():
    matrix, over, seen = covariance(3000), threading.Event(), []
    working = threading.Thread(target=lambda: (lower_root(matrix), over.set()))
    working.start()
    while not over.wait(0.002):
        seen.append(None)
    working.join()
    assert len(seen) > 3
