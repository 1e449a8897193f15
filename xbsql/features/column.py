"""One column as the encoder of tables reads it, and the levels of a category."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import is_blob
from xbsql.features.hidden import fresh_key, hidden, hidden_column
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.features.roles import Role

MOST_LEVELS = 1000
"""Levels of a category that are told apart, the most frequent ones; all others share a code."""

DATE_PARTS = ("year", "month", "weekday", "days")
"""What a date becomes: year, month 1 .. 12, weekday 0 (Monday) .. 6, days since 1970-01-01."""

OTHERS = "(others)"
"""What an exported model calls the code that all values share which are no level."""


class Keeping(NamedTuple):
    """Which values of a category a model may hold, and how.

    Attributes:
        fewest: rows that a value must stand in to be a level; rarer ones share the code of all others.
        hidden: whether levels are held as keyed hashes.
    """

    fewest: int = 1
    hidden: bool = False


ALL = Keeping()


@dataclass(frozen=True)
class Column:
    """One column as the encoder reads it.

    Attributes:
        name: of the column.
        role: 'number', 'boolean', 'date', 'category' or 'vector'.
        levels: of a category, in the order of their codes.
        others: of a category: the code of every value that is no level, where the fit left values out; codes
            of levels pass it over. None: every value was a level, and a new one has code len(levels).
        key: of a category: its levels are hashes under this key, see `hidden`; None: they are the values.
        length: of a vector: how many numbers it has.
    """

    name: str
    role: Role
    levels: tuple[str, ...] = ()
    others: int | None = None
    key: str | None = None
    length: int = 0

    @cached_property
    def known(self) -> pa.Array:
        """The levels as Arrow reads them."""
        return pa.array(self.levels, pa.string())

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of the numbers it becomes."""
        if self.role == "vector":
            return tuple(f"{self.name}[{place}]" for place in range(1, self.length + 1))
        return tuple(f"{self.name}.{part}" for part in DATE_PARTS) if self.role == "date" else (self.name,)

    @property
    def shown(self) -> tuple[str, ...]:
        """The levels that may be read; none where they are hidden."""
        return self.levels if self.key is None else ()

    @property
    def coded(self) -> tuple[str, ...]:
        """What stands for each code: the level, or its hash; `OTHERS` at the code of all others."""
        if self.others is None:
            return self.levels
        return (*self.levels[: self.others], OTHERS, *self.levels[self.others :])

    def written(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Values of a category as strings.

        Raises:
            XbsqlError: they are BLOBs, or of a type that is not written out, such as a struct.
        """
        try:
            if not is_blob(values.type):
                return as_text(values)
        except errors.XbsqlError:
            pass
        problem = f"column '{self.name}' is {errors.shown(values.type)}, which is no category"
        raise errors.invalid("table", problem, f"cast it ({self.name}::VARCHAR) or leave it out")

    def codes(self, values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
        """The code of each string, int32; NULL for NULL."""
        looked_up = values if self.key is None else hidden_column(values, self.key)
        found = pc.index_in(looked_up, value_set=self.known)
        other = len(self.levels) if self.others is None else self.others
        if self.others is not None:
            found = pc.if_else(pc.greater_equal(found, other), pc.add(found, 1), found)
        if found.null_count:
            unseen = pc.and_(pc.is_null(found), pc.is_valid(values))
            found = pc.if_else(unseen, pa.scalar(other, pa.int32()), found)
        return found

    def concealed(self) -> Self:
        """The same column with hidden levels; one that is no category, or has them, stays as it is."""
        if self.role != "category" or self.key is not None:
            return self
        key = fresh_key()
        return replace(self, levels=hidden(self.levels, key), key=key)

    def grown(self, values: pa.ChunkedArray, keeping: Keeping) -> Self:
        """A category with the levels of another market behind its own; codes of its own levels stay."""
        column = self.concealed() if keeping.hidden else self
        found = _counted(self.written(values), keeping)
        fresh = found.levels if column.key is None else hidden(found.levels, column.key)
        added = tuple(itertools.filterfalse(set(column.levels).__contains__, fresh))
        room = max(MOST_LEVELS - len(column.levels), 0)
        left_out = found.left_out or len(added) > room
        levels = column.levels + added[:room]
        others = len(levels) if column.others is None and left_out else column.others
        return replace(column, levels=levels, others=others)

    def config(self) -> dict[str, Any]:
        """The column as JSON values."""
        held = {"others": self.others, "key": self.key, "length": self.length or None}
        plain = {"name": self.name, "role": self.role, "levels": list(self.levels)}
        return plain | {name: value for name, value in held.items() if value is not None}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The column again."""
        held = config.get("others"), config.get("key"), config.get("length", 0)
        return cls(config["name"], config["role"], tuple(config["levels"]), *held)


def category(name: str, values: pa.ChunkedArray, keeping: Keeping = ALL) -> Column:
    """A column of categories with the levels that its values give."""
    column = Column(name, "category")
    found = _counted(column.written(values), keeping)
    column = replace(column, levels=found.levels, others=len(found.levels) if found.left_out else None)
    return column.concealed() if keeping.hidden else column


class _Levels(NamedTuple):
    """The most frequent values, in that order, equal counts by value; and whether there are others."""

    levels: tuple[str, ...]
    left_out: bool


def _counted(texts: pa.ChunkedArray, keeping: Keeping) -> _Levels:
    counts = pc.value_counts(texts.combine_chunks().drop_null())
    table = pa.table({"value": counts.field("values"), "count": counts.field("counts")})
    ordered = table.sort_by([("count", "descending"), ("value", "ascending")])
    kept = ordered.filter(pc.greater_equal(ordered["count"], keeping.fewest))["value"].slice(0, MOST_LEVELS)
    return _Levels(tuple(kept.to_pylist()), len(kept) < ordered.num_rows)
