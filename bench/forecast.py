"""Forecasts: M4's published figures, a British shop's demand in three countries, and series a second.

M4 weekly and hourly prove that the metrics are right (the seasonal naive forecast must give the published
sMAPE and MASE) and that the methods are no straw men. They have no home market: `xb.fit` alone.

Online Retail: the United Kingdom is home; Germany, France and Ireland are the targets. Weekly pieces of each
product sold in ten or more of the 52 whole weeks, returns left out; the target shows its last 4, 8, 16 or 32
weeks before an origin, home all of its weeks before it, and the eight weeks after it are the test: after week
44, and with eight weeks of history after week 40 too. The loss is the scaled pinball loss over the nine
quantiles of M5 Uncertainty, a series' scale being its mean absolute weekly change before the origin, with one
further change, the mean of all, so that products that have hardly sold do not decide.

    pinball_gain8  1 - loss of the blend / loss of the target-only method that is best on the test, 8 weeks
    pinball_worst  the smallest such gain of any country at any history
    total_gain8    1 - WAPE of eight-week totals / that of the mean of the last eight weeks
    coverage       of 90 % intervals, the least and the largest of the countries and histories
    cold_gain      products whose history is hidden: 1 - loss / loss of the market's mean product; arms
                   "unsold" hide them at home, too, without and with their titles

Weekly WAPE by product is not reported: a forecast of zero has 1.00 and an honest mean more, so it rewards
saying nothing.

Parameters were chosen on origins up to week 36 (24, 28, 32 and 36; 4, 8 and 16 weeks; the three countries
and, for how far evidence is trusted, six smaller ones with products sold in five weeks or more). There
products that had not sold before the origin are left out of the pinball loss: their scale is nearly 0, and
in Germany at week 24 eighteen of them are three quarters of it. The prior learnt from values cut at the
market's 95th percentile, the mean over 16 values, the lower priors and the trust in short histories were
chosen on these windows together: over the 36 windows of the three countries the gain of the pinball loss
was .004 before and .014 after, that of totals .02 and .13. What was tried there and gained nothing: a
growth of the market at home (by pieces or by products), home's level over 4, 6, 12 or 24 weeks, clipped, or
by frequency and size of sales, trees in units of a shrunken level, a shape chosen by the product's own
level, other memories, the quantile 0.9 as the upper end of an interval where the lower one is 0.

Totals (`total_gain8`) gain .085 on the tuning windows with eight weeks of history (15 windows, weeks 20 to
36). Tried beside: drawn to the mean of the last eight weeks by a tenth .087, by half .069; by a quarter in
logs .092; to the mean product's total by a tenth .083; their sum set to that of the plain mean .076; nine
tenths of them .095, which is WAPE's liking for what is too low and no better mean. None is more than the
windows' noise.

Intervals hold more than they say in most windows (`coverage_max`), for want of a score that is no worse.
Tried on weeks 20, 24 and 28 (27 windows; 90 % intervals hold 94.5 % on the mean, 90 to 98 % in one): the
quantile 0.9 as the upper end where the lower one is 0 holds 90.6 % and has an interval score that is 8.8 %
worse; upper ends drawn to .8 of their distance hold 92.9 %, 1.2 % worse. A shock that all products of a
market share (weeks 20 to 36, 45 windows: the log of all that came over all that was forecast has a deviation
of .48), as a share of `yhat` added in quadrature to each product's half-widths: the deviation of coverage
between windows is .0334 with it and .0331 without, at .0361 and .0333 where ends are first narrowed to hold
no more than before, and the score gains .02 %. Factors by quartile of what is expected of a product, chosen
in hindsight (.8, .9, 1, 1.1), gain 1.1 % of the score, at .0341. Learnt they are kept, see
`calibration.edges_of`: on 800 products of the home market at weeks 24, 32 and 36 they gain 1.6, 2.9 and
2.4 %, on twelve windows of the three countries nothing (19.67 before, 19.68 after), whose few weeks are
trusted by a sixteenth to a third; trusted four times as much they lose 5 %, and one factor loses 4 %. A
product sells so little that its own luck is nearly all of its width, and no past says which window will be
lively. Sums have that shock, see `coherent.least_spread`.

Not blind: first sketches of the prior of demand were seen on weeks 36, 40 and 44; the mean of trees was
taken from their quantiles after a first run had shown means far off (which did not help); a whole run had
shown trees and analogues to be wild before they were given a lower prior; a second one had shown that
totals, at week 40 above all, were what to work on; and a third one that intervals of France were narrow
before their calibration was trusted less where histories are short, which on the tuning windows lowers the
scaled interval score by .019 (.006 its standard error). Values were chosen on the earlier weeks each time.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xbsql.metrics import series as series_metrics
from xbsql.series.demand import fit_demand
from xbsql.series.fan import pinball
from xbsql.series.history import context
from xbsql.series.home import Home
from xbsql.series.method import Known
from xbsql.series.methods import own_methods
from xbsql.series.read.table import read_series
from xbsql.series.rules import Recent
from xbsql.series.scale import absolute_scale, seasonal_naive
from xbsql.tasks import road
from xbsql.tasks.forecast.options import ForecastOptions
from xbsql.tasks.forecast.task import SeriesProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bench.case import Bench
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

TESTS = ("tests/series", "tests/tasks/test_forecast.py")
SOURCES = (
    "xbsql/tasks/forecast/task.py",
    "xbsql/engine/evidence.py",
    *(
        f"xbsql/series/{name}.py"
        for name in (
            "backtest",
            "boosted",
            "calibration",
            "carry",
            "demand",
            "history",
            "home",
            "methods",
            "rules",
        )
    ),
)
TARGETS = ("Germany", "France", "EIRE")
HOME = "United Kingdom"
HISTORIES = (4, 8, 16, 32)
HORIZON, LAST, EARLIER = 8, 44, 40
FEWEST_WEEKS = 10
MANY, LENGTH, SAMPLE = 10_000, 150, 60


class M4(NamedTuple):
    """One of M4's sets: horizon, season of MASE, the cycles, and sMAPE and MASE of its Naive 2."""

    horizon: int
    season: int
    cycles: tuple[int, ...]
    naive: tuple[float, float]


