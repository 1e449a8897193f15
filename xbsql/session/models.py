"""Models of one store: fitted, transferred, asked, measured, listed and dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from xbsql import errors, tasks
from xbsql.arrow import digest
from xbsql.harmonise.labels import of_one_label, refuse_written
from xbsql.progress import tell
from xbsql.session.cards import arm_rows, card_rows, model_row, shown_weights, verdict_card
from xbsql.session.fits import key_of
from xbsql.session.whole import check_answers
from xbsql.store.names import check_name, parted
from xbsql.tasks import road

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.session.session import Session
    from xbsql.store.model import Model
    from xbsql.tasks.task import Done, Task

BLOCK_ROWS = 131_072  # matrices of more rows leave the processor's cache: twice the time, and the memory
OF_TEXTS = {"extract": "xb.extract_table", "translate": "xb.translate_table"}
"""What whole tables are given to where a model answers neither classes nor numbers, by task."""

PREDICTION = pa.struct(
    [("predicted", pa.string()), *((name, pa.float64()) for name in ("value", "lo", "hi", "shift"))]
)


def classify(session: Session, reference: str, inputs: pa.Array) -> pa.Array:
    """STRUCT(label, score, runner_up, margin, shift) of each input: a text, or a row as STRUCT."""
    return ask(session, "classify", reference, inputs)


def predict(session: Session, reference: str, rows: pa.Array) -> pa.Array:
    """STRUCT(value, lo, hi, shift, version) of each row."""
    name, version = session.store.resolve("xb.predict", reference)
    model = session.model("xb.predict", f"{name}@{version}")
    found = _predict(session, "predict", model, reference, rows, task="predict")
    columns = {field.name: found.field(field.name) for field in found.type}
    columns["version"] = pa.repeat(pa.scalar(version, pa.int32()), len(found))
    return pa.StructArray.from_arrays(list(columns.values()), list(columns), mask=found.is_null())


def predict_table(session: Session, reference: str, rows: pa.Array, *, shift: bool = False) -> pa.Array:
    """STRUCT(predicted, value, lo, hi, shift) of each row.

    For classes `predicted` is the label and `value` its probability; `lo` and `hi` are NULL. For numbers
    `predicted` is NULL. `shift` is NULL unless it is asked for.
    """
    model = session.model("xb.predict_table", reference)
    fitted = model.signature.task
    if fitted in OF_TEXTS:
        problem = f"'{reference}' was fitted for {fitted}"
        raise errors.invalid("xb.predict_table", problem, f"use {OF_TEXTS[fitted]}")
    found = _predict(session, "predict_table", model, reference, rows, shift=shift)
    columns = {field.name: found.field(field.name) for field in found.type}
    if fitted == "classify":
        columns = {"predicted": columns["label"], "value": columns["score"], "shift": columns["shift"]}
    fields = [columns.get(field.name, pa.nulls(len(found), field.type)) for field in PREDICTION]
    return pa.StructArray.from_arrays(fields, fields=list(PREDICTION), mask=found.is_null())


def ask(session: Session, function: str, reference: str, inputs: pa.Array) -> pa.Array:
    """What a model says of each input, a text or a row as STRUCT; `function` names its task."""
    model = session.model(f"xb.{function}", reference)
    return _predict(session, function, model, reference, inputs, task=function)


def _predict(
    session: Session,
    function: str,
    model: Model,
    reference: str,
    inputs: pa.Array,
    task: str | None = None,
    *,
    shift: bool = True,
) -> pa.Array:
    fitted = model.signature.task
    if task not in (None, fitted):
        problem = f"'{reference}' was fitted for {fitted}"
        remedy = f"use xb.{fitted}" + (" or xb.predict_table" if fitted in ("classify", "predict") else "")
        raise errors.invalid(f"xb.{function}", problem, remedy)
    batch = model.signature.batch(f"xb.{function}", reference, inputs)
    with session.calls.record(function, reference, len(inputs)) as call:
        call.kernel = "blend"
        blocks = [batch.slice(at, BLOCK_ROWS) for at in range(0, max(len(batch), 1), BLOCK_ROWS)]
        try:
            return pa.concat_arrays([model.predict(block, shift=shift) for block in blocks])
        except errors.XbsqlError:
            raise
        except Exception as error:
            check_answers(reference, model, error)
            raise


def fit(
    session: Session,
    model: str,
    data: pa.Table,
    label: str,
    *,
    task: str = "auto",
    market: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Fit a model of one market and store it; one row a metric.

    The same data, label and options give the version that is already there.
    """
    where, given = "xb.fit", dict(options or {})
    check_name(where, model)
    kind = _task(where, task, data, label, given)
    content = digest(data)
    key = key_of(where, [content, label, task, market, given, kind.options.written(given)])

    def run() -> tuple[Model, dict[str, Any]]:
        fitted, report = road.fit(kind, data, label, market=market, options=given, progress=tell)
        return fitted, {"report": report, "market": market, "data": content}

    artifact, seconds = session.fits.once(where, model, key, len(data), label, run)
    return [
        {"model": artifact.name, "version": artifact.version, **row, "seconds": seconds}
        for row in artifact.card["report"]
    ]


