"""Entities: one product in every market."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc

from xbsql.arrow import table_of_rows, widened
from xbsql.linking.pair_columns import COLUMNS
from xbsql.session import compare
from xbsql.session import entities as run
from xbsql.session import pairs as looked
from xbsql.session.offers import Asked
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, ColumnOf, Flag, KeyOf, Rows, Share, Text, Whole
from xbsql.surface.checks import named
from xbsql.surface.function import Columns, Like, function
from xbsql.surface.offers import (
    PAIR,
    Beside,
    Block,
    Id,
    Labels,
    Many,
    Market,
    Offered,
    Offers,
    Title,
    Variants,
    offers_of,
    rows_of,
)

FOUND: Columns = {"entity": "BIGINT", "score": "DOUBLE", "entity_score": "DOUBLE"}
SCORED: Columns = {"score": "DOUBLE", "text": "DOUBLE", "beside": "DOUBLE", "joined": "BOOLEAN"}
REVIEWED: Columns = {"score": "DOUBLE", "joined": "BOOLEAN", "doubt": "DOUBLE", "match": "BOOLEAN"}
SAID: Columns = {
    "evidence": "VARCHAR", "left": "VARCHAR", "right": "VARCHAR", "bits": "DOUBLE", "total": "DOUBLE",
}  # fmt: skip


def _entities(
    session: Session, *, threshold: Share, many: Flag, variants: Flag, labels: Labels = None, tbl: Offered
) -> pa.Table:
    return run.entities(session, rows_of(tbl), Asked(threshold, many, variants, labels))


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
    labels: Labels = None,
) -> pa.Table:
    """One product in every market: which rows of many catalogues are one, across languages. One row an offer:
    the number of its `entity`, which holds at most one row of each market; `score`, the probability that
    the row belongs to it (NULL: nothing matches, and the row is alone); `entity_score`, that all its rows do.
    Every two markets are compared as by xb.match, and pairs that close a circle lift each other: what no pair
    alone would show is joined where all pairs together do. What stands `beside` the text is weighed without
    labels: how often likely pairs agree in it against how often others do. Rows of one id in one market are
    offers like others, unless `labels` name offers. The answer is the same in any order of the rows.
    """
    where = "xb.entities"
    given = {"id": id, "market": market, "text": text, "block": block, "beside": beside, "entity": entity}
    rows = offers_of(where, tbl, given)
    found = run.entities(session, rows, Asked(threshold, many, variants, labels))
    own = [rows[name].take(pc.subtract(found["position"], 1)) for name in ("market", "id")]
    table = pa.table(
        [found["entity"], *own, found["score"], found["entity_score"]],
        names=["entity", "market", "id", "score", "entity_score"],
    )
    return table.sort_by([("entity", "ascending")])


def _score_pairs(
    session: Session, *, threshold: Share, many: Flag, variants: Flag, labels: Labels = None, tbl: Offered
) -> pa.Table:
    return looked.score_pairs(session, rows_of(tbl), Asked(threshold, many, variants, labels))


@function(
    {**PAIR, **SCORED},
    example="WITH few AS (FROM catalogue WHERE hash(product_id) % 48 = 0) "
    "FROM xb.score_pairs(few, product_id, market, title) LIMIT 3",
    handler=_score_pairs,
    travels={"l": "BIGINT", "r": "BIGINT", **SCORED},
)
def score_pairs(
    session: Session,
    tbl: Offers,
    id: Id,
    market: Market,
    text: Title,
    beside: Beside = None,
    block: Block = None,
    threshold: Annotated[
        Share, "pairs of a lower probability are left out; 0 gives all that were looked at"
    ] = 0.5,
    many: Many = False,
    variants: Variants = False,
    labels: Labels = None,
) -> pa.Table:
    """The pairs of offers of different markets that xb.entities joins, or does not, the likeliest first:
    `score`, the probability of the pair by itself; what speaks for it beyond two offers at random, in bits
    (one bit: twice as likely), by their `text` and by what stands `beside` it; whether both are `joined` in
    one entity.
    """
    given = {"id": id, "market": market, "text": text, "block": block, "beside": beside}
    rows = offers_of("xb.score_pairs", tbl, given)
    return _of_pairs(rows, looked.score_pairs(session, rows, Asked(threshold, many, variants, labels)))


def _review(
    session: Session, *, n: Whole, many: Flag, variants: Flag, page: Text = None, labels: Labels = None,
    tbl: Offered,
) -> pa.Table:  # fmt: skip
    return _reviewed(session, rows_of(tbl), Asked(0.5, many, variants, labels), n, page)


@function(
    {**PAIR, "ltext": "VARCHAR", "rtext": "VARCHAR", **REVIEWED},
    example="WITH few AS (FROM catalogue WHERE hash(product_id) % 48 = 0) "
    "FROM xb.review(few, product_id, market, title, n := 3)",
    handler=_review,
    travels={"l": "BIGINT", "r": "BIGINT", **REVIEWED},
)
def review(
    session: Session,
    tbl: Offers,
    id: Id,
    market: Market,
    text: Title,
    beside: Beside = None,
    block: Block = None,
    n: Annotated[Whole, "how many pairs"] = 50,
    many: Many = False,
    variants: Variants = False,
    page: Annotated[
        Text, "a file that is written beside: both offers next to each other, differences marked, as HTML"
    ] = None,
    labels: Labels = None,
) -> pa.Table:
    """The pairs of offers whose labels help most, the most doubtful first: those that nobody can tell, and
    those where the pair and the whole entity disagree; none twice in other words, and none that `labels` has.
    Fill the column `match` with true or false, and hand the rows back as `labels` of xb.entities.
    """
    given = {"id": id, "market": market, "text": text, "block": block, "beside": beside}
    rows = offers_of("xb.review", tbl, given)
    found = _reviewed(session, rows, Asked(0.5, many, variants, labels), n, page)
    texts = [rows["text"].take(pc.subtract(found[name], 1)) for name in ("l", "r")]
    named = _of_pairs(rows, found)
    for place, (name, column) in enumerate(zip(("ltext", "rtext"), texts, strict=True)):
        named = named.add_column(4 + place, name, column)
    return named


def _reviewed(session: Session, rows: pa.Table, asked: Asked, n: int, page: str | None) -> pa.Table:
    found = looked.review(session, rows, asked, n)
    if page is not None:
        from xbsql.pages.review import written

        told = None if asked.labels is None else looked.labelled(session, rows, asked)
        written("xb.review", page, rows, found, told if told is not None and len(told[0]) else None)
    return found.append_column("match", pa.nulls(len(found), pa.bool_()))


def _explain(
    session: Session, *, lmarket: KeyOf, lid: KeyOf, rmarket: KeyOf, rid: KeyOf, many: Flag, variants: Flag,
    page: Text = None, labels: Labels = None, tbl: Offered,
) -> list[dict[str, Any]]:  # fmt: skip
    asked = Asked(0.5, many, variants, labels)
    return _explained(session, rows_of(tbl), asked, ((lmarket, lid), (rmarket, rid)), page)


@function(
    SAID,
    example="WITH few AS (FROM catalogue WHERE hash(product_id) % 48 = 0 OR product_id = 'P0001') "
    "FROM xb.explain_match(few, product_id, market, title, 'US', 'P0001', 'FR', 'P0001')",
    handler=_explain,
    travels=SAID,
)
def explain_match(
    session: Session,
    tbl: Offers,
    id: Id,
    market: Market,
    text: Title,
    lmarket: Annotated[KeyOf, "the market of one offer"],
    lid: Annotated[KeyOf, "its id"],
    rmarket: Annotated[KeyOf, "the market of the other"],
    rid: Annotated[KeyOf, "its id"],
    beside: Beside = None,
    block: Block = None,
    many: Many = False,
    variants: Variants = False,
    page: Annotated[Text, "a file that is written beside: the same as a waterfall, as HTML"] = None,
    labels: Labels = None,
) -> list[dict[str, Any]]:
    """Why two offers were joined, or were not: what speaks for one product (bits above 0) and against it, a
    row a piece of evidence. The first is the prior, how rare it is that two offers at random are one product;
    a bit more makes it twice as likely. `total` sums up, and the last is the log odds to the base 2: 0 is
    even, 5 is 97 %. The text's parts are SHAP values of the scorer; fields say log2 of how often likely pairs
    agree so over how often others do. Of two offers of one entity the last row says what its other offers
    add, and what other candidates of either take away; the last total is then the score of the less sure one.
    After xb.entities with the same rows the pairs are not judged again.
    """
    given = {"id": id, "market": market, "text": text, "block": block, "beside": beside}
    rows = offers_of("xb.explain_match", tbl, given)
    asked = Asked(0.5, many, variants, labels)
    return _explained(session, rows, asked, ((lmarket, lid), (rmarket, rid)), page)


def _explained(
    session: Session,
    rows: pa.Table,
    asked: Asked,
    offers: tuple[tuple[str, str], tuple[str, str]],
    page: str | None,
) -> list[dict[str, Any]]:
    found = looked.explain_match(session, rows, asked, *offers)
    if page is not None:
        from xbsql.pages.pairs import explained

        explained("xb.explain_match", page, found)
    return found


def _compare(session: Session, *, pairs: Offered) -> pa.Table:
    return compare.compare_pairs(session, table_of_rows(pairs.flatten()))


@function(
    dict.fromkeys(COLUMNS, "DOUBLE"),
    example="WITH pairs AS (SELECT u.title AS us, d.title AS de, u.product_id = d.product_id AS match "
    "FROM catalogue u, catalogue d WHERE u.market = 'US' AND d.market = 'DE' AND u.category = d.category "
    "AND u.product_id < 'P0009' AND d.product_id < 'P0009') "
    "FROM xb.compare_pairs(pairs, {'text': us}, {'text': de})",
    handler=_compare,
    travels={"place": "BIGINT", **dict.fromkeys(COLUMNS, "DOUBLE")},
    beside="pairs",
)
def compare_pairs(
    session: Session,
    pairs: Annotated[pa.Table, Rows(order="", empty=True), f"a row a pair of offers: {DATA}"],
    loffer: Annotated[
        str,
        ColumnOf(),
        "a STRUCT of one offer: text, which is its title, and any of description, brand, model, category "
        "(VARCHAR), gtin and price (a number)",
    ],
    roffer: Annotated[str, ColumnOf(), "a STRUCT of the other"],
) -> pa.Table:
    """What is known of given pairs, a column a comparison behind those of `pairs`: what xb.fit and
    xb.transfer make a scorer of, in one pair of markets or carried to another, and what it scores. Words
    count by how rare they are among these offers; `..._behind_...` says how far a pair stands behind the best
    that either offer has among them, so ask for all pairs at once. NULL where an offer says nothing.
    """
    where = "xb.compare_pairs"
    sides = [pairs[named(where, pairs.column_names, name)] for name in (loffer, roffer)]
    found = compare.compare_pairs(session, pa.table(sides, names=["left", "right"]))
    return widened(pairs, {name: found[name] for name in COLUMNS})


def _of_pairs(rows: pa.Table, found: pa.Table) -> pa.Table:
    """Pairs of positions with the markets and ids in their place."""
    named = {
        f"{end}{name}": rows[name].take(pc.subtract(found[end], 1))
        for end in ("l", "r")
        for name in ("market", "id")
    }
    rest = found.drop_columns(["l", "r"])
    return pa.table([*named.values(), *rest.columns], names=[*named, *rest.column_names])
