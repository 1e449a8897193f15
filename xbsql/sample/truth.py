"""What is true in the simulated markets, and how each foreign market differs from home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_origin, get_type_hints

from xbsql.errors import unknown

ProductKind = Literal["covariate", "concept", "label", "seasonality", "scale"]


@dataclass(frozen=True)
class MarketTruth:
    """The parameters of one market; docs/simulator.md has the equations they stand in.

    Each is annotated with the kind of shift that a difference from home in it is, and what it stands for.
    """

    market: str
    share: Annotated[float, "scale", "part of all orders, customers and weekly sales"]
    favourites: Annotated[dict[str, float], "covariate", "category -> how many times as often as at home"]
    carriers: Annotated[dict[str, float], "covariate", "carrier -> part of the shipments"]
    distance_km: Annotated[float, "covariate", "median distance from the warehouse"]
    distance_spread: Annotated[float, "covariate", "standard deviation of the log distance"]
    freight_base: Annotated[float, "concept", "log freight, US dollars, of 1 kg over 1,000 km"]
    freight_weight: Annotated[float, "concept", "slope of log freight on log weight"]
    freight_distance: Annotated[float, "concept", "slope of log freight on log distance"]
    days_per_1000_km: Annotated[float, "concept", "transit days for every 1,000 km"]
    customs_days: Annotated[float, "concept", "mean days in customs"]
    peak_days: Annotated[float, "concept", "extra transit days in sale weeks"]
    elasticity: Annotated[float, "concept", "slope of log units on log relative price"]
    return_rate: Annotated[float, "label", "part of the orders that come back"]
    season: Annotated[float, "seasonality", "amplitude of the yearly wave of log demand"]
    season_peak: Annotated[int, "seasonality", "week of the year when the wave is highest"]
    sale_weeks: Annotated[tuple[int, ...], "seasonality", "weeks of the year with sale days"]
    sale_lift: Annotated[float, "seasonality", "log demand added in sale weeks"]
    growth: Annotated[float, "scale", "log demand added a year"]
    demand: Annotated[float, "scale", "mean log units a week of a series at its usual price"]


@dataclass(frozen=True)
class Shift:
    """One parameter in which a foreign market differs from home."""

    market: str
    kind: ProductKind
    what: str
    parameter: str
    home: Any
    foreign: Any


@dataclass(frozen=True)
class Truth:
    """The home market, the foreign ones, and what holds in all of them.

    Args:
        home: the rich market.
        foreign: the poor ones.
        carrier_freight: carrier -> what it adds to the log freight.
        carrier_days: carrier -> what it adds to the transit days.
        base_days: transit days that every shipment takes.
        delay_days: mean of the random days on top, a gamma variable of shape 2.
        slack_days: what is promised beyond the mean, both as they are at home.
        freight_noise: standard deviation of the log freight.
    """

    home: MarketTruth
    foreign: tuple[MarketTruth, ...]
    carrier_freight: dict[str, float]
    carrier_days: dict[str, float]
    base_days: float = 1.0
    delay_days: float = 1.5
    slack_days: float = 1.0
    freight_noise: float = 0.25

    @property
    def markets(self) -> tuple[MarketTruth, ...]:
        """Home first."""
        return (self.home, *self.foreign)

    def market(self, code: str) -> MarketTruth:
        """The truth of one market; an XbsqlError where there is no such market."""
        found = {truth.market: truth for truth in self.markets}
        if code not in found:
            raise unknown("xbsql.sample.simulate", "market", code, found)
        return found[code]

    def shifts(self, code: str) -> tuple[Shift, ...]:
        """Every parameter in which a market differs from home; none for home itself."""
        foreign = self.market(code)
        found = []
        for name, hint in get_type_hints(MarketTruth, include_extras=True).items():
            home, there = getattr(self.home, name), getattr(foreign, name)
            if get_origin(hint) is Annotated and home != there:
                kind, what = hint.__metadata__
                found.append(Shift(code, kind, what, name, home, there))
        return tuple(found)


TRUTH = Truth(
    home=MarketTruth(
        market="US",
        share=0.80,
        favourites={},
        carriers={"Roadline": 0.55, "Parcelo": 0.30, "SkyPost": 0.15},
        distance_km=900.0,
        distance_spread=0.6,
        freight_base=1.9,
        freight_weight=0.55,
        freight_distance=0.30,
        days_per_1000_km=0.9,
        customs_days=0.0,
        peak_days=1.0,
        elasticity=-1.2,
        return_rate=0.08,
        season=0.25,
        season_peak=49,
        sale_weeks=(27, 47, 48),
        sale_lift=0.6,
        growth=0.10,
        demand=2.2,
    ),
    foreign=(
        MarketTruth(
            market="DE",
            share=0.12,
            favourites={"tools": 2.5, "garden": 2.0, "clothing": 1.4, "beauty": 0.6},
            carriers={"Parcelo": 0.50, "Hanselog": 0.35, "SkyPost": 0.15},
            distance_km=7200.0,
            distance_spread=0.15,
            freight_base=2.1,
            freight_weight=0.70,
            freight_distance=0.30,
            days_per_1000_km=0.6,
            customs_days=1.5,
            peak_days=0.5,
            elasticity=-1.8,
            return_rate=0.22,
            season=0.20,
            season_peak=48,
            sale_weeks=(4, 30, 47),
            sale_lift=0.4,
            growth=0.35,
            demand=1.3,
        ),
        MarketTruth(
            market="JP",
            share=0.06,
            favourites={"beauty": 3.0, "pets": 1.5, "bags": 1.5, "furniture": 0.4, "garden": 0.5},
            carriers={"SkyPost": 0.60, "Sealink": 0.40},
            distance_km=10200.0,
            distance_spread=0.10,
            freight_base=2.0,
            freight_weight=0.85,
            freight_distance=0.45,
            days_per_1000_km=0.5,
            customs_days=3.0,
            peak_days=2.0,
            elasticity=-0.8,
            return_rate=0.02,
            season=0.15,
            season_peak=27,
            sale_weeks=(1, 26, 50),
            sale_lift=0.5,
            growth=0.20,
            demand=0.9,
        ),
        MarketTruth(
            market="CN",
            share=0.02,
            favourites={"beauty": 4.0, "bags": 2.0, "electronics": 0.5, "tools": 0.3, "furniture": 0.2},
            carriers={"SkyPost": 0.45, "Sealink": 0.55},
            distance_km=11500.0,
            distance_spread=0.20,
            freight_base=1.7,
            freight_weight=0.75,
            freight_distance=0.35,
            days_per_1000_km=0.7,
            customs_days=6.0,
            peak_days=4.0,
            elasticity=-2.4,
            return_rate=0.12,
            season=0.10,
            season_peak=3,
            sale_weeks=(24, 45, 46),
            sale_lift=1.4,
            growth=0.80,
            demand=0.4,
        ),
    ),
    carrier_freight={"Roadline": 0.0, "Parcelo": 0.1, "SkyPost": 0.5, "Hanselog": -0.1, "Sealink": -0.3},
    carrier_days={"Roadline": 2.0, "Parcelo": 1.5, "SkyPost": 0.0, "Hanselog": 2.5, "Sealink": 9.0},
)
