"""Many results, few queries, strange rows: the ways of the CPU search that save passes over the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import cpu_half, cpu_once, cpu_topk, cpu_wide, prepare, reference, topk
from xbsql.kernels.cpu_request import Request

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


@pytest.fixture(params=[False, True], ids=["float32", "bfloat16"])
def half(request, monkeypatch):
    """The scans of many results, whatever this processor does faster."""
    monkeypatch.setattr(cpu_half, "is_faster", lambda: request.param)
    monkeypatch.setattr(cpu_half, "MANY", 1)
    return request.param


@pytest.mark.parametrize("rows", ["random", "sorted", "alike", "near", "long", "negative"])
@pytest.mark.parametrize("metric", ["dot", "cosine"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_both_scans_of_many_results_are_the_definition(rows, metric, weighted, half, counted, monkeypatch):
    monkeypatch.setattr(cpu_wide, "_SCORES", 1 << 13)
    rng = np.random.default_rng(3)
    q, x = (rng.standard_normal((n, 40)).astype(np.float32) for n in (12, 4000))
    if rows == "sorted":
        x = x[np.argsort(-x @ q[0])]
    if rows == "alike":
        x[:3000] = x[:3][np.arange(3000) % 3]
    if rows == "near":  # nearer to each other than any bfloat16 tells
        x = x[0] * (1 + 1e-4 * rng.standard_normal((4000, 1))).astype(np.float32)
    if rows == "long":
        x[:50] *= 1000
    if rows == "negative":
        q, x = np.abs(q), -np.abs(x)
    w = 10.0 ** rng.uniform(-3, 0, 40) if weighted else None
    same(topk(q, x, 90, metric=metric, weights=w), expected(q, x, 90, metric, w))
    assert counted


@pytest.mark.parametrize("metric", ["dot", "cosine"])
def test_a_query_that_no_sample_foretells_is_found_out(metric, half, monkeypatch):
    """A sample of the worst rows: the floors are too low; of the best rows: too high for all queries."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((4096, 24)).astype(np.float32)
    q = (x[:1] + 0.1 * rng.standard_normal((10, 24))).astype(np.float32)
    order = np.argsort(-(x @ q[0]))
    for chosen in (order[:1024], order[-1024:]):
        places = np.sort(chosen)
        monkeypatch.setattr(cpu_wide, "sampled", lambda n, places=places: places)
        same(topk(q, x, 100, metric=metric), expected(q, x, 100, metric))


@pytest.mark.parametrize("noise", [1e-3, 1e-2, 1e-1])
@pytest.mark.parametrize("margin", [-2, 0, 2.2])
def test_a_floor_within_the_slack_of_the_best_is_found_out(margin, noise, half, monkeypatch):
    monkeypatch.setattr(cpu_wide, "_MARGIN", margin)
    rng = np.random.default_rng(9)
    x = (1 + noise * rng.standard_normal((4096, 24))).astype(np.float32)
    q = (1 + 0.1 * rng.standard_normal((10, 24))).astype(np.float32)
    same(topk(q, x, 100), expected(q, x, 100))


