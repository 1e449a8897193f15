"""The reweighting and kernel-mean kernels of Triton against the definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import reference, slack
from xbsql.kernels.tuning import SquareTile, SumTile

pytestmark = pytest.mark.usefixtures("poisoned")
TILE = SumTile(32, 32, 16, 4, 1)


def normal(seed, n, d):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, d))).float()


@pytest.mark.parametrize(
    ("out", "tolerance"), [(torch.float32, 1e-6), (torch.float16, 1e-3), (torch.int8, 1e-6)]
)
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (37, 100), (9, 300)])
def test_reweight_normalize_is_the_definition(n, d, weighted, normalize, out, tolerance, device):
    from xbsql.kernels.reweight import reweight_normalize

    x, w = normal(n, n, d), torch.rand(d, dtype=torch.float64) if weighted else None
    x[n // 2] = 0
    y, norms, scales = reweight_normalize(x.to(device), None if w is None else w.to(device), normalize, out)
    wanted, lengths = reference.reweight_normalize(
        x.double().numpy(), None if w is None else w.numpy(), normalize
    )
    np.testing.assert_allclose(norms.cpu().numpy(), lengths, rtol=1e-6)
    if out != torch.int8:
        assert scales is None
        np.testing.assert_allclose(y.cpu().double().numpy(), wanted, rtol=tolerance, atol=tolerance)
        return
    codes, scale = reference.quantize(wanted)
    np.testing.assert_allclose(scales.cpu().numpy(), scale, rtol=1e-6)
    assert np.abs(y.cpu().numpy().astype(int) - codes).max() <= 1
    assert (y.cpu().numpy() != codes).mean() < 0.01


def test_codes_of_rows_with_nan_or_inf(device):
    from xbsql.kernels.reweight import reweight_normalize

    x = torch.ones(5, 70)
    x[1, 0], x[2, 69], x[3, 5] = torch.nan, torch.inf, -torch.inf
    codes, _, scales = reweight_normalize(x.to(device), None, False, torch.int8)
    assert scales.isnan().tolist() == [False, True, True, True, False]
    assert not codes[1:4].any()
    assert (codes[[0, 4]] == 127).all()


def test_codes_round_half_to_even(device):
    from xbsql.kernels.reweight import reweight_normalize

    x = torch.tensor([[127.0, 0.5, 1.5, 2.5, -0.5, -1.5, 126.5]])
    codes, _, _ = reweight_normalize(x.to(device), None, False, torch.int8)
    assert codes.tolist() == [[127, 0, 2, 2, 0, -2, 126]]


@pytest.mark.parametrize("triangle", [False, True])
@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (70, 45, 20), (33, 97, 16)])
def test_rbf_rows_is_the_definition(n, m, d, triangle, device):
    from xbsql.kernels.kernel_mean import rbf_rows

    x, y, b = normal(1, n, d), normal(2, m, d), torch.rand(m, dtype=torch.float64)
    if triangle:
        y, b = x, torch.rand(n, dtype=torch.float64)
    found = rbf_rows(x.to(device), y.to(device), b.to(device), 0.1, triangle, TILE)
    kernel = reference.rbf(x.double().numpy(), y.double().numpy(), 0.1)
    wanted = (np.triu(kernel, 1) if triangle else kernel) @ b.numpy()
    longest = (float(each.double().norm(dim=1).max()) for each in (x, y))
    bound = slack.kernel_error(d, 0.1, *longest) * wanted + 1e-6 * m
    assert (np.abs(found.cpu().numpy() - wanted) <= bound).all()


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_the_error_of_a_kernel_value_is_within_its_bound_and_not_far_below(scale, device):
    """Values whose halves are off the most, all of one sign, so that nothing cancels."""
    from xbsql.kernels.kernel_mean import rbf_rows

    off = 1 + 2.0**-9 + 2.0**-17 - 2.0**-23
    x = torch.full((40, 32), off * scale)
    y, one = -x[:1] * 0.5, torch.ones(1, dtype=torch.float64)
    gamma = 1 / (32 * scale**2)
    found = rbf_rows(x.to(device), y.to(device), one.to(device), gamma, False, TILE).cpu().numpy()
    exact = reference.rbf(x.double().numpy(), y.double().numpy(), gamma)[:, 0]
    relative = np.abs(found / exact - 1).max()
    bound = slack.kernel_error(32, gamma, float(x[0].norm()), float(y[0].norm()))
    assert relative <= bound < 1e-3


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_mmd2_is_the_definition(weighted, unbiased, device):
    from xbsql.kernels import kernel_mean

    x, y = normal(3, 80, 12) + 100, normal(4, 50, 12) + 100.4
    w = (
        (torch.rand(80, dtype=torch.float64), torch.rand(50, dtype=torch.float64))
        if weighted
        else (None, None)
    )
    given = [None if each is None else each.to(device) for each in w]
    found = kernel_mean.mmd2(x.to(device), y.to(device), [0.02, 0.1], unbiased, *given)
    wide = [None if each is None else each.numpy() for each in w]
    wanted = reference.mmd2(x.double().numpy(), y.double().numpy(), [0.02, 0.1], unbiased, *wide)
    assert found == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_rbf_matvec_takes_several_columns(device):
    from xbsql.kernels import kernel_mean

    x, y, b = normal(5, 40, 9), normal(6, 30, 9), torch.rand(30, 2, dtype=torch.float64)
    found = kernel_mean.rbf_matvec(x.to(device), y.to(device), b.to(device), 0.05)
    wanted = reference.rbf_matvec(x.double().numpy(), y.double().numpy(), b.numpy(), 0.05)
    np.testing.assert_allclose(found.cpu().numpy(), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("n", "d", "depth"), [(1, 1, 16), (70, 33, 16), (500, 100, 32), (1030, 16, 16)])
def test_covariance_is_the_definition(n, d, depth, weighted, device, monkeypatch):
    """Also of rows far from 0, of several bands of rows, and of columns that fill no tile."""
    from xbsql.kernels import covariance

    monkeypatch.setattr(covariance, "_ROWS", 64)
    monkeypatch.setattr(covariance, "_PROGRAMS", 8)
    x, w = normal(7, n, d) + 100, torch.rand(n, dtype=torch.float64) if weighted else None
    mean, cov = covariance.moments(
        x.to(device), None if w is None else w.to(device), SquareTile(32, depth, 4, 1)
    )
    wanted = reference.moments(x.double().numpy(), np.ones(n) if w is None else w.numpy())
    np.testing.assert_allclose(mean.cpu().numpy(), wanted[0], rtol=1e-8, atol=1e-7)
    np.testing.assert_allclose(cov.cpu().numpy(), wanted[1], rtol=1e-4, atol=1e-5)
    assert (cov == cov.T).all()


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_coral_on_a_device_is_the_definition(weighted, device):
    from xbsql.kernels import covariance

    source, target = (normal(8, 300, 20) @ normal(9, 20, 20)).T.contiguous().T, normal(10, 170, 20) + 2
    w = torch.rand(300, dtype=torch.float64) if weighted else None
    found = covariance.coral(source.to(device), target.to(device), None if w is None else w.to(device), 0.1)
    wide = source.double().numpy(), target.double().numpy(), None if w is None else w.numpy()
    np.testing.assert_allclose(found.cpu().numpy(), reference.coral(*wide, 0.1), rtol=1e-4, atol=1e-4)


def test_covariance_leaves_rows_of_no_weight_out(device):
    from xbsql.kernels import covariance

    x, w = normal(11, 90, 7), torch.rand(90, dtype=torch.float64)
    w[::3] = 0
    kept = w > 0
    all_rows = covariance.moments(x.to(device), w.to(device))
    some = covariance.moments(x[kept].to(device), w[kept].to(device))
    for mine, theirs in zip(all_rows, some, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


def away(call):
    """What `call` gives where tensors that name no device are on one without data, so that none mixes in."""
    with torch.device("meta"):
        return call()


ROWS, MORE = normal(12, 200, 5), normal(13, 150, 5)


@pytest.mark.parametrize("method", ["ulsif", "rulsif", "kliep"])
def test_importance_weights_stay_where_the_rows_are(method):
    from xbsql.kernels.ratio import importance_weights

    arguments = ROWS, MORE, method, 20, None, None, 0.1
    torch.testing.assert_close(away(lambda: importance_weights(*arguments)), importance_weights(*arguments))


@pytest.mark.parametrize("weights", [None, torch.linspace(0, 1, 200).double()], ids=["plain", "weighted"])
def test_the_kernels_allocate_where_the_rows_are(weights, device):
    if device != "cpu":
        pytest.skip("on a device, mixing fails by itself")
    from xbsql.kernels import covariance, kernel_mean

    moved = away(lambda: covariance.coral(ROWS, MORE, weights, 0.1))
    torch.testing.assert_close(moved, covariance.coral(ROWS, MORE, weights, 0.1))
    found = away(lambda: kernel_mean.mmd2(ROWS, MORE, [0.1], True, weights, None))
    assert found == kernel_mean.mmd2(ROWS, MORE, [0.1], True, weights, None)
