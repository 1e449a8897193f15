"""Reweighting: the CPU twins against their definitions, and what the weights and moves are for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import (
    coral,
    cpu_mean,
    importance_weights,
    mmd2,
    mmd2_between,
    rbf_matvec,
    reference,
    reweight_normalize,
)
from xbsql.kernels.cpu_mean import median_gamma
from xbsql.kernels.ratio import _sample


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks smaller than the inputs, so that every loop turns."""
    for place in ("cpu_mean._ROWS", "cpu_mean._COLUMNS", "cpu_moments._BLOCK", "ratio._BLOCK"):
        monkeypatch.setattr(f"xbsql.kernels.{place}", 64)


def normal(seed, n, d, *, shift=0.0, scale=1.0):
    return shift + scale * np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize("n", [1, 7, 131])
@pytest.mark.parametrize("normalize", ["l2", None])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("out", "tolerance"), [("float32", 3e-7), ("float16", 1e-3), ("bfloat16", 8e-3), ("int8", 1e-6)]
)
def test_reweight_normalize_is_the_definition(out, tolerance, weighted, normalize, n):
    x = torch.from_numpy(normal(n, n, 19)).float()
    x[n // 2] = 0
    w = np.random.default_rng(2).random(19) if weighted else None
    y, norms, scales = reweight_normalize(x, w, normalize=normalize, out_dtype=out)
    wanted, lengths = reference.reweight_normalize(x.double().numpy(), w, normalize == "l2")
    np.testing.assert_allclose(norms.numpy(), lengths, rtol=3e-7)
    if out == "int8":
        codes, scale = reference.quantize(wanted)
        np.testing.assert_allclose(scales.numpy(), scale, rtol=tolerance)
        assert np.abs(y.numpy().astype(int) - codes).max() <= 1
        assert (y.numpy() != codes).mean() < 0.01
    else:
        assert scales is None
        np.testing.assert_allclose(y.double().numpy(), wanted, rtol=tolerance, atol=tolerance * 1e-2)


def test_a_row_with_nan_or_inf_has_no_scale():
    x = np.ones((4, 3), np.float32)
    x[1, 0], x[2, 1] = np.nan, np.inf
    codes, _, scales = reweight_normalize(x, normalize=None, out_dtype="int8")
    np.testing.assert_array_equal(np.isnan(scales), [False, True, True, False])
    assert not codes[1:3].any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [None, 0, 3], ids=["ones", "vector", "matrix"])
@pytest.mark.parametrize("shape", [(1, 1), (131, 67), (64, 200)], ids=str)
def test_rbf_matvec_is_the_definition(shape, columns, dtype):
    x, y = normal(3, shape[0], 9).astype(dtype), normal(4, shape[1], 9, shift=0.5).astype(dtype)
    b = None if columns is None else normal(5, shape[1], columns or 1)
    b = b if columns else None if b is None else b[:, 0]
    found = rbf_matvec(x, y, b, gamma=0.1)
    ones = np.ones(shape[1]) if b is None else b
    wanted = reference.rbf_matvec(x.astype(float), y.astype(float), ones, 0.1)
    assert (found.dtype, found.shape) == (np.dtype(dtype), wanted.shape)
    np.testing.assert_allclose(
        found, wanted, atol=(1e-5 if dtype == "float32" else 1e-12) * np.abs(ones).sum()
    )


