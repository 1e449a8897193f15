"""From histories to the items to recommend, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.recommendation.shelf import Found, best

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.recommendation.blend import Blend
    from xbsql.recommendation.events import Floats, Places
    from xbsql.recommendation.histories import Histories
    from xbsql.recommendation.shelf import Shelf
    from xbsql.recommendation.wanted import Wanted

ORDERED: Final = 50
"""Items of each user that all methods order; more where more are asked for."""

AT_ONCE: Final = 4096
"""Users whose features are held at once."""


def recommended(
    shelf: Shelf, blend: Blend, histories: Histories, wanted: Wanted, lists: Places | None = None
) -> Found:
    """The best items of the shelf for each user.

    Args:
        shelf: what may be recommended.
        blend: what orders.
        histories: of n users.
        wanted: how many, and which not.
        lists: int64 (n, c): candidates of each user, places in the shelf, -1 fills up; None: the whole shelf.
    """
    parts = [
        _some(shelf, blend, histories.take(rows), wanted, None if lists is None else lists[rows])
        for rows in np.array_split(np.arange(len(histories)), max(-(-len(histories) // AT_ONCE), 1))
    ]
    return Found(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _some(shelf: Shelf, blend: Blend, histories: Histories, wanted: Wanted, lists: Places | None) -> Found:
    if lists is None:
        lists = shelf.found(histories, max(ORDERED, wanted.k), seen=not wanted.exclude_seen)
    elif wanted.exclude_seen:
        lists = np.where(_had(shelf, histories, lists), -1, lists)
    reads = sorted({name for member in blend.members.values() for name in member.reads})
    there = lists >= 0
    score = blend.score(shelf.features(histories, lists, reads), reads, there)
    score = np.where(there, score, -np.inf)
    k = min(wanted.k, lists.shape[1])
    place = best(score, k) if not wanted.diversity else _apart(shelf, lists, score, k, wanted.diversity)
    at = np.maximum(place, 0)
    item = np.take_along_axis(lists, at, axis=1)
    return Found(np.where(place < 0, -1, item), np.take_along_axis(score, at, axis=1))


def _had(shelf: Shelf, histories: Histories, lists: Places) -> NDArray[np.bool_]:
    """Which candidates a user has; bool (n, c)."""
    items, user = shelf.markets.items, np.arange(len(lists))[:, None]
    own = histories.user * items + histories.item
    return np.isin(user * items + shelf.items[np.maximum(lists, 0)], own) & (lists >= 0)


def _apart(shelf: Shelf, lists: Places, score: Floats, k: int, diversity: float) -> Places:
    """The k columns of each row that are good and unlike what stands before them.

    Maximal marginal relevance (Carbonell and Goldstein, 1998) among the best 3 k.
    """
    some = best(score, min(max(3 * k, k), score.shape[1]))
    worth = np.where(
        some < 0, -np.inf, (1 - diversity) * np.take_along_axis(score, np.maximum(some, 0), axis=1)
    )
    place = shelf.items[np.take_along_axis(lists, np.maximum(some, 0), axis=1)]
    known, rows = shelf.markets.widest, np.arange(len(lists))
    nearest, chosen = np.zeros(some.shape), np.full((len(lists), k), -1)
    for turn in range(k):
        left = worth - diversity * nearest
        at = left.argmax(axis=1)
        there = left[rows, at] > -np.inf
        chosen[:, turn] = np.where(there, some[rows, at], -1)
        taken = np.broadcast_to(place[rows, at][:, None], place.shape)
        nearest = np.maximum(nearest, known.between(taken.ravel(), place.ravel()).reshape(place.shape))
        worth[rows, at] = -np.inf
    return chosen


def reasons(shelf: Shelf, histories: Histories, item: Places) -> Places:
    """What of a user's own each item is nearest to, by what counts for the user.

    Args:
        shelf: of the items.
        histories: of n users.
        item: int64 (n, k), places in the shelf, -1 for none.

    Returns:
        int64 (n, k), places in the list of all items; -1 where nothing is near.
    """
    recent = histories.recent()
    had = recent.matrix(shelf.markets.items)
    found = np.full(item.shape, -1)
    count = np.diff(had.indptr)
    user = np.repeat(np.arange(len(item)), item.shape[1])
    pairs = np.flatnonzero((item.ravel() >= 0) & (count[user] > 0))
    if not len(pairs):
        return found
    user, target = user[pairs], shelf.items[item.ravel()[pairs]]
    size = count[user]
    begin = np.cumsum(size) - size
    row = np.arange(size.sum()) + np.repeat(had.indptr[user] - begin, size)
    value = had.data[row] * shelf.markets.widest.between(
        had.indices[row].astype(np.int64), np.repeat(target, size)
    )
    most = np.maximum.reduceat(value, begin)
    first = np.where(value == np.repeat(most, size), np.arange(len(value)), len(value))
    nearest = had.indices[row[np.minimum.reduceat(first, begin)]]
    found.ravel()[pairs] = np.where(most > 0, nearest, -1)
    return found
