"""What each user has, latest last; and how much each of it counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import scipy.sparse as sp

from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.recommendation.events import Events, Floats, Places

MOST_ITEMS = 500
"""Of a longer history the last so many items count: pairs grow with the square of it, and one buyer of
everything says little of what goes with what."""


@restorable("histories")
@dataclass(frozen=True)
class Histories:
    """The items of U users: those of user u are `item[start[u]:start[u + 1]]`, latest last.

    Attributes:
        start: int64 (U + 1,).
        item: int64 (n,), places in a list of items.
        moment: int64 (n,), see `Events`.
        amount: float64 (n,), above 0.
    """

    start: Places
    item: Places
    moment: Places
    amount: Floats

    @classmethod
    def of(cls, events: Events, place: Places) -> Histories:
        """The events of a market, whose item i is at `place[i]` of the list."""
        count = np.bincount(events.user, minlength=len(events.users))
        start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        return cls(start, place[events.item], events.moment, events.amount)

    @classmethod
    def listed(cls, lists: Sequence[NDArray[np.int64]]) -> Histories:
        """Of lists of items alone."""
        start = np.concatenate([[0], np.cumsum([len(items) for items in lists])]).astype(np.int64)
        item = np.concatenate([*lists, np.zeros(0, np.int64)]).astype(np.int64)
        return cls(start, item, np.zeros(len(item), np.int64), np.ones(len(item)))

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def lengths(self) -> Places:
        """How many items each user has, int64 (U,)."""
        return np.diff(self.start)

    @property
    def user(self) -> Places:
        """The user of each row, int64 (n,)."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def rows(self, keep: NDArray[np.bool_]) -> Histories:
        """Some of the rows; every user stays."""
        count = np.bincount(self.user[keep], minlength=len(self))
        start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        return Histories(start, self.item[keep], self.moment[keep], self.amount[keep])

    def take(self, users: Places) -> Histories:
        """Some of the users, in this order; -1 is somebody without a history."""
        first = np.where(users < 0, 0, self.start[np.maximum(users, 0)])
        count = np.where(users < 0, 0, self.lengths[np.maximum(users, 0)] if len(self) else 0)
        start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        row = np.arange(start[-1]) + np.repeat(first - start[:-1], count)
        return Histories(start, self.item[row], self.moment[row], self.amount[row])

    def recent(self, most: int = MOST_ITEMS) -> Histories:
        """The last items of each user."""
        if not len(self.item) or self.lengths.max() <= most:
            return self
        return self.rows(np.arange(len(self.item)) >= np.repeat(self.start[1:] - most, self.lengths))

    def matrix(self, items: int) -> sp.csr_matrix:
        """What each item counts for each user, float64 (U, items): 1 on the average of a user.

        An amount w counts 2 w / (w + mean of the user's): so money, pieces and stars need no unit, one large
        purchase does not drown the others, and no other user's rows matter.
        """
        user = self.user
        total = np.bincount(user, self.amount, len(self))
        mean = (total / np.maximum(self.lengths, 1))[user]
        value = 2.0 * self.amount / (self.amount + mean)
        return sp.csr_matrix((value, (user, self.item)), shape=(len(self), items))

    def beside(self, other: Histories) -> Histories:
        """These users, then the others."""
        start = np.concatenate([self.start, other.start[1:] + self.start[-1]])
        return Histories(
            start,
            np.concatenate([self.item, other.item]),
            np.concatenate([self.moment, other.moment]),
            np.concatenate([self.amount, other.amount]),
        )

    def placed(self, place: Places) -> Histories:
        """The same with item i at `place[i]` of another list."""
        return replace(self, item=place[self.item])

    def state(self) -> State:
        """As data."""
        arrays = {"start": self.start, "item": self.item, "moment": self.moment, "amount": self.amount}
        return State("histories", arrays={name: np.ascontiguousarray(a) for name, a in arrays.items()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Again."""
        return cls(*(state.arrays[name] for name in ("start", "item", "moment", "amount")))  # type: ignore[arg-type]
