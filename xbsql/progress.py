"""How far a piece of work has come: whoever works tells it, and whoever asked for the work hears it.

    with told(bar):              # whoever asked
        work()

    def work():                  # whoever works
        with part(0.0, 0.3):
            read()               # what this tells from 0 to 1 is heard as 0 to 0.3
        tell(0.3, "matching")

Nobody need hear it, and telling costs nothing then. What is told in a context is heard in that context alone,
so threads do not hear one another.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Progress: TypeAlias = "Callable[[float, str], None]"
"""Told the share done, 0 to 1, and what is being done."""


def quiet(share: float, text: str) -> None:
    """Tell nobody."""


_heard: ContextVar[Progress] = ContextVar("heard", default=quiet)


def tell(share: float, text: str) -> None:
    """Say how far the work has come, 0 to 1, and what is being done."""
    _heard.get()(share, text)


@contextmanager
def told(listener: Progress) -> Iterator[None]:
    """Let a listener hear what is told inside the block."""
    token = _heard.set(listener)
    try:
        yield
    finally:
        _heard.reset(token)


def heard() -> bool:
    """Whether somebody hears."""
    return _heard.get() is not quiet


@contextmanager
def part(start: float, end: float) -> Iterator[None]:
    """What is told inside the block from 0 to 1 is heard as `start` to `end`."""
    outer = _heard.get()
    if outer is quiet:
        yield
        return
    with told(lambda share, text: outer(start + (end - start) * share, text)):
        yield


class Together:
    """Pieces of one work that are done at once, on several threads: the mean of what they tell is heard.

    Args:
        count: how many pieces; whoever hears the thread that makes this hears them.
    """

    def __init__(self, count: int) -> None:
        self._outer, self._shares, self._lock = _heard.get(), [0.0] * count, threading.Lock()

    @contextmanager
    def piece(self, place: int) -> Iterator[None]:
        """What is told inside the block, on whatever thread, is told of this piece."""
        if self._outer is quiet:
            yield
            return
        with told(lambda share, text: self._tell(place, share, text)):
            yield
            tell(1.0, "")

    def _tell(self, place: int, share: float, text: str) -> None:
        with self._lock:
            self._shares[place] = share
            self._outer(sum(self._shares) / len(self._shares), text)
