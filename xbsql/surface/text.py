"""Texts: embedded, compared, their language told."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa

from xbsql.session import text as texts
from xbsql.session.session import Session
from xbsql.surface.arguments import Name, Values
from xbsql.surface.function import function

Words = Annotated[pa.Array, Values("VARCHAR"), "a text"]
Vector = Annotated[pa.Array, Values("FLOAT[n] or FLOAT[]"), "a vector"]


@function("FLOAT[512]", example="SELECT title, xb.embed(title) AS vec FROM home LIMIT 3")
def embed(session: Session, text: Words, model: Annotated[Name, "the encoder"] = "text") -> pa.Array:
    """The sentence embedding of a text, of length one: the inner product of two is their similarity,
    across 16 languages. NULL gives NULL; equal texts are embedded once. Texts that look alike have one
    vector: HTML entities are characters, soft hyphens and zero-width characters are nothing, and a text
    wholly in capitals is read in the case that its words usually have.
    """
    return texts.embed(session, text, model)


@function("FLOAT", example="SELECT xb.similarity(xb.embed('red shoes'), xb.embed('rote Schuhe'))")
def similarity(
    session: Session,
    a: Vector,
    b: Annotated[Vector, "a vector of the same length"],
    metric: Annotated[Name, "'cosine', 'dot' or 'l2' (minus the squared distance)"] = "cosine",
) -> pa.Array:
    """Similarity of two vectors, larger is closer. NULL where one of them is NULL."""
    return texts.similarity(session, a, b, metric)


@function(
    "STRUCT(code VARCHAR, score DOUBLE)",
    example="SELECT xb.language('Kopfhoerer kabellos mit Mikrofon').code",
)
def language(session: Session, text: Words) -> pa.Array:
    """The language a text is written in (ISO 639-1) and how sure that is, 0 to 1. Short titles are
    uncertain.
    """
    return texts.language(session, text)
