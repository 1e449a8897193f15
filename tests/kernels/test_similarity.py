"""The search kernels of Triton: group maxima, exact scores of groups, and the search built on both."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import prepare, reference
from xbsql.kernels.cpu_problem import Problem
from xbsql.kernels.tuning import ScanTile

pytestmark = [
    pytest.mark.usefixtures("poisoned"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # of the interpreter's NumPy
]
SCANS = [(metric, kind) for metric in ("dot", "cosine", "l2") for kind in ("float32", "int8", "codes")]
SCANS.remove(("l2", "codes"))

TILES = {
    "few": ScanTile(16, 128, 64, 4, 2, few=True),
    "many": ScanTile(32, 64, 32, 4, 2, few=False),
}


def values(seed, n, d, dtype):
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal((n, d)))
    return (x * 40).clamp(-127, 127).to(dtype) if dtype == torch.int8 else x.to(dtype)


def group_maxima(q, x, scale, bias, size):
    s = q.double() @ x.double().T
    s = s if scale is None else s * scale.double()
    s = s if bias is None else torch.where(bias > -torch.inf, s + bias.double(), -torch.inf)
    return torch.nn.functional.pad(s, (0, -len(x) % size), value=-torch.inf).view(len(q), -1, size).amax(-1)


def epilogue(n, with_scale, with_bias):
    """Scales, and biases that take every third row and one whole group out."""
    scale = torch.rand(n, generator=torch.Generator().manual_seed(n)) if with_scale else None
    bias = -torch.rand(n, generator=torch.Generator().manual_seed(n + 1)) if with_bias else None
    if bias is not None:
        bias[::3] = -torch.inf
        bias[:64] = -torch.inf
    return scale, bias


@pytest.mark.parametrize("way", ["few", "many", "tiled"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int8], ids=str)
@pytest.mark.parametrize(("with_scale", "with_bias"), [(False, False), (True, True), (False, True)])
@pytest.mark.parametrize(("m", "n", "size"), [(1, 61, 8), (19, 331, 8), (33, 600, 64)])
def test_peaks_are_the_groups_maxima(m, n, size, with_scale, with_bias, dtype, way, device):
    from xbsql.kernels import similarity

    q, x = values(m, m, 128, dtype), values(n, n, 128, dtype)
    scale, bias = epilogue(n, with_scale, with_bias)
    given = [None if each is None else each.to(device) for each in (q, x, scale, bias)]
    if way == "tiled":
        found = similarity.tiled_peaks(*given, size)
    else:
        found = similarity.peaks(*given, size, TILES[way])
    wanted = group_maxima(q, x, scale, bias, size)
    tolerance = 2e-3 if way == "tiled" and dtype == torch.float16 else 1e-5
    torch.testing.assert_close(found.cpu().double(), wanted, rtol=tolerance, atol=tolerance * 20)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int8], ids=str)
@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_rescore_is_exact(weighted, metric, dtype, device):
    from xbsql.kernels import similarity

    q, x = values(1, 5, 70, dtype), values(2, 61, 70, dtype)
    x[17] = 0
    if x.is_floating_point():
        x[30, 2], x[31] = torch.nan, torch.inf
    w = torch.rand(70, dtype=torch.float64) if weighted else None
    alive = torch.arange(61) % 5 != 0
    problem = Problem.of(q.to(device), x.to(device), metric, None if w is None else w.to(device), None)
    query, group = torch.tensor([0, 4, 4, 2]), torch.tensor([7, 0, 3, 2])
    pairs = (query.to(device), group.to(device))
    found = similarity.rescore(
        problem.queries, problem.weights, problem.corpus, alive.to(device), metric, pairs, 8
    )
    wide = None if w is None else w.numpy()
    s = reference.scores(q.double().numpy(), x.double().numpy(), metric, wide).astype(np.float32)
    s = np.where(np.isnan(s) | ~alive.numpy(), -np.inf, s)
    s = np.pad(s, ((0, 0), (0, 3)), constant_values=-np.inf).reshape(5, 8, 8)
    np.testing.assert_array_equal(found.cpu().numpy(), s[query, group])


def asked(q, x, metric="dot", weights=None, mask=None, device="cpu"):
    w = None if weights is None else torch.from_numpy(weights).to(device)
    keep = None if mask is None else torch.from_numpy(mask).to(device)
    return Problem.of(
        torch.from_numpy(q).to(device), torch.from_numpy(x).to(device), metric, w, keep, gather=0.0
    )


def same(found, q, x, k, metric="dot", weights=None, mask=None):
    scores, rows = reference.topk(q.astype(float), x.astype(float), k, metric, weights, mask)
    np.testing.assert_array_equal(found[1].cpu().numpy(), rows)
    np.testing.assert_array_equal(found[0].cpu().numpy(), scores)


@pytest.mark.parametrize(("metric", "kind"), SCANS)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("keep", [None, 0.6], ids="keep={}".format)
def test_device_topk_is_the_definition(keep, weighted, metric, kind, device, monkeypatch):
    """By scan, groups and proof alone: falling back to scoring everything is not allowed here."""
    from xbsql.kernels import device_search

    rng = np.random.default_rng(3)
    q, x = rng.standard_normal((5, 40)), rng.standard_normal((1100, 40))
    q, x = (
        (40 * each).clip(-127, 127).astype(np.int8) if kind == "int8" else each.astype("f4")
        for each in (q, x)
    )
    x[rng.integers(0, 1100, 200)] = x[0]
    w = rng.random(40) if weighted else None
    mask = None if keep is None else rng.random(1100) < keep
    problem = asked(q, x, metric, w, mask, device)
    ready = prepare(problem.corpus, metric=metric, weights=w) if kind == "codes" else None
    monkeypatch.setattr(device_search, "exhaustive", None)
    monkeypatch.setattr(device_search, "_SHARE", 1)
    same(device_search.topk(problem, 3, ready, torch.float32), q, x, 3, metric, w, mask)


@pytest.mark.parametrize("trouble", ["ties", "nan", "inf", "huge", "few left", "large k", "nan query"])
def test_device_topk_where_a_scan_proves_nothing(trouble, device):
    from xbsql.kernels import device_search

    rng = np.random.default_rng(4)
    q, x = rng.standard_normal((4, 24)).astype("f4"), rng.standard_normal((700, 24)).astype("f4")
    mask, k = None, 600 if trouble == "large k" else 3
    if trouble == "ties":
        x[:] = x[0]
    if trouble == "few left":
        mask = np.arange(700) % 350 == 7
    x[[5, 300], 1] = {"nan": np.nan, "inf": np.inf, "huge": 1e30}.get(trouble, 1.0)
    q[1, 3] = np.nan if trouble == "nan query" else 1.0
    found = device_search.topk(asked(q, x, mask=mask, device=device), k, dtype=torch.float32)
    same(found, q, x, k, mask=mask)


def test_proof_fails_when_it_must(device, monkeypatch):
    """With bounds that are too low the proof passes too early and rows are lost: the slack holds it."""
    from xbsql.kernels import device_search

    rng = np.random.default_rng(5)
    q = rng.standard_normal((8, 24)).astype("f4")
    x = (q[0] + 1e-3 * rng.standard_normal((2000, 24))).astype("f4")
    problem = asked(q, x, device=device)
    ready = prepare(problem.corpus)
    same(device_search.topk(problem, 3, ready), q, x, 3)
    plain, off = device_search.bounds, 1e6 * torch.rand(1, 1 << 10, device=device)
    monkeypatch.setattr(device_search, "bounds", lambda p, s: plain(p, s) - off[:, : len(s.reach)])
    with pytest.raises(AssertionError):
        same(device_search.topk(problem, 3, ready), q, x, 3)


def test_device_search_takes_any_layout_and_can_leave_the_proof_out(device):
    from xbsql.kernels import device_search

    rng = np.random.default_rng(8)
    q, x = rng.standard_normal((3, 24)).astype("f4"), rng.standard_normal((900, 24)).astype("f4")
    problem = asked(q, np.asfortranarray(x), device=device)
    same(device_search.topk(problem, 3, dtype=torch.float32, proof=False), q, x, 3)


@pytest.mark.parametrize("itself", [True, False], ids=["self", "cross"])
@pytest.mark.parametrize(("metric", "threshold"), [("cosine", 0.6), ("dot", 9.0), ("l2", -9.0)])
@pytest.mark.parametrize("keep", [None, 0.5], ids="keep={}".format)
def test_device_join_is_the_definition(keep, metric, threshold, itself, device, monkeypatch):
    from xbsql.kernels import device_search

    monkeypatch.setattr(device_search, "_PEAKS", 40)
    monkeypatch.setattr(device_search, "_PAIRS", 50)
    rng = np.random.default_rng(6)
    left = rng.standard_normal((37, 24)).astype("f4")
    left[20:] = left[:17]
    right = left if itself else np.concatenate([left[5:9], rng.standard_normal((90, 24))]).astype("f4")
    mask = None if keep is None else rng.random(len(right)) < keep
    problem = asked(left, right, metric, None, mask, device)
    found = device_search.threshold_join(problem, threshold, itself, None, torch.float32)
    wanted = reference.threshold_join(
        left.astype(float), None if itself else right.astype(float), threshold, metric, None, mask
    )
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mine.cpu().numpy(), theirs)
