"""Which methods forecast a market's series: those that its histories, and home's, can feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.series.analogue import LOOKED_AT, fit_analogue
from xbsql.series.boosted import fit_boosted
from xbsql.series.classical import Classical
from xbsql.series.demand import fit_demand
from xbsql.series.history import is_demand, is_sparse, trust
from xbsql.series.home import Home
from xbsql.series.intermittent import Intermittent
from xbsql.series.method import Method
from xbsql.series.pretrained import Pretrained
from xbsql.series.profile import YEARS, fit_profile, years_of
from xbsql.series.rules import Recent, Seasonal
from xbsql.series.shaped import fit_shaped, seasonal_home
from xbsql.series.units import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.series.method import Known, SeriesPredictor
    from xbsql.series.read.series import Series

MOST_LOCAL: Final = 1_500
"""Series up to which models are fitted to each of them; more would take longer than all else together."""
LONGEST_LOCAL: Final = 60
"""Periods of the longest season that they are fitted with: a longer one takes seconds a series."""
LONG_ENOUGH: Final = 24
"""Usual values of a history from which on models of one series and the pretrained one are tried."""
LONG_ENOUGH_ALONE: Final = 8
"""The same where series are few, and no trees over many stand beside."""
UNSTEADY: Final = 0.1
"""Prior of all but `demand` where demand is intermittent: one large order sets their level, and evidence from
a few origins is too wide to see it. Trees, analogues and single values, which multiply such an order, have
less while histories are short (`trust`). Chosen on a shop's weeks 25 to 44, forecast from 24 to 36."""
GROWN: Final = 0.3
"""Prior of trees and analogues of few series, which learn from few rows."""
ANCHOR: Final = 4.0
"""Prior of the home model where series are few: it was weighed on all of home. Chosen as `POWER` was."""
FEWEST_PRODUCTS: Final = 8
"""Series from which on one says what another one sells; fewer are markets, each with a level of its own."""
FIRST: Final = 16
"""Fewest values of history, home's or the target's, that trees are grown on, over all series."""


def own_methods(series: Series, season: Sequence[int]) -> list[Method]:
    """Methods that use the target alone; the first has a fan for every series with a value."""
    usual = float(np.median(series.lengths[series.lengths > 0])) if len(series.y) else 0.0
    calm, wild = _priors(series)
    grown = GROWN if len(series) < FEWEST_PRODUCTS else 1.0
    found = [_plain("seasonal:1", Seasonal(1), wild * (grown if is_demand(series) else 1.0))]
    found += [_plain(f"seasonal:{s}", Seasonal(s), wild) for s in season if usual > 2 * s]
    if is_demand(series):
        found.append(_plain("recent:8", Recent(8), calm))
        if len(series) >= FEWEST_PRODUCTS:
            found.append(Method("demand:own", "target", lambda known: fit_demand(known, None)))
    if len(series.y) >= FIRST and usual >= 4:
        found.append(Method("boosted:own", "target", lambda known: fit_boosted(known, "own"), wild * grown))
    if len(series) <= MOST_LOCAL and is_sparse(series):
        found += [_plain(f"{name}:own", Intermittent(name), calm) for name in ("sba", "tsb")]
    enough = LONG_ENOUGH_ALONE if len(series) < FEWEST_PRODUCTS else LONG_ENOUGH
    return found + ([] if is_sparse(series) or usual < enough else _local_methods(series, season))


def _local_methods(series: Series, season: Sequence[int]) -> list[Method]:
    """Models of one series at a time, where there are not too many; of few series each for itself as well."""
    few = len(series) < ENOUGH
    if len(series) > MOST_LOCAL or (max(season, default=1) > LONGEST_LOCAL and not few):
        return []
    cycles = tuple(cycle for cycle in season if cycle <= LONGEST_LOCAL)
    found = [_plain("median:classical", Classical(("ets", "theta", "decomposed"), cycles))]
    if few:
        single = {name: Classical((name,), cycles) for name in ("ets", "theta")}
        found += [_plain(f"{name}:classical", model) for name, model in single.items()]
    found.append(_plain("pretrained:fracast", Pretrained()))
    if few and years_of(series) >= YEARS:
        found.append(Method("calendar:own", "target", _calendar_own))
    return found


def home_methods(series: Series, home: Series, season: Sequence[int]) -> list[Method]:
    """Methods that use home's series beside the target's, or instead of them."""
    usual = float(np.median(home.lengths[home.lengths > 0])) if len(home.y) else 0.0
    _, wild = _priors(series)
    few = len(series) < ENOUGH
    wild *= GROWN if len(series) < FEWEST_PRODUCTS else 1.0
    found: list[Method] = []
    if len(home.y) >= FIRST and usual >= 4:
        found += [
            Method("source:boosted", "source", lambda known: fit_boosted(known, "home"), prior=wild),
            Method("pool:boosted", "instance", lambda known: fit_boosted(known, "pooled"), wild, True),
        ]
    if usual >= 2 * LOOKED_AT:
        found.append(Method("analogue:home", "relation", fit_analogue, prior=wild))
    products = len(series) >= FEWEST_PRODUCTS or bool(set(series.names) & set(home.names))
    if products and is_demand(series) and is_demand(home):
        found.append(Method("demand:home", "parameter", lambda known: fit_demand(known, _home(known))))
        if seasonal_home(home, season):
            found.append(Method("shape:home", "feature", fit_shaped))
    if few and not is_sparse(series):
        found += [Method("calendar:home", "feature", _calendar_home)] if years_of(home) else []
        found += [Method("profile:home", "feature", _profile_home)] if season else []
    return found


def base_methods(series: Series, base: SeriesPredictor, home: Home) -> list[Method]:
    """Methods that use the home model, all that there is where home's series may not be read."""
    anchor = ANCHOR if len(series) < ENOUGH else 1.0
    found = [Method("source:model", "source", lambda known: base, anchor, rehearsed=False)]
    products = len(series) >= FEWEST_PRODUCTS or bool(set(series.names) & set(home.names))
    if products and is_demand(series):
        demand = Method("demand:home", "parameter", lambda known: fit_demand(known, home), rehearsed=False)
        found.append(demand)
    return found


def _priors(series: Series) -> tuple[float, float]:
    """Of methods that average a series' own values, and of those that one large order leads far astray."""
    prior = UNSTEADY if is_sparse(series) else 1.0
    return prior, prior * trust(series)


def _home(known: Known) -> Home | None:
    return None if known.home is None else Home.of(known.home)


def _calendar_own(known: Known) -> SeriesPredictor:
    return fit_profile(known, known.target, known.market, week=False)


def _calendar_home(known: Known) -> SeriesPredictor:
    return fit_profile(known, _of_home(known), known.home_market, week=False)


def _profile_home(known: Known) -> SeriesPredictor:
    return fit_profile(known, _of_home(known), known.home_market, week=True)


def _of_home(known: Known) -> Series:
    if known.home is None:
        raise ValueError("home has no calendar without its series")
    return known.home


def _plain(name: str, forecaster: SeriesPredictor, prior: float = 1.0) -> Method:
    """A method that fits nothing."""
    return Method(name, "target", lambda known: forecaster, prior)
