"""Transfer learning for cross-border commerce inside DuckDB.

    con = xbsql.connect("shop.duckdb")
    con.sql("CALL xb.fit('category_home', home, 'category')")
    con.sql("CALL xb.transfer('category_jp', japan, 'category', base := 'category_home')")
    con.sql("SELECT title, xb.classify('category_jp', title).label FROM japan")

Importing it loads nothing but names; each function brings what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from xbsql.surface.names import NAMES

if TYPE_CHECKING:
    from xbsql.errors import XbsqlError
    from xbsql.surface.duck import connect, load
    from xbsql.surface.python import *  # noqa: F403

__version__ = "0.1.0"

__all__ = ["XbsqlError", "__version__", "connect", "load", *NAMES]

_PLACES = {"XbsqlError": "errors", "connect": "surface.duck", "load": "surface.duck"}


def __getattr__(name: str) -> object:
    """Load a public name's module when the name is first asked for."""
    if name == "sample":
        return import_module("xbsql.sample")
    if name not in __all__:
        message = f"module 'xbsql' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(import_module(f"xbsql.{_PLACES.get(name, 'surface.python')}"), name)


def __dir__() -> list[str]:
    return __all__
