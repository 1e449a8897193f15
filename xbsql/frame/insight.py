"""The insight family for Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.frame.space import FrameSpace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    import pyarrow as pa

    from xbsql.frame.space import Twin


class InsightFrames(FrameSpace):
    """Functions of a whole frame that look inside models and markets."""

    def explain(
        self, model: str, background: pl.LazyFrame | None = None, per_row: bool = True
    ) -> pl.LazyFrame:  # fmt: skip
        """row, label, feature, value, contribution: what each column adds to each prediction."""

        def run(call: Twin, rows: pa.Table) -> pa.Table:
            return call(model, rows, None if background is None else background.collect().to_arrow(), per_row)

        return self._rows("explain", run)

    def label_curve(
        self, model: str, label: str | None = None, options: Mapping[str, Any] | None = None
    ) -> pl.LazyFrame:  # fmt: skip
        """labels, arm, basis, metric, value, lo, hi: what labels of the frame bring."""
        return self._rows("label_curve", lambda call, rows: call(model, rows, label, options))

    def weights(
        self, target: pl.LazyFrame, method: str = "density_ratio", columns: Sequence[str] | None = None
    ) -> pl.LazyFrame:  # fmt: skip
        """row, weight: how much each row of the frame looks like the target."""
        return self._rows(
            "weights", lambda call, rows: call(rows, target.collect().to_arrow(), method, columns)
        )

    def domain_similarity(
        self, target: pl.LazyFrame, columns: Sequence[str] | None = None, model: str | None = None
    ) -> pl.LazyFrame:  # fmt: skip
        """measure, column, value: how alike the frame and the target are."""
        return self._rows(
            "domain_similarity", lambda call, rows: call(rows, target.collect().to_arrow(), columns, model)
        )
