"""Rows on their way to a device: all of them arrive, and no buffer is written while it is being read."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from xbsql.kernels.staging import through, to_device

X = torch.arange(70.0).reshape(35, 2)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("rows", [1, 8, 35, 50])
def test_every_row_arrives_whole_though_copies_are_late(rows, count):
    """The copier reads its buffer only after the next could have been filled, as a stream may."""
    out, buffers = torch.full_like(X, torch.nan), [torch.empty(rows, 2) for _ in range(count)]

    def late(start, filled):
        time.sleep(0.003)
        out[start : start + len(filled)] = filled

    with ThreadPoolExecutor(1) as pool:
        through(X, buffers, lambda start, filled: pool.submit(late, start, filled).result)
        arrived = out.clone()  # before the pool ends: what comes back has arrived
    torch.testing.assert_close(arrived, X, rtol=0, atol=0)


def test_one_buffer_is_filled_while_the_other_is_on_its_way():
    events, buffers = [], [torch.empty(10, 2) for _ in range(2)]

    def send(start, _filled):
        events.append(("sent", start))
        return lambda: events.append(("arrived", start))

    through(X, buffers, send)
    assert events[:4] == [("sent", 0), ("sent", 10), ("arrived", 0), ("sent", 20)]
    assert sorted(start for kind, start in events if kind == "arrived") == [0, 10, 20, 30]


def test_nothing_to_send():
    through(X[:0], [torch.empty(3, 2)], lambda *_: pytest.fail("sent nothing"))


def test_on_the_cpu_memory_is_shared_and_read_only_arrays_do():
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    x.flags.writeable = False
    assert to_device(x, "cpu").data_ptr() == x.ctypes.data


@pytest.mark.gpu
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (100_003, 384)], ids=str)
def test_a_device_gets_the_same_rows(shape):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    for _ in range(2):
        np.testing.assert_array_equal(to_device(x, "cuda").cpu().numpy(), x)
