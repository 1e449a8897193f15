"""Items that users really have, held out, each among others that they do not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.engine.folds import assign_folds, plan
from xbsql.recommendation.counts import Counts
from xbsql.recommendation.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xbsql.recommendation.events import Floats, Places
    from xbsql.recommendation.histories import Histories
    from xbsql.recommendation.markets import Markets

MOST_UNITS: Final = 3000
"""Users who are tried: standard errors of nDCG are below .01 then, and trees learn little from more."""

CANDIDATES: Final = 100
"""The held-out item and others: the task of the WSDM Cup 2022 and of most papers on implicit feedback."""

ESTABLISHED: Final = (5, 2, 1)
"""Buyers that an item has to have, held-out ones among them: the first number that enough items reach."""


@dataclass(frozen=True)
class Trial:
    """Users and what stood before them.

    Attributes:
        names: of the features.
        x: float32 (n, c, f): of each candidate, known without the held-out item.
        y: int64 (n,): the candidate that is the held-out item.
        there: bool (n, c): whether a candidate is one; False fills up.
        folds: int64 (n,): users of one fold were held out together.
    """

    names: tuple[str, ...]
    x: Floats
    y: Places
    there: NDArray[np.bool_]
    folds: Places

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[np.bool_]) -> Trial:
        """Some of the users."""
        return Trial(self.names, self.x[rows], self.y[rows], self.there[rows], self.folds[rows])


def tried(
    histories: Histories, markets: Markets, fewest: int, seed: int, told: Callable[[float], None]
) -> Trial | None:
    """Hold out the last item of some users; where moments are equal, one of them is drawn.

    Each fold's items are taken out of the market's counts before anything is said of them. An item that
    hardly anybody has is not held out: nobody could have told it. The other candidates are drawn evenly of
    the items as established that the user does not have, and stand in no order.

    Args:
        histories: of the market's users.
        markets: the counts of all of them, and of other markets.
        fewest: see `Counts.of`.
        seed: of what is drawn.
        told: the share that is done.

    Returns:
        None where no user has two items, one of them established.
    """
    generator = np.random.default_rng(seed)
    items = _established(markets.own)
    row = _last(histories, items, generator)
    if not len(row) or len(items) < 2:
        return None
    user = histories.user[row]
    candidates, y = _drawn(histories, user, row, items, generator)
    folds = assign_folds(np.zeros(len(user)), np.arange(len(user)), plan(len(user))[0], generator)
    x = np.zeros((*candidates.shape, len(markets.names)), np.float32)
    for fold in np.unique(folds):
        held = folds == fold
        keep = np.ones(len(histories.item), bool)
        keep[row[held]] = False
        past = histories.rows(keep)
        known = markets.with_own(Counts.of(past, markets.items, fewest))
        x[held] = Shelf(known, items).features(past.take(user[held]), candidates[held])
        told((fold + 1) / (folds.max() + 1))
    return Trial(markets.names, x, y, candidates >= 0, folds)


def _established(own: Counts) -> Places:
    """The items that enough users have."""
    for buyers in ESTABLISHED:
        found = np.flatnonzero(own.buyers >= buyers)
        if len(found) >= CANDIDATES:
            break
    return found


def _last(histories: Histories, items: Places, generator: np.random.Generator) -> Places:
    """The row of the last established item of each user who has two items or more; some of the users."""
    rows, user = np.arange(len(histories.item)), histories.user
    fit = np.isin(histories.item, items) & (histories.lengths[user] > 1)
    rows = rows[fit]
    order = np.lexsort((generator.random(len(rows)), histories.moment[rows], user[rows]))
    rows = rows[order]
    last = np.append(np.diff(user[rows]) != 0, [True] * min(len(rows), 1))
    rows = rows[last]
    if len(rows) > MOST_UNITS:
        rows = np.sort(generator.choice(rows, MOST_UNITS, replace=False))
    return rows


def _drawn(
    histories: Histories, user: Places, row: Places, items: Places, generator: np.random.Generator
) -> tuple[Places, Places]:
    """Candidates of each user in random order, as places in `items`, and where the held-out item stands."""
    count = min(CANDIDATES, len(items))
    found = np.full((len(user), count), -1)
    for at, (who, held) in enumerate(zip(user.tolist(), histories.item[row].tolist(), strict=True)):
        had = np.searchsorted(items, histories.item[histories.start[who] : histories.start[who + 1]])
        some = generator.choice(len(items), min(len(items), count - 1 + len(had)), replace=False)
        free = some[~np.isin(some, had)][: count - 1]
        found[at, 0], found[at, 1 : 1 + len(free)] = np.searchsorted(items, held), free
    order = np.argsort(generator.random(found.shape), axis=1)
    return np.take_along_axis(found, order, axis=1), (order == 0).argmax(axis=1)
