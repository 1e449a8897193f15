"""The SQL surface as data: what each function takes, returns and does. The docs are made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.functions.forecast import FORECAST_FUNCTIONS
from xbsql.functions.insight import INSIGHT_FUNCTIONS
from xbsql.functions.market import MARKET_FUNCTIONS, MARKET_HELPERS
from xbsql.functions.models import MODEL_FUNCTIONS
from xbsql.functions.search import SEARCH_FUNCTIONS, SEARCH_HELPERS
from xbsql.functions.supply import SUPPLY_FUNCTIONS

if TYPE_CHECKING:
    from xbsql.function import Function, Helper

FUNCTIONS: tuple[Function, ...] = (
    *MODEL_FUNCTIONS,
    *SEARCH_FUNCTIONS,
    *MARKET_FUNCTIONS,
    *SUPPLY_FUNCTIONS,
    *INSIGHT_FUNCTIONS,
    *FORECAST_FUNCTIONS,
)
HELPERS: tuple[Helper, ...] = (*SEARCH_HELPERS, *MARKET_HELPERS)
