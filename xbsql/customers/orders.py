"""Lines of sales -> the orders of each customer: what a customer bought on one day is one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.customers.lifetime import Histories

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Places: TypeAlias = NDArray[np.int64]

DAY = 86_400_000_000


@dataclass(frozen=True)
class Lines:
    """Lines of sales, one row each, of one length n.

    Attributes:
        users: the distinct ids, of any type.
        user: int64 (n,), the place in `users`.
        moment: int64 (n,), microseconds since 1970.
        amount: float64 (n,), money; below 0 for a return.
        basket, category: arrays of n values, or None where they are not given.
    """

    users: pa.Array
    user: Places
    moment: Places
    amount: Floats
    basket: pa.Array | None
    category: pa.Array | None

    @classmethod
    def of(cls, table: pa.Table) -> Lines:
        """From the columns user, ts (TIMESTAMP), amount, basket and category; the last two may be all NULL.

        Rows whose user, ts or amount is NULL or no finite number are left out.
        """
        amount = pc.cast(table["amount"], pa.float64())
        whole = pc.and_(pc.and_(pc.is_valid(table["user"]), pc.is_valid(table["ts"])), pc.is_finite(amount))
        kept = table.set_column(table.column_names.index("amount"), "amount", amount).filter(whole)
        ids = one_chunk(kept["user"])
        users = shown_ids(ids).dictionary_encode()
        place = users.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        moment = pc.cast(kept["ts"], pa.timestamp("us"))
        return cls(
            ids.take(pa.array(np.unique(place, return_index=True)[1])),
            place,
            one_chunk(pc.cast(moment, pa.int64())).to_numpy(zero_copy_only=False),
            one_chunk(kept["amount"]).to_numpy(zero_copy_only=False),
            *(_given(kept, name) for name in ("basket", "category")),
        )

    def __len__(self) -> int:
        return len(self.user)

    @property
    def day(self) -> Places:
        """Days since 1970, int64 (n,)."""
        return self.moment // DAY

    def where(self, keep: NDArray[np.bool_]) -> Lines:
        """Some of the lines; the ids stay, also of who has none left."""
        some = pa.array(keep)
        basket, category = (None if a is None else a.filter(some) for a in (self.basket, self.category))
        return Lines(self.users, self.user[keep], self.moment[keep], self.amount[keep], basket, category)


def typed(where: str, sales: pa.Table) -> pa.Table:
    """The columns ts and amount as moments and numbers, as SQL casts them.

    Raises:
        XbsqlError: they are none.
    """
    for name, kind in (("ts", pa.timestamp("us")), ("amount", pa.float64())):
        try:
            sales = sales.set_column(sales.column_names.index(name), name, sales[name].cast(kind))
        except pa.ArrowException as error:
            raise errors.invalid(where, f"{name} is no {kind}: {errors.shown(error)}") from error
    return sales


def summed(place: Places, value: Floats, m: int) -> Floats:
    """The values added up by place, float64 (m,)."""
    return np.bincount(place, value, m).astype(np.float64)


def _given(table: pa.Table, name: str) -> pa.Array | None:
    column = one_chunk(table[name])
    return None if column.null_count == len(column) else shown_ids(column)


def shown_ids(column: pa.Array) -> pa.Array:
    """Lists and structs as text, since Arrow cannot tell them apart; any others as they are."""
    if not pa.types.is_nested(column.type):
        return column
    return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())


@dataclass(frozen=True)
class Orders:
    """The orders of a market until a day; arrays of one row a customer have the shape (m,).

    Attributes:
        lines: they are made of, none after `until`.
        until: days since 1970: today.
        user, day, spend: int64, int64, float64 (k,): the orders by customer and day; spend above 0.
        number, first, last: int64 (m,): how many, and their days; 0 orders have first and last -1.
        spent, returned: float64 (m,): money of the orders, and given back, both 0 or more.
    """

    lines: Lines
    until: int
    user: Places
    day: Places
    spend: Floats
    number: Places
    first: Places
    last: Places
    spent: Floats
    returned: Floats

    @classmethod
    def of(cls, lines: Lines, until: int) -> Orders:
        """Of the lines up to a day, this one included."""
        lines = lines.where(lines.day <= until)
        m = len(lines.users)
        bought = lines.amount > 0
        days, line = np.unique(
            np.stack([lines.user[bought], lines.day[bought]], axis=1), axis=0, return_inverse=True
        )
        spend = summed(line.reshape(-1), lines.amount[bought], len(days))
        user, day = days[:, 0], days[:, 1]
        number = np.bincount(user, minlength=m)
        first, last = np.full(m, -1), np.full(m, -1)
        first[user[::-1]], last[user] = day[::-1], day  # sorted, so the last one written stays
        spent = summed(user, spend, m)
        returned = summed(lines.user, np.where(bought, 0.0, -lines.amount), m)
        return cls(lines, until, user, day, spend, number, first, last, spent, returned)

    @property
    def some(self) -> Places:
        """The customers who ordered, as places."""
        return np.flatnonzero(self.number)

    @property
    def kept(self) -> float:
        """The share of the money that did not come back in this market, 0 to 1."""
        total = self.spent.sum()
        return float(np.clip(1 - self.returned.sum() / total, 0, 1)) if total else 1.0

    def histories(self) -> Histories:
        """What the order process needs of those in `some`."""
        at = self.some
        first, last, number = self.first[at], self.last[at], self.number[at]
        return Histories(
            (number - 1).astype(float),
            (last - first).astype(float),
            (self.until - first).astype(float),
            self.spent[at] / number,
        )
