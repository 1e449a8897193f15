"""explain tells the truth about a call, and the package is cheap to import."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

import xbsql.kernels
from xbsql.kernels import explain, prepare
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
