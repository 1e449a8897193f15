"""Many results, few queries, strange rows: the ways of the CPU search that save passes over the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import cpu_topk, cpu_wide, prepare, reference, topk

pytestmark = pytest.mark.filterwarnings("error")


def expected(q, x, k, metric="dot", weights=None, mask=None):
    return reference.topk(q.astype(float), x.astype(float), k, metric, weights, mask)


def same(found, wanted):
    np.testing.assert_array_equal(found[1], wanted[1])
    np.testing.assert_array_equal(found[0], wanted[0])


@pytest.fixture
def counted(monkeypatch):
    """How often all places were looked at side by side."""
    calls, plain = [], cpu_wide.best_of_all
    monkeypatch.setattr(cpu_topk, "best_of_all", lambda *given: calls.append(1) or plain(*given))
    return calls


@pytest.mark.parametrize("keep", [None, 0.9, 0.1], ids="keep={}".format)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("metric", ["dot", "cosine"])
@pytest.mark.parametrize(("m", "n", "k"), [(1, 256, 32), (5, 1003, 100), (17, 3001, 40)])
def test_many_results_are_the_definition(m, n, k, metric, weighted, keep, counted, monkeypatch):
    monkeypatch.setattr(cpu_wide, "_SCORES", 1 << 13)
    rng = np.random.default_rng(n)
    q, x = (rng.standard_normal((rows, 12)).astype(np.float32) for rows in (m, n))
    x[rng.integers(0, n, n // 3)] = x[0]
    w = rng.random(12) if weighted else None
    mask = None if keep is None else rng.random(n) < keep
    for codes in (None, False, True):
        ready = None if codes is None else prepare(x, metric=metric, weights=w, codes=codes)
        found = topk(q, x, k, metric=metric, weights=w, mask=mask, prepared=ready)
        same(found, expected(q, x, k, metric, w, mask))
    assert counted or keep == 0.1


@pytest.mark.parametrize("strange", [np.nan, np.inf, 1e30, 1e16, 1e-25, 0.0], ids=str)
@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
@pytest.mark.parametrize("k", [3, 40])
def test_a_strange_row_is_ranked_and_spoils_no_other(k, metric, strange, monkeypatch):
    if k == 3:
        monkeypatch.setattr(cpu_topk, "_merge_all", None)
    rng = np.random.default_rng(1)
    q, x = (rng.standard_normal((rows, 12)).astype(np.float32) for rows in (9, 2000))
    x[5] *= np.float32(strange)
    x[700, 3] = strange
    with np.errstate(all="ignore"):
        wanted = expected(q, x, k, metric)
    same(topk(q, x, k, metric=metric), wanted)
    same(topk(q[:1], x, k, metric=metric), (wanted[0][:1], wanted[1][:1]))
    if metric != "l2":
        same(topk(q, x, k, metric=metric, prepared=prepare(x, metric=metric)), wanted)


@pytest.mark.parametrize("m", [1, 2, 8])
@pytest.mark.parametrize("keep", [None, 0.7], ids="keep={}".format)
def test_few_queries_on_plain_rows_measure_no_lengths(m, keep, monkeypatch):
    monkeypatch.setattr("xbsql.kernels.cpu_scan.lengths", None)
    rng = np.random.default_rng(2)
    q, x = (rng.standard_normal((rows, 24)).astype(np.float32) for rows in (m, 5001))
    mask = None if keep is None else rng.random(5001) < keep
    same(topk(q, x, 7, mask=mask), expected(q, x, 7, mask=mask))


def test_the_reach_of_a_product_is_no_shorter_than_any_row():
    from xbsql.kernels.cpu_product import with_reach

    x = torch.randn(3000, 40) * torch.rand(3000, 1)
    score, reach = with_reach(x[:3], x)
    assert reach >= float(x.norm(dim=1).max())
    torch.testing.assert_close(score, x[:3] @ x.T, rtol=1e-4, atol=1e-4)
