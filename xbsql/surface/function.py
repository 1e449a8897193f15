"""What a function is: one typed declaration, from which SQL, Python, Polars and the reference follow.

    @function("DOUBLE", example="SELECT xb.convert(12, 'lb', 'kg')")
    def convert(session: Session, value: Number, unit: Annotated[Word, "what it is in"]) -> pa.Array:
        \"\"\"A value in another unit of the same dimension.\"\"\"
        return rows.convert("xb.convert", value, unit)

The annotations say how each argument travels and is checked, the docstring is the reference's, the body is
the work. An argument after the session is `Annotated[type, kind, "meaning"]`; `arguments.py` holds the kinds.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import list_of, records
from xbsql.surface.arguments import ColumnOf, Constant, Each, EachOr, Existing, KeptOnce, Kind, Rows, Stream
from xbsql.surface.types import Columns, Like, arrow_type, fields_of, struct_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xbsql.session.session import Session

    Found: TypeAlias = Any  # an array of a row function, else a table or a list of rows
    Handler: TypeAlias = Callable[..., Found]

Place = Literal["row", "set", "action"]


@dataclass(frozen=True)
class Argument:
    """One argument.

    Attributes:
        name: as in `name := value`.
        kind: how it travels and is checked.
        doc: what it means.
        given: its default; `inspect.Parameter.empty` where it must be given.
    """

    name: str
    kind: Kind
    doc: str
    given: Any

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.given is inspect.Parameter.empty

    @property
    def default(self) -> str | None:
        """The SQL text of the default; None where there is none."""
        if self.required:
            return None
        if isinstance(self.kind, Rows) or (isinstance(self.kind, KeptOnce) and self.given is None):
            return "'xb._nothing'"
        return "{}" if self.kind.type == "STRUCT" else _literal(self.given)

    def checked(self, where: str, value: Any) -> Any:  # noqa: ANN401
        """The value.

        Raises:
            XbsqlError: it is NULL and must not be.
        """
        if value is None and isinstance(self.kind, Constant) and self.given is not None:
            problem = f"must be {self.kind.said}, got None" if self.required else "is None"
            remedy = "" if self.required else f"give {self.kind.said}"
            raise errors.invalid(where, f"{self.name} {problem}", remedy)
        return value


@dataclass(frozen=True)
class Function:
    """One function of the surface.

    Attributes:
        name: without the alias.
        kind: 'row' in a SELECT list, 'set' in FROM, 'action' after CALL or FROM.
        arguments: in order, without the session.
        returns: the DuckDB type of one value; of a set and an action its columns.
        doc: what it does, NULL and error rules.
        example: SQL that runs on the tables of tests/test_docs.py.
        run: (session, **arguments) -> an array, a table, or rows.
        handler: (session, *, ...) -> the same, declared like `run`: what a UDF of a hand-written macro does;
            it then returns `travels`.
        travels: the columns that the UDF of a hand-written macro returns.
        beside: the table argument whose columns stand before what is returned; None in most functions.
        logged: whether the call log has it.
        effects: whether DuckDB must call it exactly as often as it is written.
    """

    name: str
    kind: Place
    arguments: tuple[Argument, ...]
    returns: str | Columns
    doc: str
    example: str
    run: Handler
    handler: Handler | None = None
    travels: Columns | None = None
    beside: str | None = None
    logged: bool = True
    effects: bool = False
    further: Callable[..., list[str]] | None = None

    @property
    def by_hand(self) -> bool:
        """Whether its macro is written by hand."""
        return self.handler is not None or self.travels is not None

    @property
    def udf(self) -> str:
        """The name of the UDF behind the macro."""
        return f"_xb_{self.name}"

    @property
    def each(self) -> Argument | None:
        """The table beside whose rows the answers stand; None in most functions."""
        return next((a for a in self.arguments if isinstance(a.kind, Each)), None)

    @property
    def passed(self) -> list[Argument]:
        """The arguments as the macro hands them on: tables last, without the columns that it reads itself."""
        if self.handler is not None:
            return list(_arguments(self.handler))
        given = [a for a in self.arguments if not isinstance(a.kind, ColumnOf)]
        tables = [a for a in given if isinstance(a.kind, Rows)]
        return [a for a in given if a not in tables] + tables

    @property
    def value_type(self) -> str:
        """The DuckDB type that the UDF returns."""
        if isinstance(self.returns, str):
            return self.returns
        row = struct_type(self.travels or self.returns)
        return row if self.each else f"{row}[]"

    @property
    def fields(self) -> pa.StructType:
        """The columns of a set or an action, as its UDF returns them."""
        return pa.struct([(name, arrow_type(kind)) for name, kind in fields_of(self.value_type)])

    @property
    def value(self) -> pa.DataType:
        """The type of one value of the UDF."""
        return arrow_type(self.value_type)

    @property
    def shown(self) -> str:
        """What it returns, for a reader."""
        if isinstance(self.returns, str):
            return self.returns
        listed = (
            f"{name} (as {kind.column})" if isinstance(kind, Like) else f"{name} {kind}"
            for name, kind in self.returns.items()
        )
        return ", ".join(listed)

    def unpacked(self, where: str, columns: Sequence[pa.ChunkedArray]) -> dict[str, Any]:
        """The arguments from the columns that the macro hands on."""
        pairs = zip(self.passed, columns, strict=bool(self.arguments))
        return {a.name: a.checked(where, a.kind.of_column(where, a.name, column)) for a, column in pairs}

    def check_models(self, session: Session, where: str, given: dict[str, Any]) -> None:
        """Look up the models that are named, where no row will ask them.

        Raises:
            XbsqlError: there is none of that name.
        """
        for a in self.arguments:
            if isinstance(a.kind, EachOr | Existing) and isinstance(name := given.get(a.name), str):
                session.store.resolve(where, name)

    def answer(self, session: Session, given: dict[str, Any], handler: Handler | None = None) -> Found:
        """What it does, logged, its errors named."""
        run = handler or self.run
        if not self.logged:
            return run(session, **given)
        model = given.get("model") or given.get("index") or ""
        with session.calls.record(self.name, model if isinstance(model, str) else "", _rows(given)):
            return run(session, **given)

    def column(self, session: Session, where: str, columns: Sequence[pa.ChunkedArray]) -> pa.Array:
        """What its UDF returns."""
        if (self.kind == "row" or self.each) and not len(columns[0]):
            return pa.array([], self.value)
        found = self.answer(session, self.unpacked(where, columns), self.handler)
        if isinstance(found, list):
            return records(found, self.fields)
        if isinstance(found, pa.Table):
            names = self.fields.names
            return list_of(found.rename_columns(names) if self.travels else found.select(names))
        return found

    def table(self, found: Found) -> pa.Table:
        """What a set or an action found, as a table."""
        if isinstance(found, list):
            return pa.Table.from_pylist(found, pa.schema(list(self.fields)))
        return found


@dataclass(frozen=True)
class Helper:
    """A UDF that macros call and users do not.

    Attributes:
        name: without the prefix.
        value_type: its DuckDB type.
        handler: (session, *columns) -> an array.
        effects: whether DuckDB must call it exactly as often as it is written.
    """

    name: str
    value_type: str
    handler: Callable[..., pa.Array]
    effects: bool = False

    @property
    def udf(self) -> str:
        """The name in DuckDB's catalogue."""
        return f"_xb_{self.name}"

    def column(self, session: Session, where: str, columns: Sequence[pa.ChunkedArray]) -> pa.Array:
        """What it returns."""
        return self.handler(session, *columns)


