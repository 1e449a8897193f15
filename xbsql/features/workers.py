"""Independent pieces of torch work on several threads, one core each.

torch's own threads meet at a barrier after every operation and spin there; on a machine that is busy with
other things one late thread holds up all. Pieces of work that are taken from a queue share no barrier, so a
busy core costs only what it takes.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")

_starting = threading.Lock()


def spread(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Call `work` on every item, on as many threads as torch would use; results in the order of the items.

    The threads are kept and shared by all callers. With one torch thread (`torch.set_num_threads(1)`), and
    inside such a piece of work, the calls are made here, one after the other.

    Args:
        work: runs without gradients (`torch.inference_mode`) and with one torch thread.
        items: one a call.

    Raises:
        Exception: what the first failing call raised.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        with torch.inference_mode():
            return [work(item) for item in items]
    with _starting:
        pool = _pool(os.getpid(), threads)
    return list(pool.map(_without_gradients(work), items))


def _without_gradients(work: Callable[[T], R]) -> Callable[[T], R]:
    """The work under inference mode, which is a setting of the thread that runs it."""

    def quiet(item: T) -> R:
        with torch.inference_mode():
            return work(item)

    return quiet


@lru_cache(maxsize=4)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Workers with one torch thread each, made anew in a forked process; everybody else's setting stays."""
    started = threading.Barrier(threads)
    pool = ThreadPoolExecutor(threads, "xbsql", initializer=_one_torch_thread)
    list(pool.map(lambda _: started.wait(), range(threads)))
    torch.set_num_threads(threads)  # a worker's setting also became the default of threads yet to start
    return pool


def _one_torch_thread() -> None:
    """For the calling thread only; it asks first, since the first question resets a thread to the default."""
    torch.get_num_threads()
    torch.set_num_threads(1)
