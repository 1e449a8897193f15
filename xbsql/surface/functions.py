"""Every function of the surface: importing this declares them."""

from __future__ import annotations

from xbsql.surface import forecast, help, insight, market, match, models, search, supply, text
from xbsql.surface.function import FUNCTIONS as DECLARED

__all__ = ["DECLARED", "FAMILIES", "FUNCTIONS", "HELPERS", "family"]

FAMILIES = (text, models, search, match, market, supply, insight, forecast, help)
FUNCTIONS = tuple(DECLARED.values())
HELPERS = (*search.HELPERS, *market.HELPERS)


def family(name: str) -> str:
    """The family that declares a function."""
    return DECLARED[name].run.__module__.rpartition(".")[2]
