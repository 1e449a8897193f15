"""A fitted recommender: users and their histories in, items out."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.features.hidden import hidden_column
from xbsql.recommendation.counts import Counts
from xbsql.recommendation.events import Columns
from xbsql.recommendation.histories import Histories
from xbsql.recommendation.shelf import Shelf
from xbsql.store.model import Model, Signature, State, restorable, restore

if TYPE_CHECKING:
    from xbsql.recommendation.blend import Blend
    from xbsql.recommendation.events import Events, Floats, Names, Places, Singles
    from xbsql.recommendation.markets import Markets

OUTPUT = pa.struct([("item", pa.string()), ("score", pa.float64())])


@restorable("recommender")
@dataclass(frozen=True)
class Recommender(Model):
    """A blend of orders over the items of a market.

    Attributes:
        items: ids as text, sorted.
        markets: what is known of them.
        blend: what orders them.
        columns: where the table of events kept what.
        users: ids as text, or their hashes, sorted; none where no row may be kept.
        histories: of these users.
        key: of the hashes; None where ids are in clear.
        keeps: whether users and histories are kept.
        market: what it was fitted for; None where nobody said.
    """

    items: Names
    markets: Markets
    blend: Blend
    columns: Columns
    users: Names
    histories: Histories
    key: str | None = None
    keeps: bool = True
    market: str | None = None

    @property
    def signature(self) -> Signature:  # type: ignore[override]
        """What it reads and returns."""
        inputs = pa.schema([(self.columns.user, pa.string()), (self.columns.item, pa.string())])
        return Signature("recommend", inputs, OUTPUT, self.columns.item)

    def predict(self, batch: pa.RecordBatch, *, shift: bool = True) -> NoReturn:
        """A row is no user.

        Raises:
            XbsqlError: always.
        """
        problem = f"a recommender reads users and got {batch.num_rows} rows"
        raise errors.invalid("xb.predict", problem, "call xb.recommend(model, users, user)")

    @cached_property
    def _items(self) -> pa.Array:
        return pa.array(self.items, pa.string())

    @cached_property
    def _users(self) -> pa.Array:
        return pa.array(self.users, pa.string())

    @cached_property
    def shelf(self) -> Shelf:
        """What is recommended where nobody says: what this market has bought, or else everything."""
        own = self.markets.offered
        return Shelf(self.markets, own if len(own) else np.arange(len(self.items)))

    def names(self, places: Places) -> pa.Array:
        """The items at these places; int64 (n,) -> VARCHAR (n,)."""
        return self._items.take(pa.array(places))

    def placed(self, items: pa.Array) -> Places:
        """The places of items in the list, -1 for one that is not known; (n,) -> int64 (n,)."""
        return _places(items, self._items)

    def known(self, users: pa.Array) -> Places:
        """The places of users, -1 for one that is not known; (n,) -> int64 (n,)."""
        if self.key is not None:
            users = hidden_column(pa.chunked_array([users]), self.key)
        return _places(users, self._users)

    def updated(self, where: str, events: Events) -> Recommender:
        """The same with further events, as if they had been there when it was fitted; weights stay.

        Args:
            where: the SQL function.
            events: read with `returns`.

        Raises:
            XbsqlError: the model holds no histories.
        """
        if not self.keeps:
            problem = "the model holds no histories ('keep_rows' is false)"
            raise errors.invalid(where, problem, "fit it again on all events")
        items, place, new = merged(self.items, events.items)
        named = events.users if self.key is None else hashed(events.users, self.key)
        users, old_user, new_user = merged(self.users, named)
        before = self.histories.placed(place)
        after = _histories(
            len(users), len(items),
            np.concatenate([old_user[before.user], new_user[events.user]]),
            np.concatenate([before.item, new[events.item]]),
            np.concatenate([before.moment, events.moment]),
            np.concatenate([before.amount, events.amount]),
            add=self.columns.weight is not None,
        )  # fmt: skip
        changed = np.unique(new_user[events.user])
        back = np.full(len(users), -1)
        back[old_user] = np.arange(len(old_user))
        own = self.markets.own.placed(place, len(items))
        own = own.plus(Counts.of(before.take(back[changed]), len(items)), -1.0)
        own = own.plus(Counts.of(after.take(changed), len(items))).cleaned()
        others = {name: counts.placed(place, len(items)) for name, counts in self.markets.others.items()}
        lent = None if self.markets.lent is None else self.markets.lent.placed(place, len(items))
        markets = type(self.markets).of(own, others, lent)
        if self.markets.directed:
            markets = markets.with_directions(_longer(self.markets.direction, place, len(items)))
        return replace(self, items=items, markets=markets, users=users, histories=after)

    def state(self) -> State:
        """The model as data."""
        config = {
            "columns": list(self.columns), "key": self.key, "keeps": self.keeps, "market": self.market
        }  # fmt: skip
        texts = {name: json.dumps(list(getattr(self, name))) for name in ("items", "users")}
        parts = {name: getattr(self, name).state() for name in ("markets", "blend", "histories")}
        return State("recommender", config, texts=texts, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The model again."""
        names = {name: np.array(json.loads(state.texts[name]), dtype=object) for name in ("items", "users")}
        parts = {name: restore(state.parts[name]) for name in ("markets", "blend", "histories")}
        config = dict(state.config)
        columns = Columns(*config.pop("columns"))
        return cls(
            names["items"],
            parts["markets"],
            parts["blend"],
            columns,
            names["users"],
            parts["histories"],
            **config,
        )


def merged(one: Names, other: Names) -> tuple[Names, Places, Places]:
    """Two sorted lists of names as one, and where the names of each stand in it."""
    both, place = np.unique(np.concatenate([one, other]), return_inverse=True)
    return both, place[: len(one)].astype(np.int64), place[len(one) :].astype(np.int64)


def _longer(direction: Singles, place: Places, items: int) -> Singles:
    """Directions in a longer list, in which item i is at `place[i]`; a new item has none."""
    found = np.zeros((items, direction.shape[1]), np.float32)
    found[place] = direction
    return found


def _histories(
    users: int,
    items: int,
    user: Places,
    item: Places,
    moment: Places,
    amount: Floats,
    *,
    add: bool,
) -> Histories:
    """Of rows in any order, several of which may be of one user and item; a sum of 0 or less is not had."""
    keys, place = np.unique(user * items + item, return_inverse=True)
    last = np.full(len(keys), np.iinfo(np.int64).min)
    np.maximum.at(last, place, moment)
    total: Floats = np.ones(len(keys))
    if add:
        total = np.bincount(place, amount, len(keys)).astype(np.float64)
    had = total > 0
    user, item, last, total = keys[had] // items, keys[had] % items, last[had], total[had]
    order = np.lexsort((item, last, user))
    start = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=users))]).astype(np.int64)
    return Histories(start, item[order], last[order], total[order])


def hashed(users: Names, key: str) -> Names:
    """The hash of each id, see `xbsql.features.hidden`."""
    names = hidden_column(pa.chunked_array([pa.array(users, pa.string())]), key)
    return np.array(names.to_pylist(), dtype=object)


def _places(names: pa.Array, known: pa.Array) -> Places:
    found = pc.index_in(names, value_set=known) if len(known) else pa.nulls(len(names), pa.int32())
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
