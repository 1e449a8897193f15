"""A head bounds what it leaves out: the search is the definition all the same, and reads less."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import prepare, reference, topk
from xbsql.kernels.cpu_request import Request
from xbsql.kernels.cpu_scan import IntScan
from xbsql.kernels.head import Head


def lowrank(rng, n, d=192, rank=20, noise=0.02):
    """Rows near a space of few directions."""
    inside = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))
    return (inside + noise * rank**0.5 * rng.standard_normal((n, d))).astype(np.float32)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("xbsql.kernels.cpu_scan._SCORES", 1 << 12)


def same(found, wanted):
    np.testing.assert_array_equal(found[1], wanted[1])
    np.testing.assert_array_equal(found[0], wanted[0])


def expected(q, x, k, metric="cosine", weights=None, mask=None):
    return reference.topk(q.astype(float), x.astype(float), k, metric, weights, mask)


@pytest.mark.parametrize("metric", ["cosine", "dot"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("keep", [None, 0.7, 0.02], ids="keep={}".format)
def test_is_the_definition(metric, weighted, keep):
    rng = np.random.default_rng(1)
    x = lowrank(rng, 3001)
    x[rng.integers(0, 3001, 300)] = x[0]
    q = x[:300] + 0.1 * rng.standard_normal((300, 192)).astype(np.float32)
    w = 0.5 + rng.random(192) if weighted else None
    mask = None if keep is None else rng.random(3001) < keep
    ready = prepare(x, metric=metric, weights=w)
    assert ready.codes.head is not None
    found = topk(q, x, 10, metric=metric, weights=w, mask=mask, prepared=ready)
    same(found, expected(q, x, 10, metric, w, mask))


def test_queries_it_knows_nothing_of_are_found_all_the_same():
    rng = np.random.default_rng(2)
    x = lowrank(rng, 2000)
    q = np.concatenate([x[:9], rng.standard_normal((9, 192)).astype(np.float32), np.zeros((1, 192), "f4")])
    ready = prepare(x, metric="cosine")
    request = Request.of(*map(torch.from_numpy, (q, x)), "cosine", None, None)
    strange = ready.codes.head.strange(request.direct())
    assert strange.tolist() == [False] * 9 + [True] * 9 + [False]
    same(topk(q, x, 5, metric="cosine", prepared=ready), expected(q, x, 5))


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30, 1e-25, 0.0], ids=str)
@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_poison_in_rows_and_queries(poison, metric):
    rng = np.random.default_rng(3)
    x = lowrank(rng, 1200)
    q = x[:7].copy()
    x[5], x[700, 3], q[2, 1], q[4] = poison, poison, poison, poison
    ready = prepare(x, metric=metric)
    assert ready.codes.head is not None
    same(topk(q, x, 15, metric=metric, prepared=ready), expected(q, x, 15, metric))


def test_a_folded_product_is_never_below_the_product_itself():
    rng = np.random.default_rng(4)
    x, q = (torch.from_numpy(lowrank(rng, n, noise=0.3)).double() for n in (800, 50))
    head = Head.of(x)
    folded = head.fold(q) @ head.fold(x).T
    assert bool((folded >= q @ x.T - 1e-9).all())
    assert head.width % 64 == 0
    torch.testing.assert_close(head.basis @ head.basis.T, torch.eye(len(head.basis)).double())


def test_there_is_none_where_it_would_save_nothing():
    rng = np.random.default_rng(5)
    assert prepare(rng.standard_normal((2000, 192)).astype(np.float32)).codes.head is None
    assert prepare(lowrank(rng, 2000, d=100)).codes.head is None
    assert prepare(np.zeros((100, 192), np.float32)).codes.head is None


def test_it_reads_few_rows_and_is_kept_as_arrays():
    from xbsql.kernels.prepared import Prepared

    rng = np.random.default_rng(6)
    x = lowrank(rng, 20_000)
    ready = prepare(x, metric="cosine")
    again = Prepared.of_arrays("cosine", None, ready.arrays())
    scored, plain = [], IntScan.upper

    def upper(self, query, place):
        scored.append(len(query))
        return plain(self, query, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IntScan, "upper", upper)
        same(topk(x[:20], x, 10, metric="cosine", prepared=again), expected(x[:20], x, 10))
    assert 0 < sum(scored) < 0.05 * 20 * 20_000
    assert ready.nbytes < 0.5 * x.nbytes


def test_the_device_search_proves_its_result_by_the_head(device, monkeypatch):
    from xbsql.kernels import device_search

    rng = np.random.default_rng(7)
    x = lowrank(rng, 1500)
    sides = (torch.from_numpy(each).to(device) for each in (x[:4], x))
    asked = device_search.Search(*sides, "cosine")
    ready = prepare(asked.corpus, metric="cosine")
    assert ready.codes.head is not None
    monkeypatch.setattr(device_search, "exhaustive", None)
    monkeypatch.setattr(device_search, "_SHARE", 1)
    found = device_search.topk(asked, 3, ready)
    same([each.cpu().numpy() for each in found], expected(x[:4], x, 3))
