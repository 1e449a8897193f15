"""The functions as Python calls them: tables looked up in a connection, arguments unpacked and checked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk, widened
from xbsql.surface.arguments import Values as ValuesKind
from xbsql.surface.bar import listening
from xbsql.surface.checks import as_array, named, shown
from xbsql.surface.duck import session_of
from xbsql.surface.function import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from xbsql.surface.function import Argument, Function

Values: TypeAlias = object
"""One value a row: a pyarrow array, a list, a NumPy array or a Polars series; beside the first one also a
value that stands for every row."""

BATCH_ROWS = 65_536


def called(name: str, con: DuckDBPyConnection, /, **arguments: Any) -> Any:  # noqa: ANN401 - an array or a table
    """Call a function from Python: its arguments are unpacked and checked as its declaration says.

    Args:
        name: of the function.
        con: a connection that xbsql is loaded in.
        arguments: by name, as the user gave them.

    Returns:
        An array of a row function, else a table.

    Raises:
        XbsqlError: xbsql is not loaded there, or what the function finds wrong.
    """
    function, session = FUNCTIONS[name], session_of(f"xbsql.{name}", con)
    where = f"{session.calls.alias}.{name}"
    given = _given(function, where, ConnectionTables(con), arguments)
    table = None if function.each is None else given[function.each.name]
    if function.each is not None:
        given[function.each.name] = one_chunk(given[function.each.name].to_struct_array())
    with listening(session.progress):
        found = function.answer(session, given)
    if table is None:
        return found if function.kind == "row" else function.table(found)
    return widened(table, dict(zip(function.fields.names, found.flatten(), strict=True)))


def _given(
    function: Function, where: str, tables: ConnectionTables, arguments: dict[str, Any]
) -> dict[str, Any]:
    """The arguments unpacked; columns are made as long as the first of them."""
    given: dict[str, Any] = {}
    rows = None
    for a in sorted(function.arguments, key=lambda a: a is not function.each):
        value = a.checked(where, a.kind.of_python(where, a.name, arguments[a.name], tables))
        if isinstance(a.kind, ValuesKind):
            value = _beside(where, a, rows, value)
        if rows is None and (isinstance(a.kind, ValuesKind) or a is function.each):
            rows = value
        given[a.name] = value
    return given


def _beside(where: str, argument: Argument, rows: pa.Array | pa.Table | None, value: Any) -> pa.Array:  # noqa: ANN401
    """A column as long as the first one, or as the table, whose column a name is."""
    if isinstance(rows, pa.Table) and isinstance(value, str):
        return one_chunk(rows[named(where, rows.column_names, value)])
    if rows is None:
        return value if isinstance(value, pa.Array) else as_array(where, argument.name, [value])
    if not isinstance(value, pa.Array):
        one = as_array(where, argument.name, [value])
        return pa.nulls(len(rows)) if value is None else one.take(pa.array([0] * len(rows), pa.int64()))
    if len(value) != len(rows):
        problem = f"{argument.name} has {len(value)} values beside {len(rows)}"
        raise errors.invalid(where, problem, "give one value a row, or one for all")
    return value


class ConnectionTables:
    """Where the tables of a Python call are looked up."""

    def __init__(self, con: DuckDBPyConnection) -> None:
        self._con = con

    def rows(self, where: str, data: object, *, ordered: bool) -> pa.Table:
        """See `rows_of`."""
        return rows_of(where, self._con, data, ordered=ordered)

    def batches(self, where: str, data: object) -> Iterator[pa.RecordBatch]:
        """See `batches_of`."""
        return batches_of(where, self._con, data)


def rows_of(where: str, con: DuckDBPyConnection, data: object, *, ordered: bool = True) -> pa.Table:
    """A table's rows, sorted by their hash as the macros of actions sort them.

    Args:
        where: the function, for errors.
        con: where names are looked up.
        data: a table's name, a DuckDB relation, or an Arrow, Polars or pandas table.
        ordered: False keeps the rows as they come.

    Raises:
        XbsqlError: no such table, or not a table.
    """
    with _relation(where, con, data, ordered=ordered) as relation:
        return relation.to_arrow_table()


def batches_of(where: str, con: DuckDBPyConnection, data: object) -> Iterator[pa.RecordBatch]:
    """A table's rows as they come, some at a time, so that memory does not grow with the table.

    There is one batch at least.

    Args:
        where: the function, for errors.
        con: where names are looked up.
        data: as for `rows_of`, or an Arrow record batch reader.

    Raises:
        XbsqlError: no such table, or not a table.
    """
    with _relation(where, con, data, ordered=False) as relation:
        reader = relation.to_arrow_reader(BATCH_ROWS)
        schema, any_rows = reader.schema, False
        for batch in reader:
            any_rows = True
            yield batch
        if not any_rows:
            yield pa.RecordBatch.from_pylist([], schema)


@contextmanager
def _relation(
    where: str, con: DuckDBPyConnection, data: object, *, ordered: bool
) -> Iterator[DuckDBPyRelation]:
    """What `rows_of` takes as a relation; DuckDB's errors become one line of ours."""
    query = "SELECT _xb_row.* FROM {} _xb_row" + (" ORDER BY hash(_xb_row)" if ordered else "")
    cursor = con.cursor()
    try:
        if isinstance(data, str):
            escaped = data.replace("'", "''")
            yield con.sql(query.format(f"query_table('{escaped}')"))
        elif isinstance(data, duckdb.DuckDBPyRelation):
            yield data.query("given", query.format("given"))  # type: ignore[misc]
        else:
            cursor.register("given", data)
            yield cursor.sql(query.format("given"))
    except TypeError as error:  # what `register` says of anything else
        remedy = "give its name, or an Arrow, Polars or pandas object"
        raise errors.invalid(where, f"{shown(data)} is no table", remedy) from error
    except duckdb.Error as error:
        raise errors.invalid(where, errors.shown(" ".join(str(error).split()))) from error
    finally:
        cursor.close()  # an open one that holds a registered object outlives the process's last rites
