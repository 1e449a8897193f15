"""A small memory of what was asked for last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

MOST_BYTES = 128 * 2**20


class Sized(Protocol):
    """A NumPy or Arrow array."""

    @property
    def nbytes(self) -> int:
        """Bytes it holds."""
        ...


K = TypeVar("K")
V = TypeVar("V", bound=Sized)


class Kept(Generic[K, V]):
    """What was asked for last, up to so many bytes; the newest always stays. Threads may share it.

    Args:
        most: bytes.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, which is the newest now."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: K, value: V) -> None:
        """Keep a value and forget the oldest until the rest fits."""
        with self._lock:
            if key in self._values:
                self._total -= int(self._values.pop(key).nbytes)
            self._total += int(value.nbytes)
            self._values[key] = value
            while self._total > self._most and len(self._values) > 1:
                self._total -= self._values.popitem(last=False)[1].nbytes
