"""Searches of a prepared corpus by a CUDA graph, on a device that is not there: right, short, and let go."""

from __future__ import annotations

import copy
import gc
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
import torch

from bench import devicepath, gpu_fake
from xbsql.kernels import prepare, reference, topk
from xbsql.kernels.replay import Replays

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the interpreter's NumPy
there = gpu_fake.there
N, D, K = 1700, 24, 3


@pytest.fixture(autouse=True)
def _without_a_gpu(device):
    if device != "cpu":
        pytest.skip("there is a real device")


def rows(seed, n, dtype=torch.float32):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, D))).to(dtype)


def same(found, q, x, metric="dot", k=K):
    scores, places = (gpu_fake.here(each).numpy() for each in found)
    wanted = reference.topk(q.double().numpy(), x.double().numpy(), k, metric)
    return np.array_equal(places, wanted[1]) and np.array_equal(scores, wanted[0])


@pytest.mark.parametrize(
    ("metric", "codes", "dtype", "layout"),
    [
        ("dot", False, torch.bfloat16, "contiguous"),
        ("cosine", True, torch.float32, "by columns"),
        ("l2", False, torch.float32, "column slice"),
    ],
)
def test_every_search_of_a_shape_is_right_and_keeps_its_result(metric, codes, dtype, layout):
    x, lay = rows(0, N, dtype), devicepath.layouts()[layout]
    with gpu_fake.device() as count:
        corpus = there(x)
        ready = prepare(corpus, metric=metric, codes=codes)
        asked = [rows(seed, 2, dtype) for seed in range(1, 4)]
        found = [topk(there(lay(q)), corpus, K, metric=metric, prepared=ready) for q in asked]
        assert len(ready.replays) == 1
        assert count.log.count("graph") == 2
    assert all(same(each, q, x, metric) for each, q in zip(found, asked, strict=True))


@pytest.mark.parametrize(("metric", "codes"), [("cosine", True)])
def test_a_replay_is_four_operations_without_a_wait(metric, codes):
    assert devicepath.started(1, 2000, metric, codes, turns=3) == (4, 0, 1)


def test_a_graph_goes_with_the_memory_of_its_corpus():
    """What is at the address of a corpus that was freed is another corpus."""
    x, q = rows(0, N), rows(1, 1)
    with gpu_fake.device():
        corpus = there(x.clone())
        ready = prepare(corpus, codes=False)
        for _ in range(2):
            topk(there(q), corpus, K, prepared=ready)
        assert len(ready.replays) == 1
        del corpus
        gc.collect()
        assert len(ready.replays) == 0
        # The same values at another place: what was prepared holds for them, a graph of the first would not.
        moved = there(x.clone())
        assert all(same(topk(there(q), moved, K, prepared=ready), q, x) for _ in range(2))


def test_two_corpora_in_memory_have_a_graph_each():
    x, q = rows(0, N), rows(1, 1)
    with gpu_fake.device():
        one, other = there(x), there(x.clone())
        ready = prepare(one, codes=False)
        for _ in range(2):
            assert all(same(topk(there(q), each, K, prepared=ready), q, x) for each in (one, other))
        assert len(ready.replays) == 2


def test_few_shapes_are_kept(monkeypatch):
    monkeypatch.setattr("xbsql.kernels.replay._SHAPES", 2)
    x, q = rows(0, N), rows(1, 1)
    with gpu_fake.device():
        corpus = there(x)
        ready = prepare(corpus, codes=False)
        for k in (1, 2, 3, 3):
            topk(there(q), corpus, k, prepared=ready)
        assert len(ready.replays) == 1
        for k in (1, 2):
            assert same(topk(there(q), corpus, k, prepared=ready), q, x, k=k)
        assert len(ready.replays) == 0


@pytest.mark.parametrize("kind", ["mask", "many queries", "many results", "not prepared"])
def test_what_waits_or_is_rare_is_not_captured(kind, monkeypatch):
    monkeypatch.setattr("xbsql.kernels.device_search.FEW", 1)
    x, m = rows(0, 4000), 2 if kind == "many queries" else 1
    with gpu_fake.device() as count:
        corpus = there(x)
        ready = None if kind == "not prepared" else prepare(corpus, codes=False)
        mask = torch.arange(4000) % 2 > 0 if kind == "mask" else None
        k = 257 if kind == "many results" else K
        for _ in range(2):
            topk(there(rows(1, m)), corpus, k, mask=mask, prepared=ready)
        assert ready is None or len(ready.replays) == 0
        assert "graph" not in count.log


def test_a_search_within_the_callers_capture_is_part_of_that():
    x, q = rows(0, N), rows(1, 1)
    with gpu_fake.device():
        corpus, asked = there(x), there(q)
        ready = prepare(corpus, codes=False)
        topk(asked, corpus, K, prepared=ready)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            found = topk(asked, corpus, K, prepared=ready)
        assert not same(found, q, x)
        graph.replay()
        assert same(found, q, x)
        assert len(ready.replays) == 0


def test_where_nothing_can_be_captured_the_search_runs_on_and_says_so_once():
    @contextmanager
    def refused(_graph, **_options):
        message = "out of\nmemory"
        raise RuntimeError(message)
        yield

    x, q = rows(0, N), rows(1, 1)
    with gpu_fake.device(), mock.patch.object(torch.cuda, "graph", refused):
        corpus = there(x)
        ready = prepare(corpus, codes=False)
        topk(there(q), corpus, K, prepared=ready)
        with pytest.warns(UserWarning, match="topk: no CUDA graph of this search.*: out of memory"):
            assert same(topk(there(q), corpus, K, prepared=ready), q, x)
        assert same(topk(there(q), corpus, K, prepared=ready), q, x)  # a warning would be an error here


def test_without_a_device_nothing_is_captured_and_copies_start_anew():
    x, q = rows(0, N).numpy(), rows(1, 1).numpy()
    ready = prepare(x)
    for _ in range(3):
        topk(q, x, K, prepared=ready)
    assert len(ready.replays) == 0
    assert isinstance(copy.deepcopy(ready).replays, Replays)


def test_the_device_that_is_not_there_refuses_what_a_real_one_would():
    with gpu_fake.device():
        x = there(rows(0, 4))
        for call in (x.nonzero, x.cpu, lambda: x.copy_(rows(0, 4))):
            with pytest.raises(RuntimeError, match="not permitted"), torch.cuda.graph(torch.cuda.CUDAGraph()):
                call()
