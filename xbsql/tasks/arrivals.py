"""Labels as they arrive: which are new, which contradict one another, which belong to no row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk, validity
from xbsql.features.fingerprints import fingerprints
from xbsql.features.roles import as_text, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.online.track import Track
    from xbsql.tasks.follow import Follow
    from xbsql.tasks.row_model import RowModel

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Arrivals:
    """The rows of a call.

    Attributes:
        fresh: bool, shape (n,): rows with a label that counts and was not known.
        moment: int64, shape (n,): microseconds, or whatever counts up.
        key: int64, shape (n,): which row it is.
        label: int64, shape (n,): hash of its label.
        again: bool, shape (n,): labelled rows that say once more what a row of the same id says.
        learnt: bool, shape (n,): rows that the version was fitted on, with these labels.
        late: how many fresh rows are older than the newest that was known.
        too_late: how many are older than everything that is kept; they do not count.
        open: how many rows have no label yet.
        contradicting: how many rows have another label than a row of the same id in this table.
        changed: how many take the place of an earlier label.
        unseen: how many labels belong to no row: all that the model reads is NULL there.
        undated: how many have no moment.
        before: how many lie before the change that the version was fitted again for; they say nothing of it.
        corrected: how many differ from the labels that the version was fitted on; they come too late.
        fitted: how many are of rows that the version was fitted on, with these labels; they say nothing new.
    """

    fresh: Flags
    moment: Ints
    key: Ints
    label: Ints
    again: Flags
    learnt: Flags
    late: int
    too_late: int
    open: int
    contradicting: int
    changed: int
    unseen: int
    undated: int
    before: int
    corrected: int
    fitted: int

    @property
    def note(self) -> str:
        """What was left out, and what came late."""
        told = {
            "came late and took their places": self.late,
            "are older than all that is kept and do not count": self.too_late,
            "contradict another of their id and do not count": self.contradicting,
            "replace an earlier label": self.changed,
            "belong to no row that the model reads and do not count": self.unseen,
            "have no moment and do not count": self.undated,
            "lie before the change that the version was fitted again for and do not count": self.before,
            "differ from those that the version was fitted on and were not taken": self.corrected,
            "are those that the version was fitted on and do not count": self.fitted,
        }
        return "; ".join(f"{count} labels {what}" for what, count in told.items() if count)


def arrivals(where: str, model: RowModel, track: Track, table: pa.Table, asked: Follow) -> Arrivals:
    """Look at the rows of a call.

    Args:
        where: the function, for errors.
        model: whose labels they are.
        track: what is known already.
        table: under the names that the model reads.
        asked: which columns. Without `ts` this call is one moment; without `id` rows are known by their
            values and label.

    Raises:
        XbsqlError: no such column, or `ts` is no DATE, TIMESTAMP or number.
    """
    label, ts, id, group = asked.label, asked.ts, asked.id, asked.group
    for name in (ts, id, group):
        if name is not None and name not in table.column_names:
            raise errors.unknown(where, "column", name, table.column_names, place="the table has")
    given = validity(one_chunk(table[label]))
    moment, dated = _moments(where, table, ts, track)
    here = model.reader.at_home(table)
    unseen = given & model.reader.blank(here)
    hashed = fingerprints(table, [label], track.secret)
    if id is None:
        read = [name for name in model.reader.schema.names if name in here.column_names]
        whole = here.append_column("_label", table[label])
        whole = whole if ts is None else whole.append_column("_ts", table[ts])
        columns = [*read, "_label", *([] if ts is None else ["_ts"])]
        key = _numbered(fingerprints(whole, columns, track.secret))
        contradicting = again = np.zeros(len(given), bool)
    else:
        named = validity(one_chunk(table[id]))
        unseen |= given & ~named
        key = fingerprints(table, [id], track.secret)
        contradicting = given & named & _contradicting(key, hashed, given)
        told = given & named & ~contradicting
        again = told & ~_first(key, told)
    usable = given & ~unseen & ~contradicting & dated
    if id is not None:  # a row that stands there twice counts once
        usable &= _first(key, usable)
    known = np.isin(key, track.used)
    if ts is None:
        moment = _remembered(key, known, moment, track)
    changed = usable & known & _differs(key, hashed, track.units.key, track.units.label)
    fresh = usable & (~known | changed)
    corrected = usable & ~fresh & ~np.isin(key, track.units.key) & _differs(key, hashed, *track.learnt)
    before = np.zeros(len(given), bool)
    if ts is not None and track.began is not None:
        before = fresh & (moment < track.began)
    fresh &= ~before
    learnt = np.zeros(len(given), bool)
    if model.seen is not None:
        learnt = model.seen.among(here, label)
    fitted = fresh & ~changed & learnt
    fresh &= ~fitted
    gone = fresh & (moment <= track.gone) if track.gone is not None else np.zeros(len(given), bool)
    fresh &= ~gone
    newest = track.units.moment.max(initial=np.iinfo(np.int64).min)
    late = fresh & ~changed & (moment < newest)
    counts = (
        late,
        gone,
        ~given,
        contradicting,
        changed & fresh,
        unseen,
        given & ~dated,
        before,
        corrected,
        fitted,
    )
    return Arrivals(fresh, moment, key, hashed, again, learnt, *(int(each.sum()) for each in counts))


def _moments(where: str, table: pa.Table, ts: str | None, track: Track) -> tuple[Ints, Flags]:
    """The moment of each row, and which have one."""
    if ts is None:
        last = track.units.moment.max(initial=-1)
        return np.full(len(table), last + 1, np.int64), np.ones(len(table), bool)
    column = one_chunk(table[ts])
    kind = kind_of(column.type)
    if kind == "date":
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    elif kind != "number":
        problem = f"ts names column '{ts}', which is {column.type}"
        raise errors.invalid(where, problem, f"cast it ({ts}::TIMESTAMP)")
    plain = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    dated = np.isfinite(plain)
    return np.where(dated, plain, 0.0).astype(np.int64), dated


def _remembered(key: Ints, known: Flags, moment: Ints, track: Track) -> Ints:
    """Where calls count: known rows have the moment of the call that brought them, -1 where none is kept."""
    order = np.argsort(track.units.key, kind="stable")
    ordered = track.units.key[order]
    if not len(ordered):
        return np.where(known, -1, moment)
    place = order[np.minimum(np.searchsorted(ordered, key), len(ordered) - 1)]
    kept = np.where(track.units.key[place] == key, track.units.moment[place], -1)
    return np.where(known, kept, moment)


def _numbered(key: Ints) -> Ints:
    """Keys that differ also among equal rows: by how often the same one stood before."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(key) else np.empty(0, bool)
    begin = np.maximum.accumulate(np.where(first, np.arange(len(key)), 0)) if len(key) else first
    times = np.empty(len(key), np.int64)
    times[order] = np.arange(len(key)) - begin
    return key ^ (times * 0x5851F42D4C957F2D)


