"""Transfer learning for cross-border commerce inside DuckDB.

    con = xbsql.connect("shop.duckdb")
    con.sql("CALL xb.fit('category_home', home, 'category')")
    con.sql("CALL xb.transfer('category_jp', japan, 'category', base := 'category_home')")
    con.sql("SELECT title, xb.classify('category_jp', title).label FROM japan")

Importing it loads nothing but this file; each public name brings what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xbsql.duck import connect, load
    from xbsql.errors import XbsqlError
    from xbsql.twins import (
        classify,
        drop_model,
        embed,
        evaluate,
        fit,
        language,
        last_calls,
        model_card,
        models,
        predict,
        predict_table,
        promote,
        selfcheck,
        similarity,
        transfer,
    )
    from xbsql.twins_forecast import forecast, launch
    from xbsql.twins_search import (
        add_to_index,
        build_index,
        delete_from_index,
        drop_index,
        duplicates,
        indexes,
        match,
        match_candidates,
        search,
        search_text,
        similarity_join,
    )

__version__ = "0.1.0"

__all__ = [
    "XbsqlError",
    "__version__",
    "add_to_index",
    "build_index",
    "classify",
    "connect",
    "delete_from_index",
    "drop_index",
    "drop_model",
    "duplicates",
    "embed",
    "evaluate",
    "fit",
    "forecast",
    "indexes",
    "language",
    "last_calls",
    "launch",
    "load",
    "match",
    "match_candidates",
    "model_card",
    "models",
    "predict",
    "predict_table",
    "promote",
    "search",
    "search_text",
    "selfcheck",
    "similarity",
    "similarity_join",
    "transfer",
]

_HOME = {
    "connect": "duck",
    "load": "duck",
    "XbsqlError": "errors",
    "forecast": "twins_forecast",
    "launch": "twins_forecast",
} | dict.fromkeys(
    (
        "add_to_index",
        "build_index",
        "delete_from_index",
        "drop_index",
        "duplicates",
        "indexes",
        "match",
        "match_candidates",
        "search",
        "search_text",
        "similarity_join",
    ),
    "twins_search",
)


def __getattr__(name: str) -> object:
    """Load a public name's module when the name is first asked for."""
    if name not in __all__:
        message = f"module 'xbsql' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(import_module(f"xbsql.{_HOME.get(name, 'twins')}"), name)


def __dir__() -> list[str]:
    return __all__
