"""Texts translated by a stored model, also only those that changed since; terms out of files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text
from xbsql.session.models import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.session.session import Session

TRANSLATED = pa.struct(
    [
        ("translated", pa.string()), ("score", pa.float64()), ("from", pa.string()),
        ("changed_terms", pa.list_(pa.string())), ("digest", pa.string()), ("outdated", pa.bool_()),
    ]
)  # fmt: skip
KEPT = ("digest", "translated", "score", "from", "changed_terms")
"""Columns of an earlier result that are taken over; the first two must be there."""


def translate(session: Session, reference: str, texts: pa.Array) -> pa.Array:
    """STRUCT(text, score, from, changed_terms) of each text, or of each row as STRUCT."""
    return ask(session, "translate", reference, texts)


def keep_done(session: Session, done: pa.Table, name: str) -> str:
    """Keep an earlier result under this name.

    Raises:
        XbsqlError: it has no digests or no translations.
    """
    where = "xb.translate_table"
    for column in KEPT[:2]:
        if column not in done.column_names:
            raise errors.unknown(where, "column", column, done.column_names, place="done has")
    session.translated.put(name, done.select([c for c in KEPT if c in done.column_names]))
    return name


def translate_table(
    session: Session, reference: str, rows: pa.Array, text: str | None, done: str | None
) -> pa.Array:
    """STRUCT(translated, score, from, changed_terms, digest, outdated) of each row.

    Args:
        session: where the model is.
        reference: the model.
        rows: as STRUCT.
        text: the column that is translated; None: the model's own.
        done: the name of an earlier result; None: there is none.

    Raises:
        XbsqlError: no such model or column, or the column is no text.
    """
    where = "xb.translate_table"
    column = text if text is not None else session.model(where, reference).signature.inputs.names[0]
    names = [field.name for field in rows.type]
    if column not in names:
        raise errors.unknown(where, "column", column, names, place="the table has")
    values = rows.field(names.index(column))
    if not is_text(values.type) and not pa.types.is_null(values.type):
        raise errors.invalid(where, f"column '{column}' holds {values.type}", f"cast it ({column}::VARCHAR)")
    texts = values.to_pylist()
    digests = [None if one is None else digest_of(one) for one in texts]
    known = _known(session, where, done)
    found = _fresh(session, reference, [t for t, d in zip(texts, digests, strict=True) if d not in known])
    answers = [
        None if one is None else {**known[digest], "outdated": False} if digest in known else found[one]
        for one, digest in zip(texts, digests, strict=True)
    ]
    return pa.array([a and {**a, "digest": d} for a, d in zip(answers, digests, strict=True)], TRANSLATED)


def digest_of(text: str) -> str:
    """What DuckDB's md5 says of a text."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _known(session: Session, where: str, done: str | None) -> dict[str | None, dict[str, Any]]:
    """Earlier translations by the digest of their source; NULL ones are done again."""
    if done is None:
        return {}
    kept = session.translated.get(done)
    if kept is None:
        raise errors.invalid(where, "done was dropped from memory meanwhile", "run the query again")
    rows = kept.to_pylist()
    return {row["digest"]: row for row in rows if row["digest"] and row["translated"] is not None}


def _fresh(session: Session, reference: str, texts: Sequence[str | None]) -> dict[str, dict[str, Any]]:
    distinct = list(dict.fromkeys(text for text in texts if text is not None))
    said = translate(session, reference, pa.array(distinct, pa.string())).to_pylist()
    return {
        text: {"translated": one.pop("text"), **one, "outdated": True}
        for text, one in zip(distinct, said, strict=True)
    }


def termbase(path: str, src: str | None, dst: str | None) -> list[dict[str, Any]]:
    """The rows of a file of terms."""
    from xbsql.translation.termbase import read_terms

    return [term._asdict() for term in read_terms(Path(path), src, dst)]
