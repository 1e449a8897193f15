from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.series.read.frequency import DAY, HOUR, MONDAY, WEEK, Frequency
from xbsql.series.read.grid import find_frequency

NAMES = [
    "S",
    "15MIN",
    "H",
    "6H",
    "D",
    "3D",
    "W-MON",
    "W-SUN",
    "2W-WED",
    "MS",
    "ME",
    "QS",
    "QE",
    "YS",
    "I",
    "4I",
]
CENTURY = 100 * 366 * DAY


def grid(name, n=60):
    frequency = Frequency.named("test", name)
    return frequency, frequency.at(np.arange(700, 700 + n))


def found(*dates):
    code = np.repeat(np.arange(len(dates)), [len(d) for d in dates])
    return find_frequency(code, np.concatenate(dates))


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(st.integers(-CENTURY, CENTURY), min_size=1, max_size=20))
def test_a_value_lies_in_its_period_and_a_period_begins_in_itself(name, values):
    frequency = Frequency.named("test", name)
    value = np.array(values)
    index = frequency.index(value)
    assert (frequency.index(frequency.at(index)) == index).all()
    if name.endswith("E"):
        assert (frequency.at(index - 1) + DAY <= value).all()
        assert (value < frequency.at(index) + DAY).all()
    else:
        assert (frequency.at(index) <= value).all()
        assert (value < frequency.at(index + 1)).all()


@pytest.mark.parametrize("day", [2, 15, 28, 30])
@given(st.integers(-CENTURY, CENTURY))
def test_a_month_may_begin_on_any_day(day, value):
    frequency = Frequency.months(1, 0, day, 6 * HOUR)
    index = frequency.index(np.array([value]))
    assert frequency.at(index)[0] <= value < frequency.at(index + 1)[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_frequency_is_found_from_its_dates(name):
    frequency, dates = grid(name)
    code = np.zeros(len(dates), np.int64)
    assert find_frequency(code, dates, counts=name.endswith("I")) == (
        Frequency.counts(frequency.step, int(dates[0])) if name.endswith("I") else frequency
    )


@pytest.mark.parametrize(
    ("name", "word"), [("week", "W-MON"), ("Daily", "D"), ("M", "MS"), ("quarter", "QS"), ("12M", "YS")]
)
def test_a_frequency_has_names_in_words(name, word):
    assert Frequency.named("test", name).name == word


@pytest.mark.parametrize(
    ("name", "season"),
    [("H", (24, 168)), ("30MIN", (48, 336)), ("D", (7,)), ("W-MON", (52,)), ("MS", (12,)), ("YS", ())],
)
def test_a_frequency_knows_its_season(name, season):
    assert Frequency.named("test", name).season == season


@pytest.mark.parametrize("name", ["fortnightly", "0D", "D-MON", "W-XYZ", "", "1.5H"])
def test_no_such_frequency(name):
    with pytest.raises(XbsqlError, match="no frequency"):
        Frequency.named("xb.fit", name)


@given(st.lists(st.integers(0, 300), min_size=40, max_size=200))
def test_gaps_and_duplicates_do_not_hide_a_weekly_grid(weeks):
    dates = np.sort(np.r_[np.array(weeks), [0, 1]]) * WEEK + MONDAY
    assert found(dates).name == "W-MON"


def test_the_coarsest_grid_that_most_series_keep_to_wins():
    weekly = grid("W-MON")[1]
    daily = np.arange(weekly[0], weekly[-1], DAY)
    assert found(*[weekly] * 9, daily).name == "W-MON"
    assert found(*[daily] * 9, weekly).name == "D"


def test_sparse_series_of_a_dense_grid_do_not_make_it_coarser():
    weekly = grid("W-MON")[1]
    assert found(weekly, weekly[::2], weekly[::3], weekly[1::2]).name == "W-MON"


def test_one_wrong_date_changes_nothing():
    weekly = grid("W-MON")[1]
    wrong = weekly.copy()
    wrong[30] += DAY
    assert found(weekly, wrong).name == "W-MON"
    assert found(wrong).name == "W-MON"


def test_a_local_clock_that_changes_is_still_hourly():
    hours = np.arange(100) * HOUR
    assert found(np.sort(np.r_[hours[:50], hours[49:70], hours[71:]])).name == "H"


def test_single_dates_are_daily():
    assert found(np.array([5 * DAY]), np.array([9 * DAY])).name == "D"


@pytest.mark.parametrize("name", NAMES)
def test_a_frequency_survives_as_json(name):
    frequency = Frequency.named("test", name)
    assert Frequency.from_config(frequency.config()) == frequency
