"""What all tests of the kernels share."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

from bench import gpu_interpreter

if not torch.cuda.is_available() and find_spec("triton") is not None:
    # Before anything imports triton: its own functions, too, are interpreted or compiled as this says.
    gpu_interpreter.install()


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
    pytest.importorskip("triton", reason="triton is not installed")
    return "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture
def poisoned(monkeypatch):
    """torch.empty gives NaN (or 77), so that a cell no program wrote shows."""
    plain = torch.empty

    def empty(*size, **options):
        made = plain(*size, **options)
        return made.fill_(torch.nan if made.is_floating_point() else 77)

    monkeypatch.setattr(torch, "empty", empty)
