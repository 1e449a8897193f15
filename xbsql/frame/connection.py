"""Whose models and indexes Polars expressions use: one connection each, which holds a session."""

from __future__ import annotations

import atexit
import threading
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from types import ModuleType

    from duckdb import DuckDBPyConnection

    from xbsql.session.session import Session

_lock = threading.Lock()
_connections: list[DuckDBPyConnection] = []
"""What expressions were built for; each holds a place in this list."""
# Polars keeps this module alive until after the process's last rites, and duckdb complains of what is still
# alive then. So nothing here refers to duckdb: modules that do are asked for by name.
atexit.register(_connections.clear)


def module(name: str) -> ModuleType:
    """A module of xbsql that refers to duckdb, see above."""
    return import_module(f"xbsql.{name}")


def use(store: str | os.PathLike[str] | DuckDBPyConnection) -> None:
    """Say where models and indexes rest, for all expressions that are built from now on.

    Without it the store is the folder in XBSQL_STORE, else '.xbsql' in the home folder.

    Args:
        store: a folder, or a DuckDB connection, whose store it is then.
    """
    duck = module("surface.duck")
    found = duck.load(store) if hasattr(store, "cursor") else duck.connect(store=store)
    with _lock:
        _connections.append(found)


def place() -> int:
    """The place of the connection whose session runs what is built now."""
    with _lock:
        if not _connections:
            _connections.append(module("surface.duck").connect())
        return len(_connections) - 1


def connection(number: int) -> DuckDBPyConnection:
    """The connection at a place."""
    return _connections[number]


def session_of(where: str) -> Session:
    """The session that runs what is built now.

    Raises:
        XbsqlError: its connection is closed.
    """
    found: Session = module("surface.duck").session_of(where, _connections[place()])
    return found
