"""The declarations -> a DuckDB connection: UDFs and the macros over them."""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from duckdb.func import FunctionNullHandling, PythonUDFType

from xbsql import errors, sql
from xbsql.arrow import refuse_unions
from xbsql.interrupts import listen, stop, stoppable
from xbsql.session.session import Session
from xbsql.surface.bar import listening
from xbsql.surface.checks import shown
from xbsql.surface.functions import FUNCTIONS, HELPERS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from xbsql.surface.function import Function, Helper

HEARD = 0.1
"""Seconds that a function which was stopped waits: DuckDB hears of the interrupt on another thread meanwhile,
and reports that. Where it has no other thread it reports the function's KeyboardInterrupt."""
OWN = {"main", "memory", "temp", "system"}
ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# A UDF stays in the database's catalogue as a bare pointer when the connection that registered it is closed:
# a callable that Python freed would be called all the same. So callables live as long as the process.
_callables: list[Callable[..., pa.Array]] = []
_sessions: dict[str, Session] = {}
_lock = threading.Lock()
# A process that exits with an open connection that holds UDFs prints dozens of lines about leaks.
_open: weakref.WeakSet[DuckDBPyConnection] = weakref.WeakSet()


def connect(
    path: str | os.PathLike[str] = ":memory:",
    *,
    store: str | os.PathLike[str] | None = None,
    alias: str = "xb",
    device: str = "auto",
    progress: Callable[[float, str], None] | bool | None = None,
    read_only: bool = False,
    config: dict[str, Any] | None = None,
) -> DuckDBPyConnection:
    """A DuckDB connection in which `xb.` is there; see `load` for the arguments.

    Args:
        path: a DuckDB file, made where it is missing, or ':memory:'.
        store: the folder for models.
        alias: the namespace of the functions.
        device: 'auto', 'cpu' or 'cuda'.
        progress: called with the share done, 0 to 1, and a text while a call works; by default a bar on
            stderr shows both, in a terminal and in a notebook, and False shows nothing.
        read_only: open the file for reading; models can be fitted all the same.
        config: DuckDB settings.
    """
    con = duckdb.connect(str(path), read_only=read_only, config=config or {})
    return load(con, store=store, alias=alias, device=device, progress=progress)


def load(
    con: DuckDBPyConnection,
    *,
    store: str | os.PathLike[str] | None = None,
    alias: str = "xb",
    device: str = "auto",
    progress: Callable[[float, str], None] | bool | None = None,
) -> DuckDBPyConnection:
    """Make `xb.` known to a connection, its cursors and every other connection to the same database.

    Idempotent: a database that has it keeps the session that it has. Nothing is written to the user's file:
    the functions live in an attached in-memory catalogue.

    Args:
        con: an open connection.
        store: the folder for models; by default the environment variable XBSQL_STORE, else '<file>.xbsql'
            beside the database file. A database in memory has a temporary folder of its own, which is
            removed when the process ends.
        alias: the namespace of the functions, where `xb` is taken.
        device: 'auto', 'cpu' or 'cuda'.
        progress: called with the share done, 0 to 1, and a text while a call works; by default a bar on
            stderr shows both, in a terminal and in a notebook, and False shows nothing.

    Raises:
        XbsqlError: the connection is closed, the alias is taken, or another store is asked for than is open.
    """
    if not hasattr(con, "cursor"):
        raise errors.invalid("xbsql.load", f"{shown(con)} is no connection", "pass duckdb.connect(...)")
    if (
        not isinstance(alias, str)
        or not ALIAS.fullmatch(alias)
        or (alias != "xb" and alias.lower() in _reserved(con))
    ):
        raise errors.invalid(
            "xbsql.load", f"{shown(alias)} cannot be an alias", "use letters, digits and '_', no word of SQL"
        )
    listen()
    with _lock:
        known = _databases(con)
        _open.add(con)
        token = _token(con)
        if token is None:
            if alias.lower() in known:
                remedy = "pass another alias, e.g. alias='xbs'"
                raise errors.invalid(
                    "xbsql.load", f"the database has a catalogue '{alias}' of its own", remedy
                )
            session = Session(_store_path(store, known), device=device, progress=progress)
            session.calls.alias = alias
            _register(con, session, alias)
        elif store is not None and Path(store).absolute() != _sessions[token].store.path:
            problem = f"this database has the store {_sessions[token].store.path} open"
            raise errors.invalid("xbsql.load", problem, "open another database for another store")
    return con


