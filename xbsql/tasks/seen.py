"""Rows that stand on both sides: what a model has seen must not judge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from scipy.stats import binom

from xbsql import arrow
from xbsql.engine.folds import FEWEST_LABELS
from xbsql.features.fingerprints import COMPARED, fingerprints
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.tasks.scores import Members

CHANCE = 0.001
"""Rows of few values meet their like by chance. More meetings than chance brings in so many of a thousand
tables are no chance."""

FEWEST_SHARE = 0.02
"""Share of the rows below which those that stand on both sides cannot move a score by more than noise."""


@restorable("seen")
@dataclass(frozen=True)
class Seen:
    """Keyed hashes of the rows that a model was fitted on; no value can be read from them.

    Attributes:
        columns: that are compared, as the home market names them.
        labelled: whether the label is compared as well. Where no row may leave its market it is not: who
            knows a row could test which label it had.
        key: of the hashes, hexadecimal.
        rows: int64, ascending, without repeats.
        again: share of the rows that have their like among the others.
        before: the same of the home model.
    """

    columns: tuple[str, ...]
    labelled: bool
    key: str
    rows: NDArray[np.int64]
    again: float
    before: Seen | None = None

    def among(self, table: pa.Table, label: str) -> NDArray[np.bool_]:
        """Which rows the model was fitted on; none where no more of them meet than chance would have.

        Args:
            table: n rows under the home market's names.
            label: the label column.

        Returns:
            bool, shape (n,).
        """
        known = np.zeros(table.num_rows, bool) if self.before is None else self.before.among(table, label)
        read = [*self.columns, *([label] if self.labelled else [])]
        if table.num_rows and set(read) <= set(table.column_names):
            found = np.isin(fingerprints(table, read, self.key), self.rows)
            known = known | found if _no_chance(found, self.again) else known
        return known

    def state(self) -> State:
        """The hashes as data."""
        config = {
            "columns": list(self.columns),
            "labelled": self.labelled,
            "key": self.key,
            "again": self.again,
            "holds": "keyed hashes of training rows",
        }
        parts = {} if self.before is None else {"before": self.before.state()}
        return State("seen", config, {"rows": self.rows}, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The hashes again."""
        config = state.config
        before = restore(state.parts["before"]) if "before" in state.parts else None
        rows = np.asarray(state.arrays["rows"], np.int64)
        return cls(tuple(config["columns"]), config["labelled"], config["key"], rows, config["again"], before)


def seen(
    table: pa.Table, columns: Sequence[str], label: str, *, labelled: bool, before: Seen | None = None
) -> Seen:
    """The hashes of labelled rows; the same rows have the same key, so that a fit gives the same bits again.

    Args:
        table: the rows that a model is fitted on.
        columns: those that it reads.
        label: the label column.
        labelled: whether the label is hashed with them.
        before: of the home model.
    """
    read = tuple(name for name in columns if _compared(table, name))
    key = arrow.digest(table)[:32]
    found, counts = np.unique(
        fingerprints(table, [*read, *([label] if labelled else [])], key), return_counts=True
    )
    return Seen(read, labelled, key, found, _again(counts), before)


class Both(NamedTuple):
    """Rows that stand in two tables.

    Attributes:
        target: bool, of each target row.
        ours: int64, the hash of each target row.
        theirs: int64, the hash of each home row.
    """

    target: NDArray[np.bool_]
    ours: NDArray[np.int64]
    theirs: NDArray[np.int64]

    def of(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Home rows that are one of these target rows; bool, of each home row."""
        return np.isin(self.theirs, self.ours[rows & self.target])


def on_both_sides(home: pa.Table, target: pa.Table) -> Both:
    """The rows that are equal in every column that both tables have, none where that may be chance.

    Args:
        home: labelled rows of the source.
        target: labelled rows of the target.
    """
    here = {name: arrow.family_of(home.schema.field(name).type) for name in home.column_names}
    shared = [
        name
        for name in target.column_names
        if name in here and _compared(target, name) and _alike(target, name, here[name])
    ]
    key = "00"  # nothing is kept
    ours, theirs = fingerprints(target, shared, key), fingerprints(home, shared, key)
    found = np.isin(ours, theirs)
    again = _again(np.unique(theirs, return_counts=True)[1])
    if len(shared) < 2 or not len(found) or not _no_chance(found, again):
        found = np.zeros(len(found), bool)
    return Both(found, ours, theirs)


def seen_rows(own: NDArray[np.bool_] | None, members: Members) -> list[dict[str, Any]]:
    """The row of `evaluate` that tells of rows that the model was fitted on; none where there are none.

    Args:
        own: bool, shape (n,): which rows it was; None where the model does not know.
        members: the rows that are measured.

    Returns:
        At most one row, metric 'seen': their share.
    """
    if own is None or not own[members].any():
        return []
    share = float(own[members].mean())
    return [{"metric": "seen", "value": share, "lo": None, "hi": None, "rows": len(own[members])}]


def copies_notes(own: Seen | None, rows: int) -> list[str]:
    """That labelled rows are a few ones many times; at most one line.

    Args:
        own: the hashes of the rows.
        rows: how many there are.
    """
    different = rows if own is None else len(own.rows)
    if different >= FEWEST_LABELS or rows < 2 * different:
        return []
    return [
        f"{rows} labelled rows are {different} different ones: what is measured is of rows that are known "
        "already; leave copies out, or name what they are of in the option 'group'"
    ]


def _compared(table: pa.Table, name: str) -> bool:
    return arrow.family_of(table.schema.field(name).type) in COMPARED


def _alike(table: pa.Table, name: str, family: str) -> bool:
    return "null" in (own := (arrow.family_of(table.schema.field(name).type), family)) or own[0] == own[1]


def _again(counts: NDArray[np.integer]) -> float:
    """The share of the rows whose hash another row has, from the number of rows of each hash."""
    return float(counts[counts > 1].sum() / max(counts.sum(), 1))


def _no_chance(found: NDArray[np.bool_], again: float) -> bool:
    """Whether more rows meet than home rows meet among themselves."""
    met = int(found.sum())
    return met >= max(1.0, FEWEST_SHARE * len(found)) and binom.sf(met - 1, len(found), again) < CHANCE
