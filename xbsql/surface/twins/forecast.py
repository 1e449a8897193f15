"""The Python twins of the forecast family: columns go by name, Arrow comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.session import forecast as forecasts
from xbsql.session import launch as launches
from xbsql.session.forecast import Asked
from xbsql.session.launch import Launch
from xbsql.surface.duck import rows_of, session_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

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


def launch(
    con: DuckDBPyConnection,
    products: object,
    id: str | Sequence[str],
    demand: str,
    delay: str | None = None,
    price: str | None = None,
    market: str | None = None,
    start: dt.date | None = None,
    horizon: int = 8,
    level: float = 0.9,
    price_error: float = 0.0,
    draws: int = 2000,
) -> pa.Table:
    """Product, market, and wanted, days, sold and revenue with their intervals, see `xb.launch`."""
    where = "xbsql.launch"
    names = (id,) if isinstance(id, str) else tuple(id)
    rows = rows_of(where, con, products, ordered=False).sort_by([(name, "ascending") for name in names])
    for name in (*names, *((price,) if price else ())):
        if name not in rows.column_names:
            raise errors.unknown(where, "column", name, rows.column_names, place="the table has")
    ids = rows[id] if isinstance(id, str) else rows.select(names).to_struct_array()
    amounts = rows[price] if price else pa.nulls(len(rows), pa.float64())
    given = pa.table({"id": ids, "price": amounts, "row": rows.to_struct_array()})
    left = None if start is None else int(np.datetime64(start, "s").astype(np.int64))
    asked = Launch(demand, delay, market, left, horizon, level, price_error, draws)
    found = launches.launch(session_of(where, con), given, asked)
    own = one_chunk(given["id"]).take(pc.subtract(found["place"], 1))
    return found.set_column(0, "product", own)