@pytest.mark.parametrize("far", [0.0, 1e4], ids="far={}".format)
@pytest.mark.parametrize("gammas", [[0.02], [0.01, 0.05]], ids=str)
@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_mmd2_is_the_definition(weighted, unbiased, gammas, far):
    """Also far from the origin, where a distance by expansion has no digits left."""
    x, y = normal(6, 203, 11, shift=far), normal(7, 150, 11, shift=far + 0.3)
    w = (
        (np.random.default_rng(8).random(203), np.random.default_rng(9).random(150))
        if weighted
        else (None, None)
    )
    x, y = x.astype(np.float32), y.astype(np.float32)
    found = mmd2(x, y, gamma=gammas, unbiased=unbiased, x_weights=w[0], y_weights=w[1])
    wanted = reference.mmd2(x.astype(float), y.astype(float), gammas, unbiased, *w)
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("gamma", [0.1, [0.05, 0.2], "median"], ids=str)
@pytest.mark.parametrize("unbiased", [True, False])
def test_mmd2_between_is_mmd2_of_every_two(unbiased, gamma):
    x = [normal(i, 60 + 30 * i, 5, shift=0.2 * i + 50) for i in range(3)]
    found = mmd2_between(x, gamma=gamma, unbiased=unbiased)
    width = median_gamma(*(torch.from_numpy(x[i]) for i in (0, 2))) if gamma == "median" else gamma
    for i in range(3):
        assert found[i, i] == 0
        for j in range(i):
            wanted = mmd2(x[i], x[j], gamma=width, unbiased=unbiased)
            assert found[i, j] == found[j, i] == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_mmd2_between_meets_each_domain_once(monkeypatch):
    calls, plain = [], cpu_mean._within
    monkeypatch.setattr(cpu_mean, "_within", lambda *given: calls.append(1) or plain(*given))
    mmd2_between([normal(i, 20, 3) for i in range(5)], gamma=0.1)
    assert len(calls) == 5


def test_mmd2_sees_a_shift_and_nothing_where_there_is_none():
    x, same, moved = normal(10, 400, 5), normal(11, 400, 5), normal(12, 400, 5, shift=0.5)
    assert abs(mmd2(x, same)) < 0.005 < 0.02 < mmd2(x, moved)


@pytest.mark.parametrize("method", ["ulsif", "rulsif", "kliep"])
def test_importance_weights_is_the_definition(method):
    source, target = normal(13, 300, 3), normal(14, 170, 3, shift=0.5, scale=0.7)
    found = importance_weights(source, target, method=method, n_centers=40, sigma=1.0, lam=0.1, alpha=0.2)
    centers = _sample(torch.from_numpy(target), 40).numpy()
    if method == "kliep":
        wanted = reference.kliep(source, target, centers, 1.0)
    else:
        alpha = 0.2 if method == "rulsif" else 0.0
        wanted = reference.relative_ulsif(source, target, centers, 1.0, 0.1, alpha)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["ulsif", "rulsif", "kliep", "logistic", "best"])
def test_importance_weights_follow_the_true_ratio(method):
    """Source N(0, 1), target N(0.5, 0.7): weighting must bring the source's mean most of the way."""
    source, target = normal(15, 600, 2), normal(16, 500, 2, shift=0.5, scale=0.7)
    w = importance_weights(source, target, method=method)
    true = np.exp(-((source - 0.5) ** 2).sum(1) / 0.98 + (source**2).sum(1) / 2) / 0.49
    assert np.corrcoef(w, true)[0, 1] > 0.8
    assert abs((w @ source / w.sum()) - 0.5).max() < 0.2
    assert 0.8 < w.mean() < 1.2


def test_a_logistic_ratio_is_nearer_where_both_sides_are_normal_and_evidence_says_so():
    source, target = normal(15, 900, 2), normal(16, 800, 2, shift=0.5, scale=0.7)
    true = np.exp(-((source - 0.5) ** 2).sum(1) / 0.98 + (source**2).sum(1) / 2) / 0.49
    error = {
        method: np.square(importance_weights(source, target, method=method) - true).mean()
        for method in ("ulsif", "kliep", "logistic", "best")
    }
    assert error["logistic"] < error["ulsif"]
    assert error["best"] == error["logistic"]


def test_evidence_leaves_logistic_where_it_is_wrong():
    """Two heaps on either side of the source: a square cannot say that the middle is empty."""
    rng = np.random.default_rng(3)
    source, target = rng.standard_normal((900, 1)), rng.choice([-1.0, 0.2, 1.4], (800, 1))
    target = target + 0.08 * rng.standard_normal((800, 1))
    best = importance_weights(source, target, method="best")
    assert not np.allclose(best, importance_weights(source, target, method="logistic"))