@pytest.mark.parametrize("kind", ["random", "bfloat16", "halfway", "tiny", "least", "spread"])
@pytest.mark.parametrize("metric", ["dot", "cosine"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("d", [2, 64, 257])
def test_a_bfloat16_score_is_within_its_bound(kind, metric, weighted, d):
    rng = np.random.default_rng(d)
    q, x = (rng.uniform(-1, 1, (n, d)).astype(np.float32) for n in (9, 300))
    if kind == "bfloat16":
        q, x = (torch.tensor(each).bfloat16().float().numpy() for each in (q, x))
    if kind == "halfway":
        q, x = np.full((9, d), 1 + 2.0**-8, np.float32), np.full((300, d), 1 + 3 * 2.0**-8, np.float32)
        x[:150] = 1 + 2.0**-8
    if kind in ("tiny", "least"):
        x *= np.float32(1e-18 if kind == "tiny" else 1e-25)
    if kind == "spread":
        q, x = (each * 10.0 ** rng.integers(-6, 6, d).astype(np.float32) for each in (q, x))
    w = torch.tensor(10.0 ** rng.uniform(-3, 0, d)) if weighted else None
    asked = Request.of(torch.from_numpy(q), torch.from_numpy(x), metric, w, None)
    block = cpu_half.HalfScan(asked, None).block(0, 9, 0, 300)
    score = block.score.double()
    off = (asked.exact(0, 9, 0, 300).double() - score).abs()
    assert bool((off <= block.slack + cpu_half.HalfScan.unit * score.abs()).all())


def test_rows_at_the_bound_of_bfloat16_are_found(monkeypatch):
    """All values lie halfway between two bfloat16s: the best rows are rounded down, the others up."""
    monkeypatch.setattr(cpu_half, "is_faster", lambda: True)
    monkeypatch.setattr(cpu_half, "MANY", 1)
    down, up, d = 1 + 2.0**-8, 1 + 3 * 2.0**-8, 64
    rng = np.random.default_rng(5)
    q = np.full((9, d), down, np.float32)
    x = rng.uniform(0.2, 1, (4000, d)).astype(np.float32)
    for row in rng.choice(4000, 60, replace=False):
        x[row] = np.where(np.arange(d) < rng.integers(20, 30), up - 2.0**-20, 1 - 2.0**-8)
    x[rng.choice(4000, 40, replace=False)] = down
    same(topk(q, x, 50), expected(q, x, 50))


@pytest.mark.parametrize("margin", [0.5, 0.6, 0.7, 1.5])
def test_a_floor_above_what_was_rounded_down_proves_nothing(margin, monkeypatch):
    """Rows that are rounded up reach a floor by scan and by score; better ones are rounded to below it."""
    monkeypatch.setattr(cpu_half, "is_faster", lambda: True)
    monkeypatch.setattr(cpu_half, "MANY", 1)
    monkeypatch.setattr(cpu_wide, "_MARGIN", margin)
    down, up, d = 1 + 2.0**-8 - 2.0**-20, 1 + 2.0**-8 + 2.0**-20, 64
    rng = np.random.default_rng(0)
    q, x = np.ones((9, d), np.float32), np.repeat(rng.uniform(0.2, 0.9, (4000, 1)), d, 1).astype(np.float32)
    for row in rng.choice(4000, 400, replace=False):
        near, other = (up, 1.0) if rng.random() < 0.5 else (down, down)
        x[row] = np.where(np.arange(d) < rng.integers(0, 40), other, near)
    same(topk(q, x, 50), expected(q, x, 50))


@pytest.fixture
def at_once(monkeypatch):
    """How often few queries on plain rows took one pass."""
    found, plain = [], cpu_once.product_at_once

    def counting(*given):
        found.append(plain(*given) is not None)
        return plain(*given)

    monkeypatch.setattr(cpu_once, "_LEAST", 1000)
    monkeypatch.setattr("xbsql.kernels.cpu_scan.product_at_once", counting)
    return found


@pytest.mark.parametrize("m", [1, 2, 8])
@pytest.mark.parametrize("keep", [None, 0.7], ids="keep={}".format)
@pytest.mark.parametrize("strange", [None, np.nan, np.inf, 1e30, 1e16, -1e6], ids=str)
def test_one_pass_over_plain_rows_is_the_definition(m, keep, strange, at_once):
    rng = np.random.default_rng(6)
    q, x = (rng.standard_normal((rows, 24)).astype(np.float32) for rows in (m, 6000))
    if strange is not None:
        x[77, 5] = strange
        x[4001] *= np.float32(strange)
    mask = None if keep is None else rng.random(6000) < keep
    with np.errstate(all="ignore"):
        wanted = expected(q, x, 7, mask=mask)
    same(topk(q, x, 7, mask=mask), wanted)
    assert all(at_once)


@pytest.mark.parametrize("size", [1e4, 1e7, 1e9])
def test_terms_that_cancel_are_found_out_by_overflow(size, at_once):
    """A row whose terms dwarf its score: float32 loses the score, and a sample says nothing of such rows."""
    rng = np.random.default_rng(7)
    q, x = rng.standard_normal((1, 64)).astype(np.float32), rng.standard_normal((5000, 64)).astype(np.float32)
    q[0, 1] = q[0, 0]
    for row in (13, 2222, 4999):
        x[row, :2] = size, -size
        x[row, 2:] = q[0, 2:] * rng.uniform(1, 2)
    same(topk(q, x, 5), expected(q, x, 5))
    assert {13, 2222, 4999} <= set(expected(q, x, 5)[1][0])
    assert all(at_once)


@pytest.mark.parametrize("m", [1, 3, 8])
@pytest.mark.parametrize("d", [1, 2, 7, 64, 300, 1024])
def test_this_machines_products_overflow_where_a_term_does(d, m):
    assert cpu_once._overflows.__wrapped__(d, m)


def test_sums_in_float64_prove_nothing(monkeypatch):
    monkeypatch.setattr(cpu_once, "rows_times", lambda q, x: (q.double() @ x.double().T).float())
    assert not cpu_once._overflows.__wrapped__(64, 1)


def test_where_scores_are_alike_one_pass_proves_too_little(at_once):
    rng = np.random.default_rng(8)
    x = (1 + 1e-3 * rng.standard_normal((5000, 64))).astype(np.float32)
    same(topk(x[:1], x, 5), expected(x[:1], x, 5))
    assert not any(at_once)


@pytest.mark.parametrize("strange", [np.nan, np.inf, 1e30, 1e16], ids=str)
@pytest.mark.parametrize("metric", ["dot", "cosine"])
def test_a_strange_row_sends_no_query_of_many_results_elsewhere(metric, strange, half, monkeypatch):
    monkeypatch.setattr(cpu_topk, "_gated", None)
    rng = np.random.default_rng(11)
    q, x = (rng.standard_normal((rows, 12)).astype(np.float32) for rows in (9, 4000))
    x[5] *= np.float32(strange)
    x[700, 3] = strange
    with np.errstate(all="ignore"):
        wanted = expected(q, x, 40, metric)
    same(topk(q, x, 40, metric=metric), wanted)


def test_no_queries_find_nothing_and_weights_that_are_no_numbers_are_refused():
    q, x = np.zeros((0, 4), np.float32), np.ones((300, 4), np.float32)
    assert topk(q, x, 32)[0].shape == (0, 32)
    for bad in (np.nan, np.inf):
        w = np.array([1, bad, 1, 1])
        for call in (lambda w=w: topk(x, x, 3, weights=w), lambda w=w: prepare(x, weights=w)):
            with pytest.raises(ValueError, match=r"weights\[1\] is (nan|inf); give finite numbers"):
                call()


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
