"""Days without trade: found where chance would not bring them, filled as open, forecast as 0, and said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.series.closures import closures
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series

DAILY = Frequency.named("test", "D")
MONDAY = 18_631
"""2021-01-04."""


def series_of(values, frequency=DAILY, start=MONDAY):
    """Series that begin together."""
    lengths = [len(one) for one in values]
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    names = tuple(map(str, range(len(values))))
    y = np.concatenate([np.asarray(one, float) for one in values])
    return Series(names, y, offsets, np.full(len(values), start, np.int64), frequency, ("ok",) * len(values))


def orders(days, seed=0, level=100):
    """Orders a day, more at the end of the week."""
    day = np.arange(days)
    return np.random.default_rng(seed).poisson(level * (1 + 0.2 * (day % 7 == 4))).astype(float)


@pytest.mark.parametrize("days", [28, 56, 400])
def test_a_closed_sunday_is_filled_and_forecast_as_closed(days):
    y, sunday = orders(days), np.arange(days) % 7 == 6
    series = series_of([np.where(sunday, 0, y)])
    found = closures(series)
    opened = found.opened(series)
    assert opened.closed.tolist() == sunday.tolist()
    assert opened.y[sunday].min() > 50
    assert (opened.y[~sunday] == y[~sunday]).all()
    steps = found.ahead(series, 14)[0]
    assert steps.tolist() == ((days + np.arange(14)) % 7 == 6).tolist()
    assert found.notes(series) == (("closed on Sundays",),)


def test_a_market_that_changes_its_closing_day_is_closed_on_the_new_one():
    day = np.arange(200)
    y = orders(200)
    y[(day < 150) & (day % 7 == 6)] = 0
    y[(day >= 150) & (day % 7 == 0)] = 0
    series = series_of([y])
    found = closures(series)
    assert found.past.tolist() == (y == 0).tolist()
    assert found.ahead(series, 7)[0].tolist() == ((200 + np.arange(7)) % 7 == 0).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_closing_day_that_changed_two_weeks_ago_is_the_new_one(seed):
    day, change = np.arange(200), 185
    y = orders(200, seed)
    y[(day < change) & (day % 7 == 6)] = 0
    y[(day >= change) & (day % 7 == 0)] = 0
    series = series_of([y])
    found = closures(series)
    assert found.past.tolist() == (y == 0).tolist()
    assert found.ahead(series, 7)[0].tolist() == ((200 + np.arange(7)) % 7 == 0).tolist()
    y[day == 193] = 0  # two days without a sale, while Sundays stay closed, are none of a new closing day
    y[(day % 7 == 6) | (day == 186)] = 0
    y[(day >= change) & (day % 7 == 0)] = 50
    assert closures(series_of([y])).places[0].sum() == 1


def test_one_open_sunday_before_christmas_opens_no_other():
    day = np.arange(120)
    y = np.where((day % 7 == 6) & (day != 104), 0, orders(120))
    found = closures(series_of([y]))
    assert found.places[0].sum() == 1
    assert not found.past[104]


@pytest.mark.parametrize("market", ["DE", None])
def test_christmas_is_closed_next_year_as_well(market):
    y = orders(400)
    first = np.datetime64("2021-01-04")
    christmas = int((np.datetime64("2021-12-25") - first).astype(int))
    y[christmas] = 0
    series = series_of([y])
    found = closures(series, market)
    assert found.holidays == (frozenset({"Christmas Day"}),)
    steps = found.ahead(series, 365)[0]
    assert steps.sum() == 1
    assert steps[int((np.datetime64("2022-12-25") - first).astype(int)) - 400]


def test_a_lockdown_is_closed_and_zeros_before_a_launch_are_no_history():
    y = np.r_[np.zeros(40), orders(200)]
    y[100:130] = 0
    series = series_of([y])
    found = closures(series)
    opened = found.opened(series)
    assert len(opened.y) == 200
    assert opened.closed[60:90].all()
    assert opened.closed.sum() == 30
    assert not found.ahead(series, 30).any()
    (said,) = found.notes(series)
    assert said == (
        "30 periods of zeros in a stretch taken as closed",
        "40 periods of zeros before the first sale left out",
    )


def test_a_series_that_ends_in_zeros_stays_at_them():
    series = series_of([np.r_[orders(100), np.zeros(60)]])
    assert closures(series).opened(series) is series
    said = "nothing sold in its last 60 periods: whether trade goes on is unknown"
    assert closures(series).notes(series) == ((said,),)
    missing = replace(series, status=("60 periods since its last row",))
    assert closures(missing).notes(missing) == ((),)


def test_a_shop_that_is_closed_at_night_and_on_sundays():
    hour = np.arange(24 * 28)
    shut = (hour % 24 < 9) | (hour // 24 % 7 == 6)
    y = np.where(shut, 0, np.random.default_rng(0).poisson(30, len(hour)) + 1.0)
    series = series_of([y], Frequency.named("test", "H"), MONDAY * 24)
    found = closures(series)
    assert found.past.tolist() == shut.tolist()
    assert found.ahead(series, 168)[0].tolist() == shut[:168].tolist()
    assert found.notes(series)[0][0] == f"closed in {shut[:168].sum()} of 168 periods of the week"


def test_what_all_products_show_holds_for_a_slow_one():
    day = np.arange(60)
    slow = np.random.default_rng(1).poisson(0.2, 60) * (day % 7 != 6)
    series = series_of([*(np.where(day % 7 == 6, 0, orders(60, seed, 3)) for seed in range(5)), slow])
    found = closures(series)
    assert found.ahead(series, 7).tolist() == [((60 + np.arange(7)) % 7 == 6).tolist()] * 6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.02, 3.0), st.integers(21, 120))
def test_slow_sellers_do_not_close(seed, level, days):
    y = np.random.default_rng(seed).poisson(level, days).astype(float)
    series = series_of([y])
    assert closures(series).places.sum() <= (0 if level > 0.5 else 1)


@pytest.mark.parametrize("frequency", ["W-MON", "MS", "I"])
def test_only_days_and_shorter_periods_close(frequency):
    series = series_of([np.where(np.arange(60) % 4 == 3, 0, 9.0)], Frequency.named("test", frequency), 0)
    assert closures(series).opened(series) is series


def test_an_opened_history_keeps_what_is_known_beside_it():
    y = np.r_[np.zeros(40), orders(100)]
    series = replace(series_of([y]), known=np.arange(140.0)[:, None])
    opened = closures(series).opened(series)
    assert opened.known[0, 0] == 40
    assert len(opened.known) == len(opened.y) == 100


def closed_at_christmas(first, days, seed=0):
    """A history from a day on that has nothing on Christmas Day."""
    y = orders(days, seed)
    dates = np.datetime64(first) + np.arange(days)
    y[(dates - dates.astype("datetime64[Y]")).astype(int) == 358] = 0
    return y


def test_what_every_market_keeps_closed_is_lent_to_one_that_has_not_seen_it():
    home = series_of([closed_at_christmas("2021-01-04", 700), closed_at_christmas("2021-01-04", 400, 1)])
    found = closures(home, "DE")
    names = found.everywhere(home)
    assert names == {"Christmas Day"}
    early, late = series_of([orders(60)]), series_of([orders(400)])
    for market in ("FR", "DE", None):
        lent = closures(early, market).with_lent(early, names, market)
        steps = lent.ahead(early, 365)[0]
        (day,) = np.flatnonzero(steps)
        assert np.datetime64("2021-03-05") + day == np.datetime64("2021-12-25")
        assert lent.notes(early) == (("closed on Christmas Day as other markets are",),)
    open_ = closures(late, "FR")
    assert not open_.with_lent(late, names, "FR").ahead(late, 365).any(), "it was open"
    assert open_.everywhere(late, names) == set()
    assert closures(early, "FR").everywhere(early, names) == names


def test_one_christmas_or_one_market_that_is_open_lends_nothing():
    once = series_of([closed_at_christmas("2021-01-04", 400)])
    assert closures(once, "DE").holidays[0]
    assert not closures(once, "DE").everywhere(once)
    mixed = series_of([closed_at_christmas("2021-01-04", 730), orders(730)])
    assert not closures(mixed, "DE").everywhere(mixed)


@pytest.mark.parametrize(("market", "instead"), [("US", "2021-12-24"), ("GB", "2021-12-27")])
def test_a_shop_that_sells_on_the_day_off_in_place_of_christmas_is_closed_at_christmas(market, instead):
    series = series_of([closed_at_christmas("2021-01-04", 730)])
    found = closures(series, market)
    assert found.everywhere(series) == {"Christmas Day"}
    assert not found.past[(np.datetime64(instead) - np.datetime64("2021-01-04")).astype(int)]
    assert found.past.sum() == 2
