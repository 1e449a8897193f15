"""Decisions: which market is like home, and which would bring most."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa

from xbsql.session import decisions as run
from xbsql.session.decisions import Tables
from xbsql.session.session import Session
from xbsql.session.shares import gain_shares as run_shares
from xbsql.session.verdict import verdict as run_verdict
from xbsql.surface.arguments import DATA, Given, Model, Name, Number, Rows, Share, Text, Whole
from xbsql.surface.function import Columns, function

Optional = Rows(order="", optional=True)
A_NUMBER = Number("DOUBLE", "float | None")
Goal = Annotated[
    float | None,
    A_NUMBER,
    "the score that a model must reach",
]
Plan = Annotated[
    pa.Table,
    Rows(),
    "what would be sold where, one row a market, or a market and product: market, units, price (of one, with "
    "VAT), and where known currency, hs, cost, freight (of one, in home's money), days; of each number also "
    f"its interval in `_lo` and `_hi`: {DATA}",
]
Facts = Annotated[
    pa.Table | None,
    Optional,
    "known of each market, home among them: market, then a column a fact; what is said of a pair, such as "
    "the distance from home, has home's value with itself in home's row; of `lat` and `lon` (degrees) the "
    "distance counts",
]
Money = Annotated[Name, "home's currency, ISO 4217; what is earned is told in it"]
Rates = Annotated[
    pa.Table | None, Optional, "currency and per_unit, as of xb.to_currency; the latest day of each counts"
]
Duties = Annotated[
    pa.Table | None,
    Optional,
    "market, hs and rate (a share of cost and freight): the longest code that begins a row's `hs` counts, "
    "NULL is any; without the table no duty counts",
]
Vat = Annotated[
    pa.Table | None, Optional, "market and rate, a share of the price before VAT; NULL is any market"
]
Level = Annotated[
    Share, "the share of outcomes between lo and hi, of the plan's intervals as of the answer's"
]
Together = Annotated[Share, "0 to 1: how far the rows of one market are wrong together"]
Promise = Annotated[
    float | None,
    A_NUMBER,
    "days that are promised to customers, for `on_time`",
]
Seed = Annotated[Whole, "of the draws"]

RANKED: Columns = {
    "rank": "INTEGER", "market": "VARCHAR", "margin": "DOUBLE", "lo": "DOUBLE", "hi": "DOUBLE",
    "rank_lo": "INTEGER", "rank_hi": "INTEGER", "best": "DOUBLE", "units": "DOUBLE", "revenue": "DOUBLE",
    "freight": "DOUBLE", "duty": "DOUBLE", "vat": "DOUBLE", "days": "DOUBLE", "on_time": "DOUBLE",
    "labels_needed": "BIGINT", "note": "VARCHAR",
}  # fmt: skip
PLANNED = (
    "WITH plan AS (FROM (VALUES ('DE', 900, 700, 1100, 39.0, 4.1), ('JP', 700, 300, 1500, 5200.0, 9.5)) "
    "t(market, units, units_lo, units_hi, price, freight)) "
)


@function(
    {
        "market": "VARCHAR", "aspect": "VARCHAR", "measure": "VARCHAR", "similarity": "DOUBLE",
        "lo": "DOUBLE", "hi": "DOUBLE", "evidence": "VARCHAR",
    },
    example="WITH abroad AS (SELECT *, 'JP' AS market FROM orders_jp) FROM xb.market_similarity(orders_us, "
    "abroad, columns := {'customer': 'customer_id', 'ts': 'ordered', 'amount': 'paid'}, home_market := 'US')",
)  # fmt: skip
def market_similarity(
    session: Session,
    home: Annotated[pa.Table, Rows(), f"the home market's sales, one row a line: {DATA}"],
    candidates: Annotated[pa.Table, Rows(), "the same of other markets, with a column that names the market"],
    columns: Annotated[
        Given,
        "which column is the market, category, title, price, currency, customer, amount, ts, days (until "
        "delivery; of xb.market_report), where it has another name: {'ts': 'ordered'}",
    ] = None,
    home_market: Annotated[
        Text, "home's name in the facts; a country code brings language, money and holidays"
    ] = None,
    facts: Facts = None,
    rates: Rates = None,
    seed: Seed = 0,
) -> list[dict[str, Any]]:
    """How alike each market is to home, 0 to 1, the likest first, each measure with its evidence: 'catalogue'
    (shares of categories, the nearest home title of each title in any language), 'price', 'customers' (orders
    and spend of each, a year), 'demand' (shares of the months, from eleven months on) and 'facts'. What
    either side lacks is left out. 'overall' is the mean of the aspects. A small market differs by chance:
    what samples of home of its size show counts as no difference. `lo` and `hi` are 95 % bootstrap intervals,
    NULL where nothing was sampled. Markets that only `facts` names are compared by these. It says whom a
    market is like, and does not say what a transfer gains.
    """  # fmt: skip
    return run.market_similarity(session, home, candidates, columns or {}, home_market, facts, rates, seed)


@function(
    {
        "market": "VARCHAR", "population": "BIGINT", "gdp": "DOUBLE", "gdp_per_head": "DOUBLE",
        "literacy": "DOUBLE", "lat": "DOUBLE", "lon": "DOUBLE", "distance_km": "DOUBLE",
        "home_language": "DOUBLE",
    },
    example="SELECT market, gdp_per_head, distance_km FROM xb.market_facts('US') "
    "WHERE market IN ('CA', 'DE', 'JP')",
)  # fmt: skip
def market_facts(
    session: Session,
    home: Annotated[Text, "the country code of the home market, 'DE', for what is said of a pair"] = None,
) -> list[dict[str, Any]]:
    """Facts of every country, to be joined to rows by their market: `population`, `gdp` in dollars of equal
    purchasing power, `gdp_per_head` and `literacy` (0 to 1) as the Unicode CLDR of 2025 has them, `lat` and
    `lon` of a principal city; with `home` also `distance_km` along the great circle, 0 of home itself, and
    `home_language`: the share of people that know the language home's shops write in. NULL is what is not
    known. Nothing is fetched. They serve as the option `facts` of a forecast and as `facts` of
    xb.market_similarity.
    """
    return run.market_facts(session, home)


@function(
    RANKED,
    example=PLANNED + "FROM xb.rank_markets(plan, currency := 'USD', rates := rates)",
)
def rank_markets(
    session: Session,
    tbl: Plan,
    currency: Money,
    rates: Rates = None,
    duties: Duties = None,
    vat: Vat = None,
    curves: Annotated[
        pa.Table | None, Optional, "what xb.label_curve gave, with a column market, for `labels_needed`"
    ] = None,
    goal: Goal = None,
    promise: Promise = None,
    level: Level = 0.9,
    correlation: Together = 0.5,
    seed: Seed = 0,
) -> list[dict[str, Any]]:
    """Markets by the margin they are expected to bring: units times the price after VAT, less cost, freight
    and duty. `lo` and `hi` hold the margins of all markets at once for `level` of the outcomes; `rank_lo` and
    `rank_hi` each market's own rank; `best` is how likely it comes first. An interval's ends are quantiles of
    an outcome on either side of the value, on a log scale where all are above 0; numbers without an interval
    are taken as exact, and the note says so. `labels_needed` is the fewest labels that reach `goal`. A market
    that lacks a number, a rate of its currency, a duty or its VAT comes last without a rank, and the note
    says what it lacks.
    """
    given = {"currency": currency, "promise": promise, "level": level, "together": correlation, "seed": seed}
    return run.rank_markets(session, tbl, given, Tables(rates, duties, vat, curves), goal)


@function(
    {
        "market": "VARCHAR", "input": "VARCHAR", "change": "DOUBLE", "against": "VARCHAR",
        "probability": "DOUBLE",
    },
    example=PLANNED + "FROM xb.market_sensitivity(plan, currency := 'USD', rates := rates)",
)  # fmt: skip
def market_sensitivity(
    session: Session,
    tbl: Plan,
    currency: Money,
    rates: Rates = None,
    duties: Duties = None,
    vat: Vat = None,
    level: Level = 0.9,
    correlation: Together = 0.5,
    seed: Seed = 0,
) -> list[dict[str, Any]]:
    """Which input would change the order of xb.rank_markets: of every two markets that follow each other, by
    what share each input (units, price, cost, freight, duty, vat) of either would have to change for both to
    bring the same, the smallest first; changes beyond 100 % are left out. A currency's rate counts as the
    price does. `probability` is how likely the order turns when that input alone is off as its intervals say.
    """
    given = {"currency": currency, "level": level, "together": correlation, "seed": seed}
    return run.market_sensitivity(session, tbl, given, Tables(rates, duties, vat))


@function(
    {"verdict": "VARCHAR", "metric": "VARCHAR", "score": "VARCHAR", "gain": "VARCHAR", "labels": "VARCHAR"},
    example="FROM xb.verdict('category_home')",
)
def verdict(session: Session, model: Model) -> list[dict[str, Any]]:
    """One short row that fits a terminal of 80 columns: HELPS, NO EVIDENCE, HURTS or NOT MEASURED, the score
    of the blend, its gain over the target alone with the interval, the labels, and how many more the source
    saves. A model of one market is a HOME MODEL. All that stands behind it is in xb.model_card.
    """
    return run_verdict(session, model)


@function(
    {
        "part": "VARCHAR", "name": "VARCHAR", "share": "DOUBLE", "metric": "VARCHAR", "score": "DOUBLE",
        "without": "DOUBLE", "lost": "DOUBLE", "lo": "DOUBLE", "hi": "DOUBLE",
    },
    example="FROM xb.gain_shares(shipments_jp, 'days', shipments_us, options := {'ignore': ['freight_usd']})",
)  # fmt: skip
def gain_shares(
    session: Session,
    data: Annotated[pa.Table, Rows(), f"the target, as of xb.transfer: {DATA}"],
    label: Annotated[Name, "the label column, of one name on both sides"],
    source: Annotated[pa.Table, Rows(), "the home markets' rows"],
    options: Annotated[Given, "of the transfers; `source_market` names the home market of each row"] = None,
) -> list[dict[str, Any]]:
    """Which home market and which kind of data (text, vector, table) a transfer lives by: it is made again
    without each. `score` is that of the blend, out of fold, `without` that without the part, `lost` the
    difference with its 95 % interval, and `share` its part of what all parts of its sort lose. Parts that
    stand in for each other lose little alone. The only kind there is has no `without`. It takes as long as a
    transfer for each part and one more.
    """
    return run_shares(session, data, label, source, options or {})
