"""Matching: which row of one catalogue is which of another."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc

from xbsql.arrow import table_of_rows
from xbsql.matching.columns import KNOWN_COLUMNS
from xbsql.session import match as run
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, ColumnOf, Flag, Rows, Share, Text, Values
from xbsql.surface.checks import in_order, named
from xbsql.surface.function import Columns, Like, function

Side = Annotated[pa.Table, Rows(order="", empty=True), DATA]
LeftId = Annotated[str, ColumnOf(of=("left",)), "the left id, any type"]
LeftText = Annotated[
    str | None,
    ColumnOf(python="str | None", of=("left",)),
    "VARCHAR: the left text, e.g. a title; rows where it is NULL, blank or a placeholder have no match, but "
    "by their pictures",
]
RightId = Annotated[str, ColumnOf(of=("right",)), "the right id, any type"]
RightText = Annotated[str | None, ColumnOf(python="str | None", of=("right",)), "VARCHAR: the right text"]
Block = Annotated[
    str | None,
    ColumnOf(python="str | None", of=("left", "right")),
    "of both tables: only rows of one value are compared",
]
Beside = Annotated[
    str | None,
    ColumnOf(python="str | None", of=("left", "right")),
    "a STRUCT of both tables with any of price (a number of one currency), brand (VARCHAR) and image (its "
    "vector, see xb.embed_image): added to what the texts say, and three more columns for a scorer of your "
    "own; a picture also proposes those nearest to it, whatever the texts are",
]
Variants = Annotated[
    Flag,
    "true takes products that differ in size, count or model number as one; otherwise rows that both state "
    "one and contradict each other never match",
]
Offered = Annotated[pa.Array, Values("a list of rows")]
IDS: Columns = {"lid": Like("left", "lid"), "rid": Like("right", "rid")}
KNOWN: Columns = dict.fromkeys(KNOWN_COLUMNS, "DOUBLE")


def _match(
    session: Session, *, threshold: Share, model: Text = None, variants: Flag, left: Offered, right: Offered
) -> pa.Table:
    return run.match(session, _rows(left), _rows(right), threshold, model, variants)


@function(
    {**IDS, "score": "DOUBLE"},
    example="FROM xb.match(japan, home, lid := title, ltext := title, rid := title, rtext := title) LIMIT 3",
    handler=_match,
    travels={"l": "BIGINT", "r": "BIGINT", "score": "DOUBLE"},
)
def match(
    session: Session,
    left: Side,
    right: Side,
    lid: LeftId,
    ltext: LeftText,
    rid: RightId,
    rtext: RightText,
    block: Block = None,
    beside: Beside = None,
    threshold: Annotated[Share, "the least probability of a match"] = 0.5,
    model: Annotated[Text, "a model fitted on xb.match_candidates; NULL for the built-in scorer"] = None,
    variants: Variants = False,
) -> pa.Table:
    """Which row of one catalogue is which of another, one to one and across languages: lid, rid, score, one
    row a left row. The score is the probability that they are one thing; rid and score are NULL where
    nothing matches.
    """
    where = "xb.match"
    own, other = _side(where, left, lid, ltext, block, beside), _side(where, right, rid, rtext, block, beside)
    found = run.match(session, own, other, threshold, model, variants)
    columns = [own["id"], other["id"].take(pc.subtract(found["r"], 1)), found["score"]]
    return pa.table(columns, names=["lid", "rid", "score"])


def _candidates(session: Session, *, variants: Flag, left: Offered, right: Offered) -> pa.Table:
    return run.match_candidates(session, _rows(left), _rows(right), variants)


@function(
    {**IDS, **KNOWN},
    example="FROM xb.match_candidates(japan, home, lid := title, ltext := title, rid := title, "
    "rtext := title) LIMIT 3",
    handler=_candidates,
    travels={"l": "BIGINT", "r": "BIGINT", **KNOWN},
)
def match_candidates(
    session: Session,
    left: Side,
    right: Side,
    lid: LeftId,
    ltext: LeftText,
    rid: RightId,
    rtext: RightText,
    block: Block = None,
    beside: Beside = None,
    variants: Variants = False,
) -> pa.Table:
    """The pairs that xb.match chooses from, and what is known of each: lid, rid and a column for each
    similarity, gap to the best pair of a row, rank. Label some with true and false, and xb.fit or
    xb.transfer makes a scorer of them for xb.match.
    """
    where = "xb.match_candidates"
    own, other = _side(where, left, lid, ltext, block, beside), _side(where, right, rid, rtext, block, beside)
    found = run.match_candidates(session, own, other, variants)
    ids = [side["id"].take(pc.subtract(found[name], 1)) for side, name in ((own, "l"), (other, "r"))]
    known = found.drop_columns(["l", "r"])
    return pa.table([*ids, *known.columns], names=["lid", "rid", *known.column_names])


def _side(
    where: str, rows: pa.Table, id: str, text: str | None, block: str | None, beside: str | None
) -> pa.Table:
    """Columns id, text, block and beside, NULL where none is named, sorted by id and text."""
    columns = [
        pa.nulls(len(rows)) if name is None else rows[named(where, rows.column_names, name)]
        for name in (id, text, block, beside)
    ]
    table = pa.table(columns, names=["id", "text", "block", "beside"])
    return in_order(table, ("id", "text"))


def _rows(offered: pa.Array) -> pa.Table:
    """The rows, text, block and beside, that came as one list; none where the table was empty."""
    if pa.types.is_null(offered.type) or not offered[0].is_valid:
        return pa.table({name: pa.nulls(0) for name in ("text", "block", "beside")})
    return table_of_rows(offered.flatten())
