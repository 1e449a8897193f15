from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.series.read.calendar import COLUMNS, calendar
from xbsql.series.read.frequency import Frequency


def on(market, day, column, name="D"):
    """The column's value of the period that holds a day."""
    frequency = Frequency.named("test", name)
    seconds = np.array([int(np.datetime64(day, "s").astype(np.int64))])
    return calendar(market, frequency, frequency.index(seconds))[0, COLUMNS.index(column)]


@pytest.mark.parametrize(
    ("market", "day", "column"),
    [
        ("CN", "2023-11-11", "singles_day"),
        ("US", "2024-11-29", "black_friday"),
        ("DE", "2024-12-02", "black_friday"),
        ("JP", "2024-05-03", "golden_week"),
        ("CN", "2024-10-01", "national_week"),
        ("CN", "2024-02-10", "lunar_new_year"),
        ("VN", "2025-01-20", "before_lunar_new_year"),
        ("SA", "2024-03-15", "ramadan"),
        ("SA", "2024-04-10", "eid"),
        ("AE", "2033-12-23", "eid"),
        ("AE", "2033-01-03", "eid"),
        ("IN", "2024-10-25", "before_diwali"),
        ("FR", "2024-07-14", "holiday"),
        ("FR", "2024-07-13", "before_holiday"),
        ("jp", "2024-01-01", "holiday"),
    ],
)
def test_a_day_lies_in_what_its_market_keeps(market, day, column):
    assert on(market, day, column) == 1.0


@pytest.mark.parametrize(
    ("market", "day", "column"),
    [
        ("CN", "2024-11-29", "black_friday"),
        ("US", "2024-11-28", "black_friday"),
        ("DE", "2023-11-11", "singles_day"),
        ("US", "2024-05-03", "golden_week"),
        ("DE", "2024-02-10", "lunar_new_year"),
        ("SA", "2024-12-10", "christmas_gifts"),
        ("FR", "2024-07-15", "holiday"),
        (None, "2024-07-14", "holiday"),
        ("XX", "2024-07-14", "holiday"),
    ],
)
def test_and_in_nothing_else(market, day, column):
    assert on(market, day, column) == 0.0


def test_a_period_has_the_share_of_its_days():
    assert on("JP", "2024-04-29", "golden_week", "W-MON") == 1.0
    assert on("JP", "2024-04-23", "golden_week", "W-TUE") == pytest.approx(1 / 7)
    assert on("JP", "2024-05-10", "golden_week", "MS") == pytest.approx(5 / 31)
    assert on("JP", "2024-05-10", "golden_week", "ME") == pytest.approx(5 / 31)
    assert on("JP", "2024-05-05T13:00:00", "golden_week", "H") == 1.0


@settings(deadline=None)
@given(
    st.lists(st.integers(-2000, 3000), min_size=1, max_size=20),
    st.sampled_from(["D", "W-MON", "MS", "QE", "YS"]),
)
def test_every_share_lies_between_0_and_1(index, name):
    frequency = Frequency.named("test", name)
    index = np.array(index) if frequency.unit == "second" else np.array(index) // 30
    found = calendar("MY", frequency, index)
    assert found.shape == (len(index), len(COLUMNS))
    assert ((found >= 0) & (found <= 1)).all()


def test_weeks_and_days_agree():
    week = Frequency.named("test", "W-MON")
    day = Frequency.named("test", "D")
    weeks = np.arange(2800, 2900)
    first = week.at(weeks) // 86_400
    daily = calendar("CN", day, (first[:, None] + np.arange(7)).ravel()).reshape(100, 7, -1)
    np.testing.assert_allclose(calendar("CN", week, weeks), daily.mean(axis=1))


def test_counts_have_no_calendar():
    assert not calendar("CN", Frequency.counts(1), np.arange(5)).any()
    assert calendar("CN", Frequency.counts(1), np.arange(0)).shape == (0, len(COLUMNS))
