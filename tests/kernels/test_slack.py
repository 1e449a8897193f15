"""Every bound of `kernels/slack.py` on rows made to sit at it, with the arithmetic of the hardware."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.kernels import prepare, reference, slack, threshold_join, topk

UP, DOWN = 1 + 2.0**-8, 1 + 3 * 2.0**-8  # halfway between two bfloat16s: one goes down, one up
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the interpreter's NumPy
CUT = 1 + 2.0**-10 - 2.0**-23  # float32 that TF32 cuts by nearly 2^-10 of it


def search(q, x, metric="dot"):
    from xbsql.kernels.device_search import Search

    return Search(torch.from_numpy(q), torch.from_numpy(x), metric)


def same(found, wanted):
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mine.cpu().numpy(), theirs)


@pytest.fixture(autouse=True)
def _interpreted(device, monkeypatch):
    if device != "cpu":
        pytest.skip("the interpreter's arithmetic is the worst that the hardware may do")
    from xbsql.kernels import device_search

    monkeypatch.setattr(device_search, "_SHARE", 1)


def worst(dtype, d, signs):
    """A query and a row whose stand-ins' product is off by about as much as operands of the dtype allow."""
    off = UP if dtype == torch.bfloat16 else CUT
    return np.where(signs, off, -off).astype(np.float32), np.full(d, off, np.float32)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([torch.bfloat16, torch.float32]), st.sampled_from([1, 2, 63, 64, 130]), st.data())
def test_a_row_at_the_bound_is_within_it(dtype, d, data):
    from xbsql.kernels import queries, scan, similarity

    signs = np.array(data.draw(st.lists(st.booleans(), min_size=d, max_size=d)))
    q, x = worst(dtype, d, signs)
    metric = data.draw(st.sampled_from(["dot", "cosine", "l2"]))
    size = 10.0 ** data.draw(st.integers(-12, 12))
    rows = np.stack([x, x * np.where(signs, 1, -1), -x]).astype(np.float32) * np.float32(size)
    made = scan.scan_of(torch.from_numpy(rows), metric, None, None, dtype)
    folded = queries.folded(torch.from_numpy(q[None]), None, metric)
    upper = similarity.peaks(*queries.asked(folded, made, metric), made, 8)
    exact = reference.scores(q[None].astype(float), rows.astype(float), metric)
    assert float(upper[0, 0]) >= exact.max()


def test_a_dot_product_loses_what_both_operands_lose():
    """Two roundings to bfloat16 in one product: one row's slack would not reach the best row."""
    d, near, far = 64, 1.0078125, 0.99609375
    q = np.full((1, d), 1 + 2.0**-8, np.float32)
    x = 0.1 * np.random.default_rng(0).standard_normal((4000, d)).astype(np.float32)
    for first, count, ups in ((1000, 3, 32), (2000, 13, 26)):
        for i in range(count):
            x[first + 8 * i] = np.where(np.arange(d) < ups, near, far)
    x[100] = 1 + 2.0**-8
    from xbsql.kernels import device_search

    same(device_search.topk(search(q, x), 3), reference.topk(q.astype(float), x.astype(float), 3, "dot"))


@pytest.mark.parametrize("threshold", [0.9999, 0.999])
def test_a_join_of_many_near_rows_loses_no_pair(threshold):
    from xbsql.kernels import device_search

    x = np.random.default_rng(0).standard_normal((900, 2)).astype(np.float32)
    x = x[np.argsort(np.arctan2(x[:, 1], x[:, 0]))[:110]]
    found = device_search.threshold_join(search(x, x, "cosine"), threshold, True, None)
    same(found, reference.threshold_join(x.astype(float), None, threshold, "cosine"))
    assert len(found[0]) > 4


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["dot", "cosine", "l2"]), st.sampled_from([2, 64, 70]))
def test_rows_on_the_edges_of_bfloat16_are_ranked_right(seed, metric, d):
    """Values halfway between two bfloat16s, and their neighbours: most rows tie in the scan."""
    from xbsql.kernels import device_search

    rng = np.random.default_rng(seed)
    x = rng.choice(np.float32([UP, DOWN, 1.0, 1 + 2.0**-7, CUT]), (200, d)) * rng.choice([-1, 1], d)
    q = rng.choice(np.float32([UP, DOWN]), (2, d)) * rng.choice([-1, 1], d)
    x, q = x.astype(np.float32), q.astype(np.float32)
    found = device_search.topk(search(q, x, metric), 2)
    same(found, reference.topk(q.astype(float), x.astype(float), 2, metric))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["dot", "cosine"]))
def test_rows_on_the_edges_of_codes_are_ranked_right(seed, metric):
    """Values halfway between two codes of their group's scale, on the device and on the CPU."""
    from xbsql.kernels import device_search

    rng = np.random.default_rng(seed)
    x = (rng.integers(-127, 127, (200, 64)) + rng.choice([0.5, 0.499, 0.501], (200, 64))).astype(np.float32)
    x[:, 0] = 127
    q = x[rng.integers(0, 200, 2)] + 0.5
    asked = search(q, x, metric)
    wanted = reference.topk(q.astype(float), x.astype(float), 2, metric)
    ready = prepare(asked.corpus, metric=metric)
    same(device_search.topk(asked, 2, ready), wanted)
    same(topk(asked.queries, asked.corpus, 2, metric=metric, prepared=ready), wanted)


@pytest.mark.parametrize("precision", ["medium", "high"])
def test_torchs_own_loose_float32_products_change_nothing(precision):
    """Users set this for speed; on some CPUs torch then multiplies float32 as bfloat16."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3000, 48)).astype(np.float32)
    q = rng.standard_normal((40, 48)).astype(np.float32)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        found, pairs = topk(q, x, 5), threshold_join(x[:300], threshold=0.5)
    finally:
        torch.set_float32_matmul_precision(before)
    wanted = reference.topk(q.astype(float), x.astype(float), 5, "dot")
    np.testing.assert_array_equal(found[1], wanted[1])
    for mine, theirs in zip(
        pairs, reference.threshold_join(x[:300].astype(float), None, 0.5, "cosine"), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**32 - 1))
def test_a_float32_sum_is_within_its_bound_in_any_order(d, seed):
    rng = np.random.default_rng(seed)
    q, x = (rng.choice(np.float32([UP, CUT, 1.3, 1e-3]), d) for _ in range(2))
    total = np.float32(0)
    for each in (q * x)[rng.permutation(d)]:
        total = np.float32(total + each)
    exact = q.astype(float) @ x.astype(float)
    assert abs(float(total) - exact) <= slack.rounding(d) * np.linalg.norm(q.astype(float)) * np.linalg.norm(
        x.astype(float)
    )
    # And cut instead of rounded, every term aligned to the largest of its step of 16.
    total = 0.0
    for s in range(0, d, 16):
        terms = np.append((q.astype(float) * x)[s : s + 16], total)
        unit = 2.0 ** (np.floor(np.log2(np.abs(terms).max())) - 23)
        total = float((np.trunc(terms / unit) * unit).sum())
    assert abs(total - exact) <= slack.summed(d) * np.linalg.norm(q.astype(float)) * np.linalg.norm(
        x.astype(float)
    )
