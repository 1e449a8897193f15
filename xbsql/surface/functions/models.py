"""Models in SQL, as data: what reads rows, fits, transfers, predicts and keeps models."""

from __future__ import annotations

from xbsql.surface.function import DATA as _DATA
from xbsql.surface.function import Argument, Function
from xbsql.surface.function import rows_type as _rows
from xbsql.surface.handlers import models as handlers

_MODEL = Argument("model", "VARCHAR: 'name' for the promoted version, 'name@3' for exactly that one")
_NEW_MODEL = Argument("model", "VARCHAR: the name to store it under")
_OPTIONS = Argument(
    "options", "STRUCT: text, ignore (lists of columns), seed and more, see docs/options.md", "{}"
)
_MARKET = Argument("market", "VARCHAR: the market the rows come from, for the model card", "NULL")

EMBED = Function(
    "embed",
    "row",
    (Argument("text", "VARCHAR"), Argument("model", "VARCHAR: the encoder", "'text'")),
    "FLOAT[512]",
    "The sentence embedding of a text, of length one: the inner product of two is their similarity, across "
    "16 languages. NULL gives NULL; equal texts are embedded once.",
    "SELECT title, xb.embed(title) AS vec FROM home LIMIT 3",
    handlers.embed,
)
SIMILARITY = Function(
    "similarity",
    "row",
    (
        Argument("a", "FLOAT[n] or FLOAT[]"),
        Argument("b", "same length as a"),
        Argument("metric", "VARCHAR: 'cosine', 'dot' or 'l2' (minus the squared distance)", "'cosine'"),
    ),
    "FLOAT",
    "Similarity of two vectors, larger is closer. NULL where one of them is NULL.",
    "SELECT xb.similarity(xb.embed('red shoes'), xb.embed('rote Schuhe'))",
    handlers.similarity,
)
LANGUAGE = Function(
    "language",
    "row",
    (Argument("text", "VARCHAR"),),
    "STRUCT(code VARCHAR, score DOUBLE)",
    "The language a text is written in (ISO 639-1) and how sure that is, 0 to 1. Short titles are uncertain.",
    "SELECT xb.language('Kopfhoerer kabellos mit Mikrofon').code",
    handlers.language,
)
CLASSIFY = Function(
    "classify",
    "row",
    (_MODEL, Argument("input", "VARCHAR, or a whole row as STRUCT where the model reads several columns")),
    "STRUCT(label VARCHAR, score DOUBLE, runner_up VARCHAR, margin DOUBLE, shift DOUBLE)",
    "The class of an input with its probability, the second best class, the distance between the two, and "
    "how far the input lies from what the model was fitted on (0 to 1). NULL gives NULL. A model fitted with "
    "the option `abstain` leaves `label` NULL where the probability is below it.",
    "SELECT title, xb.classify('category_home', title).label FROM japan LIMIT 3",
    handlers.classify,
)
PREDICT = Function(
    "predict",
    "row",
    (_MODEL, Argument("row", "the whole row as STRUCT, or the one column that the model reads")),
    "STRUCT(value DOUBLE, lo DOUBLE, hi DOUBLE, shift DOUBLE, version INTEGER)",
    "The number that a model expects for a row, the interval that holds the truth for 90 % of its "
    "market's rows (another share by the option `level`), how far the row lies from what the model was "
    "fitted on (0 to 1), and the version that answered. `lo` and `hi` are NULL where there were too few "
    "labels to measure them, and `value` too where a model with the option `abstain` finds the row too far "
    "out; a row whose inputs are all NULL gives NULL.",
    "FROM parcels t SELECT weight, xb.predict('days_home', t).value LIMIT 3",
    handlers.predict,
)
PREDICT_TABLE = Function(
    "predict_table",
    "set",
    (
        _MODEL,
        Argument("tbl", _DATA),
        Argument(
            "shift", "BOOLEAN: whether to measure how far each row lies out; it doubles the time", "false"
        ),
    ),
    "STRUCT(predicted VARCHAR, value DOUBLE, lo DOUBLE, hi DOUBLE, shift DOUBLE)",
    "Every column of the table and the prediction. Classes: the class in `predicted` and its probability in "
    "`value`. Numbers: the number in `value`, its interval in `lo` and `hi`, and `predicted` is NULL. "
    "`shift` is NULL unless it is asked for. Where the table has such a column the new one is `value_1`.",
    "FROM xb.predict_table('category_home', japan) LIMIT 3",
    handlers.predict_table,
)
EVALUATE = Function(
    "evaluate",
    "set",
    (
        _MODEL,
        Argument("tbl", f"{_DATA}; rows without a label do not count"),
        Argument("label", "VARCHAR: the label column; NULL for the one the model was fitted on", "NULL"),
        Argument("by", "VARCHAR: a column, one group of rows a value; of a forecast 'step'", "NULL"),
    ),
    _rows(group="VARCHAR", metric="VARCHAR", value="DOUBLE", lo="DOUBLE", hi="DOUBLE", rows="BIGINT"),
    "Metrics on labelled rows, with 95 % bootstrap intervals. Group NULL is all rows. Classes: accuracy, "
    "macro_f1, log_loss, calibration_error, and auc where there are two. Numbers: r2, mae, rmse, and "
    "coverage, the share of labels from `lo` to `hi`. A model that abstains has these over every row, and "
    "answered, the share it answers, with accuracy_answered or mae_answered. A metric that a group leaves "
    "undefined is NULL. Forecasts, of the last steps of each series from what came before: mase, rmsse, "
    "smape, wape, pinball, coverage, bias.",
    "FROM xb.evaluate('category_home', japan, 'category')",
    handlers.evaluate,
)
FIT = Function(
    "fit",
    "action",
    (
        _NEW_MODEL,
        Argument("data", _DATA),
        Argument("label", "VARCHAR: the label column; rows where it is NULL are left out"),
        Argument(
            "task",
            "VARCHAR: 'classify' (text, booleans), 'predict' (numbers), 'forecast' (numbers in series: with "
            "columns unique_id and ds, or the option ts); 'auto' goes by what is in brackets",
            "'auto'",
        ),
        _MARKET,
        _OPTIONS,
    ),
    _rows(
        model="VARCHAR",
        version="INTEGER",
        metric="VARCHAR",
        value="DOUBLE",
        lo="DOUBLE",
        hi="DOUBLE",
        rows="BIGINT",
        seconds="DOUBLE",
        note="VARCHAR",
    ),
    "Fit a model on one market, store it and promote it; the metrics are out of fold. The same call on the "
    "same data gives the version that is already there.",
    "CALL xb.fit('category_home', home, 'category', market := 'US')",
    handlers.fit,
    effects=True,
)
TRANSFER = Function(
    "transfer",
    "action",
    (
        _NEW_MODEL,
        Argument("data", f"the target: {_DATA}; rows whose label is NULL are unlabelled"),
        Argument("label", "VARCHAR: the label column, of the same name on both sides"),
        Argument("base", "VARCHAR: a model of the home market", "NULL"),
        Argument("source", "the home market's rows, where they may still be read", "xb._nothing"),
        _MARKET,
        Argument("method", "VARCHAR: 'auto', a family or a candidate", "'auto'"),
        _OPTIONS,
    ),
    _rows(
        model="VARCHAR",
        version="INTEGER",
        arm="VARCHAR",
        metric="VARCHAR",
        value="DOUBLE",
        lo="DOUBLE",
        hi="DOUBLE",
        verdict="VARCHAR",
        basis="VARCHAR",
        gain="DOUBLE",
        gain_lo="DOUBLE",
        gain_hi="DOUBLE",
        labels="BIGINT",
        labels_saved="DOUBLE",
        reason="VARCHAR",
        seconds="DOUBLE",
        note="VARCHAR",
    ),
    "Carry the home market to the target: fit every way to use it, weigh them by out-of-fold evidence on the "
    "target's labels, store the blend and say whether the source helped. One row an arm (target only, source "
    "only, pooled, blend), the verdict beside each.",
    "CALL xb.transfer('category_jp', japan, 'category', base := 'category_home', market := 'JP')",
    handlers.transfer,
    effects=True,
)
PROMOTE = Function(
    "promote",
    "action",
    (Argument("model", "VARCHAR"), Argument("version", "INTEGER")),
    _rows(model="VARCHAR", version="INTEGER", promoted="BOOLEAN"),
    "Let the bare name stand for this version.",
    "CALL xb.promote('category_home', 1)",
    handlers.promote,
    effects=True,
)
DROP_MODEL = Function(
    "drop_model",
    "action",
    (Argument("model", "VARCHAR: 'name' for every version, 'name@3' for one"),),
    _rows(model="VARCHAR", version="INTEGER"),
    "Remove a model from the store and from memory; one row a removed version.",
    "CALL xb.drop_model('category_jp')",
    handlers.drop_model,
    effects=True,
)
MODELS = Function(
    "models",
    "set",
    (),
    _rows(
        model="VARCHAR",
        version="INTEGER",
        promoted="BOOLEAN",
        task="VARCHAR",
        label="VARCHAR",
        market="VARCHAR",
        base="VARCHAR",
        verdict="VARCHAR",
        rows="BIGINT",
        bytes="BIGINT",
        created="VARCHAR",
        note="VARCHAR",
    ),
    "Every version of every model in the store; a broken one says what is wrong with it in `note`.",
    "FROM xb.models()",
    handlers.models,
    effects=True,
)
MODEL_CARD = Function(
    "model_card",
    "set",
    (_MODEL,),
    _rows(section="VARCHAR", key="VARCHAR", value="VARCHAR"),
    "All that is known of a model: inputs, origin, metrics, arms and verdict, notes, files.",
    "FROM xb.model_card('category_home')",
    handlers.model_card,
    effects=True,
)
LAST_CALLS = Function(
    "last_calls",
    "set",
    (),
    _rows(
        at="TIMESTAMP",
        function="VARCHAR",
        model="VARCHAR",
        rows="BIGINT",
        batches="BIGINT",
        mean_batch="DOUBLE",
        device="VARCHAR",
        kernel="VARCHAR",
        seconds="DOUBLE",
        note="VARCHAR",
    ),
    "What ran of late, newest first: rows, batches, device, kernel, seconds, and advice where batches are "
    "tiny. Batches of one function less than half a second apart are one line.",
    "FROM xb.last_calls() LIMIT 5",
    handlers.last_calls,
    effects=True,
)
SELFCHECK = Function(
    "selfcheck",
    "set",
    (),
    _rows(name="VARCHAR", ok="BOOLEAN", detail="VARCHAR"),
    "Whether this installation works: versions, encoder weights, store, kernels against their reference.",
    "FROM xb.selfcheck()",
    handlers.selfcheck,
    effects=True,
)

MODEL_FUNCTIONS: tuple[Function, ...] = (
    EMBED,
    SIMILARITY,
    LANGUAGE,
    CLASSIFY,
    PREDICT,
    PREDICT_TABLE,
    EVALUATE,
    FIT,
    TRANSFER,
    PROMOTE,
    DROP_MODEL,
    MODELS,
    MODEL_CARD,
    LAST_CALLS,
    SELFCHECK,
)