def _contradicting(key: Ints, label: Ints, given: Flags) -> Flags:
    """Rows whose id has two labels in the table."""
    _, unit = np.unique(key, return_inverse=True)
    low, high = np.full(unit.max(initial=-1) + 1, np.iinfo(np.int64).max), None
    high = -low
    np.minimum.at(low, unit[given], label[given])
    np.maximum.at(high, unit[given], label[given])
    return np.asarray((low != high)[unit])


def _first(key: Ints, rows: Flags) -> Flags:
    """The first row of each key among some rows."""
    found = np.zeros(len(key), bool)
    places = np.flatnonzero(rows)
    found[places[np.unique(key[places], return_index=True)[1]]] = True
    return found


def _differs(key: Ints, label: Ints, kept: Ints, before: Ints) -> Flags:
    """Rows whose earlier label is kept and was another one."""
    order = np.argsort(kept, kind="stable")
    known, said = kept[order], before[order]
    if not len(known):
        return np.zeros(len(key), bool)
    place = np.minimum(np.searchsorted(known, key), len(known) - 1)
    return np.asarray((known[place] == key) & (said[place] != label))


def shown_moment(table: pa.Table, ts: str | None, moment: int) -> str | None:
    """A moment as a reader writes it; None where calls count."""
    if ts is None:
        return None
    if kind_of(table[ts].type) == "date":
        text = as_text(pa.chunked_array([pa.array([moment], pa.int64()).cast(pa.timestamp("us"))]))
        return str(text[0].as_py()).removesuffix(" 00:00:00.000000")
    return str(moment)
