"""The model family for Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from xbsql.arrow import free_name
from xbsql.frame.connection import session_of
from xbsql.frame.space import ExpressionSpace, FrameSpace
from xbsql.session import models
from xbsql.session import text as texts
from xbsql.surface.functions.models import PREDICT_TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from xbsql.frame.space import Twin


class ModelExpressions(ExpressionSpace):
    """Functions of each row that models answer."""

    def embed(self, model: str = "text") -> pl.Expr:
        """Array(Float32, 512) of each text."""
        return self._map("embed", lambda session, given: texts.embed(session, given, model))

    def similarity(self, other: pl.Expr | str, metric: str = "cosine") -> pl.Expr:
        """Float32 of each pair of vectors."""
        b = pl.col(other) if isinstance(other, str) else other
        session = session_of("xb.similarity")

        def run(where: str, own: pa.Array, beside: pa.Array) -> pa.Array:
            return texts.similarity(session, own, beside, metric)

        return self._beside("similarity", run, b, kind=pl.Float32)

    def language(self) -> pl.Expr:
        """Struct(code, score) of each text."""
        return self._map("language", texts.language)

    def classify(self, model: str) -> pl.Expr:
        """Struct(label, score, runner_up, margin, shift) of each text, or of each row as a struct."""
        return self._map("classify", lambda session, inputs: models.classify(session, model, inputs))

    def predict(self, model: str) -> pl.Expr:
        """Struct(value, lo, hi, shift, version) of each row as a struct."""
        return self._map("predict", lambda session, rows: models.predict(session, model, rows))


class ModelFrames(FrameSpace):
    """Functions of a whole frame that make, use and measure models."""

    def predict_table(self, model: str, *, shift: bool = False) -> pl.LazyFrame:
        """Every column of the frame and predicted, value, lo, hi, shift; streamed."""
        row = ModelExpressions(pl.struct(pl.all()).alias("_xb"))
        found = row._map(
            "predict_table", lambda session, rows: models.predict_table(session, model, rows, shift=shift)
        )
        taken = self._frame.collect_schema().names()
        names = [free_name(field.name, taken) for field in PREDICT_TABLE.fields]
        return self._frame.with_columns(found.struct.rename_fields(names)).unnest("_xb")

    def evaluate(self, model: str, label: str | None = None, by: str | None = None) -> pl.LazyFrame:
        """Metrics of a model on labelled rows."""
        return self._rows("evaluate", lambda call, rows: call(model, rows, label, by))

    def fit(
        self, model: str, label: str, task: str = "auto", market: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """Fit a model on the frame and store it, when the result is collected."""
        return self._rows("fit", lambda call, rows: call(model, rows, label, task, market, options))

    def transfer(
        self, model: str, label: str, base: str | None = None, source: pl.LazyFrame | None = None,
        market: str | None = None, method: str = "auto", options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """Carry a home model or home rows to the frame's market, when the result is collected."""

        def run(call: Twin, rows: pa.Table) -> pa.Table:
            home = None if source is None else source.collect().to_arrow()
            return call(model, rows, label, base, home, market, method, options)

        return self._rows("transfer", run)
