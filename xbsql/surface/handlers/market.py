"""From DuckDB's columns to what makes markets alike: unpack the arguments, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import digest, one_chunk, table_of_rows
from xbsql.harmonise import rows
from xbsql.session import harmonise as harmonies
from xbsql.surface.handlers.arguments import Column, Rows, constant, table

if TYPE_CHECKING:
    from xbsql.session.session import Session


def convert(session: Session, value: Column, unit: Column, new_unit: Column) -> pa.Array:
    return rows.convert("xb.convert", one_chunk(value), one_chunk(unit), one_chunk(new_unit))


def to_currency(
    session: Session, amount: Column, currency: Column, new_currency: Column, day: Column, kept: Column
) -> pa.Array:
    where = "xb.to_currency"
    if not len(amount):
        return pa.array([], pa.float64())
    monies = one_chunk(currency), one_chunk(new_currency)
    name = constant(where, "rates", kept)
    return harmonies.to_currency(session, where, one_chunk(amount), *monies, one_chunk(day), name)


def keep_rates(session: Session, rates: Column) -> pa.Array:
    """Keep each table of rates and name it by its digest."""
    where, names = "xb.to_currency", []
    for line in one_chunk(rates):
        if not line.is_valid:
            raise errors.invalid(where, "rates has no rows", "give currency and per_unit")
        found = table_of_rows(line.values)
        names.append(harmonies.keep_rates(session, where, found, digest(found)))
    return pa.array(names, pa.string())


def parse_number(session: Session, text: Column, market: Column) -> pa.Array:
    return rows.parse_number("xb.parse_number", one_chunk(text), one_chunk(market))


def parse_date(session: Session, text: Column, market: Column) -> pa.Array:
    return rows.parse_date("xb.parse_date", one_chunk(text), one_chunk(market))


def holiday(session: Session, day: Column, market: Column) -> pa.Array:
    return rows.holiday("xb.holiday", one_chunk(day), one_chunk(market))


def workdays(session: Session, first: Column, last: Column, market: Column) -> pa.Array:
    return rows.workdays("xb.workdays", one_chunk(first), one_chunk(last), one_chunk(market))


def align_columns(session: Session, source: Column, target: Column) -> Rows:
    where = "xb.align_columns"
    return harmonies.align_columns(session, table(where, "source", source), table(where, "target", target))


def lint(session: Session, label: Column, source: Column, target: Column) -> Rows:
    where = "xb.lint"
    sides = table(where, "source", source), table(where, "target", target)
    return harmonies.lint(session, *sides, constant(where, "label", label))
