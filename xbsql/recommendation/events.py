"""Events of one market -> which user has which item, how much of it and since when."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import family_of, one_chunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float64]
    Singles: TypeAlias = NDArray[np.float32]
    Names: TypeAlias = NDArray[np.object_]


class Columns(NamedTuple):
    """The columns of a table of events.

    Attributes:
        user: who.
        item: what.
        ts: when; None: nobody says.
        weight: how much, or how well it was liked; below 0 for a return; None: every event counts the same.
    """

    user: str
    item: str
    ts: str | None = None
    weight: str | None = None

    @property
    def given(self) -> list[str]:
        """Those that a table must have."""
        return [name for name in self if name is not None]


@dataclass(frozen=True)
class Events:
    """One row a user and item, ordered by user, then moment, then item.

    Attributes:
        users: distinct ids as text, sorted.
        items: distinct ids as text, sorted.
        user: int64 (n,), the place in `users`.
        item: int64 (n,), the place in `items`.
        moment: int64 (n,), the last time, microseconds since 1970; 0 where nobody says.
        amount: float64 (n,), above 0: the weights added up; 1 without weights.
        notes: what was left out, one line each.
    """

    users: Names
    items: Names
    user: Places
    item: Places
    moment: Places
    amount: Floats
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.user)

    def among(self, others: Events) -> NDArray[np.bool_]:
        """Which rows stand in other events too: the same user with the same item; bool (n,)."""
        places = [
            _found(own, their)[rows]
            for own, their, rows in (
                (self.users, others.users, self.user),
                (self.items, others.items, self.item),
            )
        ]
        width = len(others.items)
        known = np.isin(places[0] * width + places[1], others.user * width + others.item)
        return known & (places[0] >= 0) & (places[1] >= 0)

    def rows(self, keep: NDArray[np.bool_]) -> Events:
        """Some of the rows; every user and item stays."""
        user, item, moment, amount = self.user[keep], self.item[keep], self.moment[keep], self.amount[keep]
        return Events(self.users, self.items, user, item, moment, amount, self.notes)


def read_events(
    where: str, table: pa.Table, columns: Columns, until: int | None = None, *, returns: bool = False
) -> Events:
    """Read a table of events.

    Rows without user or item, and those later than `until`, are left out. Rows that say the same of the same
    moment count once. Weights of a user and item are added up; what is sent back altogether is not had.

    Args:
        where: the SQL function.
        table: any columns.
        columns: what to read of it.
        until: microseconds since 1970; None is now.
        returns: whether what is sent back altogether stays, with its amount below 0.

    Raises:
        XbsqlError: a column is missing or of a type that cannot be read.
    """
    for name in columns.given:
        if name not in table.column_names:
            raise errors.unknown(where, "column", name, table.column_names, place="the table has")
    user, item = (as_ids(where, name, table[name]) for name in columns[:2])
    moment = None if columns.ts is None else _moments(where, columns.ts, table[columns.ts])
    amount = None if columns.weight is None else _amounts(where, columns.weight, table[columns.weight])
    known = pc.and_(user.is_valid(), item.is_valid())
    for values in (moment, amount):
        known = known if values is None else pc.and_(known, values.is_valid())
    notes, kept = [], np.asarray(known.to_numpy(zero_copy_only=False), bool)
    if left := len(kept) - int(kept.sum()):
        notes.append(f"{left} rows without {', '.join(columns.given)} were left out")
    if moment is not None:
        end = int(time.time() * 1e6) if until is None else until
        late = np.asarray(pc.greater(moment, end).fill_null(False).to_numpy(zero_copy_only=False), bool)
        if left := int((late & kept).sum()):
            notes.append(f"{left} rows lie in the future and were left out")
        kept &= ~late
    chosen = pa.array(kept)
    when, much = (None if values is None else values.filter(chosen) for values in (moment, amount))
    return _merged(user.filter(chosen), item.filter(chosen), when, much, tuple(notes), returns=returns)


def _merged(
    user: pa.Array, item: pa.Array, moment: pa.Array | None, amount: pa.Array | None, notes: tuple[str, ...],
    *, returns: bool,
) -> Events:  # fmt: skip
    """One row a user and item."""
    n = len(user)
    users, who = coded(user)
    items, what = coded(item)
    when = np.zeros(n, np.int64) if moment is None else moment.to_numpy(zero_copy_only=False)
    much = np.ones(n) if amount is None else amount.to_numpy(zero_copy_only=False)
    if moment is not None and n:
        order = np.lexsort((much, when, what, who))
        who, what, when, much = who[order], what[order], when[order], much[order]
        again = (np.diff(who) == 0) & (np.diff(what) == 0) & (np.diff(when) == 0) & (np.diff(much) == 0)
        first = np.concatenate([[True], ~again])
        who, what, when, much = who[first], what[first], when[first], much[first]
    keys, place = np.unique(who * len(items) + what, return_inverse=True)
    last = np.full(len(keys), np.iinfo(np.int64).min)
    np.maximum.at(last, place, when)
    total: Floats = np.ones(len(keys))
    if amount is not None:
        total = np.bincount(place, much, len(keys)).astype(np.float64)
    had = (total != 0) if returns else (total > 0)
    if sent := int((~had).sum()):
        notes = (*notes, f"{sent} pairs of user and item were sent back or have no weight above 0")
    keys, last, total = keys[had], last[had], total[had]
    who, what = keys // max(len(items), 1), keys % max(len(items), 1)
    order = np.lexsort((what, last, who))
    return Events(users, items, who[order], what[order], last[order], total[order], notes)


def as_ids(where: str, name: str, column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Ids as text: 7, 7.0 and '7' are one id; NULL stays NULL.

    Raises:
        XbsqlError: they are of a type that is no id, such as a list.
    """
    values = one_chunk(column)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        try:
            return values.cast(pa.int64()).cast(pa.string())
        except pa.ArrowException:
            return values.cast(pa.string())
    try:
        return values.cast(pa.string())
    except pa.ArrowException as error:
        problem = f"column '{name}' is {values.type}, and ids are text or numbers"
        raise errors.invalid(where, problem, f"cast it ({name}::VARCHAR)") from error


