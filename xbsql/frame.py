"""xbsql for Polars: `.xb` on expressions and frames, once this module is imported.

    import xbsql.frame

    xbsql.frame.use("shop.duckdb.xbsql")
    lazy.with_columns(pl.col("title").xb.classify("category_jp"))

Everything is lazy, and every schema is known before anything runs. Row functions take Polars' own buffers and
run in the streaming engine; what needs a whole table (`fit`, `duplicates` ...) takes it when the result is
collected. A DataFrame has the methods of a LazyFrame, and they give a LazyFrame too.
"""

from __future__ import annotations

import polars as pl

from xbsql.surface.frames import use
from xbsql.surface.polars import Expressions, Frames

__all__ = ["Expressions", "Frames", "use"]

pl.api.register_expr_namespace("xb")(Expressions)
pl.api.register_lazyframe_namespace("xb")(Frames)
pl.api.register_dataframe_namespace("xb")(Frames)
