"""Every function of the surface, family by family: importing this declares them."""

from __future__ import annotations

from xbsql.surface import (
    adapt,
    customers,
    decisions,
    entities,
    extract,
    forecast,
    help,
    image,
    insight,
    market,
    match,
    models,
    recommend,
    report,
    search,
    supply,
    taxonomy,
    text,
    translate,
)
from xbsql.surface.function import FUNCTIONS as DECLARED

__all__ = ["DECLARED", "FUNCTIONS", "HELPERS"]

_FAMILIES = [
    family.__name__
    for family in (
        text,
        image,
        models,
        extract,
        translate,
        search,
        match,
        entities,
        taxonomy,
        market,
        customers,
        recommend,
        supply,
        insight,
        forecast,
        decisions,
        adapt,
        report,
        help,
    )
]
FUNCTIONS = tuple(sorted(DECLARED.values(), key=lambda each: _FAMILIES.index(each.run.__module__)))
"""In the order of the reference, which no order of imports changes."""
HELPERS = (*search.HELPERS, *market.HELPERS, *models.HELPERS, *translate.HELPERS)
