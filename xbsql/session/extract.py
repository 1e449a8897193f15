"""Values of attributes out of titles, by models of the task 'extract'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import free_name
from xbsql.session.whole import check_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.session.session import Session
    from xbsql.tasks.extract.model import Extraction

BLOCK = 4096
"""Titles that a model is asked about together."""


def extract(
    session: Session, reference: str, inputs: pa.Array, attributes: Sequence[str] | None = None
) -> pa.Array:
    """MAP(attribute, STRUCT(value, score, start, stop, canonical)) of each title, or row as STRUCT."""
    where = "xb.extract"
    model = _model(session, where, reference)
    batch = model.signature.batch(where, reference, inputs)
    with session.calls.record("extract", reference, len(inputs)) as call:
        call.kernel = "crf"
        blocks = [batch.slice(at, BLOCK) for at in range(0, max(len(batch), 1), BLOCK)]
        try:
            return pa.concat_arrays([model.asked(block, attributes) for block in blocks])
        except errors.XbsqlError:
            raise
        except Exception as error:
            check_answers(reference, model, error)
            raise


def _model(session: Session, where: str, reference: str) -> Extraction:
    """A model of the task 'extract'.

    Raises:
        XbsqlError: it was fitted for another task.
    """
    from xbsql.tasks.extract.model import Extraction

    model = session.model(where, reference)
    if not isinstance(model, Extraction):
        problem = f"'{reference}' was fitted for {model.signature.task}"
        raise errors.invalid(where, problem, "name a model of the task 'extract'")
    return model


def extract_table(
    session: Session, reference: str, rows: pa.Table, attributes: Sequence[str] | None = None
) -> pa.Table:
    """The table with the values that its titles state, one column an attribute."""
    where = "xb.extract_table"
    model = _model(session, where, reference)
    names = columns_of(model, attributes)
    found = extract(session, reference, rows.to_struct_array().combine_chunks(), attributes)
    values = dict[str, list[str | None]]((name, [None] * len(rows)) for name in names)
    for row, pairs in enumerate(found.to_pylist()):
        for name, answer in pairs or ():
            values[name][row] = answer["value"]
    for name in names:
        rows = rows.append_column(free_name(name, rows.column_names), pa.array(values[name], pa.string()))
    return rows


def extract_sql(session: Session, reference: str, table: str, attributes: Sequence[str] | None) -> str:
    """The query that `extract_table` is in SQL: how many columns it has, DuckDB must know before it runs."""
    where = "xb.extract_table"
    model = _model(session, where, reference)
    alias = session.calls.alias
    asked = "NULL" if attributes is None else f"[{', '.join(map(_quoted, attributes))}]"
    columns = "".join(
        f", _xb_e[{_quoted(name)}].value AS {_named(name)}" for name in columns_of(model, attributes)
    )
    found = f"{alias}.extract({_quoted(reference)}, _xb_t, attributes := {asked})"
    return (
        f"SELECT _xb_r.* EXCLUDE (_xb_e){columns} FROM "
        f"(SELECT _xb_t.*, {found} AS _xb_e FROM query_table({_quoted(table)}) _xb_t) _xb_r"
    )


def columns_named(session: Session, reference: str, attributes: Sequence[str] | None) -> list[str]:
    """The columns that `extract_table` adds."""
    return columns_of(_model(session, "xb.extract_table", reference), attributes)


def columns_of(model: Extraction, attributes: Sequence[str] | None) -> list[str]:
    """The attributes that are asked for, each once; all that the model knows where none is named.

    Raises:
        XbsqlError: one of them has no name.
    """
    if attributes is not None and not all(each and each.strip() for each in attributes):
        problem = "one of the attributes has no name"
        raise errors.invalid("xb.extract_table", problem, "leave '' out of attributes")
    return list(model.finder.listed if attributes is None else dict.fromkeys(attributes))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
