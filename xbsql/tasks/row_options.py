"""Options of every task that reads whole rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.features.column import Keeping
from xbsql.features.roles import as_text
from xbsql.tasks.options import COLUMN, COLUMNS, FLAG, Option, Options, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.tasks.reader import Reader

ROLES = ("text", "category", "ignore")

FEWEST_SHOWN = 2
"""Rows that a value must stand in to be named in a model: one row's own value names that row."""

FEWEST_HIDDEN = 5
"""The same where no row may leave its market (k-anonymity with the k that is usual: Sweeney, 2002)."""


@dataclass(frozen=True)
class RowOptions(Options):
    """Options of `fit` and `transfer` that every such task has."""

    text: Annotated[
        tuple[str, ...],
        Option(COLUMNS, "columns that are read as text, whatever their values look like", aligned=True),
    ] = ()
    category: Annotated[
        tuple[str, ...], Option(COLUMNS, "columns that are read as categories", aligned=True)
    ] = ()
    ignore: Annotated[tuple[str, ...], Option(COLUMNS, "columns that are not read", aligned=True)] = ()
    group: Annotated[
        str | None,
        Option(
            COLUMN,
            "a column: rows of one value never stand on both sides of a fold, as those of an order, a "
            "product, a customer. Without it rows of one text are a group",
        ),
    ] = None
    keep_rows: Annotated[
        bool,
        Option(
            FLAG,
            "`false`: the model holds weights alone, no embedding of a training row and no value of one in "
            "clear: categories are kept as hashes. What that leaves is in [privacy](privacy.md)",
        ),
    ] = True
    seed: Annotated[int, Option(whole(0), "the seed of folds and resamples; another one is another fit")] = 0
    source_market: Annotated[
        str | None,
        Option(
            COLUMN,
            "a column of the home rows: each of its values with 50 rows or more is a home market with a "
            "model and a weight of its own",
        ),
    ] = None

    @property
    def roles(self) -> Mapping[str, Any]:
        """The columns whose role is given, by role."""
        return {role: getattr(self, role) for role in ROLES}

    @property
    def told(self) -> tuple[str, ...]:
        """The columns of which the options say whether and how they are read."""
        return (*self.text, *self.category, *self.ignore, *((self.group,) if self.group else ()))

    @property
    def keeping(self) -> Keeping:
        """Which values of a category the model may hold, and how."""
        return Keeping(FEWEST_SHOWN) if self.keep_rows else Keeping(FEWEST_HIDDEN, hidden=True)

    def without_group(self, table: pa.Table) -> pa.Table:
        """The table without the column of groups, which is not read."""
        return table.drop_columns([self.group]) if self.group in table.column_names else table

    def groups(self, where: str, table: pa.Table, reader: "Reader") -> "NDArray[np.int64] | None":
        """The group of each row, int64; None where every row stands for itself.

        Raises:
            XbsqlError: the table lacks the column of groups.
        """
        if self.group is None:
            alone = reader.text and not reader.table.columns
            return _codes(reader.texts(table)) if alone else None
        if self.group not in table.column_names:
            raise errors.unknown(where, "column for the option 'group'", self.group, table.column_names)
        return _codes(as_text(table[self.group]).combine_chunks())


def _codes(values: pa.Array) -> "NDArray[np.int64]":
    """The same number for the same value; NULL is a value of its own for each row."""
    codes = values.dictionary_encode().indices.cast(pa.int64())
    own = pa.array(-1 - np.arange(len(values)), pa.int64())
    return np.asarray(pc.if_else(pc.is_valid(codes), codes, own).to_numpy(zero_copy_only=False), np.int64)
