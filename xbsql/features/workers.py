"""Independent pieces of torch work on several threads, one core each.

torch's own threads meet at a barrier after every operation and spin there; on a machine that is busy with
other things one late thread holds up all. Pieces of work that are taken from a queue share no barrier, so a
busy core costs only what it takes.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

import torch

from xbsql.interrupts import stop, stoppable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

_starting = threading.Lock()
_ASLEEP: Final = 0.1  # seconds after which a waiting caller looks whether it was stopped


def spread(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Call `work` on every item, on as many threads as torch would use; results in the order of the items.

    The threads are kept and shared by all callers. With one torch thread (`torch.set_num_threads(1)`), and
    inside such a piece of work, the calls are made here, one after the other. Where one call fails, or the
    caller is stopped (see `xbsql.interrupts`), the others are stopped too.

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
    calls = _Calls(work)
    futures: list[Future[None]] = []
    try:
        for place, item in enumerate(items):
            futures.append(pool.submit(calls.made, place, item))
        return calls.results(len(futures))
    except BaseException:
        calls.stopped(sum(not future.cancel() for future in futures))
        raise


class _Calls:
    """The calls of one `spread`: what has ended is told in a queue, which a waiting caller can leave."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work, self._ended = work, SimpleQueue[tuple[int, Any, BaseException | None]]()
        self._over: list[int] = []

    def made(self, place: int, item: Any) -> None:  # noqa: ANN401
        """Make a call, on a thread of the pool; whatever it raises is told and not raised."""
        found: Any = None
        wrong: BaseException | None = None
        try:
            with stoppable(self), torch.inference_mode():
                found = self._work(item)
        except BaseException as error:
            wrong = error
        self._over.append(place)
        self._ended.put((place, found, wrong))

    def results(self, count: int) -> list[Any]:
        """The results of so many calls, once all have ended."""
        found: list[Any] = [None] * count
        missing = count
        while missing:
            try:
                place, result, wrong = self._ended.get(timeout=_ASLEEP)
            except Empty:
                continue
            if wrong is not None:
                raise wrong
            found[place] = result
            missing -= 1
        return found

    def stopped(self, begun: int) -> None:
        """Stop the calls that run, and wait for the end of all begun: nothing runs on without its caller."""
        while len(self._over) < begun:  # not what the queue gave: who is told may lose what it just got
            stop(self)
            time.sleep(_ASLEEP)


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