FUNCTIONS: dict[str, Function] = {}
"""Every function that was declared, by name; `xbsql.surface.functions` declares them all."""


def function(
    returns: str | Columns,
    *,
    example: str,
    action: bool = False,
    handler: Handler | None = None,
    travels: Columns | None = None,
    beside: str | None = None,
    logged: bool = True,
    further: Callable[..., list[str]] | None = None,
) -> Callable[[Handler], Handler]:
    """Declare a function, see the module's text.

    Args:
        returns: the DuckDB type of one value of a row function; the columns of a set or an action.
        example: SQL that runs on the tables of tests/test_docs.py.
        action: whether it changes the store.
        handler: for a macro that is written by hand in sql/: what its UDF does with the columns it gets.
        travels: the columns that this UDF returns, where they are not `returns`.
        beside: the table argument whose columns stand before what is returned.
        logged: whether the call log has it.
        further: (session, **arguments but tables) -> names of the columns of texts that stand behind the
            table's instead of `returns`, where only the arguments say which.
    """

    def declare(run: Handler) -> Handler:
        arguments = _arguments(run)
        kind: Place = "row" if isinstance(returns, str) else "action" if action else "set"
        each = next((a.name for a in arguments if isinstance(a.kind, Each)), None)
        tables = any(isinstance(a.kind, Rows | Stream) for a in arguments)
        FUNCTIONS[run.__name__] = Function(
            run.__name__, kind, arguments, returns, inspect.getdoc(run) or "", example, run, handler, travels,
            each or beside, logged, effects=action or (kind == "set" and not tables), further=further,
        )  # fmt: skip
        return run

    return declare


def _arguments(run: Handler) -> tuple[Argument, ...]:
    """What a declared function takes beside the session."""
    return tuple(_argument(run, p) for p in list(inspect.signature(run).parameters.values())[1:])


def _argument(run: Handler, parameter: inspect.Parameter) -> Argument:
    """An argument from its annotation."""
    annotation = parameter.annotation
    if isinstance(annotation, str):  # as all are where annotations are postponed
        annotation = eval(annotation, run.__globals__)
    kinds = [each for each in get_args(annotation)[1:] if isinstance(each, Kind)]
    words = [each for each in get_args(annotation)[1:] if isinstance(each, str)]
    return Argument(parameter.name, kinds[-1], words[-1] if words else "", parameter.default)


def _rows(given: dict[str, Any]) -> int:
    """How many rows a call is about: those of its longest column or table."""
    sized = (value for value in given.values() if isinstance(value, pa.Array | pa.Table))
    return max((len(value) for value in sized), default=0)


def _literal(value: object) -> str:
    """A default as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)


__all__ = ["FUNCTIONS", "Argument", "Columns", "Function", "Helper", "Like", "function"]
