"""What the methods for Polars build on: whose models they use, and how a call becomes a lazy expression.

Polars keeps this module alive until after the process's last rites, and duckdb complains of what is still
alive then. So nothing here refers to duckdb: the modules that do are asked for by name.
"""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import free_name
from xbsql.surface.arguments import ColumnOf, Constant, Each, EachOr, Rows, Stream, Values
from xbsql.surface.bar import listening
from xbsql.surface.checks import as_array, shown
from xbsql.surface.functions import DECLARED as FUNCTIONS
from xbsql.surface.types import Like, arrow_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from duckdb import DuckDBPyConnection

    from xbsql.session.session import Session
    from xbsql.surface.function import Argument, Function

_lock = threading.Lock()
_connections: list[DuckDBPyConnection] = []
"""What expressions were built for; each holds a place in this list."""
atexit.register(_connections.clear)


def use(store: str | os.PathLike[str] | DuckDBPyConnection) -> None:
    """Say where models and indexes rest, for all expressions that are built from now on.

    Without it the store is the folder in XBSQL_STORE, else '.xbsql' in the home folder.

    Args:
        store: a folder, or a DuckDB connection, whose store it is then.
    """
    found = _duck().load(store) if hasattr(store, "cursor") else _duck().connect(store=store)
    with _lock:
        _connections.append(found)


class ExpressionSpace:
    """Functions of each row of an expression; they run in the streaming engine."""

    def __init__(self, expr: pl.Expr) -> None:
        self._expr = expr

    def _call(self, name: str, /, **arguments: object) -> pl.Expr:
        """The function of the expression, which is its first argument that is a column."""
        function = FUNCTIONS[name]
        own = next(a for a in function.arguments if isinstance(a.kind, Values))
        return _elementwise(function, {own.name: self._expr, **arguments})


class FrameSpace:
    """Functions of a whole frame, which is taken when the result is collected."""

    def __init__(self, frame: pl.LazyFrame | pl.DataFrame) -> None:
        self._frame = frame.lazy()

    def _call(self, name: str, /, **arguments: object) -> pl.LazyFrame:
        """The function of the frame, which is its first argument that is a table."""
        function = FUNCTIONS[name]
        own = next(a for a in function.arguments if isinstance(a.kind, Rows | Stream))
        frame, arguments, made_here = _with_columns(function, self._frame, arguments)
        frames = {own.name: frame}
        frames |= {n: v.lazy() for n, v in arguments.items() if isinstance(v, pl.LazyFrame | pl.DataFrame)}
        _check_frames(function, frames, arguments)
        if function.each:
            return self._beside(function, {**arguments, own.name: pl.struct(pl.all())})
        kind, number = pl.Struct(_schema(function, frames, arguments)), _place()

        def made(rows: pl.Series) -> pl.Series:
            tables = {n: f.collect().to_arrow() for n, f in frames.items() if n != own.name}
            given = {**arguments, **tables, own.name: rows.struct.unnest().to_arrow()}
            with _naming_the_store(_duck().session_of(f"xb.{name}", _connections[number])):
                found = _calls().called(name, _connections[number], **given)
            return pl.Series("_xb", found.to_struct_array()).cast(kind)

        row = pl.struct(pl.all()).alias("_xb")
        found = frame.select(row.map_batches(made, return_dtype=kind)).unnest("_xb")
        return found.drop(made_here) if function.beside else found

    def _beside(self, function: Function, arguments: dict[str, Any]) -> pl.LazyFrame:
        """The frame with what the function says of each row; streamed."""
        known = self._frame.collect_schema()
        for a in function.arguments:
            if isinstance(a.kind, Values) and isinstance(arguments[a.name], str):
                _type_of(function, known, arguments[a.name])
                arguments[a.name] = pl.col(arguments[a.name])
        names = [free_name(field.name, known.names()) for field in function.fields]
        own = free_name("_xb", known.names())
        found = _elementwise(function, arguments).alias(own).struct.rename_fields(names)
        return self._frame.with_columns(found).unnest(own)


