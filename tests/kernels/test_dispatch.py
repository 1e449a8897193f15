"""explain tells the truth about a call, and the package is cheap to import."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import xbsql.kernels
from xbsql.kernels import explain, prepare, topk
from xbsql.kernels.dispatch import Work, _chosen

X = np.ones((1000, 64), np.float32)


def test_explain_counts_bytes_and_flops():
    plan = explain("topk", X[:10], X, 5)
    assert (plan.operation, plan.implementation, plan.device) == ("topk", "cpu", "cpu")
    assert plan.flops == 2 * 10 * 1000 * 64
    assert plan.bytes == 4 * 64 * 1010 + 12 * 10 * 5
    assert 0 < plan.floor_seconds < 1
    assert "float32 scan" in plan.why


def test_explain_sees_the_codes():
    plan = explain("topk", X[:10], X, 5, prepared=prepare(X))
    assert "int8 scan" in plan.why
    assert plan.bytes < explain("topk", X[:10], X, 5).bytes / 3


def test_explain_says_where_codes_gain_nothing():
    plan = explain("topk", X[:10], X, 50, prepared=prepare(X))
    assert "for 50 results the codes gain nothing" in plan.why


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("threshold_join", (X,)),
        ("reweight_normalize", (X,)),
        ("rbf_matvec", (X, X)),
        ("mmd2", (X, X)),
        ("importance_weights", (X, X)),
        ("coral", (X, X)),
        ("cooccurrence_topk", (np.arange(5), np.arange(5), 2)),
    ],
)
def test_explain_knows_every_operation(operation, arguments):
    plan = explain(operation, *arguments)
    assert plan.bytes > 0
    assert plan.floor_seconds > 0


def test_explain_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="explain: operation is 'sort'; it is one of 'topk'"):
        explain("sort")


def test_every_public_name_is_there_and_documented():
    for name in xbsql.kernels.__all__:
        assert getattr(xbsql.kernels, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = xbsql.kernels.nothing


def test_import_loads_neither_torch_nor_triton():
    code = "import sys, xbsql.kernels; print(sorted({'torch', 'triton', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("operation", "dtype", "where"),
    [
        ("topk", torch.float32, "triton"),
        ("coral", torch.float32, "triton"),
        ("coral", torch.float64, "cpu"),
        ("mmd2", torch.float64, "cpu"),
        ("importance_weights", torch.float64, "torch"),
        ("cooccurrence_topk", torch.float32, "cpu"),
    ],
)
def test_what_runs_on_a_device(operation, dtype, where):
    pytest.importorskip("triton", reason="triton is not installed")
    chosen, why = _chosen(operation, torch.device("cuda"), dtype, Work(1, 1, "somehow"))
    assert chosen == where
    assert ("copied to the CPU" in why) == (where == "cpu")


@pytest.mark.parametrize("shape", [(1, 40_000, 64), (200, 8_000, 256)], ids=str)
@pytest.mark.parametrize("codes", [False, True], ids=["rows", "codes"])
def test_no_call_is_faster_than_its_floor(shape, codes):
    m, n, d = shape
    rng = np.random.default_rng(0)
    q, x = (rng.standard_normal((rows, d)).astype(np.float32) for rows in (m, n))
    ready = prepare(x, codes=codes)
    floor = explain("topk", q, x, 10, prepared=ready).floor_seconds
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        topk(q, x, 10, prepared=ready)
        seconds.append(time.perf_counter() - start)
    assert floor <= min(seconds)


def test_a_floor_is_of_the_dtype_that_is_multiplied(monkeypatch):
    from xbsql.kernels import dispatch

    asked = []
    monkeypatch.setattr(dispatch, "probe", lambda *given: asked.append(given[1]) or dispatch.Rate(1e9, 1e9))
    explain("topk", X, X, 3)
    explain("topk", X, X, 3, prepared=prepare(X))
    explain("mmd2", X, X)
    explain("coral", X, X)
    assert asked == [torch.float32, torch.int8, torch.float32, torch.float64]
