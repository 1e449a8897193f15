"""Items that nobody has yet: known by what those are had with whose titles are like their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from xbsql import errors, kernels
from xbsql.arrow import is_text, one_chunk
from xbsql.recommendation.counts import Counts
from xbsql.recommendation.events import as_ids
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.recommendation.events import Columns, Names, Places

LENDERS: Final = 5
"""Items that lend to one that nobody has."""

LEAST: Final = 0.4
"""The similarity of titles from which on one lends: titles of different products are below it."""


def catalogue(where: str, table: pa.Table, columns: Columns, title: str) -> tuple[dict[str, str], pa.Table]:
    """The title of each item, and the rows that are events.

    A row without a user but with an item and a title only says that there is such an item.

    Args:
        where: the SQL function.
        table: any columns.
        columns: where it keeps what.
        title: the column of titles; a table without it has none.

    Returns:
        Titles by item as text, of several the first in their order; and the other rows.

    Raises:
        XbsqlError: the column is no text, or an id cannot be read.
    """
    if title not in table.column_names:
        return {}, table
    if not is_text(table.schema.field(title).type) and not pa.types.is_null(table.schema.field(title).type):
        problem = f"column '{title}' is {table.schema.field(title).type}, and a title is text"
        raise errors.invalid(where, problem, f"cast it ({title}::VARCHAR), or leave the option 'title' out")
    item, said = as_ids(where, columns.item, table[columns.item]), one_chunk(table[title]).cast(pa.string())
    known = pc.and_(item.is_valid(), pc.greater(pc.utf8_length(pc.fill_null(said, "")), 0))
    both = pa.table({"item": item, "title": said}).filter(known)
    least = both.group_by("item").aggregate([("title", "min")])
    titles = dict(zip(least["item"].to_pylist(), least["title_min"].to_pylist(), strict=True))
    alone = pc.and_(known, one_chunk(table[columns.user]).is_null())
    return titles, table.filter(pc.invert(alone))


@restorable("lent")
@dataclass(frozen=True)
class Lent:
    """What items lend to others with like titles.

    Attributes:
        share: float64, sparse (items, items): column c holds the shares of c's lenders, which sum to the
            similarity of the most alike; columns of other items are empty.
    """

    share: sp.csc_matrix

    @classmethod
    def of(cls, items: Names, titles: Mapping[str, str], had: NDArray[np.bool_]) -> Self:
        """Of the titles: items that somebody has lend to those that nobody has.

        Args:
            items: as text, sorted.
            titles: by item.
            had: bool (items,): which items somebody has in any market.
        """
        said = [titles.get(str(item)) for item in items]
        place = np.array([at for at, title in enumerate(said) if title is not None], np.int64)
        bought = had[place]
        lender, cold = place[bought], place[~bought]
        if not len(lender) or not len(cold):
            return cls(sp.csc_matrix((len(items), len(items))))
        from xbsql.features.encoder import encoder  # loads torch

        ours, theirs = (encoder().encode([str(said[at]) for at in some]) for some in (cold, lender))
        score, near = kernels.topk(ours, theirs, min(LENDERS, len(lender)))
        like = np.where(score >= LEAST, score.astype(np.float64), 0.0)
        total = like.sum(axis=1, keepdims=True)
        share = like / np.maximum(total, 1e-12) * like.max(axis=1, keepdims=True)
        row, column = lender[near].ravel(), np.repeat(cold, share.shape[1])
        found = sp.csc_matrix((share.ravel(), (row, column)), shape=(len(items), len(items)))
        found.eliminate_zeros()
        return cls(found)

    @property
    def to(self) -> Places:
        """The items that are lent to, int64, ascending."""
        return np.flatnonzero(np.diff(self.share.indptr))

    def placed(self, place: Places, items: int) -> Lent:
        """The same in a longer list, in which item i is at `place[i]`."""
        coo = self.share.tocoo()
        return Lent(sp.csc_matrix((coo.data, (place[coo.row], place[coo.col])), shape=(items, items)))

    def without(self, had: NDArray[np.bool_]) -> Lent:
        """The same where nothing is lent to what somebody has; bool (items,)."""
        share = sp.csc_matrix(self.share @ sp.diags_array((~had).astype(float)))
        share.eliminate_zeros()
        return Lent(share)

    def given(self, counts: Counts) -> Counts:
        """Counts in which an item that is lent to is had as its lenders are, in shares, and with them."""
        whole = sp.csr_matrix(counts.pairs + sp.diags_array(counts.mass))
        beside = sp.csr_matrix(whole @ self.share)
        pairs = sp.csr_matrix(counts.pairs + beside + beside.T)
        pairs.sort_indices()
        mass, buyers = (of + self.share.T @ of for of in (counts.mass, counts.buyers))
        return Counts(pairs, mass, buyers, counts.users)

    def state(self) -> State:
        """As data."""
        coo = self.share.tocoo()
        arrays = {
            "row": coo.row.astype(np.int32), "column": coo.col.astype(np.int32),
            "value": np.ascontiguousarray(coo.data, np.float64),
        }  # fmt: skip
        return State("lent", {"items": self.share.shape[0]}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Again."""
        row, column, value = (state.arrays[name] for name in ("row", "column", "value"))
        items = state.config["items"]
        return cls(sp.csc_matrix((value, (row, column)), shape=(items, items)))