def _with_columns(
    function: Function, frame: pl.LazyFrame, arguments: dict[str, Any]
) -> tuple[pl.LazyFrame, dict[str, Any], list[str]]:  # fmt: skip
    """Expressions that stand for columns as names of columns: the frame, the arguments, the new columns.

    A bare column is its name. Anything else becomes a column of each table that the argument is of.

    Raises:
        XbsqlError: an expression that is no bare column, of one of several tables.
    """
    given = {
        a.name: arguments[a.name]
        for a in function.arguments
        if isinstance(a.kind, ColumnOf) and isinstance(arguments[a.name], pl.Expr)
    }
    bare = {name: value.meta.output_name() for name, value in given.items() if value.meta.is_column()}
    made = {name: value for name, value in given.items() if name not in bare}
    if not made:
        return frame, {**arguments, **bare}, []
    own, *others = [a.name for a in function.arguments if isinstance(a.kind, Rows | Stream) and a.required]
    frames = {own: frame}
    frames |= {n: v.lazy() for n in others if isinstance(v := arguments[n], pl.LazyFrame | pl.DataFrame)}
    known = [name for each in frames.values() for name in each.collect_schema()]
    names = {name: free_name(f"_xb_{name}", known) for name in made}
    for name, value in made.items():
        for table in _tables_of(function, name, value, [own, *others]):
            if table in frames:  # what is no frame is refused later
                frames[table] = frames[table].with_columns(value.alias(names[name]))
    rest = {name: each for name, each in frames.items() if name != own}
    return frames[own], {**arguments, **rest, **bare, **names}, list(names.values())


def _tables_of(function: Function, name: str, value: pl.Expr, tables: list[str]) -> Sequence[str]:
    """The tables that an argument is a column of.

    Raises:
        XbsqlError: it is of one of several tables, and nobody says which.
    """
    kind = next(a.kind for a in function.arguments if a.name == name)
    if isinstance(kind, ColumnOf) and kind.of:
        return kind.of
    if len(tables) > 1:
        problem = f"{name} must be the name of a column, got {shown(value)}"
        raise errors.invalid(f"xb.{function.name}", problem, "make it a column by with_columns first")
    return tables


def _elementwise(function: Function, arguments: dict[str, Any]) -> pl.Expr:
    """A function of columns and constants as an expression of the columns."""
    number = _place()
    session: Session = _duck().session_of(f"xb.{function.name}", _connections[number])
    where, tables = f"{session.calls.alias}.{function.name}", _calls().ConnectionTables(_connections[number])
    columns = {
        a.name: column for a in _rows_first(function) if (column := _column(a, arguments[a.name])) is not None
    }
    fixed = {
        a.name: a.checked(where, a.kind.of_python(where, a.name, arguments[a.name], tables))
        for a in function.arguments
        if a.name not in columns
    }

    known = {a.name: a for a in function.arguments}

    def made(series: Sequence[pl.Series]) -> pl.Series:
        size = max(map(len, series)) if all(map(len, series)) else 0
        if not size:
            with _naming_the_store(session):
                function.check_models(session, where, fixed)
            return pl.Series(series[0].name, pa.array([], function.value))
        given = dict(fixed)
        for name, values in zip(columns, series, strict=True):
            whole = values.new_from_index(0, size) if len(values) < size else values  # a literal is one value
            a = known[name]
            given[name] = a.checked(where, a.kind.of_column(where, name, _arrow(where, name, whole)))
        for a in function.arguments:
            if a.name in fixed and isinstance(a.kind, Values):
                given[a.name] = _repeated(where, a.name, fixed[a.name], size)
        with _naming_the_store(session), listening(session.progress):
            return pl.Series(series[0].name, function.answer(session, given))

    kind = pl.Series("", pa.nulls(0, function.value)).dtype
    return pl.map_batches(list(columns.values()), made, return_dtype=kind, is_elementwise=True)


def _arrow(where: str, name: str, values: pl.Series) -> pa.Array:
    """A column as Arrow.

    Raises:
        XbsqlError: Arrow has no such type.
    """
    try:
        return values.to_arrow()
    except pa.ArrowException as error:
        raise errors.invalid(
            where, f"{name} is {values.dtype}, which Arrow does not hold", "cast it"
        ) from error


