"""Options of every task that reads whole rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.features.column import Keeping
from xbsql.features.fingerprints import fingerprints
from xbsql.features.image.magic import IMAGE
from xbsql.features.roles import as_text
from xbsql.tasks.options import COLUMN, COLUMNS, FLAG, WORD, Option, Options, whole

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

    network: Annotated[
        str | None,
        Option(
            WORD,
            "what reads columns of pictures: `image`, two networks side by side, `lite0` or `lite2`, one of "
            "them in half the time, or a state dict of your own, `vgg16:PATH` or `resnet50:PATH`; see "
            "[pictures](pictures.md)",
            shown=f"`{IMAGE}`; abroad that of the home model",
        ),
    ] = None

    @property
    def roles(self) -> Mapping[str, Any]:
        """The columns whose role is given, by role, and what reads pictures."""
        return {role: getattr(self, role) for role in (*ROLES, "network")}

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

    def groups(
        self,
        where: str,
        table: pa.Table,
        reader: "Reader",
        y: "NDArray[np.int64] | None" = None,
        pictures: "NDArray[np.float32] | None" = None,
    ) -> "NDArray[np.int64] | None":
        """The group of each row, int64; None where every row stands for itself.

        Args:
            where: the SQL function.
            table: n rows.
            reader: of them.
            y: their classes; None where labels are values.
            pictures: what is seen of them, where that is known already.

        Raises:
            XbsqlError: the table lacks the column of groups.
        """
        if self.group is None:
            if reader.pictures and y is not None:
                from xbsql.tasks.bursts import bursts

                return bursts(reader.seen(table) if pictures is None else pictures, y)
            return _alike(table, reader)
        if self.group not in table.column_names:
            raise errors.unknown(where, "column for the option 'group'", self.group, table.column_names)
        return _codes(as_text(table[self.group]).combine_chunks())


def _alike(table: pa.Table, reader: "Reader") -> "NDArray[np.int64] | None":
    """Rows of one picture as a group, and rows of one text, where nothing else is read of them."""
    table = reader.at_home(table)
    if shown := [name for name in reader.pictures if name in table.column_names]:
        found = fingerprints(table, shown, "00")  # nothing is kept
        return np.unique(found, return_inverse=True)[1].astype(np.int64)
    return _codes(reader.texts(table)) if reader.text and not reader.table.columns else None


def _codes(values: pa.Array) -> "NDArray[np.int64]":
    """The same number for the same value; NULL is a value of its own for each row."""
    codes = values.dictionary_encode().indices.cast(pa.int64())
    own = pa.array(-1 - np.arange(len(values)), pa.int64())
    return np.asarray(pc.if_else(pc.is_valid(codes), codes, own).to_numpy(zero_copy_only=False), np.int64)
