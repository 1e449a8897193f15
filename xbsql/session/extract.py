"""Values of attributes out of titles, by models of the task 'extract'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from xbsql import errors
from xbsql.tasks.extract.model import Extraction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.session.session import Session

BLOCK = 4096
"""Titles that are looked at together."""


def extract(
    session: Session, reference: str, inputs: pa.Array, attributes: Sequence[str] | None = None
) -> pa.Array:
    """MAP(attribute, STRUCT(value, score, start, stop, canonical)) of each title, or row as STRUCT."""
    where = "xb.extract"
    model = _model(session, where, reference)
    batch = model.signature.batch(where, reference, inputs)
    with session.calls.record("extract", reference, len(inputs)) as call:
        call.kernel = "crf"
        blocks = [batch.slice(at, BLOCK) for at in range(0, max(len(batch), 1), BLOCK)]
        return pa.concat_arrays([model.asked(block, attributes) for block in blocks])


def _model(session: Session, where: str, reference: str) -> Extraction:
    """A model of the task 'extract'.

    Raises:
        XbsqlError: it was fitted for another task.
    """
    model = session.model(where, reference)
    if not isinstance(model, Extraction):
        problem = f"'{reference}' was fitted for {model.signature.task}"
        raise errors.invalid(where, problem, "name a model of the task 'extract'")
    return model

