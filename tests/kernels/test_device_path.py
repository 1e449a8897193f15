"""The public functions on a device that is not there: right in any layout, few launches, no waiting."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench import devicepath, gpu_fake
from xbsql.kernels import (
    coral,
    importance_weights,
    mmd2,
    mmd2_between,
    prepare,
    rbf_matvec,
    reference,
    reweight_normalize,
    threshold_join,
    topk,
)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the interpreter's NumPy
there = gpu_fake.there


@pytest.fixture(autouse=True)
def _without_a_gpu(device):
    if device != "cpu":
        pytest.skip("there is a real device")


@pytest.mark.parametrize("case", devicepath.cases()[::29], ids=str)
def test_any_layout_is_right(case):
    assert devicepath.wrong(case) == ""


@pytest.mark.parametrize("shape", ["one query by column", "corpus of one repeated row", "one column"])
def test_odd_shapes_are_right(shape):
    rng = np.random.default_rng(1)
    q, x = (torch.from_numpy(rng.standard_normal((n, 24)).astype(np.float32)) for n in (2, 700))
    if shape == "one query by column":
        q = q[:1].reshape(24, 1).T
    if shape == "corpus of one repeated row":
        x = x[:1].expand(700, 24)
    if shape == "one column":
        q, x = q[:, :1], x[:, :1]
    with gpu_fake.device():
        scores, rows = topk(there(q), there(x), 3)
    wanted = reference.topk(q.double().numpy(), x.double().numpy(), 3, "dot")
    np.testing.assert_array_equal(gpu_fake.here(rows).numpy(), wanted[1])
    np.testing.assert_array_equal(gpu_fake.here(scores).numpy(), wanted[0])


@pytest.mark.parametrize(("metric", "codes"), [("dot", False), ("cosine", True), ("l2", False)])
def test_one_query_in_a_prepared_corpus_starts_little_and_waits_for_nothing(metric, codes):
    operations, waits, reads = devicepath.started(1, 4000, metric, codes)
    assert operations <= 12
    assert (waits, reads) == (0, 1)


def test_many_queries_read_a_prepared_corpus_once():
    assert devicepath.started(70, 2000, "dot", False)[1:] == (0, 1)


def test_weights_of_a_prepared_search_are_compared_without_waiting():
    x, w = torch.randn(3000, 64), np.random.default_rng(0).random(64)
    with gpu_fake.device():
        corpus = there(x)
        ready = prepare(corpus, metric="cosine", weights=w, codes=False)
        for _ in range(2):
            before = gpu_fake.COUNT.waits
            topk(there(x[:1]), corpus, 2, metric="cosine", weights=w, prepared=ready)
        assert gpu_fake.COUNT.waits == before


def test_rows_of_a_column_count_beyond_registers():
    x = torch.randn(2, 16_500)
    with gpu_fake.device():
        y, norms, _ = reweight_normalize(there(x), out_dtype="float32")
    wanted, lengths = reference.reweight_normalize(x.double().numpy(), None, True)
    np.testing.assert_allclose(gpu_fake.here(y).numpy(), wanted, atol=1e-6)
    np.testing.assert_allclose(gpu_fake.here(norms).numpy(), lengths, rtol=1e-6)


A, B = torch.randn(60, 8), torch.randn(50, 8)
CALLS = {
    "topk": lambda: topk(there(A[:2]), there(A.repeat(30, 1)), 2),
    "threshold_join": lambda: threshold_join(there(A), threshold=0.99),
    "reweight_normalize": lambda: reweight_normalize(there(A)),
    "rbf_matvec": lambda: rbf_matvec(there(A), there(B), gamma=0.1),
    "mmd2": lambda: mmd2(there(A), there(B), gamma=0.1),
    "mmd2_between": lambda: mmd2_between([there(A), there(B)], gamma=0.1),
    "coral": lambda: coral(there(A), there(B)),
}


@pytest.mark.parametrize("name", CALLS)
def test_kernels_are_launched_on_the_device_of_their_arrays(name):
    """A second device is not the current one: without the guard Triton would launch on the first."""
    with gpu_fake.device() as count:
        CALLS[name]()
        assert any(each.endswith("_kernel") for each in count.log)
        assert count.guards == [torch.device("meta")]


@pytest.mark.parametrize("method", ["ulsif", "kliep"])
def test_importance_weights_mix_no_devices(method):
    with gpu_fake.device():
        found = importance_weights(there(A), there(B), method=method, n_centers=10, sigma=1.0, lam=0.1)
    wanted = importance_weights(A, B, method=method, n_centers=10, sigma=1.0, lam=0.1)
    torch.testing.assert_close(gpu_fake.here(found), wanted)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: topk(there(A), A, 1), "topk: queries is on meta, corpus on cpu; move one"),
        (
            lambda: topk(there(A.double()), there(A.double()), 1),
            "queries is float64; it takes float32, float16",
        ),
        (lambda: topk(there(A), there(A[:0]), 1), "corpus has 0 rows"),
        (lambda: topk(there(A), there(A), 61), "k is 61; it must be a whole number from 1 to 60"),
        (lambda: topk(there(A), there(A), 1, mask=torch.ones(59, dtype=torch.bool)), "mask has 59 entries"),
        (lambda: topk(there(A), there(A), 1, prepared=prepare(A)), "prepared is on cpu, corpus on meta"),
        (
            lambda: topk(there(A), there(A), 1, prepared=prepare(B)),
            "prepared was made for metric 'dot', 50 rows",
        ),
    ],
)
def test_mistakes_are_one_line(call, message):
    with gpu_fake.device(), pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_more_results_than_a_block_of_threads_counts():
    x = torch.randn(70_000, 2)
    with gpu_fake.device():
        scores, rows = topk(there(x[:1]), there(x), 66_000)
    wanted = reference.topk(x[:1].double().numpy(), x.double().numpy(), 66_000, "dot")
    np.testing.assert_array_equal(gpu_fake.here(rows).numpy(), wanted[1])
    np.testing.assert_array_equal(gpu_fake.here(scores).numpy(), wanted[0])
