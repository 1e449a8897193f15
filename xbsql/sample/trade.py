"""The simulated rows of one batch of one market: customers, orders, shipments, weekly sales."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from xbsql.sample.products import catalog
from xbsql.sample.vocabulary import shops, table

if TYPE_CHECKING:
    from xbsql.sample.truth import MarketTruth, Truth

Columns: TypeAlias = dict[str, Any]
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

FIRST_DAY = np.datetime64("2022-01-03")
WEEKS = 104
DAYS = 7 * WEEKS
SEGMENTS = ("new", "regular", "loyal")


@dataclass(frozen=True)
class Shelf:
    """What a market sells, in the order of the catalogue's product_id."""

    product: NDArray[np.str_]
    category: NDArray[np.str_]
    price: Floats
    currency: str
    kilograms: Floats


@cache
def shelf(market: str) -> Shelf:
    """The catalogue's products in a market; kilograms is what one of its category weighs at the median."""
    language = next(shop.language for shop in shops() if shop.market == market)
    rows = catalog([language])
    weight = {line["category"]: float(line["kg"]) for line in table("categories")}
    category = np.array(rows["category"].to_pylist())
    return Shelf(
        product=np.array(rows["product_id"].to_pylist()),
        category=category,
        price=rows["price"].to_numpy(),
        currency=rows["currency"][0].as_py(),
        kilograms=np.array([weight[name] for name in category]),
    )


def log_demand(truth: MarketTruth, week: Ints) -> Floats:
    """What season, sale weeks and growth add to the log demand in weeks counted from the first."""
    of_year = week % 52 + 1
    wave = truth.season * np.cos(2 * np.pi * (of_year - truth.season_peak) / 52)
    return wave + truth.sale_lift * np.isin(of_year, truth.sale_weeks) + truth.growth * week / 52


def customers(truth: MarketTruth, ids: Ints, rng: np.random.Generator) -> Columns:
    """Customers: id, market, day they joined, segment and distance from the warehouse."""
    number = len(ids)
    return {
        "customer_id": ids,
        "market": _all(truth.market, number),
        "joined": FIRST_DAY - rng.integers(0, 3 * 365, number),
        "segment": rng.choice(SEGMENTS, number, p=(0.5, 0.35, 0.15)),
        "distance_km": truth.distance_km * np.exp(truth.distance_spread * rng.standard_normal(number)),
    }


def orders(truth: MarketTruth, ids: Ints, people: Columns, rng: np.random.Generator) -> Columns:
    """Orders of customers among `people`, who buy the more often the earlier they stand there.

    Whether an order comes back is drawn first and the discount and the visits before it from that alone, so
    that between markets the label's share moves and the columns given the label do not: label shift.
    """
    number, goods = len(ids), shelf(truth.market)
    buyer = (len(people["customer_id"]) * rng.random(number) ** 2).astype(np.int64)
    item = _drawn(np.array([truth.favourites.get(name, 1.0) for name in goods.category]), number, rng)
    day = _drawn(np.exp(log_demand(truth, np.arange(DAYS) // 7)), number, rng)
    returned = rng.random(number) < truth.return_rate
    discount = np.round(rng.beta(1.5 + 2.5 * returned, 8.0), 2)
    quantity = 1 + rng.poisson(0.5, number)
    weight = quantity * goods.kilograms[item] * np.exp(0.5 * rng.standard_normal(number))
    return {
        "order_id": ids,
        "customer_id": people["customer_id"][buyer],
        "market": _all(truth.market, number),
        "ordered": FIRST_DAY + day,
        "product_id": goods.product[item],
        "category": goods.category[item],
        "quantity": quantity.astype(np.int32),
        "price": np.round(goods.price[item] * (1 - discount), 2),
        "currency": _all(goods.currency, number),
        "discount": discount,
        "visits": (1 + rng.poisson(2.0 + 2.0 * returned)).astype(np.int32),
        "weight_kg": np.maximum(weight, 0.01),
        "returned": returned,
        "distance_km": people["distance_km"][buyer],
    }


def shipments(truth: Truth, here: MarketTruth, sold: Columns, rng: np.random.Generator) -> Columns:
    """The one shipment of every order in `sold`.

    Days are promised as if the order travelled at home, so that customs and slow roads make it late.
    """
    number = len(sold["order_id"])
    names = np.array(list(here.carriers))
    carrier = names[_drawn(np.array(list(here.carriers.values())), number, rng)]
    extra_freight, extra_days = (
        _looked_up(of, carrier) for of in (truth.carrier_freight, truth.carrier_days)
    )
    thousands, weight = sold["distance_km"] / 1000, sold["weight_kg"]
    log_freight = here.freight_base + here.freight_weight * np.log(weight)
    log_freight += here.freight_distance * np.log(thousands) + extra_freight
    log_freight += truth.freight_noise * rng.standard_normal(number)
    week = (sold["ordered"] - FIRST_DAY).astype(np.int64) // 7
    peak = np.isin(week % 52 + 1, here.sale_weeks)
    days = truth.base_days + here.days_per_1000_km * thousands + extra_days + here.peak_days * peak
    days += here.customs_days * rng.gamma(2.0, 0.5, number) + rng.gamma(2.0, truth.delay_days / 2, number)
    expected = truth.base_days + truth.home.days_per_1000_km * thousands + extra_days
    promised = np.ceil(expected + truth.delay_days + truth.slack_days).astype(np.int32)
    return {
        "shipment_id": sold["order_id"],
        "order_id": sold["order_id"],
        "market": sold["market"],
        "shipped": sold["ordered"] + rng.integers(0, 3, number),
        "carrier": carrier,
        "distance_km": sold["distance_km"],
        "weight_kg": weight,
        "sale_week": peak,
        "freight_usd": np.exp(log_freight),
        "days": days,
        "promised_days": promised,
        "late": days > promised,
    }


def sales(truth: MarketTruth, series: Ints, rng: np.random.Generator) -> Columns:
    """Every week of every series, a product in one store: units are Poisson around a log-linear mean."""
    goods, number = shelf(truth.market), len(series) * WEEKS
    row = np.repeat(series, WEEKS)
    item, week = row % len(goods.product), np.tile(np.arange(WEEKS), len(series))
    promotion = rng.random(number) < 0.1
    relative = np.exp(0.1 * rng.standard_normal(number) - 0.2 * promotion)
    level = truth.demand + np.repeat(0.8 * rng.standard_normal(len(series)), WEEKS)
    mean = np.exp(level + log_demand(truth, week) + truth.elasticity * np.log(relative))
    return {
        "market": _all(truth.market, number),
        "store": (row // len(goods.product)).astype(np.int32),
        "product_id": goods.product[item],
        "category": goods.category[item],
        "week": FIRST_DAY + 7 * week,
        "usual_price": goods.price[item],
        "price": np.round(goods.price[item] * relative, 2),
        "currency": _all(goods.currency, number),
        "promotion": promotion,
        "units": rng.poisson(np.minimum(mean, 1e6)).astype(np.int32),
    }


def _all(value: str, number: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), number)


def _drawn(weights: Floats, number: int, rng: np.random.Generator) -> Ints:
    """Positions drawn with replacement, in proportion to `weights`."""
    upto = np.cumsum(weights)
    found: Ints = np.searchsorted(upto, rng.random(number) * upto[-1], side="right")
    return found.clip(max=len(weights) - 1)


def _looked_up(values: dict[str, float], names: NDArray[np.str_]) -> Floats:
    known, position = np.unique(names, return_inverse=True)
    return np.array([values[name] for name in known])[position]
