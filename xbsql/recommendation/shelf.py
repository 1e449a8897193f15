"""Some items of a model, and what speaks for each of them for users with histories."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import scipy.sparse as sp

from xbsql.recommendation.markets import ALIKE, ALL, LENGTH, OWN
from xbsql.recommendation.spectrum import likeness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from xbsql.recommendation.events import Floats, Places
    from xbsql.recommendation.histories import Histories
    from xbsql.recommendation.markets import Markets

BLOCK_CELLS: Final = 1 << 20
"""Cells of a block of users by items: 8 MiB, which stay in the processor's cache."""

FLAG_CELLS: Final = 1 << 23
"""The same of one byte."""

FAINT: Final = 1e-9
"""What popularity adds to what is near: it decides between equals."""


@dataclass(frozen=True)
class Shelf:
    """Items that can be recommended.

    Attributes:
        markets: what is known of all items.
        items: int64 (m,), the places of these, ascending.
    """

    markets: Markets
    items: Places

    @cached_property
    def similar(self) -> dict[str, sp.csr_matrix]:
        """How alike all items are to these, by view: float64, sparse (items, m)."""
        return {view: counts.similar[:, self.items] for view, counts in self.markets.views.items()}

    @cached_property
    def squared(self) -> dict[str, sp.csr_matrix]:
        """The squares of it."""
        return {view: sp.csr_matrix(similar.power(2)) for view, similar in self.similar.items()}

    @cached_property
    def popular(self) -> Floats:
        """See `Markets.popular`; float64 (m,)."""
        return self.markets.popular[self.items]

    @cached_property
    def near(self) -> sp.csr_matrix:
        """What finds the items that are then ordered: similarity in the market itself and in all of them."""
        similar = self.similar
        return sp.csr_matrix(similar[OWN] + similar[ALL]) if ALL in similar else similar[OWN]

    def features(
        self, histories: Histories, candidates: Places, names: Sequence[str] | None = None
    ) -> Floats:
        """What speaks for each candidate.

        `near` is the sum of its similarities to what the user has, each times what that counts; `nearest` the
        root of the sum of their squares, which the largest decides; `alike` and `alikest` are what `likeness`
        finds; `popular` the logarithm of its buyers; `length` that of how much the user has.

        Args:
            histories: of n users.
            candidates: int64 (n, c), places in `items`; -1 is none, whose features are 0.
            names: of the features; None: those of `Markets.names`.

        Returns:
            float32 (n, c, f), f the names.
        """
        names = self.markets.names if names is None else names
        found = np.zeros((*candidates.shape, len(names)), np.float32)
        place, there = np.maximum(candidates, 0), candidates >= 0
        had = histories.recent().matrix(self.markets.items)
        twice = had.power(2)
        alike: Sequence[NDArray[np.float32]] = ()
        if not set(ALIKE).isdisjoint(names):
            alike = likeness(self.markets.direction, histories, self.items[place])
        for at, name in enumerate(names):
            view, _, kind = name.rpartition(" ")
            if name == LENGTH:
                found[..., at] = np.log1p(histories.lengths)[:, None]
            elif name in ALIKE:
                found[..., at] = alike[ALIKE.index(name)]
            elif kind == "near":
                found[..., at] = gathered(had, self.similar[view], place)
            elif kind == "nearest":
                found[..., at] = np.sqrt(gathered(twice, self.squared[view], place))
            else:
                found[..., at] = np.log1p(self.markets.views[view].buyers[self.items])[place]
        found[~there] = 0.0
        return found

    def found(self, histories: Histories, most: int, *, seen: bool) -> Places:
        """The items of each user that are worth ordering: near ones, then popular ones; best first.

        Args:
            histories: of n users.
            most: how many, at most.
            seen: whether items that a user has may come again.

        Returns:
            int64 (n, min(most, m)), places in `items`; -1 where there are fewer.
        """
        count = min(most, len(self.items))
        had = histories.recent().matrix(self.markets.items)
        own = histories.matrix(self.markets.items)[:, self.items]
        found = nearest(had, self.near, None if seen else own, FAINT * self.popular, count)
        few = np.flatnonzero((found < 0).any(axis=1))
        if len(few):
            found[few] = self._filled(found[few], None if seen else own[few], count)
        return found

    def _filled(self, found: Places, own: sp.csr_matrix | None, count: int) -> Places:
        """The same with popular items in the free places, never one twice or one that a user has."""
        m, user = len(self.items), np.arange(len(found))[:, None]
        longest = 0 if own is None else int(np.diff(own.indptr).max())
        offered = np.argsort(-self.popular, kind="stable")[: 2 * count + longest]
        taken = [(user * m + found)[found >= 0]]
        if own is not None:
            row, column = own.nonzero()
            taken.append(row.astype(np.int64) * m + column)
        free = np.where(np.isin(user * m + offered, np.concatenate(taken)), -1, offered)
        both = np.concatenate([found, free], axis=1)
        order = np.argsort(both < 0, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(both, order, axis=1)

    def placed(self, found: Places) -> Places:
        """Places in this shelf as places in the list of all items; -1 stays."""
        return np.where(found < 0, -1, self.items[np.maximum(found, 0)] if len(self.items) else -1)

    def nearest(self, items: Places, k: int) -> Found:
        """What is had most together with each of some items, never itself.

        Args:
            items: int64 (n,), places in the list of all items.
            k: how many, at most.
        """
        count = min(k, len(self.items))
        found = Found(np.full((len(items), count), -1), np.zeros((len(items), count)))
        similar = self.similar.get(ALL, self.similar[OWN])
        for rows in blocks(len(items), len(self.items)):
            score = similar[items[rows]].toarray()
            score = np.where((score > 0) & (self.items != items[rows, None]), score, -np.inf)
            found.item[rows] = best(score, count)
            found.score[rows] = np.take_along_axis(score, np.maximum(found.item[rows], 0), axis=1)
        return found


class Found(NamedTuple):
    """Items for n users or items.

    Attributes:
        item: int64 (n, k), places in the shelf, best first; -1 where there are fewer.
        score: float64 (n, k), 0 .. 1; what stands beside -1 means nothing.
    """

    item: Places
    score: Floats


def nearest(
    had: sp.csr_matrix, similar: sp.csr_matrix, own: sp.csr_matrix | None, faint: Floats, count: int
) -> Places:
    """The items nearest to what users have; no row of all items is ever written out.

    Args:
        had: sparse (n, items), what each counts.
        similar: sparse (items, m).
        own: sparse (n, m), items that must not come again; None: all may.
        faint: float64 (m,), added to what is near at all: decides between equals.
        count: how many, at most m.

    Returns:
        int64 (n, count), columns, best first; -1 where fewer are near.
    """
    found = np.full((had.shape[0], count), -1)
    m = similar.shape[1]
    for rows in blocks(had.shape[0], m, FLAG_CELLS):
        near = had[rows] @ similar
        score = near.data + faint[near.indices]
        if own is not None:
            barred = np.zeros((rows.stop - rows.start) * m, bool)
            barred[_cells(own[rows])] = True
            score[barred[_cells(near)]] = -np.inf
        found[rows] = _first(near.indptr, near.indices, score, count)
    return found


def _cells(x: sp.csr_matrix) -> Places:
    """Where the entries of a sparse matrix stand, row times columns plus column."""
    return np.asarray(np.repeat(np.arange(x.shape[0]) * x.shape[1], np.diff(x.indptr)) + x.indices)


def _first(start: Places, column: Places, score: Floats, count: int) -> Places:
    """The columns of the highest scores of each sparse row; rows of like length at once."""
    length = np.diff(start)
    found = np.full((len(length), count), -1)
    width = 1 << np.ceil(np.log2(np.maximum(length, 1))).astype(np.int64)
    for wide in np.unique(width[length > 0]):
        rows = np.flatnonzero((width == wide) & (length > 0))
        place = np.arange(wide)
        cell = start[rows, None] + place
        value = score.take(cell, mode="clip")
        value[place >= length[rows, None]] = -np.inf
        at = best(value, min(count, int(wide)))
        chosen = column.take(np.take_along_axis(cell, np.maximum(at, 0), axis=1), mode="clip")
        found[rows, : at.shape[1]] = np.where(at < 0, -1, chosen)
    return found


def best(score: Floats, count: int) -> Places:
    """The columns of the highest scores of each row, best first; -1 for -inf.

    Of equal ones the lower comes first; which of them still belong to the best is left open.

    Args:
        score: float64 (n, m).
        count: 0 .. m.

    Returns:
        int64 (n, count).
    """
    m = score.shape[1]
    some = np.argpartition(score, m - count, axis=1)[:, m - count :] if 0 < count < m else _all(score, count)
    some.sort(axis=1)
    own = np.take_along_axis(score, some, axis=1)
    order = np.argsort(-own, axis=1, kind="stable")
    found = np.take_along_axis(some, order, axis=1)
    return np.where(np.take_along_axis(own, order, axis=1) > -np.inf, found, -1)


def _all(score: Floats, count: int) -> Places:
    """Every column of each row, or none."""
    return np.tile(np.arange(count), (len(score), 1))


def blocks(users: int, items: int, cells: int = BLOCK_CELLS) -> Iterator[slice]:
    """Ranges of users whose cells of all items fit in a block."""
    step = max(1, cells // max(items, 1))
    return (slice(at, min(at + step, users)) for at in range(0, users, step))


def gathered(had: sp.csr_matrix, similar: sp.csr_matrix, candidates: Places) -> Floats:
    """The product of users and similarities at the candidates alone, a block of users at a time.

    Args:
        had: sparse (n, items).
        similar: sparse (items, m).
        candidates: int64 (n, c), columns of `similar`.

    Returns:
        float64 (n, c).
    """
    found = np.empty(candidates.shape)
    for rows in blocks(had.shape[0], similar.shape[1]):
        block = (had[rows] @ similar).toarray()
        found[rows] = np.take_along_axis(block, candidates[rows], axis=1)
    return found
