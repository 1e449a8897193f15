"""topk: every scan gives the rows and float32 scores of the float64 definition, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import prepare, reference, topk

SHAPES = [
    (1, 1, 1, 1),
    (3, 7, 5, 7),
    (7, 131, 13, 10),
    (2, 1511, 16, 1024),
    (530, 211, 8, 3),
    (9, 3001, 64, 10),
]
"""Queries, rows, columns, k: one cell, primes, k = n, more queries than one product takes, several blocks."""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of a few hundred rows, so that a small corpus has several."""
    monkeypatch.setattr("xbsql.kernels.cpu_scan._VALUES", 1 << 14)
    monkeypatch.setattr("xbsql.kernels.cpu_scan._SCORES", 1 << 12)


def vectors(rng, m, n, d, dtype, tied=0.3):
    """Queries and a corpus in which `tied` of the rows equal the first."""
    if dtype == "int8":
        q, x = (rng.integers(-127, 128, (rows, d)).astype(np.int8) for rows in (m, n))
    else:
        q, x = (rng.standard_normal((rows, d)).astype(dtype) for rows in (m, n))
    x[rng.integers(0, n, int(tied * n))] = x[0]
    return q, x


def expected(q, x, k, metric="dot", weights=None, mask=None):
    w = None if weights is None else weights.astype(np.float64)
    return reference.topk(q.astype(np.float64), x.astype(np.float64), k, metric, w, mask)


def same(found, wanted):
    np.testing.assert_array_equal(found[1], wanted[1])
    np.testing.assert_array_equal(found[0], wanted[0])


@pytest.mark.parametrize("keep", [None, 0.9, 0.3, 0.005], ids="keep={}".format)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_is_the_definition(shape, metric, dtype, weighted, keep):
    m, n, d, k = shape
    rng = np.random.default_rng(n)
    q, x = vectors(rng, m, n, d, dtype)
    w = rng.random(d).astype(np.float32) if weighted else None
    mask = None if keep is None else rng.random(n) < keep
    wanted = expected(q, x, k, metric, w, mask)
    same(topk(q, x, k, metric=metric, weights=w, mask=mask), wanted)
    if dtype != "int8":
        ready = prepare(x, metric=metric, weights=w, codes=metric != "l2")
        same(topk(q, x, k, metric=metric, weights=w, mask=mask, prepared=ready), wanted)


@pytest.mark.parametrize("codes", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize("spread", [1e-3, 1.0, 1e3], ids="spread={}".format)
def test_proof_holds_where_lengths_differ(spread, codes):
    """Rows of very different lengths share groups of codes: the bound must follow the worst of them."""
    rng = np.random.default_rng(5)
    q, x = vectors(rng, 40, 5000, 32, "float32", tied=0)
    x *= np.exp(spread * rng.standard_normal((5000, 1)) / 300).astype(np.float32) ** 2
    same(topk(q, x, 10, prepared=prepare(x, codes=codes)), expected(q, x, 10))


@pytest.mark.parametrize("codes", [False, True], ids=["float32", "int8"])
def test_rows_closer_than_float32_can_tell_are_still_ordered(codes):
    """All rows lie within a few float32 roundings of each other: the scan is blind, the rescore is not."""
    rng = np.random.default_rng(6)
    base = rng.standard_normal(64).astype(np.float32)
    x = (base + 1e-6 * rng.standard_normal((3000, 64))).astype(np.float32)
    q = (base + rng.standard_normal((5, 64))).astype(np.float32)
    for metric in ("dot", "cosine"):
        same(
            topk(q, x, 7, metric=metric, prepared=prepare(x, metric=metric, codes=codes)),
            expected(q, x, 7, metric),
        )


@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
def test_equal_rows_come_in_their_order(metric):
    x = np.ones((1000, 6), np.float32)
    _, rows = topk(np.ones((2, 6), np.float32), x, 20, metric=metric)
    np.testing.assert_array_equal(rows, np.tile(np.arange(20), (2, 1)))


@pytest.mark.parametrize("codes", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e30, 1e-25, 0.0], ids=str)
def test_poison_in_rows(poison, metric, codes):
    """NaN never wins, Inf follows the definition, and rows beyond float32's squares are not lost."""
    rng = np.random.default_rng(7)
    q, x = vectors(rng, 9, 1200, 12, "float32", tied=0)
    x[5] = poison
    x[700, 3] = poison
    wanted = expected(q, x, 15, metric)
    same(topk(q, x, 15, metric=metric), wanted)
    if metric != "l2" or not codes:
        same(topk(q, x, 15, metric=metric, prepared=prepare(x, metric=metric, codes=codes)), wanted)


