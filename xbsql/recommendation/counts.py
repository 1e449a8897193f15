"""What is had together in one market: the statistics of item-item collaborative filtering, which add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
import scipy.sparse as sp

from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.recommendation.events import Floats, Places
    from xbsql.recommendation.histories import Histories

SHRINK = 3.0
"""Weighted buyers that are added to those of an item: few of them make no sure neighbour."""

RESIDUE = 1e-9
"""Sums below it are what rounding leaves: one user with 500 items adds more to each pair."""


@restorable("counts")
@dataclass(frozen=True)
class Counts:
    """Sums over the users of a market; counts of two groups of users are those of both, added.

    Attributes:
        pairs: float64, sparse (items, items), symmetric, nothing on its diagonal: sum over users of
            w r_i r_j, where w = 1 / log(2 + n) of a user with n items, who says the less of each the more
            there are (Breese, Heckerman and Kadie, 1998).
        mass: float64 (items,), the same of an item with itself.
        buyers: float64 (items,), how many users have it.
        users: how many have anything.
    """

    pairs: sp.csr_matrix
    mass: Floats
    buyers: Floats
    users: float

    @classmethod
    def of(cls, histories: Histories, items: int, fewest: int = 1) -> Counts:
        """Of the users of a market.

        Args:
            histories: of the users.
            items: how many there are.
            fewest: users that must have two items together, and one at all; what fewer have is left out.
        """
        recent = histories.recent()
        x = recent.matrix(items)
        x.eliminate_zeros()
        weighed = sp.diags_array(1.0 / np.log(2.0 + recent.lengths)) @ x
        pairs = sp.csr_matrix(x.T @ weighed)
        mass = np.asarray(pairs.diagonal(), np.float64)
        buyers = np.bincount(histories.item, minlength=items).astype(np.float64)
        pairs.setdiag(0.0)
        if fewest > 1:
            had = x.sign()
            pairs = sp.csr_matrix(pairs.multiply((had.T @ had) >= fewest))
            mass, buyers = (np.where(buyers >= fewest, of, 0.0) for of in (mass, buyers))
        pairs.eliminate_zeros()
        pairs.sort_indices()
        return cls(pairs, mass, buyers, float((histories.lengths > 0).sum()))

    @classmethod
    def none(cls, items: int) -> Counts:
        """Of nobody."""
        return cls(sp.csr_matrix((items, items)), np.zeros(items), np.zeros(items), 0.0)

    def __len__(self) -> int:
        return len(self.mass)

    def plus(self, other: Counts, times: float = 1.0) -> Counts:
        """Those of both, the other's counted so many times."""
        pairs = sp.csr_matrix(self.pairs + times * other.pairs)
        users = self.users + times * other.users
        mass, buyers = self.mass + times * other.mass, self.buyers + times * other.buyers
        return Counts(pairs, mass, buyers, users)

    def cleaned(self) -> Counts:
        """Without what subtraction leaves of pairs that nobody has any more."""
        pairs = self.pairs.copy()
        pairs.data[np.abs(pairs.data) < RESIDUE] = 0.0
        pairs.eliminate_zeros()
        return replace(self, pairs=pairs)

    def placed(self, place: Places, items: int) -> Counts:
        """The same in a longer list, in which item i is at `place[i]`."""
        coo = self.pairs.tocoo()
        pairs = sp.csr_matrix((coo.data, (place[coo.row], place[coo.col])), shape=(items, items))
        mass, buyers = np.zeros(items), np.zeros(items)
        mass[place], buyers[place] = self.mass, self.buyers
        return Counts(pairs, mass, buyers, self.users)

    @cached_property
    def similar(self) -> sp.csr_matrix:
        """How alike two items are: the cosine of who has them, shrunk.

        Returns:
            float64, sparse (items, items), 0 .. 1.
        """
        scale = sp.diags_array(1.0 / np.sqrt(self.mass + SHRINK))
        found = sp.csr_matrix(scale @ self.pairs @ scale)
        found.sort_indices()
        return found

    @cached_property
    def cells(self) -> Places:
        """Where the similarities stand, row times items plus column, ascending; int64."""
        similar = self.similar
        row = np.repeat(np.arange(len(self)), np.diff(similar.indptr))
        return np.asarray(row * len(self) + similar.indices, np.int64)

    def between(self, one: Places, other: Places) -> Floats:
        """How alike the items of each pair are; int64 (n,) twice -> float64 (n,)."""
        cell, cells = one * len(self) + other, self.cells
        if not len(cells):
            return np.zeros(len(cell))
        at = np.minimum(np.searchsorted(cells, cell), len(cells) - 1)
        return np.where(cells[at] == cell, self.similar.data[at], 0.0)

    def state(self) -> State:
        """As data: the upper half."""
        upper = sp.triu(self.pairs, format="coo")
        arrays = {
            "row": upper.row.astype(np.int32), "column": upper.col.astype(np.int32),
            "value": np.ascontiguousarray(upper.data, np.float64), "mass": self.mass, "buyers": self.buyers,
        }  # fmt: skip
        return State("counts", {"users": self.users}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Again."""
        row, column, value = (state.arrays[name] for name in ("row", "column", "value"))
        items = len(state.arrays["mass"])
        half = sp.csr_matrix((value, (row, column)), shape=(items, items))
        pairs = sp.csr_matrix(half + half.T)
        pairs.sort_indices()
        return cls(pairs, state.arrays["mass"], state.arrays["buyers"], state.config["users"])  # type: ignore[arg-type]


def pooled(parts: Sequence[Counts]) -> Counts:
    """Those of several markets as if they were one."""
    total = parts[0]
    for part in parts[1:]:
        total = total.plus(part)
    return total