SETS = {
    "weekly": M4(13, 1, (52,), (9.161, 2.777)),
    "hourly": M4(48, 24, (24, 168), (18.383, 2.395)),
}


class Shop(NamedTuple):
    """Weekly pieces of one country: names of products, and weeks of each; what names are called, of all."""

    names: tuple[str, ...]
    pieces: Floats
    titles: Mapping[str, str]

    def titled(self, series: Series) -> Series:
        """The series with their titles."""
        return replace(series, titles=tuple(self.titles.get(name) for name in series.names))


def run(bench: Bench) -> dict[str, float]:
    """Measure M4, the shop and the speed; see the module."""
    found: dict[str, float] = {}
    for name in SETS:
        found |= bench.unit(f"m4 {name}", partial(m4, bench, name))
    shops = sales(pq.read_table(bench.data("online_retail/transactions.parquet")))
    jobs = [(country, weeks, LAST) for weeks in HISTORIES for country in TARGETS]
    jobs += [(country, 8, EARLIER) for country in TARGETS]
    if bench.quick:
        jobs = [(country, 8, LAST) for country in TARGETS]
    scores = {
        job: bench.unit(f"{job[0]} {job[1]} weeks before {job[2]}", partial(carried, bench, shops, *job))
        for job in jobs
    }
    cold = {
        country: bench.unit(f"{country} cold", partial(without_history, bench, shops, country))
        for country in TARGETS
    }
    speed = bench.unit("speed", lambda: series_a_second(bench))
    return {**found, **headline(scores), "cold_gain": statistics.fmean(cold.values()), **speed}


def headline(scores: Mapping[tuple[str, int, int], Mapping[str, float]]) -> dict[str, float]:
    """The shop's figures out of those of its jobs."""
    eight = [score for (_, weeks, _), score in scores.items() if weeks == 8]
    return {
        "pinball_gain8": statistics.fmean(score["gain"] for score in eight),
        "pinball_worst": min(score["gain"] for score in scores.values()),
        "total_gain8": statistics.fmean(score["total_gain"] for score in eight),
        "coverage_min": min(score["coverage"] for score in scores.values()),
        "coverage_max": max(score["coverage"] for score in scores.values()),
    }


def m4(bench: Bench, name: str) -> dict[str, float]:
    """Seasonal naive and the blend on one of M4's sets."""
    told = SETS[name]
    options = {"horizon": told.horizon, "season": list(told.cycles), "fill": "interpolate", "end": "own"}
    chosen = ForecastOptions.of("bench", options)
    rules = chosen.rules("bench")
    tables = [pq.read_table(bench.data(f"m4/{name}_{part}.parquet")) for part in ("train", "test")]
    past, after = (read_series("bench", table, chosen.columns("y"), rules) for table in tables)
    place = {series: i for i, series in enumerate(after.names)}
    y = context(after, told.horizon)[[place[series] for series in past.names]]
    start = time.perf_counter()
    model, _ = road.solved(SeriesProblem(past, chosen, "y", rules))
    fitted = time.perf_counter() - start
    found = model.forecast(past, told.horizon)
    naive = seasonal_naive(past, told.horizon, told.season)
    scale = absolute_scale(past, told.season)
    sizes, figures = {"series": len(past), "horizon": told.horizon}, {}
    for arm, forecast in (("seasonal naive", naive), ("blend", found.quantiles[..., 4])):
        smape = series_metrics.mean_of(series_metrics.smape(y, forecast))
        mase = series_metrics.mean_of(series_metrics.mase(y, forecast, scale))
        owa = series_metrics.owa(smape, mase, *told.naive)
        for metric, value in (("smape", smape), ("mase", mase), ("owa", owa)):
            bench.record(f"m4 {name}", arm, metric, value, sizes=sizes)
        figures[arm] = (mase, owa)
    bench.record(
        f"m4 {name}", "blend", "coverage", float(((y >= found.lo) & (y <= found.hi)).mean()), sizes=sizes
    )
    bench.record(f"m4 {name}", "blend", "fit", fitted, unit="s", sizes=sizes)
    return {f"snaive_{name}_mase": figures["seasonal naive"][0], f"owa_{name}": figures["blend"][1]}