@pytest.mark.parametrize("length", [1e-25, 1e20], ids=str)
def test_cosine_finds_a_row_whose_square_float32_cannot_hold(length):
    rng = np.random.default_rng(14)
    q, x = vectors(rng, 2, 900, 12, "float32", tied=0)
    x[[17, 801]] = q * np.float32(length)
    for prepared in (None, prepare(x, metric="cosine"), prepare(x, metric="cosine", codes=False)):
        found = topk(q, x, 3, metric="cosine", prepared=prepared)
        same(found, expected(q, x, 3, "cosine"))
        np.testing.assert_array_equal(found[1][:, 0], [17, 801])


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30, 0.0], ids=str)
@pytest.mark.parametrize("metric", ["dot", "cosine", "l2"])
def test_poison_in_queries(poison, metric):
    rng = np.random.default_rng(8)
    q, x = vectors(rng, 5, 900, 12, "float32", tied=0)
    q[1] = poison
    q[3, 2] = poison
    same(topk(q, x, 4, metric=metric), expected(q, x, 4, metric))


def test_a_mask_that_leaves_too_few_pads():
    rng = np.random.default_rng(9)
    q, x = vectors(rng, 3, 500, 8, "float32")
    for left in ([], [499], [3, 4, 77]):
        mask = np.zeros(500, bool)
        mask[left] = True
        scores, rows = topk(q, x, 5, mask=mask)
        assert [sorted(row[: len(left)]) for row in rows.tolist()] == [left] * 3
        assert (rows[:, len(left) :] == -1).all()
        assert (scores[:, len(left) :] == -np.inf).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: np.concatenate([x, x], axis=1)[:, : x.shape[1]],
        lambda x: x[::-1][::-1],
        lambda x: x[:, ::-1].copy()[:, ::-1],
        lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    ],
    ids=["fortran", "every other row", "wide rows", "twice reversed", "reversed columns", "read-only"],
)
def test_layout_does_not_matter(make):
    rng = np.random.default_rng(10)
    q, x = vectors(rng, 6, 800, 20, "float32")
    for dtype in ("float32", "int8"):
        a, b = ((10 * each).astype(dtype) for each in (q, x))
        same(topk(make(a), make(b), 5), expected(a, b, 5))


def test_torch_in_torch_out():
    rng = np.random.default_rng(11)
    q, x = vectors(rng, 6, 800, 20, "float32")
    scores, rows = topk(torch.from_numpy(q).bfloat16(), torch.from_numpy(x).bfloat16(), 5)
    assert (scores.dtype, rows.dtype) == (torch.float32, torch.int64)
    q, x = (torch.from_numpy(each).bfloat16().float().numpy() for each in (q, x))
    same((scores.numpy(), rows.numpy()), expected(q, x, 5))


def test_no_queries_no_result():
    scores, rows = topk(np.empty((0, 4), np.float32), np.ones((9, 4), np.float32), 2)
    assert scores.shape == rows.shape == (0, 2)


def test_arguments_are_not_written():
    rng = np.random.default_rng(12)
    q, x = vectors(rng, 6, 800, 20, "float32")
    w, before = rng.random(20), (q.copy(), x.copy())
    for metric in ("dot", "cosine", "l2"):
        topk(q, x, 5, metric=metric, weights=w)
    np.testing.assert_array_equal(q, before[0])
    np.testing.assert_array_equal(x, before[1])


