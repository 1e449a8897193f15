"""A bar on stderr for work that lasts: in a terminal and in a notebook, nowhere else."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from xbsql.progress import heard, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xbsql.progress import Progress

PATIENCE: Final = 2.0
"""Seconds that work lasts before a bar is shown."""

BETWEEN: Final = 0.1
"""Seconds between two drawings."""

WIDTH: Final = 24
"""Characters of the bar itself."""


class Bar:
    """What is drawn over itself on one line, and wiped out at the end.

    Args:
        out: where it is drawn.
        clock: seconds.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._clock = out, clock
        self._start, self._next = clock(), 0.0
        self._drawn, self._share = 0, 0.0

    def __call__(self, share: float, text: str) -> None:
        """Draw it, where the work has lasted; the share never falls."""
        self._share = max(self._share, min(share, 1.0))
        now = self._clock()
        if now - self._start < PATIENCE or (now < self._next and self._share < 1.0):
            return
        self._next = now + BETWEEN
        full = round(WIDTH * self._share)
        line = f"{'█' * full}{'░' * (WIDTH - full)} {self._share:4.0%} {now - self._start:4.0f} s  {text}"
        line = line[: max(shutil.get_terminal_size().columns - 1, WIDTH)]
        self._draw(line)

    def close(self) -> None:
        """Wipe it out."""
        if self._drawn:
            self._draw("")

    def _draw(self, line: str) -> None:
        self._out.write(f"\r{line.ljust(self._drawn)}\r{line}")
        self._out.flush()
        self._drawn = len(line)


class Rising:
    """Hands on to a listener what is told, the share never falling."""

    def __init__(self, listener: Progress) -> None:
        self._listener, self._share = listener, 0.0

    def __call__(self, share: float, text: str) -> None:
        """Hand it on."""
        self._share = max(self._share, min(share, 1.0))
        self._listener(self._share, text)


@contextmanager
def listening(listener: Progress | bool | None) -> Iterator[None]:
    """Let what is told inside the block be heard; what a function asks of another one is part of its own.

    Args:
        listener: a callback; None shows a bar where a person looks, False tells nobody.
    """
    if listener is False or heard():
        yield
    elif callable(listener):
        with told(Rising(listener)):
            yield
    elif not seen(sys.stderr):
        yield
    else:
        bar = Bar(sys.stderr)
        try:
            with told(bar):
                yield
        finally:
            bar.close()


def seen(out: TextIO | None) -> bool:
    """Whether what is written there reaches a person at once: a terminal's or a notebook's."""
    if out is None or "ipykernel" in sys.modules:
        return out is not None
    return out.isatty()
