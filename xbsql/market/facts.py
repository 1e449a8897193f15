"""Facts of countries: people, income, where they lie and what they speak; the shared table of market facts.

`facts.csv` holds of each market of `codes` what two sources give away freely. Population, gross domestic
product (dollars of equal purchasing power) and literacy (percent) are those of the Unicode CLDR 48 of October
2025, which takes them from the World Bank and the CIA World Factbook (licence Unicode-3.0, LICENSE-UNICODE).
`lat` and `lon` are the place of the principal time zone in the tz database of 2026, in the public domain: of
several the one that stands first there; in Australia, Brazil, Canada, Russia, Ukraine and Uzbekistan that of
the largest city. The share of people who use the internet is in neither.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

TABLE: Final = Path(__file__).with_name("facts.csv")
PERCENT: Final = 100.0


class Facts(NamedTuple):
    """What is known of one market.

    Attributes:
        market: ISO 3166-1 alpha-2.
        population: people.
        gdp: gross domestic product, international dollars.
        literacy: share of adults who read, 0 to 1.
        lat: degrees; None of a few islands.
        lon: likewise.
    """

    market: str
    population: int
    gdp: float
    literacy: float
    lat: float | None
    lon: float | None


@cache
def facts() -> tuple[Facts, ...]:
    """One a market, by code."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Facts(
                row["market"],
                int(row["population"]),
                float(row["gdp"]),
                float(row["literacy"]) / PERCENT,
                float(row["lat"]) if row["lat"] else None,
                float(row["lon"]) if row["lon"] else None,
            )
            for row in csv.DictReader(file)
        )


def speakers(code: str, language: str) -> float:
    """The share of a market's people that knows a language, in whatever script; 0 to 1."""
    from babel.core import get_global

    told = get_global("territory_languages").get(code, {})
    shares = [each["population_percent"] for name, each in told.items() if name.split("_")[0] == language]
    return min(max(shares, default=0.0) / PERCENT, 1.0)
