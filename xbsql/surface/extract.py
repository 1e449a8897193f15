"""Extraction: the values of attributes in titles."""

from __future__ import annotations

from typing import Annotated, Final

import pyarrow as pa

from xbsql.session import extract as run
from xbsql.session.session import Session
from xbsql.surface.arguments import ModelOfRow, Names, Values
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
    return by_model(lambda *given: run.extract(*given, attributes), session, model, input)
