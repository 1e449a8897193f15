"""Items that users really have, held out, each among others that they do not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.engine.folds import assign_folds, plan
from xbsql.recommendation.counts import Counts
from xbsql.recommendation.markets import LENGTH
from xbsql.recommendation.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xbsql.recommendation.events import Floats, Places
    from xbsql.recommendation.histories import Histories
    from xbsql.recommendation.markets import Markets

MOST_UNITS: Final = 3000
"""Users who are tried: standard errors of nDCG are below .01 then, and trees learn little from more."""

ROWS: Final = 600
"""Of fewer users several items are held out in turn, up to about so many rows."""

MOST_TURNS: Final = 4

CANDIDATES: Final = 100
"""The held-out item and others: the task of the WSDM Cup 2022 and of most papers on implicit feedback."""

ESTABLISHED: Final = (5, 2, 1)
"""Buyers with as many items that a candidate must have, one step towards the 5-core that recommenders are
usually compared on: the first number that enough items reach."""


@dataclass(frozen=True)
class Trial:
    """Users and what stood before them.

    Attributes:
        names: of the features.
        x: float32 (n, c, f): of each candidate, known without the held-out item.
        y: int64 (n,): the candidate that is the held-out item.
        there: bool (n, c): whether a candidate is one; False fills up.
        folds: int64 (n,): methods that learn from users do so from other folds.
        group: int64 (n,): the user of each row; few users are tried with several items in turn.
    """

    names: tuple[str, ...]
    x: Floats
    y: Places
    there: NDArray[np.bool_]
    folds: Places
    group: Places

    @property
    def users(self) -> int:
        """How many users are tried."""
        return len(np.unique(self.group))

    @property
    def lengths(self) -> Places:
        """How many items are known of the user of each row beside the held-out one, int64 (n,)."""
        known = self.x[..., self.names.index(LENGTH)].max(axis=1)
        return np.asarray(np.rint(np.expm1(known.astype(np.float64))), np.int64)

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[np.bool_]) -> Trial:
        """Some of the users."""
        return Trial(
            self.names, self.x[rows], self.y[rows], self.there[rows], self.folds[rows], self.group[rows]
        )


def tried(
    histories: Histories, markets: Markets, fewest: int, seed: int, told: Callable[[float], None],
    judging: NDArray[np.bool_] | None = None, counted: Places | None = None, most: int = MOST_UNITS,
) -> Trial | None:  # fmt: skip
    """Hold out the last item of some users; where moments are equal, one of them is drawn.

    All that is held out at once is taken out of the market's counts before anything else is done: which items
    are established, and so can be candidates, goes by what is left. Were it otherwise, an item of twelve
    buyers that shows eleven, or one of fewer than a candidate must have, would be the held-out one. An item
    that hardly anybody else has is no unit: nobody could have told it. The other candidates are drawn evenly
    of the established items that the user does not have, and stand in no order.

    Args:
        histories: of the market's users.
        markets: the counts of all of them, and of other markets.
        fewest: see `Counts.of`.
        seed: of what is drawn.
        told: the share that is done.
        judging: bool, of each row of the histories: what may be held out; None: all. What the other markets
            were told of these very users judges nothing.
        counted: int64, the users of whom the market is told, see `rehearsed`; None: all. Who is tried, and
            among what, is of all of them.
        most: users who are tried, at most.

    Returns:
        None where no user has two items, one of them established.
    """
    generator = np.random.default_rng(seed)
    row, turn = _last(histories, generator, judging, most)
    parts = []
    for time in range(int(turn.max(initial=-1)) + 1):
        keep = np.ones(len(histories.item), bool)
        keep[row[turn == time]] = False
        past = histories.rows(keep)
        own = Counts.of(past if counted is None else past.take(counted), markets.items, fewest)
        items = _established(past, markets.items)
        held = row[turn == time]
        held = held[np.isin(histories.item[held], items)]
        user = histories.user[held]
        candidates, y = _drawn(histories, user, held, items, generator)
        x = Shelf(markets.with_own(own), items).features(past.take(user), candidates)
        parts.append((x, y, candidates >= 0, user))
        told((time + 1) / (turn.max() + 1))
    if not any(len(y) for _, y, _, _ in parts):
        return None
    x, y, there, user = (np.concatenate(part) for part in zip(*parts, strict=True))
    folds = assign_folds(np.zeros(len(user)), user, plan(len(np.unique(user)))[0], generator)
    return Trial(markets.names, x, y, there, folds, user)


def _established(past: Histories, items: int) -> Places:
    """The items that enough users have who have enough of them."""
    for least in ESTABLISHED:
        busy = past.lengths[past.user] >= least
        found = np.flatnonzero(np.bincount(past.item[busy], minlength=items) >= least)
        if len(found) >= CANDIDATES:
            break
    return found


def _last(
    histories: Histories, generator: np.random.Generator, judging: NDArray[np.bool_] | None, most: int
) -> tuple[Places, Places]:
    """The rows of the last items of users who have two items or more, and the turn of each.

    One a user; of few users several, held out in turn; of many users some have one.
    """
    rows, user = np.arange(len(histories.item)), histories.user
    several = histories.lengths[user] > 1
    rows = rows[several if judging is None else several & judging]
    order = np.lexsort((generator.random(len(rows)), -histories.moment[rows], user[rows]))
    rows = rows[order]
    users, first, count = np.unique(user[rows], return_index=True, return_counts=True)
    turn = np.arange(len(rows)) - np.repeat(first, count)
    if len(users) > most:
        kept = generator.choice(users, most, replace=False)
        some = np.isin(user[rows], kept) & (turn == 0)
    else:
        some = turn < np.clip(ROWS // max(len(users), 1), 1, MOST_TURNS)
    return rows[some], turn[some]


def _drawn(
    histories: Histories, user: Places, row: Places, items: Places, generator: np.random.Generator
) -> tuple[Places, Places]:
    """Candidates of each user in random order, as places in `items`, and where the held-out item stands."""
    count = min(CANDIDATES, len(items))
    found = np.full((len(user), CANDIDATES), -1)
    for at, (who, held) in enumerate(zip(user.tolist(), histories.item[row].tolist(), strict=True)):
        had = np.searchsorted(items, histories.item[histories.start[who] : histories.start[who + 1]])
        some = generator.choice(len(items), min(len(items), count - 1 + len(had)), replace=False)
        free = some[~np.isin(some, had)][: count - 1]
        found[at, 0], found[at, 1 : 1 + len(free)] = np.searchsorted(items, held), free
    order = np.argsort(generator.random(found.shape), axis=1)
    return np.take_along_axis(found, order, axis=1), (order == 0).argmax(axis=1)
