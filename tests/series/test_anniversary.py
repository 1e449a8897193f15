"""Where Christmas lies ahead and evidence has seen none, home's last Christmas says which method is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xbsql.series.anniversary import SHARE, newness, reminded
from xbsql.series.blend import SeriesBlend
from xbsql.series.fan import COLUMNS, LEVELS
from xbsql.series.method import Known, Method
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series
from xbsql.series.rules import Seasonal

DAILY = Frequency.named("test", "D")
FIRST = 18_631
"""2021-01-04."""
DECEMBER = (np.datetime64("2023-11-30") - np.datetime64("1970-01-01")).astype(int)
MARCH = DECEMBER - 274
"""2023-03-01: no holiday of the United States lies in its four weeks."""


def gifts(periods):
    """Whether days lie in the weeks before Christmas."""
    day = periods.astype("datetime64[D]")
    return (day.astype("datetime64[M]").astype(int) % 12 == 11) & (
        (day - day.astype("datetime64[M]")).astype(int) < 23
    )


def series_of(names, first, end, level=100.0):
    days = np.arange(first, end)
    y = np.random.default_rng(0).poisson(level * (1 + gifts(days)), (len(names), len(days))).astype(float)
    offsets = np.arange(len(names) + 1) * len(days)
    start = np.full(len(names), first)
    return Series(tuple(names), y.ravel(), offsets, start, DAILY, ("ok",) * len(names))


class Wise:
    """It knows that the weeks before Christmas bring twice as much."""

    def fan(self, history, horizon):
        level = np.array([history.values(i)[-14:].mean() for i in range(len(history))])
        days = history.ends[:, None] + np.arange(horizon)
        mean = level[:, None] * (1 + gifts(days))
        return np.broadcast_to(mean[..., None], (*mean.shape, COLUMNS)) + np.r_[LEVELS - 0.5, 0.0]


def known_at(end, home=("a", "b"), **more):
    target = series_of(["c"], end - 56, end)
    return Known(target, series_of(home, FIRST, end) if home else None, 28, (7,), 0, "US", "US", **more)


METHODS = [
    Method("seasonal:7", "target", lambda known: Seasonal(7)),
    Method("wise:home", "feature", lambda known: Wise()),
]
EVEN = {"seasonal:7": 0.8, "wise:home": 0.2}


def drawn(known, methods=METHODS, weights=EVEN):
    return reminded(methods, known, weights, lambda name: None)


@pytest.mark.parametrize("home", [("a", "b"), ("a",), ("c",)])
def test_home_of_last_year_says_who_knows_christmas(home):
    known = known_at(DECEMBER, home)
    assert 0.85 < newness(known) <= 1
    found = drawn(known)
    assert found["wise:home"] == pytest.approx(0.2 + SHARE * newness(known) * 0.8, abs=0.02)
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "known",
    [
        known_at(DECEMBER, ()),
        replace(known_at(DECEMBER), home=series_of(["a"], DECEMBER - 200, DECEMBER)),
        replace(
            known_at(DECEMBER),
            target=replace(known_at(DECEMBER).target, frequency=Frequency.named("test", "I")),
        ),
        replace(known_at(DECEMBER), target=series_of([str(k) for k in range(30)], DECEMBER - 56, DECEMBER)),
        known_at(MARCH),
    ],
    ids=["no home", "no year at home", "counts", "many series", "nothing new"],
)
def test_the_evidence_stands_where_nothing_is_new_or_home_cannot_say(known):
    assert drawn(known) == EVEN


@pytest.mark.parametrize("years", [1, 3])
def test_two_years_of_its_own_say_it_without_home(years):
    target = series_of(["c", "d"], DECEMBER - 365 * years, DECEMBER)
    own = [METHODS[0], replace(METHODS[1], family="target")]
    found = drawn(replace(known_at(DECEMBER, ()), target=target), own)
    assert (found["wise:home"] > 0.5) == (years == 3)
    refused = {"seasonal:7": 1.0, "wise:home": 0.0}
    assert drawn(replace(known_at(DECEMBER), target=target), weights=refused) == refused


def test_home_that_was_refused_stays_so():
    refused = {"seasonal:7": 1.0, "wise:home": 0.0}
    assert drawn(known_at(DECEMBER), weights=refused) == refused


@pytest.mark.parametrize(
    ("made_of", "more"), [("wise:home", True), ("calendar:own", True), ("other:own", False)]
)
def test_a_home_model_has_seen_last_year_and_is_judged_by_what_it_is_made_of(made_of, more):
    model = SeriesBlend({made_of: Wise()}, {made_of: 1.0}, None)
    wise = replace(METHODS[1], prior=1e-9, name="calendar:home" if made_of == "calendar:own" else "wise:home")
    home = Method("source:model", "source", lambda known: model, rehearsed=False)
    weights = {"seasonal:7": 0.9, wise.name: 0.0, "source:model": 0.1}
    found = drawn(known_at(DECEMBER), [METHODS[0], wise, home], weights)["source:model"]
    assert found > 0.5 if more else found < 0.1
