"""Rows on their way into an index: they arrive in any order, rest in a file, and leave sorted by id."""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import family_of, is_text, validity
from xbsql.store.files import locked, remove, unlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from xbsql.index.lexical import Postings

BLOCK = 8192
"""Rows moved at a time; a multiple of the kernels' group of 64."""


@dataclass(frozen=True)
class IndexRows:
    """Whole rows, sorted by id, none twice.

    Attributes:
        ids: int64 or string, shape (n,), ascending.
        parts: float32 matrices of d columns, maybe mapped from files; their rows count through.
        order: int64, shape (n,): row i is row order[i] of the parts.
        postings: the terms of each text in the order of `ids`; None where there are no texts.
    """

    ids: pa.Array
    parts: tuple[NDArray[np.float32], ...]
    order: NDArray[np.int64]
    postings: Postings | None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def dim(self) -> int:
        """Numbers a vector."""
        return int(self.parts[0].shape[1])

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The vectors in the order of the ids, some rows at a time."""
        for start in range(0, len(self), BLOCK):
            yield self.gather(self.order[start : start + BLOCK])

    def gather(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Some rows of the parts, float32 of shape (rows, d)."""
        if len(self.parts) == 1:
            return self.parts[0][rows]
        found, first = np.empty((len(rows), self.dim), np.float32), 0
        for part in self.parts:
            here = (rows >= first) & (rows < first + len(part))
            found[here] = part[rows[here] - first]
            first += len(part)
        return found


def sort_rows(
    where: str, ids: pa.Array, parts: Sequence[NDArray[np.float32]], order: NDArray[np.int64],
    postings: Postings | None,
) -> IndexRows:  # fmt: skip
    """Rows in the order of their ids; arguments as in `IndexRows`, in any order.

    Raises:
        XbsqlError: an id comes twice.
    """
    ranks = pc.sort_indices(ids).to_numpy().astype(np.int64)
    ordered = ids.take(pa.array(ranks))
    _check_unique(where, ordered)
    return IndexRows(ordered, tuple(parts), order[ranks], None if postings is None else postings.take(ranks))


class Draft:
    """Collects the rows of one build. Threads may add at the same time.

    Args:
        where: the SQL function, for errors.
        folder: a new folder for the rows; gone after `close`, and when the process ends.

    Attributes:
        encoder: the name of the encoder that made the vectors, where the draft's texts were embedded.
        touched: monotonic clock when rows came last.
    """

    def __init__(self, where: str, folder: Path) -> None:
        self.where = where
        self.folder = folder
        self.rows = 0
        self.skipped = 0
        self.touched = time.monotonic()
        self.dim: int | None = None
        self.encoder: str | None = None
        self._ids: list[pa.Array] = []
        self._postings: list[Postings] = []
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._locks: list[int | None] = []
        self._removal = weakref.finalize(self, _end, folder, self._locks)

    def add(self, ids: pa.Array, vectors: NDArray[np.floating], present: NDArray[np.bool_],
            postings: Postings | None) -> None:  # fmt: skip
        """Take in rows; one whose id or vector is NULL, or whose vector is not finite, is only counted.

        Args:
            ids: shape (n,), integers or texts.
            vectors: shape (n, d).
            present: shape (n,): which vectors are not NULL.
            postings: the words of the n texts, or None.

        Raises:
            XbsqlError: ids of another type, or vectors of another length than before.
        """
        known = _ids(self.where, ids)
        good = present & validity(known)
        good[good] = np.isfinite(vectors[good]).all(axis=1)
        kept = np.flatnonzero(good)
        whole = np.ascontiguousarray(vectors[kept] if len(kept) < len(good) else vectors, dtype=np.float32)
        with self._lock:
            self.touched = time.monotonic()
            self.skipped += len(good) - len(kept)
            if not len(kept):
                return
            self._check_length(whole.shape[1])
            if self._ids and self._ids[0].type != known.type:
                problem = f"ids are {self._ids[0].type} and {known.type}"
                raise errors.invalid(self.where, problem, "cast them to one type")
            self._write(whole)
            self._ids.append(known.take(pa.array(kept)))
            if postings is not None:
                self._postings.append(postings.take(kept))
            self.rows += len(kept)

    def finish(self) -> IndexRows:
        """The rows that came, sorted by id.

        Raises:
            XbsqlError: no row came, or an id came twice.
        """
        if self._file is None or self.dim is None:
            problem = f"no row has an id and a vector ({self.skipped} are without)"
            raise errors.invalid(self.where, problem, "give a table with at least one row")
        self._file.close()
        raw = np.memmap(self.folder / "vectors", np.float32, "r", shape=(self.rows, self.dim))
        postings = type(self._postings[0]).stack(self._postings) if self._postings else None
        ids, order = pa.concat_arrays(self._ids), np.arange(self.rows)
        return sort_rows(self.where, ids, [raw], order, postings)

    def close(self) -> None:
        """Remove what was written."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._removal()

    def _check_length(self, found: int) -> None:
        if self.dim not in (None, found):
            problem = f"vectors of {self.dim} and {found} numbers"
            raise errors.invalid(self.where, problem, "embed all rows with one model")
        if not found:
            raise errors.invalid(self.where, "vectors of no numbers", "give vectors of at least one number")
        self.dim = found

    def _write(self, vectors: NDArray[np.float32]) -> None:
        try:
            if self._file is None:
                self.folder.mkdir(parents=True)
                self._locks.append(locked(self.folder))
                self._file = (self.folder / "vectors").open("wb")
            self._file.write(vectors.data)
        except OSError as error:
            problem = f"cannot write {self.folder.parent}: {error.strerror or error}"
            raise errors.invalid(self.where, problem, "free some space, or pass another folder") from error


def _end(folder: Path, locks: list[int | None]) -> None:
    remove(folder)
    while locks:
        unlock(locks.pop())


def _ids(where: str, ids: pa.Array) -> pa.Array:
    """Ids in one of the two types that an index keeps: int64 or string."""
    if pa.types.is_integer(ids.type) and ids.type != pa.uint64():
        return ids.cast(pa.int64())
    if is_text(ids.type):
        return ids.cast(pa.string())
    if pa.types.is_null(ids.type):
        raise errors.invalid(where, "every id is NULL", "name the id column: id := sku")
    shown = family_of(ids.type)
    raise errors.invalid(where, f"ids are {shown}", "give BIGINT or VARCHAR ids (cast: id := col::VARCHAR)")


def _check_unique(where: str, ids: pa.Array) -> None:
    """Raise where a sorted array holds a value twice."""
    if len(ids) < 2:
        return
    twice = pc.equal(ids[1:], ids[:-1])
    if pc.any(twice).as_py():
        found = ids[1:].filter(twice).unique()
        shown = errors.shown(", ".join(str(value) for value in found[:3].to_pylist()))
        remedy = "give every row an id of its own"
        raise errors.invalid(where, f"{len(found)} ids come more than once ({shown})", remedy)