def _reserved(con: DuckDBPyConnection) -> set[str]:
    """Words that DuckDB keeps for itself, and the names of its own catalogues and schemas."""
    query = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
    try:
        return OWN | {name for (name,) in con.cursor().execute(query).fetchall()}
    except duckdb.ConnectionException as error:
        raise errors.invalid("xbsql.load", "the connection is closed", "connect again") from error


def session_of(where: str, con: DuckDBPyConnection) -> Session:
    """The session of a connection.

    Raises:
        XbsqlError: xbsql is not loaded there.
    """
    token = _token(con)
    if token is None:
        raise errors.invalid(where, "xbsql is not loaded in this connection", "call xbsql.load(con) first")
    return _sessions[token]


def _databases(con: DuckDBPyConnection) -> dict[str, str | None]:
    """The attached databases, lower-case name -> file."""
    try:
        found = con.cursor().execute("SELECT database_name, path FROM duckdb_databases()").fetchall()
    except duckdb.ConnectionException as error:
        raise errors.invalid("xbsql.load", "the connection is closed", "connect again") from error
    return {name.lower(): path for name, path in found}


def _token(con: DuckDBPyConnection) -> str | None:
    """The session's key, which the database itself carries: it survives cursors and second connections."""
    found = con.cursor().execute(
        "SELECT comment FROM duckdb_tables() WHERE table_name = '_nothing' AND comment LIKE 'xbsql %'"
    )
    row = found.fetchone()
    return str(row[0]).removeprefix("xbsql ") if row else None


def _store_path(store: str | os.PathLike[str] | None, databases: dict[str, str | None]) -> Path:
    given = store or os.environ.get("XBSQL_STORE")
    if given:
        return Path(given).absolute()
    files = [path for path in databases.values() if path]
    return Path(f"{files[0]}.xbsql").absolute() if files else _passing_folder()


def _passing_folder() -> Path:
    """A new folder that goes with this process; a forked child, which ends first, leaves it alone."""
    folder, owner = Path(tempfile.mkdtemp(prefix="xbsql-")), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _register(con: DuckDBPyConnection, session: Session, alias: str) -> None:
    token = secrets.token_hex(8)
    own = con.cursor()
    own.execute(f"ATTACH ':memory:' AS {alias} (READ_WRITE)")
    own.execute(f"CREATE TABLE {alias}._nothing (_nothing INTEGER)")
    own.execute(f"COMMENT ON TABLE {alias}._nothing IS 'xbsql {token}'")
    functions: tuple[Function | Helper, ...] = (*FUNCTIONS, *HELPERS)
    for function in functions:
        call = _callable(function, session, alias)
        _callables.append(call)
        con.create_function(
            function.udf,
            call,
            None,  # any number of any type: the declaration says what is wrong better than the binder
            function.value_type,
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
            side_effects=function.effects,
        )
    for statement in sql.statements():
        own.execute(re.sub(r"\bxb\.(?=\w)", f"{alias}.", statement))
    own.close()
    _sessions[token] = session


def _callable(function: Function | Helper, session: Session, alias: str) -> Callable[..., pa.Array]:
    """The UDF: every error is one line that stands alone."""
    where = f"{alias}.{function.name}"

    def call(*columns: pa.ChunkedArray) -> pa.Array:
        try:
            for column in columns:
                refuse_unions(where, column.type)
            with stoppable(session), listening(session.progress):
                return function.column(session, where, columns)
        except errors.XbsqlError:
            raise
        except KeyboardInterrupt:
            time.sleep(HEARD)
            message = f"{where} was stopped; what the store held before is whole"
            raise KeyboardInterrupt(message) from None
        except Exception as error:
            text = " ".join(str(error).split())
            problem = f"{type(error).__name__}: {text[:500]}"
            raise errors.invalid(where, problem, "this is a fault of xbsql, please report it") from error

    call.__annotations__ = {}  # DuckDB evaluates annotations, and these are for type checkers only
    return call


_interrupt = duckdb.DuckDBPyConnection.interrupt


def interrupt(con: DuckDBPyConnection) -> None:
    """Interrupt a connection, and with it what xbsql does in its database, also for other connections.

    DuckDB's own method cannot reach a function that runs, so this takes its place.
    """
    _interrupt(con)
    token = _token(con)
    if token in _sessions:
        stop(_sessions[token])


duckdb.DuckDBPyConnection.interrupt = interrupt  # type: ignore[method-assign, assignment]


@atexit.register
def _close_all() -> None:
    for con in list(_open):
        con.close()
