"""The Python twins of what looks inside: tables by name, as relations or as Arrow; Arrow comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.arrow import one_chunk
from xbsql.session import insight as insights
from xbsql.surface.duck import rows_of, session_of
from xbsql.surface.functions import insight as functions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from duckdb import DuckDBPyConnection


def explain(
    con: DuckDBPyConnection, model: str, tbl: object, background: object | None = None, per_row: bool = True
) -> pa.Table:  # fmt: skip
    """row, label, feature, value and contribution, see `xb.explain`; `row` is the place in the table."""
    where = "xbsql.explain"
    behind = None if background is None else _structs(where, con, background)
    rows = _structs(where, con, tbl)
    return insights.explain(session_of(where, con), model, rows, behind, per_row=per_row)


def label_curve(
    con: DuckDBPyConnection, model: str, tbl: object, label: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> pa.Table:  # fmt: skip
    """labels, arm, basis, metric, value, lo and hi, see `xb.label_curve`."""
    where = "xbsql.label_curve"
    rows = rows_of(where, con, tbl)
    found = insights.label_curve(session_of(where, con), model, rows, label, options or {})
    return functions.LABEL_CURVE.table(found)


def weights(
    con: DuckDBPyConnection, source: object, target: object, method: str = "density_ratio",
    columns: Sequence[str] | None = None,
) -> pa.Table:  # fmt: skip
    """Row and weight of each source row, see `xb.weights`."""
    where = "xbsql.weights"
    home, there = (rows_of(where, con, data, ordered=False) for data in (source, target))
    return insights.weights(session_of(where, con), home, there, method, columns)


def domain_similarity(
    con: DuckDBPyConnection, source: object, target: object, columns: Sequence[str] | None = None,
    model: str | None = None,
) -> pa.Table:  # fmt: skip
    """measure, column and value, see `xb.domain_similarity`."""
    where = "xbsql.domain_similarity"
    home, there = (rows_of(where, con, data, ordered=False) for data in (source, target))
    found = insights.domain_similarity(session_of(where, con), home, there, columns, model)
    return functions.DOMAIN_SIMILARITY.table(found)


def _structs(where: str, con: DuckDBPyConnection, data: object) -> pa.Array:
    return one_chunk(rows_of(where, con, data, ordered=False).to_struct_array())
