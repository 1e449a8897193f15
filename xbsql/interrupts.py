"""Work inside a UDF is stopped from outside: by Ctrl-C in the main thread, by `con.interrupt()`.

DuckDB runs a UDF on any of its threads and waits until it returns; neither a signal nor `interrupt` reaches
it there. So threads that are inside one are known here, and are told by an exception, which Python raises at
the next line that they run: no loop has to ask whether it shall stop.
"""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_lock = threading.RLock()
_inside: dict[int, object] = {}
_told: dict[int, float] = {}
AGAIN = 1.0
"""Seconds until a thread that goes on is told again; it may be clearing up."""


@contextmanager
def stoppable(owner: object) -> Iterator[None]:
    """Let `stop` reach what this thread does for an owner; inside another such block nothing is added.

    Raises:
        KeyboardInterrupt: it was stopped.
    """
    thread = threading.get_ident()
    with _lock:
        outer = thread in _inside
        _inside.setdefault(thread, owner)
    try:
        yield
    finally:
        if not outer:
            _leave(thread)


def _leave(thread: int) -> None:
    """Forget this thread, also where it is told while it leaves: nothing may reach what it does next.

    Raises:
        KeyboardInterrupt: it was told while it left.
    """
    late = None
    while thread in _inside:
        try:
            with _lock:  # whoever tells holds it
                _tell(thread, None)
                _told.pop(thread, None)
                del _inside[thread]
        except KeyboardInterrupt as error:
            late = error
    if late is not None:
        raise late


def stop(owner: object = None) -> None:
    """Stop what runs for an owner; None stops all."""
    with _lock:
        now = time.monotonic()
        for thread, whose in _inside.items():
            asked = (owner is None or whose is owner) and thread != threading.get_ident()
            if asked and now - _told.get(thread, -AGAIN) >= AGAIN:
                _told[thread] = now
                _tell(thread, KeyboardInterrupt)


def listen() -> None:
    """Let Ctrl-C stop work on other threads too.

    Only the main thread can say so, and a handler that is not Python's own stays.
    """
    mine = threading.current_thread() is threading.main_thread()
    if mine and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> None:
    stop()
    signal.default_int_handler(number, frame)


def _tell(thread: int, exception: type[BaseException] | None) -> None:
    """Have Python raise an exception in a thread; None takes back what it has not raised yet."""
    told = ctypes.py_object(exception) if exception else ctypes.c_void_p(None)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), told)
