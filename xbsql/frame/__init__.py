"""xbsql for Polars: `pl.Expr.xb` and `pl.LazyFrame.xb`, once this module is imported.

    import xbsql.frame

    xbsql.frame.use("shop.duckdb.xbsql")
    lazy.with_columns(pl.col("title").xb.classify("category_jp"))

Everything is lazy, and every schema is known before anything runs. Row functions take Polars' own buffers and
run in the streaming engine; what needs a whole table (`fit`, `duplicates` ...) takes it when the result is
collected.
"""

from __future__ import annotations

import polars as pl

from xbsql.frame.connection import use
from xbsql.frame.forecast import ForecastFrames
from xbsql.frame.insight import InsightFrames
from xbsql.frame.market import MarketExpressions, MarketFrames
from xbsql.frame.models import ModelExpressions, ModelFrames
from xbsql.frame.search import SearchExpressions, SearchFrames
from xbsql.frame.supply import SupplyExpressions, SupplyFrames

__all__ = ["Expressions", "Frames", "use"]


@pl.api.register_expr_namespace("xb")
class Expressions(ModelExpressions, SearchExpressions, MarketExpressions, SupplyExpressions):
    """The row functions; see `docs/sql.md` for what each of them does."""


@pl.api.register_lazyframe_namespace("xb")
class Frames(ModelFrames, SearchFrames, MarketFrames, SupplyFrames, InsightFrames, ForecastFrames):
    """The functions of whole tables; see `docs/sql.md` for what each of them does."""
