"""Models: DuckDB's columns -> a session's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.arrow import one_chunk
from xbsql.session import models as run
from xbsql.session import text as texts
from xbsql.surface.handlers.arguments import Column, Rows, constant, options_of, table, text_of

if TYPE_CHECKING:
    import pyarrow as pa

    from xbsql.session.session import Session


def embed(session: Session, given: Column, model: Column) -> pa.Array:
    return texts.embed(
        session, one_chunk(given), text_of("xb.embed", "model", model) if len(model) else "text"
    )


def similarity(session: Session, a: Column, b: Column, metric: Column) -> pa.Array:
    return texts.similarity(session, one_chunk(a), one_chunk(b), text_of("xb.similarity", "metric", metric))


def language(session: Session, given: Column) -> pa.Array:
    return texts.language(session, one_chunk(given))


def classify(session: Session, model: Column, inputs: Column) -> pa.Array:
    return run.classify(session, text_of("xb.classify", "model", model), one_chunk(inputs))


def predict(session: Session, model: Column, rows: Column) -> pa.Array:
    return run.predict(session, text_of("xb.predict", "model", model), one_chunk(rows))


def predict_table(session: Session, model: Column, shift: Column, rows: Column) -> pa.Array:
    where = "xb.predict_table"
    asked = bool(constant(where, "shift", shift))
    return run.predict_table(session, text_of(where, "model", model), one_chunk(rows), shift=asked)


def evaluate(session: Session, model: Column, label: Column, by: Column, data: Column) -> Rows:
    where = "xb.evaluate"
    return run.evaluate(
        session,
        text_of(where, "model", model),
        table(where, "tbl", data),
        constant(where, "label", label),
        constant(where, "by", by),
    )


def fit(
    session: Session,
    model: Column,
    label: Column,
    task: Column,
    market: Column,
    options: Column,
    data: Column,
) -> Rows:
    where = "xb.fit"
    return run.fit(
        session,
        text_of(where, "model", model),
        table(where, "data", data),
        text_of(where, "label", label),
        task=text_of(where, "task", task),
        market=constant(where, "market", market),
        options=options_of(where, options),
    )


def transfer(
    session: Session,
    model: Column,
    label: Column,
    base: Column,
    market: Column,
    method: Column,
    options: Column,
    data: Column,
    source: Column,
) -> Rows:
    where = "xb.transfer"
    home = table(where, "source", source, may_be_empty=True)
    return run.transfer(
        session,
        text_of(where, "model", model),
        table(where, "data", data),
        text_of(where, "label", label),
        base=constant(where, "base", base),
        source=None if home.column_names == ["_nothing"] else table(where, "source", source),
        market=constant(where, "market", market),
        method=text_of(where, "method", method),
        options=options_of(where, options),
    )


def promote(session: Session, model: Column, version: Column) -> Rows:
    name = text_of("xb.promote", "model", model)
    return run.promote(session, name, text_of("xb.promote", "version", version))


def drop_model(session: Session, model: Column) -> Rows:
    return run.drop_model(session, text_of("xb.drop_model", "model", model))


def models(session: Session, _: Column) -> Rows:
    return run.models(session)


def model_card(session: Session, model: Column) -> Rows:
    return run.model_card(session, text_of("xb.model_card", "model", model))


def last_calls(session: Session, _: Column) -> Rows:
    return session.calls.rows()


def selfcheck(session: Session, _: Column) -> Rows:
    from xbsql.session.checks import selfcheck

    return selfcheck(session)
