"""Orders a day of markets whose levels, seasons, holidays, closed days and launches are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql.errors import invalid
from xbsql.series.read.calendar import calendar, holidays_of
from xbsql.series.read.frequency import DAY, Frequency

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FIRST_DAY: Final = np.datetime64("2021-01-04")
"""A Monday."""
CODES: Final = (
    "US", "CA", "GB", "DE", "FR", "IT", "ES", "NL", "BE", "SE", "DK", "NO", "FI", "PL", "CZ", "AT",
    "PT", "IE", "AU", "NZ", "JP", "KR", "SG", "BR", "MX", "CL", "ZA", "HU", "RO", "GR",
)  # fmt: skip
FACTS: Final = ("population", "gdp_per_head", "internet_share", "distance_km", "same_language")
ELASTICITIES: Final = (0.8, 0.9, 1.0, -0.3, 0.4)
"""Of the log level by the log of each fact, of the last by itself."""
LEVEL_SPREAD: Final = 0.3
"""Standard deviation of the log level that no fact tells."""
WEEKDAYS: Final = np.array([0.15, 0.1, 0.05, 0.0, -0.1, -0.3, 0.1])
SHOCK, SHOCK_MEMORY = 0.08, 0.7
"""Of a market's own days: standard deviation of the log, and the correlation of neighbours."""
RAMP_DAYS: Final = 60.0
"""Days after a launch until demand lacks a third of its level."""
RAMP_START: Final = 0.3


@dataclass(frozen=True)
class DailyMarket:
    """What is true of one market.

    Attributes:
        market: ISO 3166-1.
        facts: by name, see `FACTS`.
        level: orders a day of a usual day, once the market knows the shop.
        weekdays: float64 (7,), added to the log from Monday on.
        season: amplitude of the yearly wave in the log.
        peak: day of the year at which it is highest.
        events: what an event of the calendar adds to the log.
        growth: added to the log in a year.
        closed: weekdays without trade, 0 is Monday; Christmas Day and New Year's Day always are.
        launched: the first day of trade, counted from the first of all.
    """

    market: str
    facts: dict[str, float]
    level: float
    weekdays: Floats = field(repr=False)
    season: float
    peak: float
    events: float
    growth: float
    closed: tuple[int, ...] = ()
    launched: int = 0

    def mean(self, days: NDArray[np.int64]) -> Floats:
        """Orders expected on days counted from the first, without the market's own shock; float64 (n,)."""
        frequency, age = Frequency.seconds(DAY), days - self.launched
        period = FIRST_DAY.astype("datetime64[D]").astype(np.int64) + days
        wave = self.season * np.cos(2 * np.pi * (period % 365.2425 - self.peak) / 365.2425)
        event = calendar(self.market, frequency, period)[:, 2:].max(axis=1)
        log = self.weekdays[days % 7] + wave + self.events * event + self.growth * days / 365.0
        ramp = 1.0 - (1.0 - RAMP_START) * np.exp(-np.maximum(age, 0) / RAMP_DAYS) if self.launched else 1.0
        return np.asarray(self.level * np.exp(log) * ramp * self.open(days))

    def open(self, days: NDArray[np.int64]) -> Floats:
        """1 on days with trade, 0 on others and before the launch; float64 (n,)."""
        period = FIRST_DAY.astype("datetime64[D]").astype(np.int64) + days
        years = range(1970 + int(period.min() / 365.25), 1971 + int(period.max() / 365.25))
        shut = [day for year in years for day in holidays_of(None, year)]
        closed = np.isin(days % 7, self.closed) | np.isin(period, shut) | (days < self.launched)
        return np.asarray(1.0 - closed, np.float64)


@dataclass(frozen=True)
class DailyMarkets:
    """Markets and their orders a day.

    Attributes:
        markets: home first.
        orders: int64 (n, days).
    """

    markets: tuple[DailyMarket, ...]
    orders: NDArray[np.int64]

    def table(self, rows: list[int] | None = None, first: int = 0, last: int | None = None) -> pa.Table:
        """unique_id, ds, y and the facts: a row a market and day with an order, from its launch on.

        Args:
            rows: markets; None for all.
            first: day from which on.
            last: day before which; None for all.
        """
        parts = []
        for i in range(len(self.markets)) if rows is None else rows:
            days = np.arange(first, self.orders.shape[1] if last is None else last)
            days = days[self.orders[i, days] > 0]
            market = self.markets[i]
            facts = {name: np.full(len(days), market.facts[name]) for name in FACTS}
            columns = {"unique_id": np.repeat(market.market, len(days)), "ds": FIRST_DAY + days}
            parts.append(pa.table({**columns, "y": self.orders[i, days].astype(float), **facts}))
        return pa.concat_tables(parts)


