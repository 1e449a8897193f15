"""What `bench.few` is measured on: one target cut short, home's series of the same time, and what came."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from xbsql.sample.daily import FIRST_DAY, simulate_daily
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HOMES = 5
EPOCH = np.datetime64("1970-01-01")


class Case(NamedTuple):
    """One forecast that is asked for.

    Attributes:
        data: the name of the set.
        length: values of the target's history.
        key: of home: cases of one key have one home.
        target: one series, cut short.
        home: home's series up to the same period.
        y: float64 (horizon,), what came.
        scale: the mean change of the whole history from one season to the next.
        season: lengths of the cycles.
        market: ISO code of the target, where there is one.
        home_market: of home.
    """

    data: str
    length: int
    key: str
    target: Series
    home: Series
    y: Floats
    scale: float
    season: tuple[int, ...]
    market: str | None = None
    home_market: str | None = None


def series_of(names: list[str], values: list[Floats], ends: int, frequency: Frequency) -> Series:
    """Series that end before one period."""
    lengths = np.array([len(y) for y in values], np.int64)
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    status = ("ok",) * len(names)
    return Series(tuple(names), np.concatenate(values), offsets, ends - lengths, frequency, status)


WEEKLY, DAILY, COUNTS = (Frequency.named("bench", name) for name in ("W-MON", "D", "I"))


@cache
def _m4(path: Path, name: str) -> dict[str, Floats]:
    frame = pl.concat(
        [pl.read_parquet(path / f"{name}_{part}.parquet") for part in ("train", "test")], how="diagonal"
    )
    frame = frame.with_columns(part=pl.int_range(pl.len())).sort("unique_id", "part")
    rows = frame.group_by("unique_id", maintain_order=True).agg("y")
    return {key: np.array(values, float) for key, values in rows.iter_rows()}


def m4(path: Path, name: str, draws: int, sets: int, *, reported: bool) -> Iterator[Case]:
    """Draws of one target and five home series of M4's hourly or weekly set, five sets of home.

    Reported are series of even numbers at the end of their histories; others are for tuning.
    """
    horizon, lengths, season, cycles = {
        "hourly": (48, (96, 192, 288), 24, (24, 168)), "weekly": (13, (26, 52, 104), 1, (52,)),
    }[name]  # fmt: skip
    every = {key: y for key, y in _m4(path, name).items() if len(y) > max(lengths) + 3 * horizon + 200}
    keys = sorted(key for key in every if int(key[1:]) % 2 == (0 if reported else 1))
    rng = np.random.default_rng(0 if reported else 1)
    for one in range(sets):
        homes = rng.choice(keys, HOMES, replace=False).tolist()
        left = [key for key in keys if key not in homes]
        targets = rng.choice(left, draws // sets, replace=False).tolist()
        end = 100_000
        theirs = [every[key][:-horizon][-1500:] for key in homes]
        home = series_of([f"home {key}" for key in homes], theirs, end, COUNTS)
        for key in targets:
            y = every[key]
            past = y[:-horizon]
            scale = float(np.abs(past[season:] - past[:-season]).mean())
            for length in lengths:
                target = series_of([key], [past[-length:]], end, COUNTS)
                known = f"{name} {one} {reported}"
                yield Case(f"m4 {name}", length, known, target, home, y[-horizon:], scale, cycles)


@cache
def _retail(path: Path) -> tuple[dict[str, Floats], int]:
    frame = pl.read_parquet(path).filter(pl.col("Quantity") > 0)
    frame = frame.with_columns(day=pl.col("InvoiceDate").cast(pl.Date).to_physical().cast(pl.Int64))
    every = frame["day"].to_numpy()
    first, last = int(every.min()), int(every.max())
    found = {}
    for country in ("United Kingdom", "Germany", "France", "EIRE"):
        days = np.zeros(last - first + 1)
        rows = frame.filter(pl.col("Country") == country).group_by("day").agg(pl.col("Quantity").sum())
        days[rows["day"].to_numpy() - first] = rows["Quantity"].to_numpy()
        found[country] = days
    return found, first


def retail(path: Path, *, weekly: bool, reported: bool) -> Iterator[Case]:
    """Totals of three countries by day or week; reported are windows from week 42 on, tuned those to 36."""
    days, first = _retail(path)
    codes = {"Germany": "DE", "France": "FR", "EIRE": "IE"}
    if weekly:
        begin = (-first - 3) % 7
        totals = {
            key: y[begin : begin + (len(y) - begin) // 7 * 7].reshape(-1, 7).sum(axis=1)
            for key, y in days.items()
        }
        origins, horizon, lengths, season, frequency = (
            (44, 42) if reported else (36, 34, 32),
            8,
            (8, 16, 28),
            1,
            WEEKLY,
        )
        base = int(frequency.index(np.array([(first + begin) * 86_400]))[0])
    else:
        totals, horizon, lengths, season, frequency, base = days, 28, (28, 56, 90), 7, DAILY, first
        origins = (346, 332, 318) if reported else (250, 229, 208)
    for origin in origins:
        home = series_of(["United Kingdom"], [totals["United Kingdom"][:origin]], base + origin, frequency)
        for country, code in codes.items():
            past = totals[country][:origin]
            scale = float(np.abs(past[season:] - past[:-season]).mean())
            y = totals[country][origin : origin + horizon]
            for length in lengths:
                target = series_of([country], [past[-length:]], base + origin, frequency)
                name = f"retail {'week' if weekly else 'day'}"
                yield Case(
                    name, length, f"{name} {origin}", target, home, y, scale, frequency.season, code, "GB"
                )


def simulated(
    seeds: range, *, alike: bool = True, strength: float = 1.0, after: int | None = None
) -> Iterator[Case]:
    """Three home markets of three years and a target of weeks, by day."""
    base, horizon = int((FIRST_DAY - EPOCH).astype(int)), 28
    for seed in seeds:
        world = simulate_daily(4, 1130, seed=seed, alike=alike, strength=strength)
        origin = 1067 - 7 * (seed % 8) if after is None else after
        codes = [market.market for market in world.markets]
        orders = world.orders.astype(float)
        home = series_of([f"home {code}" for code in codes[:3]], [*orders[:3, :origin]], base + origin, DAILY)
        past, y = orders[3, :origin], orders[3, origin : origin + horizon]
        scale = float(np.abs(past[7:] - past[:-7]).mean())
        for length in (28, 56, 90):
            target = series_of([codes[3]], [past[-length:]], base + origin, DAILY)
            name = "simulated" if alike else "unlike"
            yield Case(
                name, length, f"{name} {seed}", target, home, y, scale, DAILY.season, codes[3], codes[0]
            )
