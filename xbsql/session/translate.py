"""Texts translated by a stored model, also only those that changed since; terms out of files."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text
from xbsql.session.models import ask
from xbsql.store.names import parted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xbsql.session.session import Session

TRANSLATED = pa.struct(
    [
        ("translated", pa.string()), ("score", pa.float64()), ("from", pa.string()),
        ("changed_terms", pa.list_(pa.string())), ("digest", pa.string()), ("outdated", pa.bool_()),
        ("translator", pa.string()),
    ]
)  # fmt: skip
KEPT = ("digest", "translated", "score", "from", "changed_terms", "translator")
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
    session.translated.put(name, pa.table({c: _cast(where, done, c) for c in KEPT if c in done.column_names}))
    return name


def _cast(where: str, done: pa.Table, name: str) -> pa.ChunkedArray:
    """A column of an earlier result as this function gives it; lists that a file has as text are read.

    Raises:
        XbsqlError: its values are none of its type.
    """
    column, wanted = done[name], TRANSLATED.field(name).type
    try:
        if pa.types.is_list(wanted) and is_text(column.type):
            return pa.chunked_array([pa.array([_listed(each) for each in column.to_pylist()], wanted)])
        if pa.types.is_string(wanted) and pa.types.is_nested(column.type):
            raise pa.ArrowInvalid
        return column.cast(wanted)
    except pa.ArrowException as error:
        say = {"score": "DOUBLE", "changed_terms": "VARCHAR[]"}.get(name, "VARCHAR")
        problem = f"column '{name}' of done holds {column.type}, and not all of it can be {say}"
        raise errors.invalid(where, problem, f"give it as {say}") from error


def _listed(text: str | None) -> list[str] | None:
    """The list that DuckDB writes into a CSV as '[a, b]'; another text is a list of itself."""
    if text is None:
        return None
    bare = text.strip()
    if not (bare.startswith("[") and bare.endswith("]")):
        return [bare] if bare else []
    rows = csv.reader([bare[1:-1]], quotechar="'", escapechar="\\", skipinitialspace=True)
    return [each for row in rows for each in row]


def translate_table(
    session: Session, reference: str, rows: pa.Array, text: str | None, done: str | None
) -> pa.Array:
    """STRUCT(translated, score, from, changed_terms, digest, outdated, translator) of each row.

    Args:
        session: where the model is.
        reference: the model.
        rows: as STRUCT.
        text: the column that is translated; None: the model's own.
        done: the name of an earlier result; None: there is none.

    Raises:
        XbsqlError: no such model or column, the column is no text, or the earlier result is of another model.
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
    known = _known(session, reference, where, done, dict(zip(digests, texts, strict=True)))
    found = _fresh(session, reference, [t for t, d in zip(texts, digests, strict=True) if d not in known])
    answers = [
        None if one is None else {**known[digest], "outdated": False} if digest in known else found[one]
        for one, digest in zip(texts, digests, strict=True)
    ]
    name = parted(where, reference)[0]
    rows_ = [a and {**a, "digest": d, "translator": name} for a, d in zip(answers, digests, strict=True)]
    return pa.array(rows_, TRANSLATED)


def digest_of(text: str) -> str:
    """What DuckDB's md5 says of a text."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _known(
    session: Session, reference: str, where: str, done: str | None, texts: Mapping[str | None, str | None]
) -> dict[str | None, dict[str, Any]]:
    """Earlier translations of texts by their digests; NULL ones are done again.

    Of several translations of one text the one counts that the model does not give: a person wrote it.

    Raises:
        XbsqlError: there are several of these.
    """
    if done is None:
        return {}
    kept = session.translated.get(done)
    if kept is None:
        raise errors.invalid(where, "done was dropped from memory meanwhile", "run the query again")
    refuse_others(where, kept, parted(where, reference)[0])
    found: dict[str | None, dict[str, dict[str, Any]]] = {}
    for row in kept.to_pylist():
        if row["digest"] in texts and row["digest"] and row["translated"] is not None:
            found.setdefault(row["digest"], {})[row["translated"]] = row
    several = [digest for digest, rows in found.items() if len(rows) > 1]
    said = _fresh(session, reference, [texts[digest] for digest in several])
    for digest in several:
        text, rows = str(texts[digest]), found[digest]
        theirs = {each: row for each, row in rows.items() if each != said[text]["translated"]}
        if len(theirs) > 1:
            problem = f"done has {len(theirs)} different translations of '{errors.shown(text, 80)}'"
            raise errors.invalid(where, problem, "keep one of them")
        found[digest] = theirs
    return {digest: next(iter(rows.values())) for digest, rows in found.items()}


def refuse_others(where: str, done: pa.Table, name: str) -> None:
    """Refuse an earlier result of another model.

    Raises:
        XbsqlError: it is one.
    """
    names = done["translator"].unique().to_pylist() if "translator" in done.column_names else []
    other = next((each for each in names if each not in (None, name)), None)
    if other is not None:
        problem = f"done was translated by '{errors.shown(other, 80)}', not by '{errors.shown(name, 80)}'"
        raise errors.invalid(where, problem, f"give a result of '{errors.shown(name, 80)}'")


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
