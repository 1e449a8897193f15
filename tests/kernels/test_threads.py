"""Sharing work between threads changes nothing but the time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import mmd2, prepare, rbf_matvec, reference, topk
from xbsql.kernels.cpu_threads import ranges, spread


@pytest.fixture(params=[2, 3])
def several(request, monkeypatch):
    """Several threads, and every piece worth one."""
    monkeypatch.setattr("xbsql.kernels.cpu_topk._PIECE", 1)
    monkeypatch.setattr("xbsql.kernels.cpu_mean._ROWS", 32)
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    assert torch.get_num_threads() == request.param
    torch.set_num_threads(before)


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("keep", [None, 0.9, 0.1], ids="keep={}".format)
@pytest.mark.parametrize(("m", "n", "k"), [(1, 63, 2), (5, 700, 300), (9, 4001, 10)])
def test_topk_keeps_ties_in_order_across_parts(m, n, k, keep):
    rng = np.random.default_rng(n)
    q, x = rng.integers(-2, 3, (m, 4)).astype(np.float32), rng.integers(-2, 3, (n, 4)).astype(np.float32)
    mask = None if keep is None else rng.random(n) < keep
    wanted = reference.topk(q.astype(float), x.astype(float), k, "dot", None, mask)
    for prepared in (None, prepare(x)):
        found = topk(q, x, k, mask=mask, prepared=prepared)
        np.testing.assert_array_equal(found[1], wanted[1])
        np.testing.assert_array_equal(found[0], wanted[0])


@pytest.mark.usefixtures("several")
def test_kernel_means_add_up():
    rng = np.random.default_rng(1)
    x, y, b = rng.standard_normal((200, 5)), rng.standard_normal((77, 5)), rng.random((77, 2))
    assert mmd2(x, y, gamma=0.1) == pytest.approx(reference.mmd2(x, y, [0.1]), rel=1e-9)
    np.testing.assert_allclose(rbf_matvec(x, y, b, gamma=0.1), reference.rbf_matvec(x, y, b, 0.1), rtol=1e-9)


def test_every_part_runs_on_one_torch_thread(several):
    assert spread(lambda _: torch.get_num_threads(), range(several)) == [1] * several


def test_a_failing_part_leaves_the_threads_as_they_were(several):
    def work(part):
        if part == 1:
            raise KeyError(part)

    with pytest.raises(KeyError):
        spread(work, range(several))
    assert torch.get_num_threads() == several


@pytest.mark.parametrize("length", [0, 1, 64, 65, 1000, 6400])
@pytest.mark.usefixtures("several")
def test_ranges_cover_everything_once(length):
    parts = ranges(length, 64, 100)
    assert [row for low, high in parts for row in range(low, high)] == list(range(length))
    assert all(low % 64 == 0 for low, _ in parts)
