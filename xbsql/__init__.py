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
    from xbsql.errors import XbsqlError
    from xbsql.surface.duck import connect, load
    from xbsql.surface.twins.forecast import forecast, launch
    from xbsql.surface.twins.insight import domain_similarity, explain, label_curve, weights
    from xbsql.surface.twins.market import (
        align_columns,
        convert,
        holiday,
        lint,
        parse_date,
        parse_number,
        to_currency,
        workdays,
    )
    from xbsql.surface.twins.models import (
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
    from xbsql.surface.twins.search import (
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
    from xbsql.surface.twins.supply import (
        choose_routes,
        export_booster,
        import_booster,
        newsvendor,
        reorder_point,
        route_options,
        safety_stock,
        spread,
    )

__version__ = "0.1.0"

__all__ = [
    "XbsqlError",
    "__version__",
    "add_to_index",
    "align_columns",
    "build_index",
    "choose_routes",
    "classify",
    "connect",
    "convert",
    "delete_from_index",
    "domain_similarity",
    "drop_index",
    "drop_model",
    "duplicates",
    "embed",
    "evaluate",
    "explain",
    "export_booster",
    "fit",
    "forecast",
    "holiday",
    "import_booster",
    "indexes",
    "label_curve",
    "language",
    "last_calls",
    "launch",
    "lint",
    "load",
    "match",
    "match_candidates",
    "model_card",
    "models",
    "newsvendor",
    "parse_date",
    "parse_number",
    "predict",
    "predict_table",
    "promote",
    "reorder_point",
    "route_options",
    "safety_stock",
    "search",
    "search_text",
    "selfcheck",
    "similarity",
    "similarity_join",
    "spread",
    "to_currency",
    "transfer",
    "weights",
    "workdays",
]

_PLACES = {
    "surface.duck": "connect load",
    "errors": "XbsqlError",
    "surface.twins.search": "add_to_index build_index delete_from_index drop_index duplicates indexes match "
    "match_candidates search search_text similarity_join",
    "surface.twins.market": "align_columns convert holiday lint parse_date parse_number to_currency workdays",
    "surface.twins.supply": "choose_routes export_booster import_booster newsvendor reorder_point "
    "route_options safety_stock spread",
    "surface.twins.forecast": "forecast launch",
    "surface.twins.insight": "domain_similarity explain label_curve weights",
}
_HOME = {name: place for place, names in _PLACES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Load a public name's module when the name is first asked for."""
    if name not in __all__:
        message = f"module 'xbsql' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(import_module(f"xbsql.{_HOME.get(name, 'surface.twins.models')}"), name)


def __dir__() -> list[str]:
    return __all__
