"""ADWIN: a window over a stream that forgets what is older than the last change of its mean."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import log, sqrt
from typing import NamedTuple

DELTA = 0.002
"""Bound on the probability of a false cut."""

CLOCK = 32
"""Values between two looks for a cut."""

MOST_BUCKETS = 5
"""Buckets of one size; one more and the two oldest become one of twice the size."""

FEWEST = 5
"""Values on either side of a cut."""

GRACE = 10
"""Values before the first look."""


class Bucket(NamedTuple):
    """Neighbouring values: their sum, and their squared distances from their mean."""

    total: float
    spread: float


@dataclass
class Adwin:
    """Bifet and Gavalda, "Learning from time-changing data with adaptive windowing", SDM 2007, ADWIN2.

    Two parts of the window are cut apart where their means differ by more than Bernstein's inequality allows
    values in 0 .. 1; the older part goes. Memory grows with the logarithm of the window.

    Attributes:
        delta: see `DELTA`.
        width: values in the window.
        total: their sum.
        spread: their squared distances from their mean.
        seen: values since the beginning.
    """

    delta: float = DELTA
    width: int = 0
    total: float = 0.0
    spread: float = 0.0
    seen: int = 0
    rows: list[deque[Bucket]] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Of the window; 0 where it is empty."""
        return self.total / self.width if self.width else 0.0

    def update(self, value: float) -> bool:
        """Take the next value, in 0 .. 1; True where the window was cut."""
        self._insert(value)
        self.seen += 1
        if self.seen % CLOCK or self.width <= GRACE:
            return False
        cut = False
        while self._differ():
            cut = True
            self._forget()
        return cut

    def _insert(self, value: float) -> None:
        if self.width:
            self.spread += self.width * (value - self.mean) ** 2 / (self.width + 1)
        self.width += 1
        self.total += value
        if not self.rows:
            self.rows.append(deque())
        self.rows[0].append(Bucket(value, 0.0))
        for level, row in enumerate(self.rows):
            if len(row) <= MOST_BUCKETS:
                break
            if level + 1 == len(self.rows):
                self.rows.append(deque())
            self.rows[level + 1].append(_joined(row.popleft(), row.popleft(), 2**level))

    def _differ(self) -> bool:
        """Whether some cut has means further apart than chance brings them, the oldest cuts first."""
        left, before = 0, 0.0
        variance = self.spread / self.width
        limit = log(2.0 * log(self.width) / self.delta)
        for level in range(len(self.rows) - 1, -1, -1):
            for bucket in self.rows[level]:
                left, before = left + 2**level, before + bucket.total
                right = self.width - left
                if right < FEWEST:
                    return False
                if left < FEWEST:
                    continue
                apart = abs(before / left - (self.total - before) / right)
                share = 1.0 / (left - FEWEST + 1) + 1.0 / (right - FEWEST + 1)
                if apart > sqrt(2.0 * share * variance * limit) + 2.0 / 3.0 * share * limit:
                    return True
        return False

    def _forget(self) -> None:
        """Drop the oldest bucket."""
        size = 2 ** (len(self.rows) - 1)
        bucket = self.rows[-1].popleft()
        self.width -= size
        self.total -= bucket.total
        if self.width:
            away = bucket.total / size - self.mean
            self.spread -= bucket.spread + size * self.width * away**2 / (size + self.width)
            self.spread = max(self.spread, 0.0)
        while self.rows and not self.rows[-1]:
            self.rows.pop()


def _joined(older: Bucket, newer: Bucket, size: int) -> Bucket:
    """Two buckets of one size as one."""
    apart = (older.total - newer.total) / size
    return Bucket(older.total + newer.total, older.spread + newer.spread + size * apart**2 / 2.0)
