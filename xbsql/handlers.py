"""From DuckDB's columns to a session's methods: unpack the arguments, nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk, table_of_rows

if TYPE_CHECKING:
    from xbsql.session import Session

Column: TypeAlias = pa.ChunkedArray
Rows: TypeAlias = list[dict[str, Any]]


def constant(where: str, argument: str, column: Column) -> Any:  # noqa: ANN401 - SQL gives any type
    """The one value that a column of equal values holds; None for NULL.

    Raises:
        XbsqlError: the value varies from row to row.
    """
    values = column.unique()
    if len(values) > 1:
        shown = ", ".join(str(value) for value in values[:3].to_pylist())
        raise errors.invalid(
            where, f"{argument} varies from row to row ({shown} ...)", "give one value a query"
        )
    return values[0].as_py() if len(values) else None


def text_of(where: str, argument: str, column: Column) -> str:
    """The one name that a column of equal texts holds.

    Raises:
        XbsqlError: it is no text, or varies from row to row.
    """
    value = constant(where, argument, column)
    if not isinstance(value, str):
        raise errors.invalid(where, f"{argument} must be a name in quotes, got {value!r}")
    return value


def options_of(where: str, column: Column) -> dict[str, Any]:
    """The options that came as a STRUCT.

    Raises:
        XbsqlError: they are none.
    """
    value = constant(where, "options", column)
    found = json.loads(value) if value else {}
    if not isinstance(found, dict):
        raise errors.invalid(where, f"options must be a STRUCT such as {{'k': 1}}, got {value}")
    return found


def table(where: str, argument: str, column: Column, *, may_be_empty: bool = False) -> pa.Table:
    """The rows that came as one list."""
    rows = one_chunk(column).flatten()
    if not len(rows) and not may_be_empty:
        raise errors.invalid(where, f"{argument} has no rows", "give a table with at least one row")
    return table_of_rows(rows)


def one_list(table: pa.Table) -> pa.Array:
    """A table as one list of rows."""
    rows = one_chunk(table.to_struct_array())
    return pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows)


def embed(session: Session, texts: Column, model: Column) -> pa.Array:
    return session.embed(one_chunk(texts), text_of("xb.embed", "model", model) if len(model) else "text")


def similarity(session: Session, a: Column, b: Column, metric: Column) -> pa.Array:
    return session.similarity(one_chunk(a), one_chunk(b), text_of("xb.similarity", "metric", metric))


def language(session: Session, texts: Column) -> pa.Array:
    return session.language(one_chunk(texts))


def classify(session: Session, model: Column, inputs: Column) -> pa.Array:
    return session.classify(text_of("xb.classify", "model", model), one_chunk(inputs))


def predict(session: Session, model: Column, rows: Column) -> pa.Array:
    return session.predict(text_of("xb.predict", "model", model), one_chunk(rows))


def predict_table(session: Session, model: Column, shift: Column, rows: Column) -> pa.Array:
    where = "xb.predict_table"
    asked = bool(constant(where, "shift", shift))
    return session.predict_table(text_of(where, "model", model), one_chunk(rows), shift=asked)


def evaluate(session: Session, model: Column, label: Column, by: Column, data: Column) -> Rows:
    where = "xb.evaluate"
    return session.evaluate(
        text_of(where, "model", model),
        table(where, "tbl", data),
        constant(where, "label", label),
        constant(where, "by", by),
    )


def fit(
    session: Session,
    model: Column,
    label: Column,
    task: Column,
    market: Column,
    options: Column,
    data: Column,
) -> Rows:
    where = "xb.fit"
    return session.fit(
        text_of(where, "model", model),
        table(where, "data", data),
        text_of(where, "label", label),
        task=text_of(where, "task", task),
        market=constant(where, "market", market),
        options=options_of(where, options),
    )


def transfer(
    session: Session,
    model: Column,
    label: Column,
    base: Column,
    market: Column,
    method: Column,
    options: Column,
    data: Column,
    source: Column,
) -> Rows:
    where = "xb.transfer"
    home = table(where, "source", source, may_be_empty=True)
    return session.transfer(
        text_of(where, "model", model),
        table(where, "data", data),
        text_of(where, "label", label),
        base=constant(where, "base", base),
        source=None if home.column_names == ["_nothing"] else table(where, "source", source),
        market=constant(where, "market", market),
        method=text_of(where, "method", method),
        options=options_of(where, options),
    )


def promote(session: Session, model: Column, version: Column) -> Rows:
    name = text_of("xb.promote", "model", model)
    return session.promote(name, text_of("xb.promote", "version", version))


def drop_model(session: Session, model: Column) -> Rows:
    return session.drop_model(text_of("xb.drop_model", "model", model))


def models(session: Session, _: Column) -> Rows:
    return session.models()


def model_card(session: Session, model: Column) -> Rows:
    return session.model_card(text_of("xb.model_card", "model", model))


def last_calls(session: Session, _: Column) -> Rows:
    return session.calls.rows()


def selfcheck(session: Session, _: Column) -> Rows:
    from xbsql.selfcheck import selfcheck

    return selfcheck(session)
