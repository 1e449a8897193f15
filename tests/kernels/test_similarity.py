"""The search kernels of Triton: bounds of groups, exact scores of groups, and the search built on both.

Without a GPU they are interpreted with the arithmetic of tensor cores: `bench/gpu_interpreter.py`.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import prepare, reference
from xbsql.kernels.tuning import ScanTile

pytestmark = [
    pytest.mark.usefixtures("poisoned"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # of the interpreter's NumPy
]
SCANS = [(metric, kind) for metric in ("dot", "cosine", "l2") for kind in ("bfloat16", "float32", "codes")]
SCANS.remove(("l2", "codes"))
TILES = {
    "few": ScanTile(16, 128, 64, 4, 2, few=True),
    "many": ScanTile(32, 64, 32, 4, 2, few=False),
    "tiled": None,
}


def values(seed, n, d, dtype):
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal((n, d)))
    return (x * 40).clamp(-127, 127).to(dtype) if dtype == torch.int8 else x.to(dtype)


def best_of_groups(scores, size):
    missing = -scores.shape[1] % size
    padded = np.pad(scores, ((0, 0), (0, missing)), constant_values=-np.inf)
    return padded.reshape(len(scores), -1, size).max(axis=2)


@pytest.mark.parametrize("way", TILES)
@pytest.mark.parametrize(("metric", "kind"), [*SCANS, ("dot", "int8"), ("cosine", "int8")])
@pytest.mark.parametrize("keep", [None, 0.6], ids="keep={}".format)
@pytest.mark.parametrize(("m", "n", "size"), [(1, 61, 8), (19, 331, 8), (17, 260, 64)])
def test_bounds_hold_and_are_near(m, n, size, keep, metric, kind, way, device):
    from xbsql.kernels import queries, scan, similarity

    raw = torch.int8 if kind == "int8" else torch.float32
    q, x = values(m, m, 100, raw), values(n, n, 100, raw)
    mask = None if keep is None else torch.from_numpy(np.random.default_rng(n).random(n) < keep)
    if mask is not None:
        mask[: n // 2] = False
    dtype = torch.float32 if kind == "float32" else torch.bfloat16
    ready = prepare(x.to(device), metric=metric) if kind == "codes" else None
    made = scan.scan_of(x.to(device), metric, None, ready, dtype)
    made = made.masked(None if mask is None else mask.to(device))
    given = *queries.asked(queries.folded(q.to(device), None, metric), made, metric), made, size
    upper = similarity.tiled_peaks(*given) if way == "tiled" else similarity.peaks(*given, TILES[way])
    exact = reference.scores(q.double().numpy(), x.double().numpy(), metric)
    exact[:, ~mask.numpy() if mask is not None else []] = -np.inf
    wanted = best_of_groups(exact, size)
    found = upper.cpu().double().numpy()
    assert np.isneginf(found[:, wanted.shape[1] :]).all()
    found = found[:, : wanted.shape[1]]
    assert (found >= wanted).all()
    assert (np.isneginf(found) == np.isneginf(wanted)).all()
    longest = [float(each.double().norm(dim=1).max()) for each in (q, x)]
    whole = {"dot": longest[0] * longest[1], "cosine": 1.0, "l2": sum(longest) ** 2}[metric]
    assert (found - wanted)[np.isfinite(wanted)].max() < whole * (0.05 if kind == "codes" else 0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int8], ids=str)
@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_rescore_is_exact(weighted, metric, dtype, device):
    from xbsql.kernels import queries
    from xbsql.kernels.device_exact import Exact

    q, x = values(1, 5, 70, dtype), values(2, 61, 70, dtype)
    x[17] = 0
    if x.is_floating_point():
        x[30, 2], x[31] = torch.nan, torch.inf
    w = torch.rand(70, dtype=torch.float64) if weighted else None
    alive = torch.arange(61) % 5 != 0
    there = None if w is None else w.to(device)
    folded = queries.folded(q.to(device), there, metric)
    query, group = torch.tensor([0, 4, 4, 2]), torch.tensor([7, 0, 3, 2])
    exact = Exact(folded, there, x.to(device), alive.to(device), metric, 8)
    found = exact.pairs(query.to(device), group.to(device))
    wide = None if w is None else w.numpy()
    s = reference.scores(q.double().numpy(), x.double().numpy(), metric, wide).astype(np.float32)
    s = np.where(np.isnan(s) | ~alive.numpy(), -np.inf, s)
    s = np.pad(s, ((0, 0), (0, 3)), constant_values=-np.inf).reshape(5, 8, 8)
    np.testing.assert_array_equal(found.cpu().numpy(), s[query, group])


def asked(q, x, metric="dot", weights=None, mask=None, device="cpu"):
    from xbsql.kernels.device_search import Search

    w = None if weights is None else torch.from_numpy(weights).to(device)
    keep = None if mask is None else torch.from_numpy(mask).to(device)
    return Search(torch.from_numpy(q).to(device), torch.from_numpy(x).to(device), metric, w, keep)


def same(found, q, x, k, metric="dot", weights=None, mask=None):
    scores, rows = reference.topk(q.astype(float), x.astype(float), k, metric, weights, mask)
    np.testing.assert_array_equal(found[1].cpu().numpy(), rows)
    np.testing.assert_array_equal(found[0].cpu().numpy(), scores)


@pytest.mark.parametrize(("metric", "kind"), [*SCANS, ("dot", "int8"), ("cosine", "int8"), ("l2", "int8")])
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
    search = asked(q, x, metric, w, mask, device)
    ready = prepare(search.corpus, metric=metric, weights=w) if kind == "codes" else None
    monkeypatch.setattr(device_search, "exhaustive", None)
    monkeypatch.setattr(device_search, "_SHARE", 1)
    dtype = torch.float32 if kind == "float32" else torch.bfloat16
    same(device_search.topk(search, 3, ready, dtype), q, x, 3, metric, w, mask)


@pytest.mark.parametrize("k", [1, 3, 40, 300])
@pytest.mark.parametrize("few", [False, True], ids=["as chosen", "too few at first"])
def test_what_the_first_groups_do_not_prove_is_found_anew(few, k, device, monkeypatch):
    from xbsql.kernels import device_search

    monkeypatch.setattr(device_search, "_SHARE", 1)
    if few:
        monkeypatch.setattr(device_search, "first_choice", lambda k, coded: -(-k // 8))
    rng = np.random.default_rng(9)
    q = rng.standard_normal((3, 24)).astype("f4")
    x = (q[0] + 1e-3 * rng.standard_normal((700, 24))).astype("f4")
    x[rng.integers(0, 700, 200)] = x[0]
    same(device_search.topk(asked(q, x, device=device), k), q, x, k)


@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int8], ids=str)
def test_every_tile_that_may_be_chosen_gives_the_same_bounds(dtype, masked, device, monkeypatch):
    """One program has all tiles of rows, which a loop over tiles and depth at once must tell apart."""
    from xbsql.kernels import similarity
    from xbsql.kernels.queries import asked, folded
    from xbsql.kernels.scan import scan_of
    from xbsql.kernels.tuning import candidates

    rng = np.random.default_rng(11)
    q, x = (torch.from_numpy(20 * rng.standard_normal((n, 130))) for n in (5, 700))
    q, x = (each.round().clamp(-127, 127).to(dtype).to(device) for each in (q, x))
    mask = torch.from_numpy(rng.random(700) < 0.5).to(device) if masked else None
    scan = scan_of(x, "dot", None, None, torch.bfloat16).masked(mask)
    stand_in = asked(folded(q, None, "dot"), scan, "dot")
    wanted = similarity.peaks(*stand_in, scan, 32).float()
    monkeypatch.setattr(similarity, "_GRID", 1)
    for tile in candidates(dtype):
        found = similarity.peaks(*stand_in, scan, 32, tile).float()
        torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    assert bool((wanted[:, 22:] == -torch.inf).all())


TROUBLES = ["ties", "nan", "inf", "huge", "few left", "none left", "large k", "nan query", "inf query"]


@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
@pytest.mark.parametrize("kind", ["bfloat16", "codes"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_device_topk_where_a_scan_proves_little(trouble, kind, metric, device, monkeypatch):
    from xbsql.kernels import device_search

    if (metric, kind) == ("l2", "codes"):
        pytest.skip("l2 has no codes")
    rng = np.random.default_rng(4)
    q, x = rng.standard_normal((4, 24)).astype("f4"), rng.standard_normal((700, 24)).astype("f4")
    mask, k = None, 600 if trouble == "large k" else 3
    if trouble == "ties":
        x[:] = x[0]
    if trouble in ("few left", "none left"):
        mask = np.arange(700) % 350 == (7 if trouble == "few left" else 400)
    x[[5, 300], 1] = {"nan": np.nan, "inf": np.inf, "huge": 1e30}.get(trouble, 1.0)
    q[1, 3] = {"nan query": np.nan, "inf query": np.inf}.get(trouble, 1.0)
    search = asked(q, x, metric, mask=mask, device=device)
    ready = prepare(search.corpus, metric=metric) if kind == "codes" else None
    monkeypatch.setattr(device_search, "_SHARE", 1)
    same(device_search.topk(search, k, ready), q, x, k, metric, mask=mask)


@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
@pytest.mark.parametrize("bad", [np.inf, np.nan, 1e16, 1e-20])
def test_one_strange_row_does_not_send_all_queries_the_long_way(bad, metric, device, monkeypatch):
    from xbsql.kernels import device_search

    rng = np.random.default_rng(10)
    q, x = rng.standard_normal((4, 24)).astype("f4"), rng.standard_normal((700, 24)).astype("f4")
    x[77] *= np.float32(bad)
    monkeypatch.setattr(device_search, "exhaustive", None)
    monkeypatch.setattr(device_search, "_SHARE", 1)
    same(device_search.topk(asked(q, x, metric, device=device), 3), q, x, 3, metric)


def test_proof_fails_when_it_must(device, monkeypatch):
    """With bounds that are too low the proof passes too early and rows are lost: the slack holds it."""
    from xbsql.kernels import device_search

    rng = np.random.default_rng(5)
    q = rng.standard_normal((3, 24)).astype("f4")
    x = (q[0] + 1e-3 * rng.standard_normal((2000, 24))).astype("f4")
    search = asked(q, x, device=device)
    same(device_search.topk(search, 3), q, x, 3)
    plain = device_search.similarity.peaks
    off = 10 * torch.rand(1, 1 << 10, device=device).bfloat16()
    low = lambda *given: plain(*given) - off[:, : -(-2000 // (given[-1] * 32)) * 32]  # noqa: E731
    monkeypatch.setattr(device_search.similarity, "peaks", low)
    with pytest.raises(AssertionError):
        same(device_search.topk(search, 3), q, x, 3)


def test_the_proof_can_be_left_out(device, monkeypatch):
    from xbsql.kernels import device_search

    rng = np.random.default_rng(8)
    q, x = rng.standard_normal((3, 24)).astype("f4"), rng.standard_normal((900, 24)).astype("f4")
    monkeypatch.setattr(device_search, "_SHARE", 1)
    for k in (3, 300):
        same(device_search.topk(asked(q, x, device=device), k, proof=False), q, x, k)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("itself", [True, False], ids=["self", "cross"])
@pytest.mark.parametrize(("metric", "threshold"), [("cosine", 0.7), ("dot", 14.0), ("l2", -9.0)])
@pytest.mark.parametrize("keep", [None, 0.5], ids="keep={}".format)
def test_device_join_is_the_definition(keep, metric, threshold, itself, kind, device, monkeypatch):
    from xbsql.kernels import device_search

    monkeypatch.setattr(device_search, "_PEAKS", 40)
    monkeypatch.setattr(device_search, "_PAIRS", 50)
    rng = np.random.default_rng(6)
    left = rng.standard_normal((75, 24)).astype("f4")
    left[55:] = left[:20]
    right = left if itself else np.concatenate([left[5:9], rng.standard_normal((60, 24))]).astype("f4")
    mask = None if keep is None else rng.random(len(right)) < keep
    search = asked(left, right, metric, None, mask, device)
    found = device_search.threshold_join(search, threshold, itself, None, kind)
    wanted = reference.threshold_join(
        left.astype(float), None if itself else right.astype(float), threshold, metric, None, mask
    )
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mine.cpu().numpy(), theirs)


def test_a_join_with_itself_scans_half(device, monkeypatch):
    from xbsql.kernels import device_search

    monkeypatch.setattr(device_search, "_PEAKS", 1)
    scanned, plain = [], device_search.similarity.peaks
    monkeypatch.setattr(
        device_search.similarity,
        "peaks",
        lambda q, shares, scan, size: scanned.append(len(q) * len(scan.x)) or plain(q, shares, scan, size),
    )
    x = np.random.default_rng(7).standard_normal((330, 24)).astype("f4")
    device_search.threshold_join(asked(x, x, "cosine", device=device), 0.99, True, None)
    assert sum(scanned) < 0.65 * 330**2


@pytest.mark.parametrize("empty", ["left", "right"])
def test_a_device_join_with_an_empty_side_has_no_pairs(empty, device):
    from xbsql.kernels import device_search

    x, none = np.ones((3, 2), np.float32), np.empty((0, 2), np.float32)
    sides = (none, x) if empty == "left" else (x, none)
    found = device_search.threshold_join(asked(*sides, "cosine", device=device), 0.9, False, None)
    assert [len(each) for each in found] == [0, 0, 0]
