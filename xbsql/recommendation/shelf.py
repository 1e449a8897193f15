"""Some items of a model, and what speaks for each of them for users with histories."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import scipy.sparse as sp

from xbsql.recommendation.markets import ALL, OWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xbsql.recommendation.events import Floats, Places
    from xbsql.recommendation.histories import Histories
    from xbsql.recommendation.markets import Markets

BLOCK_CELLS: Final = 1 << 20
"""Cells of a block of users by items: 8 MiB, which stay in the processor's cache."""


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
        self, histories: Histories, candidates: Places, reads: Iterable[str] | None = None
    ) -> Floats:
        """What speaks for each candidate.

        `near` is the sum of its similarities to what the user has, each times what that counts; `nearest` the
        root of the sum of their squares, which the largest decides; `popular` the logarithm of its buyers;
        `length` that of how much the user has.

        Args:
            histories: of n users.
            candidates: int64 (n, c), places in `items`; -1 is none, whose features are 0.
            reads: names of features; the others stay 0. None: all.

        Returns:
            float32 (n, c, f), f the features of `Markets.names`.
        """
        names = self.markets.names
        wanted = set(names if reads is None else reads)
        found = np.zeros((*candidates.shape, len(names)), np.float32)
        place, there = np.maximum(candidates, 0), candidates >= 0
        had = histories.recent().matrix(self.markets.items)
        twice = had.power(2)
        for at, (view, counts) in enumerate(self.markets.views.items()):
            near, nearest, popular = names[3 * at : 3 * at + 3]
            if near in wanted:
                found[..., 3 * at] = gathered(had, self.similar[view], place)
            if nearest in wanted:
                found[..., 3 * at + 1] = np.sqrt(gathered(twice, self.squared[view], place))
            if popular in wanted:
                found[..., 3 * at + 2] = np.log1p(counts.buyers[self.items])[place]
        found[..., -1] = np.log1p(histories.lengths)[:, None]
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
        found = np.empty((len(histories), count), np.int64)
        had = histories.recent().matrix(self.markets.items)
        own = None if seen else histories.matrix(self.markets.items)[:, self.items].sign()
        fill = 1e-6 * self.popular
        for rows in blocks(len(histories), len(self.items)):
            score = (had[rows] @ self.near).toarray() + fill
            if own is not None:
                score[own[rows].nonzero()] = -np.inf
            found[rows] = best(score, count)
        return found

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


def best(score: Floats, count: int) -> Places:
    """The columns of the highest scores of each row, best first, of equal ones the lower; -1 for -inf.

    Args:
        score: float64 (n, m).
        count: 0 .. m.

    Returns:
        int64 (n, count).
    """
    if count < score.shape[1]:
        some = (
            np.argpartition(-score, count - 1, axis=1)[:, :count] if count else np.zeros((len(score), 0), int)
        )
        some.sort(axis=1)
    else:
        some = np.broadcast_to(np.arange(count), score.shape)
    own = np.take_along_axis(score, some, axis=1)
    order = np.argsort(-own, axis=1, kind="stable")
    found = np.take_along_axis(some, order, axis=1)
    return np.where(np.take_along_axis(own, order, axis=1) > -np.inf, found, -1)


def blocks(users: int, items: int) -> Iterator[slice]:
    """Ranges of users whose scores of all items fit in a block."""
    step = max(1, BLOCK_CELLS // max(items, 1))
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