def _found(names: Names, known: Names) -> Places:
    """The place of each name in a sorted list, -1 for one that is not there."""
    if not len(known):
        return np.full(len(names), -1)
    place = np.minimum(np.searchsorted(known, names), len(known) - 1)
    return np.where(known[place] == names, place, -1).astype(np.int64)


def coded(values: pa.Array) -> tuple[Names, Places]:
    """The distinct texts, sorted, and the place of each value among them."""
    code = values.dictionary_encode()
    names = np.array(code.dictionary.to_pylist(), dtype=object)
    order = np.argsort(names)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return names[order], place[code.indices.to_numpy(zero_copy_only=False).astype(np.int64)]


def _moments(where: str, name: str, column: pa.ChunkedArray) -> pa.Array:
    """Moments as int64 microseconds."""
    values = one_chunk(column)
    if family_of(values.type) not in ("date", "null"):
        problem = f"column '{name}' is {values.type}, and a moment is a DATE or TIMESTAMP"
        raise errors.invalid(where, problem, f"cast it ({name}::TIMESTAMP), or leave the option 'ts' out")
    try:
        naive = values.cast(pa.timestamp("us"), safe=False)
    except pa.ArrowException:
        naive = pc.cast(values, pa.timestamp("us", "UTC"), safe=False)
    return naive.cast(pa.int64())


def _amounts(where: str, name: str, column: pa.ChunkedArray) -> pa.Array:
    """Weights as float64; NaN and infinity are NULL."""
    values = one_chunk(column)
    if family_of(values.type) not in ("number", "boolean", "null"):
        problem = f"column '{name}' is {values.type}, and a weight is a number"
        raise errors.invalid(where, problem, f"cast it ({name}::DOUBLE), or leave the option 'weight' out")
    found = values.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(found), found, pa.scalar(None, pa.float64()))
