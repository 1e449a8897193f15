"""From DuckDB's columns to what looks inside: unpack the arguments, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql import errors
from xbsql.arrow import list_of, one_chunk
from xbsql.session import insight as insights
from xbsql.surface.handlers.arguments import Column, Rows, constant, options_of, table, text_of

if TYPE_CHECKING:
    import pyarrow as pa

    from xbsql.session.session import Session


def explain(session: Session, model: Column, per_row: Column, rows: Column, background: Column) -> pa.Array:
    where = "xb.explain"
    given = one_chunk(rows).flatten()
    if not len(given):
        raise errors.invalid(where, "tbl has no rows", "give a table with at least one row")
    behind = table(where, "background", background, may_be_empty=True)
    compared = None
    if behind.column_names != ["_nothing"]:
        compared = one_chunk(table(where, "background", background).to_struct_array())
    name, each = text_of(where, "model", model), bool(constant(where, "per_row", per_row))
    return list_of(insights.explain(session, name, given, compared, per_row=each))


def label_curve(session: Session, model: Column, label: Column, options: Column, data: Column) -> Rows:
    where = "xb.label_curve"
    return insights.label_curve(
        session,
        text_of(where, "model", model),
        table(where, "tbl", data),
        constant(where, "label", label),
        options_of(where, options),
    )


def weights(session: Session, method: Column, columns: Column, source: Column, target: Column) -> pa.Array:
    where = "xb.weights"
    sides = table(where, "source", source), table(where, "target", target)
    how = text_of(where, "method", method)
    return list_of(insights.weights(session, *sides, how, _columns(where, columns)))


def domain_similarity(
    session: Session, columns: Column, model: Column, source: Column, target: Column
) -> Rows:
    where = "xb.domain_similarity"
    sides = table(where, "source", source), table(where, "target", target)
    home = constant(where, "model", model)
    return insights.domain_similarity(session, *sides, _columns(where, columns), home)


def _columns(where: str, columns: Column) -> list[str] | None:
    value = columns[0].as_py()
    if value is None:
        return None
    if not value:
        raise errors.invalid(where, "columns is an empty list", "give names: ['weight', 'mode']")
    return [str(name) for name in value]