def test_kliep_settles_like_the_definition_though_it_asks_every_ten_steps():
    from xbsql.kernels.ratio import _kliep

    rng = np.random.default_rng(4)
    at, mean = torch.from_numpy(rng.random((60, 5))), torch.from_numpy(rng.random((2, 5)))
    share = torch.full((2, 60), 1 / 60, dtype=torch.float64)
    both, one = _kliep(mean, at, share), _kliep(mean[:1], at, share[:1])
    torch.testing.assert_close(both[:1], one, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_coral_is_the_definition(weighted):
    source, target = normal(17, 211, 6) @ normal(18, 6, 6), normal(19, 140, 6, shift=2.0)
    w = np.random.default_rng(20).random(211) if weighted else None
    found = coral(source, target, weights=w, reg=0.05)
    np.testing.assert_allclose(found, reference.coral(source, target, w, 0.05), rtol=1e-9, atol=1e-9)


def test_coral_gives_the_targets_moments():
    source, target = (
        normal(21, 400, 4) @ normal(22, 4, 4) - 3,
        normal(23, 300, 4, shift=2.0) @ normal(24, 4, 4),
    )
    moved = coral(source, target, reg=1e-9)
    np.testing.assert_allclose(moved.mean(0), target.mean(0), atol=1e-8)
    np.testing.assert_allclose(np.cov(moved.T, bias=True), np.cov(target.T, bias=True), rtol=1e-5, atol=1e-6)


def test_coral_of_constant_columns_stays_finite():
    source, target = normal(25, 50, 3), normal(26, 50, 3)
    source[:, 1], target[:, 2] = 7.0, -1.0
    assert np.isfinite(coral(source, target)).all()
    assert np.isfinite(coral(np.ones((5, 3)), np.ones((4, 3)))).all()


X, Y = normal(27, 9, 3), normal(28, 8, 3)
BAD = np.where(np.arange(27).reshape(9, 3) == 4, np.nan, X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mmd2(BAD, Y), "mmd2: x holds NaN or Inf in 1 rows"),
        (lambda: mmd2(X, Y[:1]), "mmd2: y has 1 rows; it takes 2 to"),
        (lambda: mmd2_between([X]), "mmd2_between: domains has 1 entries; give two at least"),
        (lambda: mmd2_between([X, Y, Y[:, :2]]), r"domains\[0\] has 3 columns, domains\[2\] has 2"),
        (lambda: mmd2(X, Y, gamma="mean"), "gamma is 'mean'; it is one of 'median'"),
        (lambda: mmd2(X, Y, gamma=[]), "gamma is empty"),
        (lambda: mmd2(X, Y, gamma=-1.0), "gamma is -1.0; it must be a finite number above 0"),
        (lambda: mmd2(X, Y, x_weights=-np.ones(9)), "x_weights must be finite, 0 or more"),
        (lambda: mmd2(X, Y, x_weights=np.eye(9)[0]), "x_weights leaves one row"),
        (lambda: mmd2(X, Y.astype(np.float32)), "x is float64, y is float32"),
        (lambda: rbf_matvec(X, Y[:, :2], gamma=1.0), "x has 3 columns, y has 2"),
        (lambda: rbf_matvec(X, Y, np.ones(9), gamma=1.0), "b has 9 entries; it needs 8"),
        (lambda: importance_weights(X, Y[:0]), "target has 0 rows"),
        (
            lambda: importance_weights(X, Y, method="kmm"),
            "method is 'kmm'; it is one of 'ulsif', 'rulsif', 'kliep', 'logistic', 'best'",
        ),
        (lambda: importance_weights(X, Y, alpha=1.0), "alpha is 1.0"),
        (lambda: importance_weights(X, Y, n_centers=0), "n_centers is 0"),
        (lambda: coral(X, Y, reg=0.0), "reg is 0.0"),
        (lambda: coral(X, Y, weights=np.zeros(9)), "weights must be finite, 0 or more, and not all 0"),
        (lambda: reweight_normalize(X), "x is float64; it takes float32"),
        (lambda: reweight_normalize(X.astype(np.float32), out_dtype="int4"), "out_dtype is 'int4'"),
        (lambda: reweight_normalize(X.astype(np.float32), out_dtype="bfloat16"), "NumPy has no bfloat16"),
        (lambda: reweight_normalize(X.astype(np.float32), normalize="l1"), "normalize is 'l1'"),
    ],
)
def test_mistakes_are_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
