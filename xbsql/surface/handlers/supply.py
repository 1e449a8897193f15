"""From DuckDB's columns to supply decisions and LightGBM files: unpack the arguments, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from xbsql.arrow import list_of, one_chunk
from xbsql.session import boosters
from xbsql.session import supply as supplies
from xbsql.surface.handlers.arguments import Column, Rows, constant, table, text_of

if TYPE_CHECKING:
    from xbsql.session.session import Session


def spread(session: Session, lo: Column, hi: Column, level: Column) -> pa.Array:
    return supplies.spread("xb.spread", one_chunk(lo), one_chunk(hi), one_chunk(level))


def safety_stock(session: Session, *columns: Column) -> pa.Array:
    return supplies.safety_stock("xb.safety_stock", [one_chunk(column) for column in columns])


def reorder_point(session: Session, *columns: Column) -> pa.Array:
    asked = [one_chunk(column) for column in columns]
    return supplies.safety_stock("xb.reorder_point", asked, with_expected=True)


def newsvendor(session: Session, *columns: Column) -> pa.Array:
    levels, quantiles, underage, overage = (one_chunk(column) for column in columns)
    return supplies.newsvendor("xb.newsvendor", levels, quantiles, underage, overage)


def route_options(session: Session, cost: Column, delay: Column, *columns: Column) -> pa.Array:
    where = "xb.route_options"
    promise, per_day, extra, rows = columns
    if not len(rows):
        return pa.array([], supplies.ROUTE)
    models = text_of(where, "cost_model", cost), text_of(where, "delay_model", delay)
    given = one_chunk(promise), one_chunk(per_day), one_chunk(extra)
    return supplies.route_options(session, *models, *given, one_chunk(rows))


def choose_routes(session: Session, service: Column, options: Column, demand: Column) -> pa.Array:
    where = "xb.choose_routes"
    asked = table(where, "options", options), table(where, "demand", demand)
    return list_of(supplies.choose_routes(session, constant(where, "service_level", service), *asked))


def export_booster(session: Session, model: Column, path: Column) -> Rows:
    where = "xb.export_booster"
    return boosters.export_booster(
        session, where, text_of(where, "model", model), text_of(where, "path", path)
    )


def import_booster(
    session: Session, model: Column, path: Column, label: Column, classes: Column, market: Column
) -> Rows:
    where = "xb.import_booster"
    return boosters.import_booster(
        session,
        where,
        text_of(where, "model", model),
        text_of(where, "path", path),
        text_of(where, "label", label),
        constant(where, "classes", classes),
        constant(where, "market", market),
    )