def simulate_daily(
    markets: int = 12,
    days: int = 1095,
    *,
    seed: int = 0,
    alike: bool = True,
    launches: int = 0,
    strength: float = 1.0,
) -> DailyMarkets:
    """Draw markets and their orders; docs/simulator.md has the equations.

    Args:
        markets: 2 to 30, home first.
        days: from 2021-01-04 on.
        seed: the same gives the same.
        alike: whether weekdays, season and events are nearly the same in all markets; else those of the last
            one are the opposite of all others', so that these mislead.
        launches: so many of the last markets begin within the days, none in the last 30.
        strength: what weekdays, season and events are multiplied by.

    Raises:
        XbsqlError: arguments out of range.
    """
    if not 2 <= markets <= len(CODES):
        raise invalid("simulate_daily", f"markets is {markets}", f"give 2 to {len(CODES)}")
    if days < 60 or seed < 0:
        raise invalid("simulate_daily", f"days is {days}, seed {seed}", "give 60 days or more")
    rng = np.random.default_rng(seed)
    shared = _character(rng, strength)
    found = []
    for i in range(markets):
        own = shared if alike or i < markets - 1 else shared.opposite()
        launched = int(rng.integers(1, max(days - 30, 2))) if i >= markets - launches else 0
        found.append(_market(CODES[i], own, launched, rng))
    orders = np.stack([_orders(market, days, rng) for market in found])
    return DailyMarkets(tuple(found), orders)


class Character(NamedTuple):
    """Weekdays, season and events of a market, see `DailyMarket`."""

    weekdays: Floats
    season: float
    peak: float
    events: float

    def opposite(self) -> Character:
        """What is high there is low here."""
        return Character(-self.weekdays, self.season, self.peak + 182.0, -self.events)


def _character(rng: np.random.Generator, strength: float) -> Character:
    weekdays = rng.permutation(WEEKDAYS) * rng.uniform(0.7, 2.0)
    season, peak, events = rng.uniform(0.1, 0.4), rng.uniform(0, 365), rng.uniform(0.2, 0.7)
    return Character(strength * weekdays, float(strength * season), float(peak), float(strength * events))


def _market(code: str, own: Character, launched: int, rng: np.random.Generator) -> DailyMarket:
    facts = {
        "population": float(np.exp(rng.normal(2.5, 1.2))),
        "gdp_per_head": float(np.exp(rng.normal(10.2, 0.6))),
        "internet_share": float(rng.uniform(0.4, 0.98)),
        "distance_km": float(np.exp(rng.normal(8.0, 0.7))),
        "same_language": float(rng.random() < 0.25),
    }
    logs = np.array([*np.log([facts[name] for name in FACTS[:4]]), facts["same_language"]])
    usual = np.array([2.5, 10.2, np.log(0.7), 8.0, 0.0])
    level = 4.5 + float(np.dot(ELASTICITIES, logs - usual)) + LEVEL_SPREAD * float(rng.standard_normal())
    wobble = rng.normal(0, 0.04, 7)
    return DailyMarket(
        code,
        facts,
        float(np.exp(np.clip(level, 1.5, 8.0))),
        np.asarray(own.weekdays + wobble),
        float(own.season) * float(np.exp(rng.normal(0, 0.15))),
        float(own.peak) + float(rng.normal(0, 7)),
        float(own.events) * float(np.exp(rng.normal(0, 0.15))),
        float(rng.normal(0.1, 0.1)),
        (int(rng.integers(5, 7)),) if rng.random() < 0.4 else (),
        launched,
    )


def _orders(market: DailyMarket, days: int, rng: np.random.Generator) -> NDArray[np.int64]:
    shock = rng.standard_normal(days) * SHOCK * np.sqrt(1 - SHOCK_MEMORY**2)
    for day in range(1, days):
        shock[day] += SHOCK_MEMORY * shock[day - 1]
    return np.asarray(rng.poisson(market.mean(np.arange(days)) * np.exp(shock)), np.int64)
