"""Texts translated by a stored model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.session.models import ask

if TYPE_CHECKING:
    import pyarrow as pa

    from xbsql.session.session import Session


def translate(session: Session, reference: str, texts: pa.Array) -> pa.Array:
    """STRUCT(text, score, from, changed_terms) of each text, or of each row as STRUCT."""
    return ask(session, "translate", reference, texts)
