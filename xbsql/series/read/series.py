"""Series: numbers of equally long periods, many of them in one array."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.frequency import Frequency

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """Many series of one frequency, without gaps.

    Attributes:
        names: one a series, in order, no two the same.
        y: float64 (total,), the values of all series one after another, finite.
        offsets: int64 (n + 1,): series i is `y[offsets[i]:offsets[i + 1]]`; it may be empty: a product that
            has no history yet.
        start: int64 (n,): the period of the first value, as `frequency.index` counts; of an empty series the
            one that its first value would have.
        frequency: how far apart the periods are.
        status: one a series: 'ok', or what there is to say of it, joined by '; '.
        known: float64 (total, f), columns that are known in advance, beside the values; None without.
        titles: one a series: what is sold, in words; None where a series, or the table, has none.
        facts: float64 (n, k), what tells a series' level before it has a history; NaN where one is not known.
            None without.
        expected: float64 (n, 2), the level that the user expects and its standard deviation; NaN likewise.
        closed: bool (total,): periods without trade, whose values stand in for it; None where there are none.
        notes: what there is to say of the table that they are from as a whole.
    """

    names: tuple[str, ...]
    y: Floats
    offsets: Ints
    start: Ints
    frequency: Frequency
    status: tuple[str, ...]
    known: Floats | None = None
    titles: tuple[str | None, ...] | None = None
    notes: tuple[str, ...] = ()
    closed: NDArray[np.bool_] | None = None
    facts: Floats | None = None
    expected: Floats | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def lengths(self) -> Ints:
        """Values of each series; int64 (n,)."""
        return np.asarray(np.diff(self.offsets), np.int64)

    @property
    def ends(self) -> Ints:
        """The period after the last of each series: the first one to forecast; int64 (n,)."""
        return np.asarray(self.start + self.lengths, np.int64)

    def values(self, i: int) -> Floats:
        """The values of series i, a view."""
        return self.y[self.offsets[i] : self.offsets[i + 1]]

    def take(self, rows: Ints | NDArray[np.bool_]) -> Self:
        """The series at these positions, or where a mask of shape (n,) is true, in their order."""
        chosen = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, np.int64)
        return self._cut(chosen, self.offsets[chosen], self.lengths[chosen], self.start[chosen])

    def until(self, held_out: int | Ints) -> Self:
        """Every series without its last values.

        Args:
            held_out: how many, one number or one a series; a shorter series becomes empty.
        """
        kept = np.maximum(self.lengths - held_out, 0)
        return self._cut(np.arange(len(self)), self.offsets[:-1], kept, self.start)

    def since(self, left_out: Ints) -> Self:
        """Every series without its first values, int64 (n,) of them."""
        dropped = np.minimum(left_out, self.lengths)
        begin, start = self.offsets[:-1] + dropped, self.start + dropped
        return self._cut(np.arange(len(self)), begin, self.lengths - dropped, start)

    def last(self, number: int) -> Self:
        """The last values of every series, at most `number` of each."""
        kept = np.minimum(self.lengths, number)
        return self._cut(np.arange(len(self)), self.offsets[1:] - kept, kept, self.ends - kept)

    def owner(self) -> Ints:
        """The series of each value; int64 (total,)."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def periods(self) -> Ints:
        """The period of each value, as `frequency.index` counts; int64 (total,)."""
        return np.arange(len(self.y)) - np.repeat(self.offsets[:-1] - self.start, self.lengths)

    def _cut(self, rows: Ints, begin: Ints, lengths: Ints, start: Ints) -> Self:
        """The stretches of `lengths` values that begin at `begin` in `y`."""
        offsets = np.r_[0, np.cumsum(lengths)].astype(np.int64)
        place = np.arange(offsets[-1]) + np.repeat(begin - offsets[:-1], lengths)
        return replace(
            self,
            names=tuple(self.names[i] for i in rows),
            y=self.y[place],
            offsets=offsets,
            start=np.asarray(start, np.int64),
            status=tuple(self.status[i] for i in rows),
            known=None if self.known is None else self.known[place],
            titles=None if self.titles is None else tuple(self.titles[i] for i in rows),
            closed=None if self.closed is None else self.closed[place],
            facts=None if self.facts is None else self.facts[rows],
            expected=None if self.expected is None else self.expected[rows],
        )


def joined(one: Series, other: Series) -> Series:
    """The series of two markets, values and facts; of one frequency."""
    facts = None if one.facts is None or other.facts is None else np.concatenate([one.facts, other.facts])
    return Series(
        one.names + other.names,
        np.concatenate([one.y, other.y]),
        np.r_[one.offsets, one.offsets[-1] + other.offsets[1:]],
        np.r_[one.start, other.start],
        one.frequency,
        one.status + other.status,
        facts=facts,
    )
