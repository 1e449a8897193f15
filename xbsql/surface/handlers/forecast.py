"""From DuckDB's columns to forecasts: unpack the arguments, nothing else."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql.arrow import list_of, one_chunk, table_of_rows
from xbsql.session import forecast as forecasts
from xbsql.session import launch as launches
from xbsql.session.forecast import Asked
from xbsql.session.launch import Launch
from xbsql.surface.handlers.arguments import Column, constant, options_of, table, text_of

if TYPE_CHECKING:
    from xbsql.session.session import Session


def forecast(
    session: Session,
    model: Column,
    horizon: Column,
    level: Column,
    rollup: Column,
    options: Column,
    data: Column,
) -> pa.Array:
    where = "xb.forecast"
    rows, known = _known(table(where, "tbl", data))
    asked = Asked(
        constant(where, "horizon", horizon),
        constant(where, "level", level),
        bool(constant(where, "rollup", rollup)),
        options_of(where, options),
    )
    columns = forecasts.places(("id",), "ts", "y", known)
    found = forecasts.forecast(session, text_of(where, "model", model), rows, columns, asked)
    return list_of(as_text(found))


def launch(
    session: Session,
    demand: Column,
    delay: Column,
    market: Column,
    start: Column,
    horizon: Column,
    level: Column,
    price_error: Column,
    draws: Column,
    data: Column,
) -> pa.Array:
    where = "xb.launch"
    rows = table(where, "products", data)
    left = constant(where, "start", start)
    asked = Launch(
        text_of(where, "demand", demand),
        constant(where, "delay", delay),
        constant(where, "market", market),
        None if left is None else int(left.replace(tzinfo=UTC).timestamp()),
        constant(where, "horizon", horizon),
        constant(where, "level", level),
        constant(where, "price_error", price_error),
        draws=constant(where, "draws", draws),
    )
    return list_of(launches.launch(session, rows, asked))


def _known(rows: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """The rows, with a column for each field of the STRUCT 'known', and the names of these."""
    if not pa.types.is_struct(rows.schema.field("known").type):
        return rows, ()
    beside = table_of_rows(one_chunk(rows["known"]))
    names = tuple(f"known.{name}" for name in beside.column_names)
    for name, column in zip(names, beside.columns, strict=True):
        rows = rows.append_column(name, column)
    return rows, names


def as_text(found: pa.Table) -> pa.Table:
    """Ids as JSON and dates as text: the macro gives them the types of the user's own columns again."""
    horizon = int(pc.max(found["step"]).as_py())
    ids = found["series"].take(pa.array(range(0, len(found), horizon)))
    texts = pa.array([json.dumps({"id": value}, default=str) for value in ids.to_pylist()], pa.string())
    repeated = texts.take(pa.array(np.repeat(np.arange(len(texts)), horizon)))
    dates = found["ds"].cast(pa.string())
    return found.set_column(0, "series", repeated).set_column(2, "ds", dates)