def sales(table: pa.Table) -> dict[str, Shop]:
    """Pieces sold by product and whole week, Monday to Sunday; returns do not count."""
    sold = table.filter(pc.greater(table["Quantity"], 0))
    days = sold["InvoiceDate"].to_numpy().astype("datetime64[D]").astype(np.int64)
    week = (days + 3) // 7
    week -= week.min() + 1  # the first and the last week are not whole
    weeks = int(week.max())
    country, code = (np.array(sold[name].to_pylist()) for name in ("Country", "StockCode"))
    quantity = sold["Quantity"].to_numpy()
    named = pc.is_valid(sold["Description"]).to_numpy()
    titles = dict(
        zip(code[named][::-1], sold["Description"].filter(pa.array(named)).to_pylist()[::-1], strict=True)
    )
    shops = {}
    for name in (HOME, *TARGETS):
        here = (country == name) & (week >= 0) & (week < weeks)
        products, row = np.unique(code[here], return_inverse=True)
        pieces = np.zeros((len(products), weeks))
        np.add.at(pieces, (row, week[here]), quantity[here])
        shops[name] = Shop(tuple(products.tolist()), pieces, titles)
    return shops


def carried(
    bench: Bench, shops: Mapping[str, Shop], country: str, weeks: int, origin: int
) -> dict[str, float]:
    """One transfer of home's demand to a country with so many weeks of history."""
    target, home, y, before = cut(shops, country, weeks, origin)
    chosen = ForecastOptions.of("bench", {"horizon": HORIZON})
    problem = SeriesProblem(target, chosen, "y", chosen.rules("bench"), country, home)
    model, done = road.solved(problem)
    found, scale = model.forecast(target, HORIZON), scales(before)
    known = Known(target, home, HORIZON, target.frequency.season, 0)
    fans = {}
    for method in own_methods(target, target.frequency.season):
        fans[method.name] = (done.fitted.get(method.name) or method.fit(known)).fan(target, HORIZON)
    own = {name: loss(y, fan, scale) for name, fan in fans.items()}
    blend = loss(y, np.concatenate([found.quantiles, found.yhat[..., None]], axis=2), scale)
    total = y.sum(axis=1)
    plain = np.abs(total - HORIZON * before[:, -min(weeks, 8) :].mean(axis=1)).sum() / total.sum()
    wape = np.abs(total - found.yhat.sum(axis=1)).sum() / total.sum()
    sizes = {"series": len(target), "weeks": weeks, "origin": origin}
    for arm, value in {**own, "blend": blend}.items():
        bench.record(country, arm, "scaled pinball", value, sizes=sizes)
    bench.record(country, "mean of last weeks", "WAPE of totals", float(plain), sizes=sizes)
    bench.record(country, "blend", "WAPE of totals", float(wape), sizes=sizes)
    inside = float(((y >= found.lo) & (y <= found.hi)).mean())
    bench.record(country, f"blend, {done.verdict.outcome}", "coverage", inside, sizes=sizes)
    return {
        "gain": 1 - blend / min(own.values()),
        "total_gain": float(1 - wape / plain),
        "coverage": inside,
    }


def cut(
    shops: Mapping[str, Shop], country: str, weeks: int, origin: int
) -> tuple[Series, Series, Floats, Floats]:
    """The target's history, home's, what came, and all the target's weeks before the origin."""
    shop, home = shops[country], shops[HOME]
    often = np.flatnonzero((shop.pieces > 0).sum(axis=1) >= FEWEST_WEEKS)
    pieces, names = shop.pieces[often], [shop.names[i] for i in often]
    sold = np.flatnonzero(home.pieces[:, :origin].any(axis=1))
    theirs = [home.names[i] for i in sold]
    target = series_of(names, pieces[:, origin - weeks : origin], origin - weeks)
    source = series_of(theirs, home.pieces[sold, :origin], 0)
    return target, source, pieces[:, origin : origin + HORIZON], pieces[:, :origin]