def transfer(
    session: Session,
    model: str,
    data: pa.Table,
    label: str,
    *,
    base: str | None = None,
    source: pa.Table | None = None,
    market: str | None = None,
    method: str = "auto",
    options: Mapping[str, Any] | None = None,
    task: str = "auto",
) -> list[dict[str, Any]]:
    """Carry a home model (`base`) or home rows (`source`) to the market of `data`; one row an arm.

    Rows whose label is NULL are the unlabelled target.
    """
    where, given = "xb.transfer", dict(options or {})
    check_name(where, model)
    if base is None and source is None:
        raise errors.invalid(where, "neither base nor source is given", "name a home model or the home rows")
    home = None if base is None else session.model(where, base)
    task = home.signature.task if home and task == "auto" else task
    if task != "extract":  # whose attributes have names of their own in each market
        theirs = home.signature.label if home else None
        data, label, given = of_one_label(where, data, label, given, theirs, source)
    kind = _task(where, task, data if source is None or home else source, label, given)
    origin = None if base is None else session.store.artifact(where, base).card["key"]
    content = [digest(data), source and digest(source), origin, label, market, method]
    key = key_of(where, [*content, given, kind.options.written(given), task])

    def run() -> tuple[Model, dict[str, Any]]:
        from xbsql.session.crossing import prepared

        crossing = prepared(session, kind, data, label, home, source, given)
        found, done = road.transfer(
            kind, crossing.data, label, base=crossing.home, source=source, market=market, method=method,
            options=crossing.options, progress=tell,
        )  # fmt: skip
        fitted, verdict = crossing.arrived(found, done.verdict)
        weights = shown_weights(done.weights)
        return fitted, {
            "verdict": verdict_card(verdict), "weights": weights, "market": market, "base": base
        }  # fmt: skip

    artifact, seconds = session.fits.once(where, model, key, len(data), label, run)
    common = {"model": artifact.name, "version": artifact.version}
    rows = arm_rows(artifact.card["verdict"], artifact.card.get("weights", {}))
    return [{**common, **row, "seconds": seconds} for row in rows]


def evaluate(
    session: Session, reference: str, data: pa.Table, label: str | None, by: str | None
) -> list[dict[str, Any]]:
    """Metrics of a model on labelled rows, with intervals; one row a group and metric."""
    where = "xb.evaluate"
    model = session.model(where, reference)
    column = label or model.signature.label
    if column not in data.column_names:
        raise errors.unknown(where, "column", column, data.column_names, place="the table has")
    for name in model.signature.inputs.names:
        if name not in data.column_names:
            place = f"model '{reference}' reads it, and the table has"
            raise errors.unknown(where, "column", name, data.column_names, place=place)
    with session.calls.record("evaluate", reference, len(data)):
        return road.evaluate(tasks.task_named(where, model.signature.task), model, data, column, by)


def models(session: Session) -> list[dict[str, Any]]:
    """One row a version; a broken one says so in `note`."""
    rows: list[dict[str, Any]] = []
    for name in session.store.names():
        try:
            versions = session.store.versions(name)
        except errors.XbsqlError as error:  # a folder that cannot be a model's
            rows.append({"model": errors.shown(name), "note": str(error)})
            continue
        for version in versions:
            try:
                rows.append(model_row(session.store.artifact("xb.models", f"{name}@{version}")))
            except errors.XbsqlError as error:
                rows.append({"model": name, "version": version, "note": str(error)})
    return rows


def model_card(session: Session, reference: str) -> list[dict[str, str]]:
    """What a model is, as (section, key, value)."""
    found = session.store.artifact("xb.model_card", reference)
    return card_rows(found, session.model("xb.model_card", reference))


def promote(session: Session, name: str, version: str) -> list[dict[str, Any]]:
    """Let the bare name stand for a version."""
    check_name("xb.promote", name)
    return [model_row(session.store.promote(f"{name}@{version}"))]


def drop_model(session: Session, reference: str) -> list[dict[str, Any]]:
    """Remove a model, or one version of it, from the store and from memory."""
    name, _ = parted("xb.drop_model", reference)
    gone = session.store.drop(reference)
    session.forget(name, gone)
    return [{"model": name, "version": version} for version in gone]


def _task(where: str, task: str, data: pa.Table, label: str, options: Mapping[str, Any]) -> Task[Model, Done]:
    if label not in data.column_names:
        raise errors.unknown(where, "label column", label, data.column_names, place="the table has")
    if task == "auto":
        found = tasks.task_of(where, data.schema, label, options)
        refuse_written(where, data, label, found.name)
        return found
    return tasks.task_named(where, task)
