"""Offers of many markets as arguments: what each column says, and the rows in an order of their own."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc

from xbsql.arrow import table_of_rows
from xbsql.surface.arguments import DATA, ColumnOf, Flag, Rows, Values
from xbsql.surface.checks import in_order, named
from xbsql.surface.function import Columns, Like

Offers = Annotated[
    pa.Table, Rows(order="", empty=True), f"the catalogues one below the other, a row an offer: {DATA}"
]
Id = Annotated[str, ColumnOf(), "what names an offer in its market, any type; other markets may have it too"]
Market = Annotated[str, ColumnOf(), "the catalogue a row is of, any type; a row where it is NULL is alone"]
Title = Annotated[
    str | None,
    ColumnOf(python="str | None"),
    "VARCHAR: what is compared by meaning, e.g. a title; NULL, blanks and placeholders say nothing",
]
Beside = Annotated[
    str | None,
    ColumnOf(python="str | None"),
    "a STRUCT of what else is known: gtin (text or a whole number), price (a number, each market in its own "
    "currency), and columns of your own, read by type: text such as brand, numbers, booleans, vectors",
]
Block = Annotated[
    str | None, ColumnOf(python="str | None"), "only rows of one value are compared; NULL: a row is alone"
]
Many = Annotated[Flag, "true lets an entity hold several rows of a market"]
Variants = Annotated[
    Flag,
    "true takes products that differ in size, count or model number as one; otherwise rows that both state "
    "one and contradict each other are never joined",
]
Offered = Annotated[pa.Array, Values("a list of rows")]
ITEM = ("id", "market", "text", "block", "beside", "entity")
Labels = Annotated[
    pa.Table | None,
    Rows(order="", optional=True, empty=True),
    "pairs that somebody has labelled: columns lmarket, lid, rmarket, rid and match (BOOLEAN), as xb.review "
    "asks for; true ties two offers, false keeps them apart, and from ten of each on they correct the odds",
]
PAIR: Columns = {
    "lmarket": Like("tbl", "market"), "lid": Like("tbl", "id"), "rmarket": Like("tbl", "market"),
    "rid": Like("tbl", "id"),
}  # fmt: skip


def offers_of(where: str, tbl: pa.Table, given: dict[str, str | None]) -> pa.Table:
    """The columns that are given, as NULL where none is, sorted by market, id and text."""
    columns = {
        key: pa.nulls(len(tbl)) if name is None else tbl[named(where, tbl.column_names, name)]
        for key, name in given.items()
    }
    return ordered(pa.table({"entity": pa.nulls(len(tbl)), **columns}).select(ITEM))


def ordered(table: pa.Table) -> pa.Table:
    """Offers sorted by market, id and text, and where these are equal by all they hold."""
    keys = ("market", "id", "text")
    return in_order(_told_apart(table) if _tied(table, keys) else table, keys)


def _tied(table: pa.Table, keys: tuple[str, ...]) -> bool:
    """Whether rows are alike in these columns, or may be."""
    if any(pa.types.is_nested(table.schema.field(name).type) for name in keys):
        return True
    return len(table.group_by(list(keys)).aggregate([])) < len(table)


def _told_apart(table: pa.Table) -> pa.Table:
    """The rows sorted by all they hold, lists and structs too, which Arrow has no order of."""
    written = pa.array([repr(row) for row in table.to_pylist()], pa.string())
    return table.take(pc.sort_indices(written))


def rows_of(offered: pa.Array) -> pa.Table:
    """The rows that came as one list; none where the table was empty."""
    if pa.types.is_null(offered.type) or not offered[0].is_valid:
        return pa.table({name: pa.nulls(0) for name in ITEM})
    return table_of_rows(offered.flatten())
