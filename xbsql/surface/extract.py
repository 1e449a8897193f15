"""Extraction: the values of attributes in titles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import pyarrow as pa

from xbsql.session import extract as run
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, Model, ModelOfRow, Name, Names, Rows, Values
from xbsql.surface.function import function
from xbsql.surface.models import by_model

FOUND: Final = (
    "MAP(VARCHAR, STRUCT(value VARCHAR, score DOUBLE, start INTEGER, stop INTEGER, canonical VARCHAR))"
)


@function(FOUND, example="SELECT title, xb.extract('values_home', title)['colour'].value FROM shelf LIMIT 3")
def extract(
    session: Session,
    model: ModelOfRow,
    input: Annotated[
        pa.Array, Values("VARCHAR or STRUCT"), "a title, or a row where the model also reads its kind"
    ],
    attributes: Annotated[
        Names,
        "the attributes that the titles are known to state, in any language; NULL asks each title for all "
        "that are usual for its kind",
    ] = None,
) -> pa.Array:
    """The attributes of a product in its title, by name: the value as it stands there, the probability that
    it is right, its first and its last character (`title[start:stop]`), and its canonical form, which is
    the same in every market (NULL where there is none). An attribute without an answer is absent. NULL
    gives NULL. Of a title the first 2,000 characters are read; it is never itself a value.
    """

    def ask(session: Session, name: str, titles: pa.Array) -> pa.Array:
        return run.extract(session, name, titles, attributes)

    return by_model(ask, session, model, input)


@dataclass(frozen=True)
class Bound(Rows):
    """A table whose rows a query reads that is written when it is bound; Python hands it on as rows."""

    order: str = ""
    empty: bool = True


def _columns(session: Session, *, model: str, attributes: list[str] | None = None) -> list[str]:
    return run.columns_named(session, model, attributes)


def _bound(session: Session, *, model: Name, tbl: Name, attributes: Names = None) -> list[dict[str, str]]:
    return [{"sql": run.extract_sql(session, model, tbl, attributes)}]


@function(
    {"attribute": "VARCHAR"},
    example="FROM xb.extract_table('values_home', shelf) LIMIT 3",
    handler=_bound,
    travels={"sql": "VARCHAR"},
    beside="tbl",
    further=_columns,
)
def extract_table(
    session: Session,
    model: Model,
    tbl: Annotated[pa.Table, Bound(), DATA],
    attributes: Annotated[
        Names, "the attributes that the titles are known to state; NULL gives every one that the model knows"
    ] = None,
) -> pa.Table:
    """Every column of the table and one more for each attribute, by its name: the value as the title states
    it, NULL where it states none. Where the table has a column of that name, '_1' is put behind it. For
    probabilities, places and canonical forms call xb.extract.
    """
    return run.extract_table(session, model, tbl, attributes)
