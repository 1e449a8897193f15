"""A catalogue in another market: fields that are translated, the same everywhere, or the market's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import free_name, is_text
from xbsql.session.translate import digest_of, refuse_others, translate
from xbsql.store.names import parted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xbsql.session.session import Session

WHERE: Final = "xb.localise"
MARKS: Final = ("translated", "same", "market")
FURTHER: Final = {
    "scores": pa.map_(pa.string(), pa.float64()),
    "outdated": pa.list_(pa.string()),
    "digests": pa.map_(pa.string(), pa.string()),
    "translator": pa.string(),
}
"""What stands behind the table's own columns."""
SEVERAL: Final = "done has different rows whose {id} is '{value}'"
KEEP_ONE: Final = "keep one of them"
TEXTS: Final = '(VARCHAR|JSON|ENUM.*|"NULL")'
"""DuckDB's types of text."""


def localise(
    session: Session,
    reference: str,
    rows: pa.Table,
    fields: Mapping[str, Any] | None,
    id: str | None,
    done: pa.Table | None,
) -> pa.Table:
    """The table as another market has it.

    Args:
        session: where the model is.
        reference: the model.
        rows: any columns.
        fields: column -> 'translated', 'same' or 'market'; a column that is not named is the same.
        id: the column that says which row of `done` is which.
        done: an earlier result.

    Raises:
        XbsqlError: no such model, column or mark, no id beside `done`, or a `done` of another model.
    """
    marks = _marks(session, reference, fields, id, done is not None)
    for column in [*marks, *([id] if id else [])]:
        if column not in rows.column_names:
            raise errors.unknown(WHERE, "column", column, rows.column_names, place="the table has")
    earlier = _earlier(reference, done, id)
    before = [earlier.get(key) for key in rows[id].to_pylist()] if id else [None] * len(rows)
    told = [_Told() for _ in range(len(rows))]
    for column, mark in marks.items():
        place, values = rows.column_names.index(column), rows[column]
        if mark == "market":
            found = pa.array([None if old is None else old.get(column) for old in before], values.type)
        elif mark == "translated":
            found = _translated(session, reference, column, values, before, told)
        else:
            continue
        rows = rows.set_column(place, column, found)
    name = parted(WHERE, reference)[0]
    further = [
        [list(each.scores.items()) for each in told], [each.outdated for each in told],
        [list(each.digests.items()) for each in told], [name] * len(rows),
    ]  # fmt: skip
    for (column, kind), listed in zip(FURTHER.items(), further, strict=True):
        rows = rows.append_column(free_name(column, rows.column_names), pa.array(listed, kind))
    return rows


class _Told:
    """What is said of one row, by field."""

    def __init__(self) -> None:
        self.scores: dict[str, float | None] = {}
        self.digests: dict[str, str | None] = {}
        self.outdated: list[str] = []


def _translated(
    session: Session,
    reference: str,
    column: str,
    values: pa.ChunkedArray,
    before: Sequence[Mapping[str, Any] | None],
    told: Sequence[_Told],
) -> pa.Array:
    """A column in the target language; what an earlier result has of the same text is taken from there."""
    if not is_text(values.type) and not pa.types.is_null(values.type):
        raise errors.invalid(WHERE, *_no_text(column, str(values.type)))
    texts, out = values.to_pylist(), list[str | None]()
    known = [_known(old, column, text) for old, text in zip(before, texts, strict=True)]
    new = [t if old is None else None for t, old in zip(texts, known, strict=True)]
    answers = translate(session, reference, pa.array(new, pa.string())).to_pylist()
    for text, old, answer, each in zip(texts, known, answers, told, strict=True):
        each.digests[column] = None if text is None else digest_of(text)
        each.scores[column] = old[1] if old else answer["score"] if answer else None
        each.outdated += [column] if answer else []
        out.append(old[0] if old else answer["text"] if answer else None)
    return pa.array(out, pa.string())


def _no_text(column: str, kind: str) -> tuple[str, str]:
    """What is wrong with a column that shall be translated and is no text, and what to do."""
    problem = f"column '{column}' holds {kind}, and texts are translated"
    return problem, f"mark it 'same' or 'market', or cast it ({column}::VARCHAR)"


def _known(old: Mapping[str, Any] | None, column: str, text: str | None) -> tuple[str, float | None] | None:
    """How an earlier result has a text, and with what score; None where it has not."""
    if old is None or text is None or old.get(column) is None:
        return None
    if dict(old["digests"] or ()).get(column) != digest_of(text):
        return None
    return str(old[column]), dict(old.get("scores") or ()).get(column)


def _earlier(reference: str, done: pa.Table | None, id: str | None) -> dict[Any, dict[str, Any]]:
    """The rows of an earlier result by their id.

    Raises:
        XbsqlError: it has no digests, no id, different rows of one id, or is of another model.
    """
    if done is None or id is None:
        return {}
    for column in (id, "digests"):
        if column not in done.column_names:
            raise errors.unknown(WHERE, "column", column, done.column_names, place="done has")
    refuse_others(WHERE, done, parted(WHERE, reference)[0])
    found: dict[Any, dict[str, Any]] = {}
    for row in done.to_pylist():
        if row[id] is not None and found.setdefault(row[id], row) != row:
            raise errors.invalid(WHERE, SEVERAL.format(id=id, value=errors.shown(row[id], 80)), KEEP_ONE)
    return found


