"""Markets whose truth is known: does the ranking find their order, and do its intervals hold?

In each of many simulated worlds eight markets differ in demand, prices, freight, duty, VAT and currency. A
shop knows each by a trial of some weeks: weekly units, and what a few parcels cost. From these it makes the
plan as its user would: means with t-intervals of 90 %. `tau` is Kendall's between the order of
`xb.rank_markets` and that of the true margins, the mean over the worlds. `coverage` is the share of worlds in
which all true margins lie in their intervals at once, asked for .9. `likeness` is Spearman's correlation of
`xb.market_similarity` with the true distance of each market from home.

`facts0`, `facts15`: by what share the error of a transfer falls where the facts of each market are
joined to its rows as columns, with so many labels, on real trade of 20 countries (see bench/market_facts.py).

The worlds' spreads were chosen once, so that markets differ as countries of one bench (online retail) do.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
from scipy.stats import kendalltau, spearmanr, t

import xbsql
from bench import market_facts
from bench.case import Quantiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from bench.case import Bench

TESTS = ("tests/decisions",)
SOURCES = (
    "xbsql/decisions/ranking.py", "xbsql/decisions/plan.py", "xbsql/decisions/similarity.py",
    "xbsql/decisions/likeness.py",
)  # fmt: skip
T = TypeVar("T")
CODES = ("DE", "FR", "JP", "GB", "PL", "SE", "BR", "MX")
MONEY = ("EUR", "EUR", "JPY", "GBP", "PLN", "SEK", "BRL", "MXN")
HORIZON = 26
LABELS = (0, 15)
LEVEL = 0.9


def run(bench: Bench) -> dict[str, float]:
    """Every world."""
    worlds = 60 if bench.quick else 400
    bench.plan(3)
    found = bench.unit("ranking", lambda: each(ranked, worlds))
    taus, held, ranks = ([row[name] for row in found] for name in ("tau", "held", "rank held"))
    bench.record("eight markets", "xbsql", "tau", Quantiles.of(taus), sizes={"worlds": worlds})
    bench.record("eight markets", "xbsql", "held at once", statistics.fmean(held))
    bench.record("eight markets", "xbsql", "rank held", statistics.fmean(ranks))
    naive = statistics.fmean(row["naive"] for row in found)
    bench.record("eight markets", "intervals one by one", "held at once", naive)
    like = bench.unit("likeness", lambda: each(likeness, 4 if bench.quick else 40))
    bench.record("eight markets", "xbsql", "likeness", Quantiles.of(like))
    gains = bench.unit("facts", lambda: facts(bench))
    for name, value in gains.items():
        bench.record("trade", "xbsql", name, value)
    return {
        "tau": statistics.fmean(taus), "coverage": statistics.fmean(held),
        "likeness": statistics.fmean(like), **{name: gains[name] for name in gains if "_" not in name},
    }  # fmt: skip


def facts(bench: Bench) -> dict[str, float]:
    """By number of labels the share of the error that facts take away, and the share of targets they hurt."""
    table, found = market_facts.trade(bench.data("market_facts")), {}
    for labels in LABELS:
        each = [market_facts.errors(table, seed, labels) for seed in range(4 if bench.quick else 20)]
        whole = {arm: sum(error[arm] for error in each) for arm in ("with", "without")}
        found[f"facts{labels}"] = 1.0 - whole["with"] / whole["without"]
        worse = statistics.fmean(error["with"] > error["without"] for error in each)
        found[f"facts{labels}_worse"] = worse
    return found


def each(world: Callable[[DuckDBPyConnection, int], T], worlds: int) -> list[T]:
    """What is found in each of so many worlds."""
    with xbsql.connect() as con:
        return [world(con, seed) for seed in range(worlds)]


def ranked(con: DuckDBPyConnection, seed: int) -> dict[str, float]:
    """One world: the order that is found beside the true one, and whether the intervals hold it."""
    rng = np.random.default_rng([seed, 3])
    m = len(CODES)
    demand = np.exp(rng.normal(4.0, 0.8, m))
    price, cost = np.exp(rng.normal(3.9, 0.15, m)), 18.0
    freight, vat, duty = np.exp(rng.normal(2.0, 0.4, m)), rng.uniform(0, 0.25, m), rng.uniform(0, 0.2, m)
    per_unit = np.exp(rng.normal(-1.0, 1.5, m))
    per_unit[1] = per_unit[0]  # the euro is one money
    truth = HORIZON * demand * (price / (1 + vat) - cost - freight - duty * (cost + freight))
    weeks, parcels = rng.integers(8, 20, m), rng.integers(6, 20, m)
    spread = rng.uniform(0.2, 0.6, m)
    units = [interval(each * lognormal(rng, s, n)) for each, s, n in zip(demand, spread, weeks, strict=True)]
    quoted = [interval(each * lognormal(rng, 0.3, n)) for each, n in zip(freight, parcels, strict=True)]
    plan = pa.table(
        {
            "market": CODES, "currency": MONEY, "price": price / per_unit, "cost": [cost] * m,
            **{f"units{end}": [HORIZON * u[i] for u in units] for i, end in enumerate(("", "_lo", "_hi"))},
            **{f"freight{end}": [q[i] for q in quoted] for i, end in enumerate(("", "_lo", "_hi"))},
        }
    )  # fmt: skip
    rates = dict(zip(MONEY, per_unit, strict=True)) | {"USD": 1.0}
    given = {
        "rates": pa.table({"currency": list(rates), "per_unit": list(rates.values())}),
        "duties": pa.table({"market": CODES, "rate": duty}),
        "vat": pa.table({"market": CODES, "rate": vat}),
    }
    rows = xbsql.rank_markets(con, plan, "USD", level=LEVEL, seed=seed, **given).to_pylist()
    true = dict(zip(CODES, truth, strict=True))
    place = {name: i for i, name in enumerate(sorted(true, key=lambda name: -true[name]), start=1)}
    tau = float(kendalltau([row["rank"] for row in rows], [place[row["market"]] for row in rows]).statistic)
    return {
        "tau": tau,
        "held": float(all(row["lo"] <= true[row["market"]] <= row["hi"] for row in rows)),
        "rank held": statistics.fmean(
            row["rank_lo"] <= place[row["market"]] <= row["rank_hi"] for row in rows
        ),
        "naive": float(alone(plan, rows, true)),
    }


def lognormal(rng: np.random.Generator, spread: float, n: int) -> NDArray[np.float64]:
    """Draws of mean 1."""
    return np.exp(rng.normal(-(spread**2) / 2, spread, n))


def interval(sample: NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean with its t-interval; what ends below 0 ends at a tenth of the mean."""
    mean, error = float(sample.mean()), float(sample.std(ddof=1) / np.sqrt(len(sample)))
    width = float(t.ppf(0.5 + LEVEL / 2, len(sample) - 1)) * error
    return mean, max(mean - width, 0.1 * mean), mean + width


