"""The SQL surface as data: what each function takes, returns and does. The docs are made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.surface.functions.forecast import FORECAST_FUNCTIONS
from xbsql.surface.functions.insight import INSIGHT_FUNCTIONS
from xbsql.surface.functions.market import MARKET_FUNCTIONS, MARKET_HELPERS
from xbsql.surface.functions.models import MODEL_FUNCTIONS
from xbsql.surface.functions.search import SEARCH_FUNCTIONS, SEARCH_HELPERS
from xbsql.surface.functions.supply import SUPPLY_FUNCTIONS

if TYPE_CHECKING:
    from xbsql.surface.function import Function, Helper

FUNCTIONS: tuple[Function, ...] = (
    *MODEL_FUNCTIONS,
    *SEARCH_FUNCTIONS,
    *MARKET_FUNCTIONS,
    *SUPPLY_FUNCTIONS,
    *INSIGHT_FUNCTIONS,
    *FORECAST_FUNCTIONS,
)
HELPERS: tuple[Helper, ...] = (*SEARCH_HELPERS, *MARKET_HELPERS)