def _repeated(where: str, name: str, value: Any, size: int) -> pa.Array:  # noqa: ANN401
    """A value for each of so many rows, or the values that there are."""
    if value is None:
        return pa.nulls(size)
    whole = value if isinstance(value, pa.Array) else as_array(where, name, [value])
    if len(whole) == 1:
        return pa.repeat(whole[0], size)
    if len(whole) != size:
        remedy = "give one value, or a column of the frame"
        raise errors.invalid(where, f"{name} has {len(whole)} values beside {size}", remedy)
    return whole


def _rows_first(function: Function) -> list[Argument]:
    """The arguments that may be columns, the whole row before the others."""
    rows = [a for a in function.arguments if a.kind.__class__ is Each]
    return rows + [a for kind in (Values, EachOr) for a in function.arguments if isinstance(a.kind, kind)]


def _column(argument: Argument, given: Any) -> pl.Expr | None:  # noqa: ANN401 - what the user gave
    """A column: an expression, or a name where a text could be no value; None for a value."""
    if isinstance(given, str) and isinstance(argument.kind, Values) and "VARCHAR" not in argument.kind.type:
        return pl.col(given)
    return given if isinstance(given, pl.Expr) else None


def _check_frames(
    function: Function, frames: dict[str, pl.LazyFrame], arguments: dict[str, Any]
) -> None:  # fmt: skip
    """Refuse what is no frame where a table is meant, and what is no name where a column of one is."""
    where = f"xb.{function.name}"
    for a in function.arguments:
        value = arguments.get(a.name)
        if (
            isinstance(a.kind, Rows | Stream)
            and a.name not in frames
            and not (value is None and not a.required)
        ):
            raise errors.invalid(where, f"{a.name} must be a frame of Polars, got {shown(value)}")
        if isinstance(a.kind, ColumnOf) or (a.name in frames and isinstance(a.kind, Constant)):
            a.kind.checked(where, a.name, value)


def _schema(function: Function, frames: dict[str, pl.LazyFrame], arguments: dict[str, Any]) -> dict[str, Any]:
    """The columns that a function of frames returns."""
    assert isinstance(function.returns, dict)
    own = frames[function.beside].collect_schema() if function.beside else {}
    found: dict[str, Any] = dict(own)
    if function.further is not None:
        session = _duck().session_of(f"xb.{function.name}", _connections[_place()])
        with _naming_the_store(session):
            names = function.further(session, **{n: a for n, a in arguments.items() if n not in frames})
        for name in names:
            found[free_name(name, list(found))] = pl.String
        return found
    for name, kind in function.returns.items():
        if isinstance(kind, Like) and arguments[kind.column] is not None:
            found[name] = _type_of(function, frames[kind.table].collect_schema(), arguments[kind.column])
        else:
            plain = kind.otherwise if isinstance(kind, Like) else kind
            found[name] = pl.Series("", pa.nulls(0, arrow_type(plain))).dtype
    return found


def _type_of(function: Function, known: pl.Schema, column: str | Sequence[str]) -> Any:  # noqa: ANN401
    """The type of a column, or of several as a struct."""
    if not isinstance(column, str):
        return pl.Struct({name: _type_of(function, known, name) for name in column})
    if column not in known:
        raise errors.unknown(f"xb.{function.name}", "column", column, known.names(), place="the frame has")
    return known[column]


@contextmanager
def _naming_the_store(session: Session) -> Iterator[None]:
    """Say where an empty store is, and how to choose another: no connection shows that in Polars."""
    try:
        yield
    except errors.XbsqlError as error:
        said = str(error).replace("the store has nothing", f"the store {session.store.path} has nothing")
        if said != str(error):
            error.args = (f"{said}; choose another by xbsql.frame.use(folder)",)
        raise


def _duck() -> ModuleType:
    return import_module("xbsql.surface.duck")


def _calls() -> ModuleType:
    return import_module("xbsql.surface.calls")


def _place() -> int:
    """The place of the connection whose session runs what is built now."""
    with _lock:
        if not _connections:
            _connections.append(
                _duck().connect(store=os.environ.get("XBSQL_STORE") or Path.home() / ".xbsql")
            )
        return len(_connections) - 1
