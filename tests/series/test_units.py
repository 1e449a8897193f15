"""What stands behind the evidence of few series, and which methods home says are right for short ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import stdtrit

from xbsql.engine.evidence import CLEARLY_WORSE, weigh
from xbsql.series.backtest import POWER, backtest
from xbsql.series.method import Known, Method
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series
from xbsql.series.rehearsal import LEAST, rehearsed
from xbsql.series.rules import Recent, Seasonal
from xbsql.series.units import block_length, units_of

DAILY = Frequency.named("test", "D")


def moving(alike, n=4000, seed=0):
    """Losses of two methods whose neighbours are correlated."""
    rng = np.random.default_rng(seed)
    found = rng.standard_normal((2, n))
    for t in range(1, n):
        found[:, t] = alike * found[:, t - 1] + np.sqrt(1 - alike**2) * found[:, t]
    return found


@pytest.mark.parametrize(("alike", "length"), [(0.0, 1), (0.5, 3), (0.9, 9)])
def test_a_block_is_as_long_as_losses_remember(alike, length):
    assert block_length(moving(alike), np.ones(3999, bool)) == length


def test_what_two_origins_say_of_one_day_is_said_once():
    period = np.r_[np.arange(28), np.arange(14, 28)]
    origin = np.r_[np.zeros(28), np.ones(14)].astype(int)
    losses = np.random.default_rng(0).standard_normal((3, 42))
    found = units_of(losses, np.zeros(42, np.int64), origin, period)
    assert len(np.unique(found.group)) <= 28
    assert found.group[14:28].tolist() == found.group[28:].tolist()


def test_series_that_lose_together_count_as_fewer():
    rng = np.random.default_rng(0)
    day = rng.standard_normal((2, 60))
    together = np.tile(day, 5) + 0.1 * rng.standard_normal((2, 300))
    alone = rng.standard_normal((2, 300))
    series, period = np.repeat(np.arange(5), 60), np.tile(np.arange(60), 5)
    found = [units_of(losses, series, np.zeros(300, int), period).trust for losses in (together, alone)]
    assert found[0] < 0.6 < 0.8 < found[1]


def test_many_series_are_the_units_whatever_they_do_in_time():
    series = np.repeat(np.arange(40), 8)
    losses = np.random.default_rng(0).standard_normal((2, 320))
    found = units_of(losses, series, np.zeros(320, int), np.tile(np.arange(8), 40))
    assert found.group.tolist() == series.tolist()
    assert (found.trust, found.measured) == (1.0, True)


def test_long_memory_leaves_evidence_for_weights_and_none_for_a_verdict():
    losses = moving(0.9, 26)
    zeros = np.zeros(26, np.int64)
    found = units_of(losses, zeros, zeros, np.arange(26))
    assert len(np.unique(found.group)) >= 6
    assert found.trust < 1
    assert not found.measured


def test_with_few_units_the_ratio_of_losses_counts_beside_the_error():
    losses = np.array([[1.0, 5.0, 0.2, 3.0], [4.0, 1.0, 4.0, 6.0]])
    plain, sharp = (weigh(losses, np.ones(2), power=power) for power in (0.0, 8.0))
    assert plain[1] > 0.2
    assert sharp[1] < 0.1
    assert weigh(losses, np.ones(2), 1.0).tolist() == plain.tolist()


def series(n, days, names, seed=0):
    """White noise about 100, whose mean forecasts it and whose last value does not."""
    y = 100 + np.random.default_rng(seed).normal(0, 10, n * days)
    start = np.full(n, 19_000 - days, np.int64)
    frequency, status = DAILY, ("ok",) * n
    return Series(tuple(names), y, np.arange(n + 1) * days, start, frequency, status)


METHODS = [
    Method("last", "target", lambda known: Seasonal(1)),
    Method("mean", "target", lambda known: Recent(14)),
    Method("model", "source", lambda known: Recent(14), rehearsed=False),
]


@pytest.mark.parametrize("homes", [1, 4])
def test_home_says_which_methods_are_right_for_short_histories(homes):
    known = Known(series(1, 28, ["t"]), series(homes, 400, [f"h{i}" for i in range(homes)], 1), 14, (7,), 0)
    found = rehearsed(METHODS, known, lambda name: None)
    assert found.factors["mean"] == 1
    assert LEAST <= found.factors["last"] < 0.3
    assert found.factors["model"] == 1
    assert found.fans({"mean": 1.0}).shape == (len(found.tried.step), 10)


def test_a_rehearsal_shows_no_method_what_is_to_be_forecast():
    shown = []

    def spy(known):
        shown.append(known)
        return Seasonal(1)

    known = Known(series(1, 28, ["t"]), series(2, 400, ["a", "b"], 1), 14, (7,), 0)
    rehearsed([METHODS[0], Method("spy", "instance", spy)], known, lambda name: None)
    assert len(shown) == 8
    for one in shown:
        assert one.target.lengths.tolist() == [28]
        assert (one.home.ends <= one.target.ends.max()).all()


@pytest.mark.parametrize("case", ["no home", "short home", "many series"])
def test_without_room_there_is_no_rehearsal(case):
    days = 40 if case == "short home" else 400
    home = None if case == "no home" else series(3, days, "abc", 1)
    target = series(40, 28, map(str, range(40))) if case == "many series" else series(1, 28, ["t"])
    known = Known(target, home, 14, (7,), 0)
    assert rehearsed(METHODS, known, lambda name: None) is None


def test_a_closed_day_is_no_evidence():
    from xbsql.series.backtest import backtest

    target = series(2, 60, ["a", "b"])
    closed = np.tile(np.arange(60) % 7 == 6, 2)
    known = Known(replace(target, closed=closed), None, 14, (7,), 0)
    plain = Known(target, None, 14, (7,), 0)
    found, whole = (backtest(METHODS[:2], one, lambda name: None) for one in (known, plain))
    assert len(found.evidence.y) < len(whole.evidence.y)


def of_one_series(weeks, *, n=1):
    """Evidence of a good and a poor rule on series of counts about a mean."""
    y = np.random.default_rng(1).poisson(100, n * weeks).astype(float)
    names, start = tuple(f"s{i}" for i in range(n)), np.zeros(n, np.int64)
    series = Series(names, y, np.arange(n + 1) * weeks, start, Frequency.counts(1), ("ok",) * n)
    methods = [
        Method("good", "target", lambda known: Recent(8)),
        Method("poor", "source", lambda known: Seasonal(1)),
    ]
    return backtest(methods, Known(series, None, 8, (), 0), lambda name: None)


def test_few_series_refuse_home_as_surely_as_they_praise_it():
    short, long, many = of_one_series(10), of_one_series(60), of_one_series(40, n=30)
    assert not short.measured
    assert np.isinf(short.evidence.refused)
    assert long.measured
    units = len(np.unique(long.evidence.group))
    assert long.evidence.refused == pytest.approx(stdtrit(units - 1, 0.99), rel=0.3)
    assert long.evidence.refused > CLEARLY_WORSE == many.evidence.refused


@pytest.mark.parametrize(("weeks", "stretch"), [(60, 28), (24, 16)])
def test_one_stretch_speaks_by_its_share_in_it_and_the_horizon(weeks, stretch):
    found = of_one_series(weeks).evidence
    assert found.trust <= stretch / (stretch + 8)
    assert found.trust > 0.5 * stretch / (stretch + 8)
    assert of_one_series(40, n=30).evidence.trust == 1.0


def test_the_ratio_of_two_losses_counts_more_the_more_units_there_are():
    short, long, many = of_one_series(10), of_one_series(60), of_one_series(40, n=30)
    assert 0 < short.evidence.power < long.evidence.power < POWER
    assert many.evidence.power == 0
