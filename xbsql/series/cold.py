"""Which forecaster serves what has no history: products from home's, markets from those that have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xbsql.series.demand import fit_demand
from xbsql.series.history import is_demand
from xbsql.series.home import Home
from xbsql.series.method import Known
from xbsql.series.newcomer import fit_newcomer
from xbsql.series.units import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.series.method import SeriesPredictor

COLD: Final = ("demand:home", "demand:own")
"""Methods that forecast products without history, the better first."""


def cold_of(known: Known, fitted: Mapping[str, SeriesPredictor]) -> SeriesPredictor | None:
    """What forecasts a series without a value; None where nothing can.

    Few series that home does not name, or series with facts, are markets: `Newcomer`. Others are products:
    the prior of demand, at home's own level where the target has no value at all.

    Args:
        known: the target's histories and home's.
        fitted: forecasters by method name.
    """
    target, home = known.target, known.home
    amounts = is_demand(target) or (not len(target.y) and (home is None or is_demand(home)))
    if amounts and (target.facts is not None or _markets(known, fitted)):
        return fit_newcomer(known)
    if not len(target.y) and home is not None and is_demand(home):
        return fit_demand(Known(home, None, known.horizon, known.season, known.seed), Home.of(home))
    return next((fitted[name] for name in COLD if name in fitted), None)


def _markets(known: Known, fitted: Mapping[str, SeriesPredictor]) -> bool:
    """Whether series are few and none of them is a product that home sells."""
    if int((known.target.lengths > 0).sum()) >= ENOUGH or len(known.target) >= ENOUGH:
        return False
    if known.home is None:
        return "demand:home" not in fitted
    return not set(known.home.names) & set(known.target.names)
