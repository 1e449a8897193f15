"""The indexes of one store: opened once for all queries of a process, listed, filtered and dropped."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.index import generation
from xbsql.index.card import read_card, stamp
from xbsql.index.kept import Kept
from xbsql.store.files import size_of, sweep
from xbsql.store.names import home_of

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from xbsql.index.card import Card, Stamp
    from xbsql.index.search import Index

EVERYTHING = "*"
"""Stands for no filter. NULL cannot: it is what list() makes of no row, so it lets nothing through."""
MOST_MASKS = 16 * 2**20
"""Bytes of masks that are kept: a query's filters are asked batch after batch, then never again."""
_TRIES = 20


class OpenIndexes:
    """What a session has open of its store's indexes. Threads may share it.

    Args:
        path: the folder of the indexes.
        device: 'auto', 'cpu' or 'cuda'.
    """

    def __init__(self, path: Path, device: str = "auto") -> None:
        self.path = path
        self._device = device
        self._open: dict[str, Index] = {}
        self._filters: Kept[str, pa.Array] = Kept()
        self._masks: Kept[tuple[str, str, Stamp], NDArray[np.bool_]] = Kept(MOST_MASKS)
        self._lock = threading.Lock()
        self._tidied = False

    def names(self) -> list[str]:
        """The names of all indexes, sorted."""
        if not self.path.is_dir():
            return []
        homes = (entry for entry in self.path.iterdir() if not entry.name.startswith("."))
        return sorted(home.name for home in homes if generation.newest(home) is not None)

    def home(self, where: str, name: str) -> Path:
        """The folder of an index, there or not.

        Raises:
            XbsqlError: the name is not an identifier.
        """
        return home_of(where, self.path, name, "index")

    def open(self, where: str, name: str) -> Index:
        """The newest generation of an index, mapped; it stays good when a newer one is published.

        Raises:
            XbsqlError: no such index, or it is broken.
        """
        home, tries = self.home(where, name), _TRIES
        while True:
            number = generation.newest(home)
            if number is None:
                raise errors.unknown(where, "index", name, self.names(), place="the store has")
            folder = home / str(number)
            with self._lock:
                try:
                    kept = self._open.get(name)
                    if kept is not None and kept.stamp == stamp(folder):
                        return kept
                    return self._map(name, folder)
                except (OSError, errors.XbsqlError) as error:
                    tries -= 1
                    if not tries or generation.newest(home) == number:
                        raise errors.invalid(where, str(error)) from error

    def _map(self, name: str, folder: Path) -> Index:
        from xbsql.index.search import Index

        found = self._open[name] = Index.open(folder, self.device())
        return found

    def device(self) -> torch.device:
        """Where vectors go."""
        import torch

        cuda = torch.cuda.is_available() and self._device != "cpu"
        return torch.device("cuda" if cuda else "cpu")

    def drop(self, name: str) -> int:
        """Remove an index; says how many rows went.

        Raises:
            XbsqlError: no such index, or its folder cannot be removed.
        """
        where = "xb.drop_index"
        home = self.home(where, name)
        while True:
            number = generation.newest(home)
            if number is None:
                raise errors.unknown(where, "index", name, self.names(), place="the store has")
            try:
                rows = read_card(home / str(number))[0].rows
            except (OSError, errors.XbsqlError):
                rows = 0
            try:
                if generation.drop(home, number):
                    break
            except OSError as error:
                problem = f"cannot remove index '{name}': {error.strerror or error}"
                raise errors.invalid(where, problem, "make the store writable") from error
        with self._lock:
            self._open.pop(name, None)
        return rows

    def tidy(self) -> None:
        """Remove what dead builds left, once in every index's folder."""
        sweep(self.path)
        if not self._tidied and self.path.is_dir():
            self._tidied = True
            for home in self.path.iterdir():
                if not home.is_symlink():
                    sweep(home)

    def rows(self) -> list[dict[str, Any]]:
        """One row an index; a broken one says so in `note`."""
        found: list[dict[str, Any]] = []
        for name in self.names():
            try:
                home = self.home("store", name)
                folder = home / str(generation.newest(home))
                card, created = read_card(folder)
            except (OSError, errors.XbsqlError) as error:
                if generation.newest(self.path / name) is not None:  # it may have been dropped meanwhile
                    found.append({"index": errors.shown(name), "note": str(error)})
                continue
            found.append({**index_row(name, card), "bytes": size_of(folder), "created": created})
        return found

    def keep(self, where: str, ids: pa.Array | str | None) -> str:
        """Keep a list of ids for the searches of a query, which name it by what this returns.

        Args:
            where: the SQL function, for errors.
            ids: the ids that may be found; '*' for all of them, None for none.

        Raises:
            XbsqlError: neither a list nor '*'.
        """
        if isinstance(ids, str):
            if ids != EVERYTHING:
                remedy = "give a list of ids: filter := (SELECT list(id) FROM t WHERE ...)"
                raise errors.invalid(where, f"filter is '{ids[:80]}'", remedy)
            return EVERYTHING
        wanted = pa.nulls(0) if ids is None else ids.drop_null()
        if wanted.get_total_buffer_size() > 2 * wanted.nbytes:  # a slice holds the whole batch in memory
            wanted = wanted.take(pa.array(np.arange(len(wanted))))
        sha = hashlib.sha256(str(wanted.type).encode())
        sha.update(pa.record_batch([wanted], names=["id"]).serialize())
        token = sha.hexdigest()
        with self._lock:
            self._filters.put(token, wanted)
        return token

    def mask(self, where: str, index: Index, token: str) -> NDArray[np.bool_] | None:
        """The rows of an index that a kept filter lets through, bool of shape (n,); None for no filter.

        Raises:
            XbsqlError: the filter was kept too long ago, or its ids are of another type.
        """
        if token == EVERYTHING:
            return None
        key = (token, index.name, index.stamp)
        with self._lock:
            found, wanted = self._masks.get(key), self._filters.get(token)
        if found is not None:
            return found
        if wanted is None:
            problem = "the query has more filters than are kept at once"
            raise errors.invalid(where, problem, "search with fewer different filters a query")
        made = index.find(wanted)
        with self._lock:
            self._masks.put(key, made)
        return made


def index_row(name: str, card: Card) -> dict[str, Any]:
    """What SQL shows of an index."""
    return {
        "index": name,
        "rows": card.rows,
        "skipped": card.skipped,
        "dim": card.dim,
        "metric": card.metric,
        "encoder": card.encoder,
        "has_text": card.has_text,
        "seconds": card.seconds,
        "mode": card.mode,
        "recall": card.recall,
    }
