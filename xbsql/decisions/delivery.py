"""What a market may be promised: how many days a parcel takes, and how far and in which direction it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql import errors
from xbsql.decisions.columns import numbers
from xbsql.decisions.facts import DISTANCE, great_circle, not_below_0, with_distance
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from xbsql.decisions.similarity import Comparison

KEPT: Final = 0.9
"""The share of parcels within the days that are promised."""
FEWEST_PARCELS: Final = 20
"""Parcels of a market from which on their days are a promise."""


class Lane(NamedTuple):
    """The way from home to a market; None for what nothing says.

    Attributes:
        market: its name.
        parcels: lines of known days.
        median: days that half of them took; of a fact the fact.
        promise: days that nine of ten took; None under `FEWEST_PARCELS`.
        distance: kilometres from home.
        bearing: degrees from north, clockwise, 0 to 360; None without coordinates.
    """

    market: str
    parcels: int = 0
    median: float | None = None
    promise: float | None = None
    distance: float | None = None
    bearing: float | None = None


def lanes(compared: Comparison, markets: Mapping[str, pa.Table], facts: pa.Table | None) -> list[Lane]:
    """One lane a market, in the order given.

    Days are those of the market's rows (meaning `days`), else the fact `days`. Distances are the fact
    `distance_km`, else the great circle between the facts `lat` and `lon` of home and market.

    Raises:
        XbsqlError: one of these is no number or no coordinate, or days or a distance are below 0.
    """
    known = _known(compared, facts)
    return [_lane(compared, name, rows, known.get(name, {})) for name, rows in markets.items()]


def _lane(compared: Comparison, market: str, rows: pa.Table, own: Mapping[str, float]) -> Lane:
    found = Lane(market, 0, own.get("days"), None, own.get(DISTANCE), own.get("bearing"))
    if "days" not in compared.columns or not len(rows):
        return found
    days = compared.amounts(rows, "days")
    days = days[np.isfinite(days)]
    if (days < 0).any():
        said = f"{compared.columns['days']} of market '{errors.shown(market, 40)}' is {days.min():g} in a row"
        raise errors.invalid(compared.where, said, "give 0 or more, NULL where it is not known")
    if not len(days):
        return found
    enough = len(days) >= FEWEST_PARCELS
    most = float(np.quantile(days, KEPT, method="higher")) if enough else None
    return found._replace(parcels=len(days), median=float(np.median(days)), promise=most)


def _known(compared: Comparison, facts: pa.Table | None) -> dict[str, dict[str, float]]:
    """Distance, bearing and days of each market that the facts name; of one that stands twice the first."""
    if facts is None or "market" not in facts.column_names:
        return {}
    where, names = compared.where, as_text(facts["market"]).to_pylist()
    home = names.index(compared.home_market) if compared.home_market in names else None
    columns = {}
    if home is not None and {"lat", "lon"} <= set(facts.column_names):
        lat, lon = (numbers(where, facts, name) for name in ("lat", "lon"))
        columns["bearing"] = great_circle(lat[home], lon[home], lat, lon)[1]
        facts = with_distance(where, facts, home)
    columns |= {
        name: not_below_0(where, facts, name) for name in (DISTANCE, "days") if name in facts.column_names
    }
    found: dict[str, dict[str, float]] = {}
    for row, name in enumerate(names):
        if name is not None:
            found.setdefault(
                name, {what: float(v[row]) for what, v in columns.items() if np.isfinite(v[row])}
            )
    return found
