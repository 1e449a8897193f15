"""Models: same names and arguments as in SQL, Arrow out, any number of rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from xbsql.arrow import one_chunk, widened
from xbsql.session import models as run
from xbsql.session import text as texts
from xbsql.session.checks import selfcheck as check
from xbsql.surface.duck import rows_of, session_of
from xbsql.surface.functions import models as functions

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    Values: TypeAlias = pa.Array | pa.ChunkedArray


def embed(con: DuckDBPyConnection, text: Values, model: str = "text") -> pa.FixedSizeListArray:
    """FLOAT[512] of each text, see `xb.embed`."""
    return texts.embed(session_of("xbsql.embed", con), one_chunk(text), model)


def similarity(con: DuckDBPyConnection, a: Values, b: Values, metric: str = "cosine") -> pa.Array:
    """Float32 of each pair of vectors, see `xb.similarity`."""
    return texts.similarity(session_of("xbsql.similarity", con), one_chunk(a), one_chunk(b), metric)


def language(con: DuckDBPyConnection, text: Values) -> pa.StructArray:
    """Code and score of each text, see `xb.language`."""
    return texts.language(session_of("xbsql.language", con), one_chunk(text))


def classify(con: DuckDBPyConnection, model: str, input: Values) -> pa.StructArray:
    """Label, score, runner_up, margin and shift of each input, see `xb.classify`."""
    return run.classify(session_of("xbsql.classify", con), model, one_chunk(input))


def predict(con: DuckDBPyConnection, model: str, row: Values) -> pa.StructArray:
    """Value, lo, hi, shift and version of each row, see `xb.predict`."""
    return run.predict(session_of("xbsql.predict", con), model, one_chunk(row))


def predict_table(con: DuckDBPyConnection, model: str, tbl: object, shift: bool = False) -> pa.Table:
    """Every column of a table and the prediction, rows in the table's own order, see `xb.predict_table`."""
    rows = rows_of("xbsql.predict_table", con, tbl, ordered=False)
    inputs = one_chunk(rows.to_struct_array())
    found = run.predict_table(session_of("xbsql.predict_table", con), model, inputs, shift=shift)
    return widened(rows, dict(zip(found.type.names, found.flatten(), strict=True)))


def evaluate(
    con: DuckDBPyConnection, model: str, tbl: object, label: str | None = None, by: str | None = None
) -> pa.Table:
    """Metrics of a model on labelled rows, see `xb.evaluate`."""
    session = session_of("xbsql.evaluate", con)
    rows = run.evaluate(session, model, rows_of("xbsql.evaluate", con, tbl), label, by)
    return functions.EVALUATE.table(rows)


def fit(
    con: DuckDBPyConnection,
    model: str,
    data: object,
    label: str,
    task: str = "auto",
    market: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> pa.Table:
    """Fit a model on one market and store it, see `xb.fit`."""
    session = session_of("xbsql.fit", con)
    rows = rows_of("xbsql.fit", con, data)
    return functions.FIT.table(
        run.fit(session, model, rows, label, task=task, market=market, options=options)
    )


def transfer(
    con: DuckDBPyConnection,
    model: str,
    data: object,
    label: str,
    base: str | None = None,
    source: object | None = None,
    market: str | None = None,
    method: str = "auto",
    options: Mapping[str, Any] | None = None,
) -> pa.Table:
    """Carry a home market to another and say whether that helped, see `xb.transfer`."""
    where = "xbsql.transfer"
    rows = run.transfer(
        session_of(where, con),
        model,
        rows_of(where, con, data),
        label,
        base=base,
        source=None if source is None else rows_of(where, con, source),
        market=market,
        method=method,
        options=options,
    )
    return functions.TRANSFER.table(rows)


def promote(con: DuckDBPyConnection, model: str, version: int) -> pa.Table:
    """Let the bare name stand for a version, see `xb.promote`."""
    return functions.PROMOTE.table(run.promote(session_of("xbsql.promote", con), model, str(version)))


def drop_model(con: DuckDBPyConnection, model: str) -> pa.Table:
    """Remove a model or one version of it, see `xb.drop_model`."""
    return functions.DROP_MODEL.table(run.drop_model(session_of("xbsql.drop_model", con), model))


def models(con: DuckDBPyConnection) -> pa.Table:
    """Every version of every model, see `xb.models`."""
    return functions.MODELS.table(run.models(session_of("xbsql.models", con)))


def model_card(con: DuckDBPyConnection, model: str) -> pa.Table:
    """All that is known of a model, see `xb.model_card`."""
    return functions.MODEL_CARD.table(run.model_card(session_of("xbsql.model_card", con), model))


def last_calls(con: DuckDBPyConnection) -> pa.Table:
    """What ran of late, newest first, see `xb.last_calls`."""
    return functions.LAST_CALLS.table(session_of("xbsql.last_calls", con).calls.rows())


def selfcheck(con: DuckDBPyConnection) -> pa.Table:
    """Whether this installation works, see `xb.selfcheck`."""
    return functions.SELFCHECK.table(check(session_of("xbsql.selfcheck", con)))
