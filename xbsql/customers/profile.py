"""The profile of each customer of a market: one row a customer, beside another market where it is given."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.customers import habits
from xbsql.customers.lifetime import Histories
from xbsql.customers.orders import Lines, Orders, shown_ids
from xbsql.customers.outlook import Lifetime, Outlook, outlook
from xbsql.customers.segments import Behaviour, carried, grouped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

EPOCH = dt.date(1970, 1, 1)
OF_HOME = ("user", "orders", "recency", "age", "order_value", "returned", "alive", "segment")
"""Columns of a home profile that are read."""


@dataclass(frozen=True)
class Asked:
    """What a profile is asked for.

    Attributes:
        until: today; None is the last day of the table.
        horizon: days ahead, 1 or more.
        level: the share of truths that lo and hi shall hold.
        segments: how many groups at most, 1 or more.
    """

    until: dt.date | None
    horizon: int
    level: float
    segments: int

    def check(self, where: str) -> None:
        """Refuse what no profile can be made of.

        Raises:
            XbsqlError: a number is out of its range.
        """
        if not 1 <= self.horizon <= 3650:
            raise errors.invalid(where, f"horizon is {self.horizon}", "give 1 to 3650 days")
        if not 0 < self.level < 1:
            raise errors.invalid(where, f"level is {self.level}", "give a share such as 0.9")
        if not 1 <= self.segments <= 100:
            raise errors.invalid(where, f"segments is {self.segments}", "give 1 to 100")


def profile(where: str, table: pa.Table, asked: Asked, home: pa.Table | None) -> pa.Table:
    """One row a customer, ordered by id as they came.

    Args:
        where: the function, for errors.
        table: columns user, ts, amount, basket and category, see `Lines.of`.
        asked: day, horizon and so on.
        home: what this function made of another market; None for none.

    Returns:
        The columns of the declaration; `user` is the id as it was given.

    Raises:
        XbsqlError: no line that can be used, lines of the future, or a `home` that is no profile.
    """
    asked.check(where)
    lines = Lines.of(table)
    if not len(lines):
        raise errors.invalid(where, "no row has a user, a ts and an amount", "give lines of sales")
    orders = Orders.of(lines, _today(where, lines, asked.until))
    if not np.isfinite(orders.spent).all():
        raise errors.invalid(where, "the amounts of a customer add up to no finite number", "mend them")
    if not len(orders.some):
        remedy = "amounts above 0 are orders, below 0 returns"
        raise errors.invalid(where, f"nobody ordered until {_date(orders.until)}", remedy)
    at_home = None if home is None else _Home.of(where, home)
    found = outlook(orders, asked.horizon, asked.level, at_home.lifetime if at_home else None)
    columns = {**_past(orders), **_ahead(orders, found), **_groups(orders, found, asked.segments, at_home)}
    seen = np.bincount(orders.lines.user, minlength=len(lines.users)) > 0
    return pa.table({**columns, **_later(orders, lines, asked.horizon)}).filter(pa.array(seen))


def _today(where: str, lines: Lines, until: dt.date | None) -> int:
    """The day of the profile, in days since 1970."""
    last = int(lines.day.max())
    if until is not None:
        return ((until.date() if isinstance(until, dt.datetime) else until) - EPOCH).days
    now = (dt.datetime.now(tz=dt.UTC).date() - EPOCH).days + 1  # somewhere it is tomorrow
    if last > now:
        number = int((lines.day > now).sum())
        problem = f"{number} of {len(lines)} rows lie in the future, the last on {_date(last)}"
        raise errors.invalid(where, problem, "mend them, or say what today is: until := DATE '...'")
    return last


def _date(day: int) -> str:
    return str(np.datetime64(int(day), "D"))


def _past(orders: Orders) -> dict[str, pa.Array]:
    """What happened until the day."""
    some = orders.number > 0
    spent = np.where(some, orders.spent, np.nan)
    category, share = habits.category(orders.lines)
    return {
        "user": orders.lines.users,
        "orders": pa.array(orders.number),
        "first_order": _dates(orders.first),
        "last_order": _dates(orders.last),
        "recency": _whole(np.where(some, orders.until - orders.last, np.nan)),
        "age": _whole(np.where(some, orders.until - orders.first, np.nan)),
        "spend": pa.array(orders.spent - orders.returned),
        "order_value": _number(spent / np.maximum(orders.number, 1)),
        "returned": _number(orders.returned / spent),
        "gap": _number(habits.gap(orders)),
        "lines": _number(habits.basket(orders)),
        "category": pc.cast(category, pa.string()),
        "category_share": _number(share),
        "price_band": _whole(habits.price_band(orders)),
        "weekday": _whole(habits.weekday(orders)),
        "hour": _whole(habits.hour(orders)),
    }


def _ahead(orders: Orders, found: Outlook) -> dict[str, pa.Array]:
    """What is expected; NULL of who never ordered."""
    names = {
        "alive": found.alive, "expected_orders": found.orders, "expected_value": found.value,
        "expected_spend": found.spend, "typical_spend": found.typical, "lo": found.lo, "hi": found.hi,
    }  # fmt: skip
    columns = {name: _number(_spread(orders, values)) for name, values in names.items()}
    return {
        **columns,
        "basis": pa.array([found.basis if n else None for n in orders.number.tolist()], pa.string()),
    }


def _groups(orders: Orders, found: Outlook, k: int, home: _Home | None) -> dict[str, pa.Array]:
    """The group of each, and who at home is like him; NULL of who never ordered."""
    customers, at = orders.histories(), orders.some
    own = Behaviour(
        customers.repeats + 1, (orders.until - orders.last[at]).astype(float), customers.age, customers.value,
        found.alive,
    )  # fmt: skip
    if home is None:
        group = grouped(own, found.spend, k)
        return {
            "segment": _whole(_spread(orders, group)),
            "nearest": pa.nulls(len(orders.number), pa.list_(pa.string())),
        }
    group, like = carried(own, home.behaviour, home.segment)
    return {"segment": _whole(_spread(orders, group)), "nearest": _named(orders, home.users, like)}


def _named(orders: Orders, users: pa.Array, like: NDArray[np.int64]) -> pa.Array:
    """Lists of users, (m,); NULL of who never ordered.

    Args:
        orders: of m customers, n of whom ordered.
        users: ids.
        like: (n, k), places of users.
    """
    count = np.where(orders.number > 0, like.shape[1], 0)
    start = pa.array(np.concatenate([[0], np.cumsum(count)]).astype(np.int32))
    return pa.ListArray.from_arrays(start, users.take(pa.array(like.ravel())), mask=pa.array(count == 0))


def _later(orders: Orders, lines: Lines, horizon: int) -> dict[str, pa.Array]:
    """What came in within the horizon after the day; NULL where the table ends before that."""
    m, end = len(lines.users), orders.until + horizon
    if lines.day.max() < end:
        return {"later_orders": pa.nulls(m, pa.int64()), "later_spend": pa.nulls(m, pa.float64())}
    since = Orders.of(lines.where(lines.day > orders.until), end)
    return {"later_orders": pa.array(since.number), "later_spend": pa.array(since.spent - since.returned)}


@dataclass(frozen=True)
class _Home:
    """The other market, from its profiles.

    Attributes:
        users: the ids as text, (n,).
        behaviour, segment: what groups are made of, and the group of each, (n,).
        lifetime: its fitted process.
    """

    users: pa.Array
    behaviour: Behaviour
    segment: NDArray[np.int64]
    lifetime: Lifetime

    @classmethod
    def of(cls, where: str, table: pa.Table) -> _Home:
        """From what `profile` made.

        Raises:
            XbsqlError: a column is missing, or no row has all of them.
        """
        for name in OF_HOME:
            if name not in table.column_names:
                remedy = "give a table that xb.profile made of the home market's sales"
                raise errors.invalid(where, f"home has no column '{name}'", remedy)
        try:
            known = pa.table({name: pc.cast(table[name], pa.float64()) for name in OF_HOME[1:]})
        except pa.ArrowException as error:
            raise errors.invalid(where, f"home is no profile: {errors.shown(error)}") from error
        whole = np.all([np.isfinite(c.to_numpy(zero_copy_only=False)) for c in known.columns], axis=0)
        whole &= known["orders"].to_numpy(zero_copy_only=False) >= 1
        if not whole.any():
            raise errors.invalid(where, "home has no customer who ordered", "profile a market with orders")
        values = {n: known[n].to_numpy(zero_copy_only=False)[whole] for n in known.column_names}
        own = Behaviour(*(values[n] for n in ("orders", "recency", "age", "order_value", "alive")))
        past = Histories(own.orders - 1, own.age - own.recency, own.age, own.value)
        users = pc.cast(shown_ids(one_chunk(table["user"].filter(pa.array(whole)))), pa.string())
        money = own.orders * own.value
        kept = float(np.clip(1 - (values["returned"] * money).sum() / money.sum(), 0, 1))
        return cls(users, own, values["segment"].astype(np.int64), Lifetime.of(past, kept))


def _spread(orders: Orders, values: NDArray[Any]) -> Floats:
    """Values of those who ordered, beside NaN of the others."""
    found = np.full(len(orders.number), np.nan)
    found[orders.some] = values
    return found


def _number(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _whole(values: Floats, kind: pa.DataType | None = None) -> pa.Array:
    none = np.isnan(values)
    return pa.array(np.where(none, 0, values).astype(np.int64), kind or pa.int32(), mask=none)


def _dates(days: NDArray[np.int64]) -> pa.Array:
    return pa.array(days.astype(np.int32), pa.int32(), mask=days < 0).cast(pa.date32())
