"""Texts embedded, vectors compared and languages told with the encoder of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, matrix

if TYPE_CHECKING:
    from xbsql.session.session import Session


def embed(session: Session, texts: pa.Array, model: str) -> pa.Array:
    """FLOAT[512] of each text; NULL stays NULL.

    Raises:
        XbsqlError: the column is not text, or the encoder is unknown.
    """
    from xbsql.features.text import embed_array

    if not is_text(texts.type) and not pa.types.is_null(texts.type):
        raise errors.invalid("xb.embed", f"needs VARCHAR, got {texts.type}", "cast the column (col::VARCHAR)")
    encoder = session.encoder(model)
    with session.calls.record("embed", model, len(texts)) as call:
        call.device, call.kernel = encoder.device, "encoder"
        return embed_array(texts.cast(pa.string()) if pa.types.is_null(texts.type) else texts, encoder)


def similarity(session: Session, left: pa.Array, right: pa.Array, metric: str) -> pa.Array:
    """FLOAT of each pair of vectors, NULL where one is NULL.

    Raises:
        XbsqlError: not vectors, different lengths, or an unknown metric.
    """
    from xbsql.features import pairs

    if metric not in pairs.METRICS:
        raise errors.unknown("xb.similarity", "metric", metric, pairs.METRICS)
    a, left_there = matrix(left, "xb.similarity")
    b, right_there = matrix(right, "xb.similarity")
    both = left_there & right_there
    if a.shape[1] != b.shape[1] and both.any():
        problem = f"vectors of {a.shape[1]} and {b.shape[1]} numbers"
        raise errors.invalid("xb.similarity", problem, "embed both sides with one model")
    with session.calls.record("similarity", "", len(left)) as call:
        call.kernel = metric
        if not both.any():
            return pa.nulls(len(left), pa.float32())
        return pa.array(pairs.similarity(a, b, metric), mask=~both)


def language(session: Session, texts: pa.Array) -> pa.Array:
    """STRUCT(code, score) of each text; NULL stays NULL."""
    from xbsql.features.language import identify

    if not is_text(texts.type) and not pa.types.is_null(texts.type):
        problem = f"needs VARCHAR, got {texts.type}"
        raise errors.invalid("xb.language", problem, "cast the column (col::VARCHAR)")
    with session.calls.record("language", "", len(texts)) as call:
        call.kernel = "py3langid"
        codes, scores = identify(texts.to_pylist())
    fields = [pa.array(codes, pa.string()), pa.array(scores, pa.float64(), from_pandas=True)]
    return pa.StructArray.from_arrays(fields, ["code", "score"], mask=texts.is_null())
