"""Whether a model of the store fits together: its files may be as written, and what is in them may not be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import family_of
from xbsql.store.model import restore

if TYPE_CHECKING:
    from xbsql.store.model import Model, State


def restored(reference: str, state: State, task: str) -> Model:
    """The model of a state that was read from the store.

    Raises:
        XbsqlError: its parts do not fit together, or it is for another task than its card says.
    """
    try:
        found: Model = restore(state)
        fitted = found.signature.task
    except errors.XbsqlError as error:
        raise errors.broken_artifact(reference, f"does not fit together ({error.said})") from error
    except Exception as error:  # digests are right and values are not: no xbsql has written that
        problem = f"does not fit together ({type(error).__name__}: {errors.shown(error, 100)})"
        raise errors.broken_artifact(reference, problem) from error
    if fitted != task:
        raise errors.broken_artifact(reference, f"says that it is for {task}, and is for {fitted}")
    return found


def check_answers(reference: str, model: Model, error: Exception) -> None:
    """After an error: raise where the model cannot answer for one plain row either, so that it is to blame.

    Raises:
        XbsqlError: what is stored of the model does not fit together, though each file has its digest.
    """
    try:
        model.predict(_plain_row(model.signature.inputs))
    except Exception as again:
        problem = f"cannot answer ({type(error).__name__}: {errors.shown(error, 80)})"
        raise errors.broken_artifact(reference, problem) from again


def _plain_row(schema: pa.Schema) -> pa.RecordBatch:
    """One row of everyday values; NULL in a column of any other type."""
    values = {"number": 1, "text": "a", "boolean": True, "date": datetime(2024, 1, 1, tzinfo=UTC)}
    columns = []
    for field in schema:
        try:
            columns.append(pa.array([values.get(family_of(field.type))]).cast(field.type))
        except pa.ArrowException:
            columns.append(pa.nulls(1, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)