def test_int8_scan_reads_no_more_than_it_must(monkeypatch):
    """The proof must be tight enough to be of use: on random data few rows are scored again."""
    rng = np.random.default_rng(13)
    q, x = (rng.standard_normal((rows, 128)).astype(np.float32) for rows in (20, 20_000))
    monkeypatch.setattr("xbsql.kernels.cpu_scan._VALUES", 1 << 20)
    scored = []
    plain = _pairs_of()
    monkeypatch.setattr(
        "xbsql.kernels.cpu_request.Request.pairs",
        lambda self, query, place: scored.append(len(query)) or plain(self, query, place),
    )
    topk(q, x, 10, metric="cosine", prepared=prepare(x, metric="cosine"))
    assert sum(scored) < 0.02 * 20 * 20_000


def _pairs_of():
    from xbsql.kernels.cpu_request import Request

    return Request.pairs


Q, X = np.ones((2, 4), np.float32), np.ones((9, 4), np.float32)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((Q, X[:, :3], 1), {}, "topk: queries has 4 columns, corpus has 3"),
        ((Q, X.astype(np.float16), 1), {}, "queries is float32, corpus is float16; convert one"),
        (
            (Q.astype(np.float64), X.astype(np.float64), 1),
            {},
            "queries is float64; it takes float32, float16",
        ),
        ((Q, X, 0), {}, "k is 0; it must be a whole number from 1 to 9"),
        ((Q, X, 10), {}, "k is 10; it must be a whole number from 1 to 9"),
        ((Q, X, 2.0), {}, "k is 2.0"),
        ((Q, X, True), {}, "k is True"),
        ((Q, X[:0], 1), {}, "corpus has 0 rows"),
        ((Q[:, :0], X[:, :0], 1), {}, "queries has no columns"),
        ((Q[0], X, 1), {}, r"queries has shape \(4,\); give 2 dimensions"),
        ((Q, X, 1), {"metric": "euclid"}, "metric is 'euclid'; it is one of 'dot', 'cosine', 'l2'"),
        ((Q, X, 1), {"precision": "half"}, "precision is 'half'; it is one of 'exact', 'fast'"),
        ((Q, X, 1), {"prepared": prepare(X[:, :3])}, "prepared was made for metric 'dot', 9 rows"),
        ((Q, X, 1), {"mask": np.ones(8, bool)}, "mask has 8 entries; it needs 9"),
        ((Q, X, 1), {"mask": np.ones(9)}, "mask is float64; it takes bool"),
        ((Q, X, 1), {"weights": np.ones(3)}, "weights has 3 entries; it needs 4"),
        ((Q.astype(">f4"), X, 1), {}, "native byte order"),
        ((Q.astype(object), X, 1), {}, "NumPy array of object"),
        ((Q, X, 1), {"prepared": prepare(X[:5])}, "prepared was made for metric 'dot', 5 rows"),
        ((Q, X, 1), {"prepared": prepare(X, metric="cosine")}, "prepared was made for metric 'cosine'"),
        ((Q, X, 1), {"prepared": prepare(X, weights=np.ones(4))}, "other weights"),
    ],
)
def test_mistakes_are_one_line(arguments, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        topk(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_other_kinds_are_refused():
    with pytest.raises(TypeError, match="topk: queries is list; give a NumPy array or a torch tensor"):
        topk([[1.0]], X, 1)


def test_rows_beyond_an_int32_are_refused():
    """A corpus of 2^31 rows is a view here: the check comes before anything is read."""
    huge = np.lib.stride_tricks.as_strided(np.zeros((1, 1), np.int8), (2**31, 1), (0, 1))
    with pytest.raises(ValueError, match="corpus has 2147483648 rows"):
        topk(np.ones((1, 1), np.int8), huge, 1)


def test_l2_has_no_codes():
    with pytest.raises(ValueError, match="prepare: no codes for metric 'l2'"):
        prepare(X, metric="l2")
