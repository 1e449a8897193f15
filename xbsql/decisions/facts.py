"""What is known of two countries: language, money and holidays, and the facts that a user brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.decisions.columns import numbers
from xbsql.features.roles import as_text, kind_of
from xbsql.market import codes, market
from xbsql.market.facts import facts as shared_facts
from xbsql.market.facts import speakers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

YEAR = 2024
"""Whose holidays are compared."""

EARTH_KM: Final = 6371.0
DISTANCE: Final = "distance_km"

SKEWED = 10.0
"""Positive facts whose largest value is so many times the least are compared by their logarithm."""


class Fact(NamedTuple):
    """One fact of a market against home.

    Attributes:
        name: of the fact.
        likeness: 0 to 1.
        evidence: both values.
    """

    name: str
    likeness: float
    evidence: str


def country_facts(home: str | None, other: str) -> list[Fact]:
    """Language, currency and holidays of two country codes; nothing where one is no code."""
    if home is None or not {home.upper(), other.upper()} <= set(codes()):
        return []
    here, there = market(home), market(other)
    found = [
        Fact(name, float(a == b), f"{b}; home {a}")
        for name, a, b in (
            ("language", here.language, there.language),
            ("currency", here.currency, there.currency),
        )
    ]
    try:
        days = [set(each.holidays({YEAR})) for each in (here, there)]
    except errors.XbsqlError:  # no calendar is known of one
        return found
    shared, every = len(days[0] & days[1]), len(days[0] | days[1])
    if every:
        found.append(Fact("holidays", shared / every, f"{shared} of {every} holidays on the same days"))
    return found


def away(home: str) -> list[tuple[float | None, float]]:
    """Of each market of the shared table the way from home, and the share that knows the language of home.

    The former is in kilometres, None where a place is not known, 0 of home. The latter, 0 to 1, is about the
    language that home's shops write in: of home .91 in Germany, and .97 in Austria.

    Raises:
        XbsqlError: no such market; names the closest.
    """
    known, here = shared_facts(), market(home)
    places = {one.market: (one.lat, one.lon) for one in known}
    lat, lon = np.array(places.get(here.code, (None, None)), np.float64)
    far = great_circle(lat, lon, *np.array(list(places.values()), np.float64).T)[0]
    return [
        (float(km) if np.isfinite(km) else None, speakers(code, here.language))
        for code, km in zip(places, far, strict=True)
    ]


def table_facts(where: str, facts: pa.Table, home: str | None, names: list[str]) -> dict[str, list[Fact]]:
    """The facts of a table, by market.

    A fact is compared with home's value: numbers by their distance over the largest among the markets, texts
    and booleans by whether they are the same. What is said of a pair, such as a distance, stands as its value
    in the market's row, and home's row has home's value with itself: 0. Of `lat` and `lon` it is the distance
    that is compared.

    Args:
        where: the function, for errors.
        facts: a column `market`, one row a market, and the facts.
        home: home's name in it.
        names: the markets.

    Raises:
        XbsqlError: no column `market`, a market twice, or no row of home.
    """
    if "market" not in facts.column_names:
        raise errors.unknown(where, "column of facts", "market", facts.column_names, place="it has")
    rows = as_text(facts["market"]).to_pylist()
    if twice := {name for name in rows if name is not None and rows.count(name) > 1}:
        raise errors.invalid(where, f"facts has two rows of '{min(twice)}'", "give one row a market")
    if home is None or home not in rows:
        said = "home_market is not given" if home is None else f"facts has no row of home, '{home}'"
        raise errors.invalid(where, said, "give home_market and a row of facts for it")
    at, found = rows.index(home), {name: list[Fact]() for name in names}
    facts = with_distance(where, facts, at)
    for column in (name for name in facts.column_names if name != "market"):
        for name, fact in _compared(where, facts, column, at, rows, names):
            found[name].append(fact)
    return found


def with_distance(where: str, facts: pa.Table, home: int) -> pa.Table:
    """The facts with `distance_km` in the place of `lat` and `lon`, where both are there; home is a row.

    A distance that a row has stays; the others are great circles, NULL where a coordinate is.

    Raises:
        XbsqlError: a distance or a coordinate is no number, or is below 0, outside -90 to 90, -180 to 180.
    """
    given = (
        not_below_0(where, facts, DISTANCE) if DISTANCE in facts.column_names else np.full(len(facts), np.nan)
    )
    if not {"lat", "lon"} <= set(facts.column_names):
        return facts
    lat, lon = (numbers(where, facts, name) for name in ("lat", "lon"))
    for name, values, most in (("lat", lat, 90), ("lon", lon, 180)):
        if (wrong := values[np.abs(values) > most]).size:
            raise errors.invalid(where, f"{name} of a market is {wrong[0]:g}", "give degrees, decimal")
    away = great_circle(lat[home], lon[home], lat, lon)[0]
    away = np.where(np.isfinite(given), given, away)
    kept = facts.drop_columns(["lat", "lon", *({DISTANCE} & set(facts.column_names))])
    return kept.append_column(DISTANCE, pa.array(away, from_pandas=True))


def not_below_0(where: str, facts: pa.Table, name: str) -> Floats:
    """A fact that is a distance or a time; NaN where it is not known.

    Raises:
        XbsqlError: it is no number, or below 0.
    """
    values = numbers(where, facts, name)
    wrong = np.flatnonzero(values < 0)
    if len(wrong):
        market = as_text(facts["market"])[int(wrong[0])].as_py()
        said = f"{name} of market '{errors.shown(market, 40)}' is {values[wrong[0]]:g}"
        raise errors.invalid(where, said, "give 0 or more, NULL where it is not known")
    return values


def great_circle(lat: float, lon: float, to_lat: Floats, to_lon: Floats) -> tuple[Floats, Floats]:
    """Kilometres along the great circle, and the bearing at its beginning in degrees from north.

    All in degrees, NaN where one is NaN; the haversine formula on a sphere of radius `EARTH_KM`.
    """
    (phi, theta), (up, along) = np.radians([lat, lon]), np.radians(np.stack([to_lat, to_lon]))
    east = along - theta
    half = np.sin((up - phi) / 2) ** 2 + np.cos(phi) * np.cos(up) * np.sin(east / 2) ** 2
    north = np.cos(phi) * np.sin(up) - np.sin(phi) * np.cos(up) * np.cos(east)
    bearing = np.degrees(np.arctan2(np.sin(east) * np.cos(up), north)) % 360.0
    return 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))), bearing


def _compared(
    where: str, facts: pa.Table, column: str, home: int, rows: list[str], names: list[str]
) -> list[tuple[str, Fact]]:
    """One column: of each market that has a value, where home has one."""
    if kind_of(facts[column].type) != "number":
        values = as_text(facts[column]).to_pylist()
        shown = [(n, values[rows.index(n)]) for n in names if n in rows and values[rows.index(n)] is not None]
        if values[home] is None:
            return []
        return [
            (name, Fact(column, float(value == values[home]), f"{value}; home {values[home]}"))
            for name, value in shown
        ]
    plain = numbers(where, facts, column)
    kept = [
        (name, rows.index(name)) for name in names if name in rows and np.isfinite(plain[rows.index(name)])
    ]
    if not kept or not np.isfinite(plain[home]):
        return []
    places = [home, *(place for _, place in kept)]
    low, high = plain[places].min(), plain[places].max()
    scaled = np.log(plain[places]) if low > 0 and high / low > SKEWED else plain[places]
    away = np.abs(scaled[1:] - scaled[0])
    away = away / max(float(away.max()), 1e-300)
    return [
        (name, Fact(column, float(1.0 - gap), f"{plain[place]:.6g}; home {plain[home]:.6g}"))
        for (name, place), gap in zip(kept, away, strict=True)
    ]