def _marks(
    session: Session, reference: str, fields: Mapping[str, Any] | None, id: str | None, done: bool
) -> dict[str, str]:
    """The marks, checked with the model and the id.

    Raises:
        XbsqlError: see `localise`.
    """
    model = session.model(WHERE, reference)
    if model.signature.task != "translate":
        problem = f"'{errors.shown(reference)}' was fitted for {model.signature.task}"
        raise errors.invalid(WHERE, problem, "name a model of the task 'translate'")
    marks = {str(column): mark for column, mark in (fields or {}).items()}
    for mark in marks.values():
        if mark not in MARKS:
            raise errors.unknown(WHERE, "mark of a field", errors.shown(mark), MARKS)
    if "translated" not in marks.values():
        raise errors.invalid(WHERE, "no field is translated", "mark one: fields := {'title': 'translated'}")
    if done and id is None:
        raise errors.invalid(WHERE, "done needs an id", "name the column that says which row is which")
    return marks


def localise_sql(
    session: Session,
    reference: str,
    tbl: str,
    fields: Mapping[str, Any] | None,
    id: str | None,
    done: str | None,
) -> str:
    """The query that `localise` is in SQL: DuckDB must know the columns before it runs."""
    marks = _marks(session, reference, fields, id, done is not None)
    own, name = session.calls.alias, parted(WHERE, reference)[0]
    texts = [column for column, mark in marks.items() if mark == "translated"]
    theirs = [column for column, mark in marks.items() if mark == "market"]
    kept = {c: _same_sql(c) for c in texts}
    kept |= {c: f"_xb_d.{_name(c)}" for c in theirs}
    kept |= {f"score of {c}": f"_xb_d.scores[{_text(c)}]" for c in texts}
    if done is None:
        kept = dict.fromkeys(texts, "NULL::VARCHAR")
        kept |= {c: f"CASE WHEN FALSE THEN _xb_t.{_name(c)} END" for c in theirs}
        kept |= {f"score of {c}": "NULL::DOUBLE" for c in texts}
        beside = ""
    else:
        key = _name(id or "")
        beside = f" LEFT JOIN ({_done_sql(done, id or '', name)}) _xb_d ON _xb_d.{key} = _xb_t.{key}"
    old = "{" + ", ".join(f"{_text(key)}: {said}" for key, said in kept.items()) + "}"
    asked = {c: f"CASE WHEN _xb_o.{_name(c)} IS NULL THEN {_spoken_sql(c)} END" for c in texts}
    now = (f"{_text(c)}: {own}.translate({_text(reference)}, {text})" for c, text in asked.items())
    new = "{" + ", ".join(now) + "}"
    said = [f'coalesce(_xb_o.{_name(c)}, _xb_n.{_name(c)}."text") AS {_name(c)}' for c in texts]
    said += [f"_xb_o.{_name(c)} AS {_name(c)}" for c in theirs]
    scores = ", ".join(f"coalesce(_xb_n.{_name(c)}.score, _xb_o.{_name(f'score of {c}')})" for c in texts)
    names = ", ".join(map(_text, texts))
    fresh = ", ".join(f"CASE WHEN _xb_n.{_name(c)} IS NOT NULL THEN {_text(c)} END" for c in texts)
    digests = ", ".join(f"md5(_xb_s.{_name(c)}::VARCHAR)" for c in texts)
    return (
        f"SELECT _xb_s.* EXCLUDE (_xb_o, _xb_n) REPLACE ({', '.join(said)}), "
        f"map([{names}], [{scores}]::DOUBLE[]) AS scores, "
        f"list_filter([{fresh}], lambda _xb_x: _xb_x IS NOT NULL) AS outdated, "
        f"map([{names}], [{digests}]) AS digests, {_text(name)} AS translator FROM "
        f"(SELECT *, {new} AS _xb_n FROM (SELECT _xb_t.*, {old} AS _xb_o "
        f"FROM query_table({_text(tbl)}) _xb_t{beside})) _xb_s"
    )


def _done_sql(done: str, id: str, name: str) -> str:
    """The query of an earlier result: one row an id, or an error."""
    key, own = _name(id), f"OVER (PARTITION BY {_name(id)})"
    other = _error_sql("done was translated by '{}', not by '" + name + "'", "translator")
    several = _error_sql("; ".join([SEVERAL.format(id=id, value="{}"), KEEP_ONE]), key)
    return (
        f"FROM query_table({_text(done)}) _xb_e WHERE {key} IS NOT NULL "
        f"AND CASE WHEN translator <> {_text(name)} THEN {other} ELSE TRUE END "
        f"QUALIFY row_number() {own} = 1 "
        f"AND CASE WHEN min(hash(_xb_e)) {own} <> max(hash(_xb_e)) {own} THEN {several} ELSE TRUE END"
    )


def _same_sql(column: str) -> str:
    """What an earlier result has of a text that has not changed since."""
    name = _name(column)
    same = f"_xb_d.digests[{_text(column)}] = md5(_xb_t.{name}::VARCHAR)"
    return f"CASE WHEN {same} THEN _xb_d.{name}::VARCHAR END"


def _spoken_sql(column: str) -> str:
    """A column of text, or an error."""
    name = _name(column)
    error = _error_sql("; ".join(_no_text(column, "{}")), f"typeof({name})")
    is_text = f"regexp_full_match(typeof({name}), {_text(TEXTS)})"
    return f"CASE WHEN {is_text} THEN {name}::VARCHAR ELSE {error} END"


def _error_sql(said: str, value: str) -> str:
    """SQL that fails with a line in which the value of an expression stands in place of '{}'."""
    before, _, after = f"{WHERE}: {said}".partition("{}")
    return f"error({_text(before)} || {value} || {_text(after)})"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
