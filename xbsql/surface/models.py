"""Models: what fits, transfers, predicts, measures and keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.session import models as run
from xbsql.session.checks import selfcheck as check
from xbsql.session.session import Session
from xbsql.surface.arguments import (
    DATA,
    Column,
    Each,
    Flag,
    Given,
    Market,
    Model,
    ModelOfRow,
    Name,
    Rows,
    Text,
    Values,
    Whole,
    existing,
)
from xbsql.surface.checks import constant
from xbsql.surface.function import Columns, Helper, function

if TYPE_CHECKING:
    from collections.abc import Callable

    Found = list[dict[str, Any]]

NewModel = Annotated[Name, "the name to store it under"]
Origin = Annotated[Market, "the country code of the market that the rows come from, for the model card"]
Options = Annotated[
    Given, "text, ignore (lists of columns), seed and more, see xb.options and docs/options.md"
]

METRIC: Columns = {"metric": "VARCHAR", "value": "DOUBLE", "lo": "DOUBLE", "hi": "DOUBLE"}
VERSION: Columns = {"model": "VARCHAR", "version": "INTEGER"}
PREDICTED: Columns = {
    "predicted": "VARCHAR", "value": "DOUBLE", "lo": "DOUBLE", "hi": "DOUBLE", "shift": "DOUBLE",
}  # fmt: skip
ARM: Columns = {
    "verdict": "VARCHAR", "basis": "VARCHAR", "gain": "DOUBLE", "gain_lo": "DOUBLE", "gain_hi": "DOUBLE",
    "labels": "BIGINT", "labels_saved": "DOUBLE", "reason": "VARCHAR", "seconds": "DOUBLE", "note": "VARCHAR",
    "weights": "VARCHAR",
}  # fmt: skip
LISTED: Columns = {
    "promoted": "BOOLEAN", "task": "VARCHAR", "label": "VARCHAR", "market": "VARCHAR", "base": "VARCHAR",
    "verdict": "VARCHAR", "rows": "BIGINT", "bytes": "BIGINT", "created": "VARCHAR", "note": "VARCHAR",
}  # fmt: skip
CALL: Columns = {
    "at": "TIMESTAMP", "function": "VARCHAR", "model": "VARCHAR", "rows": "BIGINT", "batches": "BIGINT",
    "mean_batch": "DOUBLE", "device": "VARCHAR", "kernel": "VARCHAR", "seconds": "DOUBLE", "note": "VARCHAR",
}  # fmt: skip


@function(
    "STRUCT(label VARCHAR, score DOUBLE, runner_up VARCHAR, margin DOUBLE, shift DOUBLE, path VARCHAR[], "
    "level INTEGER, scores DOUBLE[], best STRUCT(label VARCHAR, score DOUBLE)[])",
    example="SELECT title, xb.classify('category_home', title).label FROM japan LIMIT 3",
)
def classify(
    session: Session,
    model: ModelOfRow,
    input: Annotated[
        pa.Array,
        Values("VARCHAR, BLOB or STRUCT"),
        "a text, a picture, or a row where the model reads several columns",
    ],
) -> pa.Array:
    """The class of an input with its probability, the second best class, the distance between the two,
    and how far the input lies from what the model was fitted on (0 to 1). NULL gives NULL. A model
    fitted with the option `abstain` leaves `label` NULL where the probability is below it. Of a model
    whose labels are paths (option `levels`) `label` is the deepest node that is sure, NULL where not even
    the first level is; `path` holds its names and `level` how many they are, `scores` the probability of
    the likeliest node at every level, also below that, and `best` the likeliest labels of all. Of other
    models these four are NULL.
    """
    return by_model(run.classify, session, model, input)


@function(
    "STRUCT(value DOUBLE, lo DOUBLE, hi DOUBLE, shift DOUBLE, version INTEGER)",
    example="FROM parcels t SELECT weight, xb.predict('days_home', t).value LIMIT 3",
)
def predict(
    session: Session,
    model: ModelOfRow,
    row: Annotated[pa.Array, Values("STRUCT"), "the whole row, or the one column that the model reads"],
) -> pa.Array:
    """The number that a model expects for a row, the interval that holds the truth for 90 % of its market's
    rows (another share by the option `level`), how far the row lies from what the model was fitted on (0 to
    1), and the version that answered. `lo` and `hi` are NULL where there were too few labels to measure
    them, and `value` too where a model with the option `abstain` finds the row too far out; a row whose
    inputs are all NULL gives NULL.
    """
    return by_model(run.predict, session, model, row)


@function(PREDICTED, example="FROM xb.predict_table('category_home', japan) LIMIT 3")
def predict_table(
    session: Session,
    model: Annotated[Model, existing("predict_table")],
    tbl: Annotated[pa.Array, Each(), DATA],
    shift: Annotated[Flag, "whether to measure how far each row lies out; it doubles the time"] = False,
) -> pa.Array:
    """Every column of the table and the prediction. Classes: the class in `predicted` and its probability in
    `value`. Numbers: the number in `value`, its interval in `lo` and `hi`, and `predicted` is NULL. `shift`
    is NULL unless it is asked for. Where the table has a column `value` the new one is `value_1`.
    """
    return run.predict_table(session, model, tbl, shift=shift)


@function(
    {"group": "VARCHAR", **METRIC, "rows": "BIGINT"},
    example="FROM xb.evaluate('category_home', japan, 'category')",
)
def evaluate(
    session: Session,
    model: Model,
    tbl: Annotated[pa.Table, Rows(), f"{DATA}; rows without a label do not count"],
    label: Annotated[Text, "the label column; NULL for the one the model was fitted on"] = None,
    by: Annotated[
        Text,
        "a column, one group of rows a value; of a forecast 'step', of an extraction 'attribute' or 'kind', "
        "of a recommender 'length'",
    ] = None,
) -> Found:
    """Measure a model on labelled rows, with 95 % bootstrap intervals. Where `group` is NULL the row is
    of all rows. Classes have accuracy, macro_f1, log_loss, calibration_error, and auc where there are
    two. Numbers have r2, mae, rmse, and coverage, the share of labels from `lo` to `hi`. A model that
    abstains has these over every row, and answered, the share it answers, with accuracy_answered or
    mae_answered; so has a classifier where some rows hold nothing that can be read. Where the model was
    fitted on some of these rows, 'seen' is their share: what it says of them says little of others. A
    metric that a group leaves undefined is NULL. Of more rows times classes than 40 million some rows are
    drawn, `rows` says how many. A forecast is made of the last steps of each series from
    what came before, and has mase, rmsse, smape, wape, pinball, coverage and bias. An extraction has f1,
    precision and recall of what the titles may have, and f1_asked, precision_asked and recall_asked where
    each is asked for the attributes that its rows name.
    """
    return run.evaluate(session, model, tbl, label, by)


@function(
    {**VERSION, **METRIC, "rows": "BIGINT", "seconds": "DOUBLE", "note": "VARCHAR"},
    example="CALL xb.fit('category_home', home, 'category', market := 'US')",
    action=True,
)
def fit(
    session: Session,
    model: NewModel,
    data: Annotated[pa.Table, Rows(), DATA],
    label: Annotated[Name, "the label column; rows where it is NULL are left out"],
    task: Annotated[
        Name,
        "'classify' (text, booleans), 'predict' (numbers), 'forecast' (numbers in series: with columns "
        "unique_id and ds, or the option ts), 'extract' (values of attributes in titles: with columns title "
        "and attribute, or the option attributes), 'recommend' (items; with the option user), 'translate' "
        "(pairs of texts, where it is named), 'profile' (next spend or return of customers; of amounts of "
        "sales, where it is named); 'auto' goes by what is in brackets",
    ] = "auto",
    market: Origin = None,
    options: Options = None,
) -> Found:
    """Fit a model on one market, store it and promote it. One row a metric, which is measured out of
    fold, with its 95 % interval; `note` says what the data may not mean. The same call on the same data
    gives the version that is already there.
    """
    return run.fit(session, model, data, label, task=task, market=market, options=options)


@function(
    {**VERSION, "arm": "VARCHAR", **METRIC, **ARM},
    example="CALL xb.transfer('category_jp', japan, 'category', base := 'category_home', market := 'JP')",
    action=True,
)
def transfer(
    session: Session,
    model: NewModel,
    data: Annotated[
        pa.Table, Rows(empty=True), f"the target: {DATA}; rows whose label is NULL are unlabelled"
    ],
    label: Annotated[
        Name, "the label column, as the target or as home calls it; the option `align` pairs two names"
    ],
    base: Annotated[Text, "a model of the home market"] = None,
    source: Annotated[
        pa.Table | None, Rows(optional=True), "the home market's rows, where they may still be read"
    ] = None,
    market: Origin = None,
    method: Annotated[Name, "'auto', a family or a candidate"] = "auto",
    options: Options = None,
    task: Annotated[Name, "as in xb.fit; with a base 'auto' is its task"] = "auto",
) -> Found:
    """Carry the home market to the target: fit every way to use it, weigh them by out-of-fold evidence on the
    target's labels, store the blend and say whether the source helped. One row an arm (target only, source
    only, pooled, blend), the verdict and the weights of the candidates beside each.
    """
    return run.transfer(
        session, model, data, label, base=base, source=source, market=market, method=method, options=options,
        task=task,
    )  # fmt: skip


@function(
    {**VERSION, "promoted": "BOOLEAN"}, example="CALL xb.promote('category_home', 1)", action=True
)  # fmt: skip
def promote(
    session: Session,
    model: Annotated[Name, "its name, without a version"],
    version: Annotated[Whole, "the version that it shall stand for"],
) -> Found:
    """Let the bare name stand for this version."""
    return run.promote(session, model, str(version))


@function(VERSION, example="CALL xb.drop_model('category_jp')", action=True)
def drop_model(
    session: Session, model: Annotated[Name, "'name' for every version, 'name@3' for one"]
) -> Found:  # fmt: skip
    """Remove a model from the store and from memory; one row a removed version."""
    return run.drop_model(session, model)


@function({**VERSION, **LISTED}, example="FROM xb.models()")
def models(session: Session) -> Found:
    """Every version of every model in the store; a broken one says what is wrong with it in `note`."""
    return run.models(session)


@function(
    {"section": "VARCHAR", "key": "VARCHAR", "value": "VARCHAR"},
    example="FROM xb.model_card('category_home')",
)
def model_card(session: Session, model: Model) -> Found:
    """All that is known of a model: inputs, origin, metrics, arms and verdict, notes, files."""
    return run.model_card(session, model)


@function(CALL, example="FROM xb.last_calls() LIMIT 5", logged=False)
def last_calls(session: Session) -> Found:
    """What ran of late, newest first: rows, batches, device, kernel, seconds, and advice where batches are
    tiny. Batches of one function less than half a second apart are one line.
    """
    return session.calls.rows()


@function({"name": "VARCHAR", "ok": "BOOLEAN", "detail": "VARCHAR"}, example="FROM xb.selfcheck()")
def selfcheck(session: Session) -> Found:
    """Whether this installation works: versions, encoder weights, store, kernels against their reference."""
    return check(session)


def _existing(session: Session, of: Column, model: Column) -> pa.Array:
    """The name of a model that is there, for a function that asks it of every row."""
    where = f"{session.calls.alias}.{constant('xb', 'of', of)}"
    name = existing("").of_column(where, "model", model)
    session.store.resolve(where, name)
    return pa.array([name] * len(model), pa.string())


HELPERS = (Helper("existing", "VARCHAR", _existing),)


def by_model(
    ask: Callable[[Session, str, pa.Array], pa.Array], session: Session, model: str | pa.Array, rows: pa.Array
) -> pa.Array:
    """What each row's own model says of it; each model is asked once, for its rows together."""
    if isinstance(model, str):
        return ask(session, model, rows)
    if len(model) != len(rows):
        problem = f"{len(model)} models for {len(rows)} rows"
        raise errors.invalid("xb", problem, "give one model, or one for each row")
    coded = model.dictionary_encode()
    codes, names = np.asarray(coded.indices), coded.dictionary.to_pylist()
    places = [np.flatnonzero(codes == code) for code in range(len(names))]
    with session.calls.record("", ", ".join(sorted(names)), len(rows)):
        found = [ask(session, name, rows.take(own)) for name, own in zip(names, places, strict=True)]
    return pa.concat_arrays(found).take(pa.array(np.argsort(np.concatenate(places))))