def series_of(names: list[str], values: Floats, first: int) -> Series:
    """Rows of weeks as series, by way of a table as a user has it."""
    n, weeks = values.shape
    days = np.datetime64("2010-12-06") + 7 * (first + np.arange(weeks))
    table = pa.table(
        {
            "unique_id": np.repeat(np.array(names), weeks),
            "ds": np.tile(days, n),
            "y": values.ravel(),
        }
    )
    chosen = ForecastOptions.of("bench", {"frequency": "W-MON"})
    return read_series("bench", table, chosen.columns("y"), chosen.rules("bench"))


def scales(before: Floats) -> Floats:
    """Mean absolute change of each series and one change more, the mean of all."""
    change = np.abs(np.diff(before, axis=1))
    return np.asarray((change.sum(axis=1) + change.mean()) / (change.shape[1] + 1))


def loss(y: Floats, fan: Floats, scale: Floats) -> float:
    """Scaled pinball loss, mean over steps and then series."""
    return float((pinball(y, fan).mean(axis=1) / scale).mean())


def without_history(bench: Bench, shops: Mapping[str, Shop], country: str) -> float:
    """Half of the products, their history hidden, five draws: the gain over the market's mean product."""
    target, home, y, before = cut(shops, country, 8, LAST)
    target, home = shops[country].titled(target), shops[country].titled(home)
    scale, gains = scales(before), []
    sizes = {"series": len(target), "weeks": 8, "origin": LAST}
    arms: dict[str, list[float]] = {}
    for seed in range(5):
        hidden = np.random.default_rng(seed).random(len(target)) < 0.5
        shown = target.take(~hidden)
        nothing = target.take(hidden).until(10**6)
        known = Known(shown, home, HORIZON, target.frequency.season, seed)
        rest = home.take(~np.isin(home.names, nothing.names))
        product = Recent(8).fan(shown, HORIZON).mean(axis=0, keepdims=True)
        fans: dict[str, Any] = {
            "home": fit_demand(known, Home.of(home)).fan(nothing, HORIZON),
            "own market": fit_demand(known, None).fan(nothing, HORIZON),
            "unsold at home": fit_demand(known, Home.of(replace(rest, titles=None))).fan(nothing, HORIZON),
            "unsold at home, titles": fit_demand(known, Home.of(rest)).fan(nothing, HORIZON),
            "mean product": np.repeat(product, int(hidden.sum()), axis=0),
        }
        for arm, fan in fans.items():
            arms.setdefault(arm, []).append(loss(y[hidden], fan, scale[hidden]))
        gains.append(1 - arms["home"][-1] / arms["mean product"][-1])
    for arm, values in arms.items():
        bench.record(f"{country} cold", arm, "scaled pinball", statistics.fmean(values), sizes=sizes)
    return statistics.fmean(gains)


def series_a_second(bench: Bench) -> dict[str, float]:
    """Fit and forecast many series, against AutoETS on a sample of the same ones."""
    from statsforecast.models import AutoETS

    many = 1_000 if bench.quick else MANY
    values = simulated(many)
    series = series_of([f"p{i:05d}" for i in range(many)], values, 0)
    chosen = ForecastOptions.of("bench", {"horizon": HORIZON})
    AutoETS(season_length=1).forecast(values[0], HORIZON)
    start = time.perf_counter()
    model, _ = road.solved(SeriesProblem(series, chosen, "y", chosen.rules("bench")))
    model.forecast(series, HORIZON)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    for row in values[:SAMPLE]:
        AutoETS(season_length=1).forecast(row, HORIZON)
    theirs = (time.perf_counter() - start) / SAMPLE * many
    sizes = {"series": many, "length": LENGTH, "horizon": HORIZON}
    bench.record("speed", "blend", "fit and forecast", ours, unit="s", sizes=sizes)
    bench.record("speed", "AutoETS, from a sample", "fit and forecast", theirs, unit="s", sizes=sizes)
    return {"series_vs_autoets": theirs / ours}


def simulated(many: int) -> Floats:
    """Weekly pieces of products of many sizes with a yearly wave and growth."""
    generator = np.random.default_rng(0)
    week = np.arange(LENGTH)
    level = generator.lognormal(2.0, 1.0, (many, 1))
    wave = 1 + generator.uniform(0, 0.5, (many, 1)) * np.sin(
        2 * np.pi * week / 52 + generator.uniform(0, 6, (many, 1))
    )
    growth = np.exp(generator.normal(0, 0.003, (many, 1)) * week)
    mean = level * wave * growth
    return generator.negative_binomial(2.0, 2.0 / (2.0 + mean)).astype(np.float64)
