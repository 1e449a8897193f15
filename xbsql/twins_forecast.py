"""The Python twins of the forecast family: columns go by name, Arrow comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql import forecasts
from xbsql.duck import rows_of, session_of
from xbsql.forecasts import Asked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from duckdb import DuckDBPyConnection


def forecast(
    con: DuckDBPyConnection,
    model: str,
    tbl: object,
    id: str | Sequence[str],
    ts: str,
    y: str,
    horizon: int = 8,
    level: float = 0.9,
    known: Sequence[str] = (),
    rollup: bool = False,
    options: Mapping[str, Any] | None = None,
) -> pa.Table:
    """Series, step, ds, yhat, lo, hi and status, see `xb.forecast`; several id columns come as a STRUCT."""
    where = "xbsql.forecast"
    columns = forecasts.places([id] if isinstance(id, str) else id, ts, y, known)
    rows = rows_of(where, con, tbl, ordered=False)
    asked = Asked(horizon, level, rollup, options)
    return forecasts.forecast(session_of(where, con), model, rows, columns, asked)
