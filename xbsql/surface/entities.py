"""Entities: one product in every market."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc

from xbsql.arrow import table_of_rows
from xbsql.session import entities as run
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, ColumnOf, Flag, Rows, Share, Values
from xbsql.surface.checks import in_order, named
from xbsql.surface.function import Columns, Like, function

Offers = Annotated[
    pa.Table, Rows(order="", empty=True), f"the catalogues one below the other, a row an offer: {DATA}"
]
Id = Annotated[str, ColumnOf(), "what names an offer in its market, any type; other markets may have it too"]
Market = Annotated[str, ColumnOf(), "the catalogue a row is of, any type; a row where it is NULL is alone"]
Title = Annotated[
    str,
    ColumnOf(),
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
ITEM = ("market", "text", "block", "beside", "entity")
FOUND: Columns = {"entity": "BIGINT", "score": "DOUBLE", "entity_score": "DOUBLE"}


def _entities(session: Session, *, threshold: Share, many: Flag, variants: Flag, tbl: Offered) -> pa.Table:
    return run.entities(session, _rows(tbl), run.Asked(threshold, many, variants))


@function(
    {
        "entity": "BIGINT",
        "market": Like("tbl", "market"),
        "id": Like("tbl", "id"),
        "score": "DOUBLE",
        "entity_score": "DOUBLE",
    },
    example="WITH few AS (FROM catalogue WHERE hash(product_id) % 48 = 0) "
    "FROM xb.entities(few, product_id, market, title) LIMIT 3",
    handler=_entities,
    travels={"position": "BIGINT", **FOUND},
)
def entities(
    session: Session,
    tbl: Offers,
    id: Id,
    market: Market,
    text: Title,
    beside: Beside = None,
    block: Block = None,
    entity: Annotated[
        str | None,
        ColumnOf(python="str | None"),
        "entities that are settled, of an earlier call or known: rows where it is NULL are placed among them",
    ] = None,
    threshold: Annotated[Share, "the least probability that a row belongs to its entity"] = 0.5,
    many: Many = False,
    variants: Variants = False,
) -> pa.Table:
    """One product in every market: which rows of many catalogues are one, across languages. One row an offer:
    the number of its `entity`, which holds at most one row of each market; `score`, the probability that
    the row belongs to it (NULL: nothing matches, and the row is alone); `entity_score`, that all its rows do.
    Every two markets are compared as by xb.match, and pairs that close a circle lift each other: what no pair
    alone would show is joined where all pairs together do. What stands `beside` the text is weighed without
    labels: how often likely pairs agree in it against how often others do. The answer is the same in any
    order of the rows.
    """
    where = "xb.entities"
    given = {"id": id, "market": market, "text": text, "block": block, "beside": beside, "entity": entity}
    rows = _offers(where, tbl, given)
    found = run.entities(session, rows.select(ITEM), run.Asked(threshold, many, variants))
    own = [rows[name].take(pc.subtract(found["position"], 1)) for name in ("market", "id")]
    table = pa.table(
        [found["entity"], *own, found["score"], found["entity_score"]],
        names=["entity", "market", "id", "score", "entity_score"],
    )
    return table.sort_by([("entity", "ascending")])


def _offers(where: str, tbl: pa.Table, given: dict[str, str | None]) -> pa.Table:
    """The columns that are given, as NULL where none is, sorted by market, id and text."""
    columns = {
        key: pa.nulls(len(tbl)) if name is None else tbl[named(where, tbl.column_names, name)]
        for key, name in given.items()
    }
    return in_order(pa.table(columns), ("market", "id", "text"))


def _rows(offered: pa.Array) -> pa.Table:
    """The rows that came as one list; none where the table was empty."""
    if pa.types.is_null(offered.type) or not offered[0].is_valid:
        return pa.table({name: pa.nulls(0) for name in ITEM})
    return table_of_rows(offered.flatten())
