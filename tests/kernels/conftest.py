"""What all tests of the kernels share."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    # Before anything imports triton: its own functions, too, are interpreted or compiled as this says.
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Two OpenMP threads wait for each other longer than these small arrays take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def device():
    """Where Triton kernels run: a CUDA device, or this CPU under Triton's interpreter."""
    triton = pytest.importorskip("triton", reason="triton is not installed")
    if torch.cuda.is_available():
        return "cuda"
    versions = [tuple(map(int, each.__version__.split(".")[:2])) for each in (triton, np)]
    if versions[0] < (3, 7) and versions[1] >= (2, 4):
        pytest.skip("before 3.7 triton's interpreter cannot run a loop of variable length on numpy 2.4")
    return "cpu"


@pytest.fixture
def poisoned(monkeypatch):
    """torch.empty gives NaN (or 77), so that a cell no program wrote shows."""
    plain = torch.empty

    def empty(*size, **options):
        made = plain(*size, **options)
        return made.fill_(torch.nan if made.is_floating_point() else 77)

    monkeypatch.setattr(torch, "empty", empty)
