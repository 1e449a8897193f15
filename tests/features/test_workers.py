"""Work on several threads: the same results in the same order, and nobody else's settings change."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from tests.slow import slowly
from xbsql.features.workers import _pool, spread
from xbsql.interrupts import stop, stoppable


@pytest.fixture(params=[1, 3], autouse=True)
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_keep_the_order_of_the_items():
    assert spread(lambda item: item * item, range(50)) == [item * item for item in range(50)]
    assert spread(lambda item: item, []) == []


def test_work_runs_without_gradients_and_with_one_torch_thread():
    assert set(spread(lambda _: (torch.is_inference_mode_enabled(), torch.get_num_threads()), range(20))) == {
        (True, 1)
    }
    assert not torch.is_inference_mode_enabled()


def test_as_many_threads_work_as_torch_would_use(threads):
    meeting = threading.Barrier(threads)
    assert len(spread(lambda _: meeting.wait(timeout=60), range(threads))) == threads


def test_nobody_elses_threads_change(threads):
    _pool.cache_clear()
    spread(lambda item: item, range(9))
    assert torch.get_num_threads() == threads
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == threads


def test_work_may_spread_work_of_its_own():
    assert spread(lambda item: sum(spread(lambda one: one, range(item))), range(9)) == [
        sum(range(item)) for item in range(9)
    ]


def test_the_first_failure_is_raised_and_the_threads_live_on():
    with pytest.raises(ZeroDivisionError):
        spread(lambda item: 1 // item, [1, 0, 1])
    assert spread(lambda item: item, [1, 2]) == [1, 2]


def test_who_is_stopped_stops_its_work(threads):
    ended = []
    timer = threading.Timer(0.3, stop, ["me"])
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), stoppable("me"):
        spread(slowly(ended), range(5))
    assert time.monotonic() - began < 1.3
    assert ended == [KeyboardInterrupt] * threads
    assert spread(lambda item: item, [1, 2]) == [1, 2], "the threads live on"


def test_where_one_call_fails_the_others_are_stopped(threads):
    ended, began = [], time.monotonic()
    works = [lambda _: 1 // 0, *[slowly(ended)] * 4]
    with pytest.raises(ZeroDivisionError):
        spread(lambda work: work(None), works)
    assert time.monotonic() - began < 1
    assert ended == [KeyboardInterrupt] * len(ended)
