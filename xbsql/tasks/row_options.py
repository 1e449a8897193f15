"""Options of every task that reads whole rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.features.column import Keeping
from xbsql.features.fingerprints import fingerprints
from xbsql.features.image.magic import IMAGE, file_of
from xbsql.features.roles import as_text, kind_of
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
            "product, a customer. It is not read. Without it rows of one text are a group",
        ),
    ] = None
    weight: Annotated[
        str | None,
        Option(
            COLUMN,
            "a column of positive numbers: how many rows of the market a label stands for, the `weight` of "
            "`xb.suggest_labels`. What is measured counts it, the weights of the candidates count its root, "
            "and what is fitted does not. It is not read. NULL counts the mean",
            at_home=False,
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
            at_home=False,
            abroad=True,
        ),
    ] = None

    network: Annotated[
        str | None,
        Option(
            WORD,
            "what reads columns of pictures: `image`, two networks side by side, `lite0` or `lite2`, one of "
            "them in half the time, or weights of your own: `vgg16:PATH`, `resnet50:PATH`, `timm:FOLDER`, "
            "`hub:OWNER/NAME`; see [pictures](pictures.md)",
            shown=f"`{IMAGE}`; abroad that of the home model",
            path=file_of,
        ),
    ] = None

    @property
    def roles(self) -> Mapping[str, Any]:
        """The columns whose role is given, by role, and what reads pictures."""
        return {role: getattr(self, role) for role in (*ROLES, "network")}

    @property
    def told(self) -> tuple[str, ...]:
        """The columns of which the options say whether and how they are read."""
        return (*self.text, *self.category, *self.ignore, *self.beside)

    @property
    def beside(self) -> tuple[str, ...]:
        """The columns that say something of rows and are not read: groups and weights."""
        return tuple(name for name in (self.group, self.weight) if name is not None)

    @property
    def keeping(self) -> Keeping:
        """Which values of a category the model may hold, and how."""
        return Keeping(FEWEST_SHOWN) if self.keep_rows else Keeping(FEWEST_HIDDEN, hidden=True)

    def read_of(self, table: pa.Table) -> pa.Table:
        """The table without the columns that are not read, see `beside`."""
        return table.drop_columns([name for name in self.beside if name in table.column_names])

    def unweighted(self, table: pa.Table | None) -> pa.Table | None:
        """Home rows without the column of weights, which are those of the target's labels."""
        if table is None or self.weight not in table.column_names:
            return table
        return table.drop_columns([self.weight])

    def refuse_read(self, where: str, names: Sequence[str]) -> None:
        """Refuse a column of weights that the home model reads: its answers would lack it.

        Raises:
            XbsqlError: it reads the column.
        """
        if self.weight in names:
            said = f"the home model reads column '{self.weight}', which the option 'weight' names"
            raise errors.invalid(where, said, "give the weights in a column of another name")

    def sampling(self, where: str, table: pa.Table) -> "NDArray[np.float64] | None":
        """What each row stands for, of mean 1, float64, shape (n,); None where all stand for as many.

        Raises:
            XbsqlError: the table lacks the column, or it holds something else than positive numbers.
        """
        if self.weight is None or not table.num_rows:
            return None
        if self.weight not in table.column_names:
            raise errors.unknown(where, "column for the option 'weight'", self.weight, table.column_names)
        column = table[self.weight]
        if kind_of(column.type) != "number":
            said = f"column '{self.weight}' of the option 'weight' is {column.type}"
            raise errors.invalid(where, said, "give numbers, such as `weight` of xb.suggest_labels")
        found = pc.cast(column, pa.float64()).to_numpy()
        known = found[pc.is_valid(column).to_numpy()]
        if wrong := [value for value in known.tolist() if not 0.0 < value < np.inf]:
            said = f"column '{self.weight}' of the option 'weight' holds {wrong[0]:g}"
            raise errors.invalid(where, said, "give finite numbers above 0, or NULL")
        found = np.where(np.isnan(found), known.mean() if len(known) else 1.0, found)
        return None if (found == found[0]).all() else np.asarray(found / found.mean())

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
        return _codes(as_text(table[self.group], self.group).combine_chunks())


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