def alone(plan: pa.Table, rows: list[dict[str, Any]], true: dict[str, float]) -> bool:
    """Whether margins at the ends of the units' intervals, each market alone, would hold all of them."""
    value, ends = {row["market"]: row["margin"] for row in rows}, {}
    for row in plan.to_pylist():
        share = [row[end] / row["units"] for end in ("units_lo", "units_hi")]
        ends[row["market"]] = sorted(value[row["market"]] * each for each in share)
    return all(ends[name][0] <= true[name] <= ends[name][1] for name in ends)


def likeness(con: DuckDBPyConnection, seed: int) -> float:
    """The correlation of likeness with how near each market was drawn to home."""
    rng = np.random.default_rng([seed, 4])
    away = rng.permutation(np.linspace(0.0, 1.0, len(CODES)))
    home = sales(rng, 0.0, 1500)
    sizes = rng.integers(60, 600, len(CODES)).tolist()
    candidates = [
        _named(sales(rng, far, size), code) for far, size, code in zip(away, sizes, CODES, strict=True)
    ]
    rows = xbsql.market_similarity(con, home, pa.concat_tables(candidates), seed=seed).to_pylist()
    found = {row["market"]: row["similarity"] for row in rows if row["aspect"] == "overall"}
    return float(spearmanr([found[f"market {code}"] for code in CODES], -away).statistic)


def _named(table: pa.Table, market: str) -> pa.Table:
    return table.append_column("market", pa.array([f"market {market}"] * len(table)))


def sales(rng: np.random.Generator, away: float, n: int) -> pa.Table:
    """Lines of sales of a market so far away from home: other categories, prices, customers and season."""
    shares = (1 - away) * np.array([0.4, 0.3, 0.2, 0.1]) + away * np.array([0.1, 0.15, 0.25, 0.5])
    month = (rng.choice(12, n, p=_season(1 + 5 * away)) * 30.4).astype(int)
    days = np.datetime64("2023-01-01") + month + rng.integers(0, 28, n)
    return pa.table(
        {
            "category": np.array(["a", "b", "c", "d"])[rng.choice(4, n, p=shares)],
            "price": np.exp(rng.normal(3.0 + 0.7 * away, 0.6, n)),
            "customer": rng.integers(0, max(n // (2 + int(4 * away)), 1), n), "ts": days,
        }
    )  # fmt: skip


def _season(peak: float) -> NDArray[np.float64]:
    wave = 1.2 + np.cos(2 * np.pi * (np.arange(12) - peak) / 12)
    return np.asarray(wave / wave.sum())
