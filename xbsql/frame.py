"""xbsql for Polars: `.xb` on expressions and frames, once this module is imported.

    import xbsql.frame

    xbsql.frame.use("shop.duckdb.xbsql")
    lazy.with_columns(pl.col("title").xb.classify("category_jp"))

Everything is lazy, and every schema is known before anything runs. Row functions take Polars' own buffers and
run in the streaming engine; what needs a whole table (`fit`, `duplicates` ...) takes it when the result is
collected. A DataFrame has the methods of a LazyFrame, and they give a LazyFrame too. A Series has the methods
of an expression, and they give a Series at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from xbsql.surface.frames import use
from xbsql.surface.polars import Expressions, Frames

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Expressions", "Frames", "OneSeries", "use"]


class OneSeries:
    """The methods of `Expressions` for a series; a further series is one value a row."""

    def __init__(self, series: pl.Series) -> None:
        self._series = series

    def __getattr__(self, name: str) -> Callable[..., pl.Series]:
        """The method of this name.

        Raises:
            AttributeError: expressions have no such method.
        """
        method = getattr(Expressions(pl.col("value")), name)

        def called(*arguments: object, **named: object) -> pl.Series:
            given = [pl.lit(a) if isinstance(a, pl.Series) else a for a in arguments]
            more = {n: pl.lit(a) if isinstance(a, pl.Series) else a for n, a in named.items()}
            found = self._series.alias("value").to_frame().select(method(*given, **more))
            return found.to_series().alias(self._series.name)

        return called

    def __dir__(self) -> list[str]:
        return [name for name in dir(Expressions) if not name.startswith("_")]


pl.api.register_expr_namespace("xb")(Expressions)
pl.api.register_lazyframe_namespace("xb")(Frames)
pl.api.register_dataframe_namespace("xb")(Frames)
pl.api.register_series_namespace("xb")(OneSeries)
