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


def dated(day, months=30, clock=0):
    """Seconds of one date a month: that day, or the month's last one."""
    return Frequency.months(1, 0, day, clock).at(np.arange(620, 620 + months))


@pytest.mark.parametrize("day", [2, 15, 28, 29, 30])
@pytest.mark.parametrize("months", [4, 30])
def test_months_are_found_by_any_day(day, months):
    assert found(dated(day, months)) == Frequency.months(1, 0, day)
    assert found(dated(day, months, 9 * HOUR)) == Frequency.months(1, 0, day, 9 * HOUR)


@pytest.mark.parametrize("day", [29, 30])
def test_february_stands_for_the_day_that_it_does_not_have(day):
    from_january = Frequency.months(1, 0, day).at(np.arange(624, 629))
    assert found(from_january) == Frequency.months(1, 0, day)


@pytest.mark.parametrize("day", [5, 28, 31])
def test_one_wrong_date_does_not_make_months_into_days(day):
    wrong = dated(day)
    wrong[7] += DAY
    assert found(wrong) == Frequency.months(1, 0, day)


@pytest.mark.parametrize("day", [28, 30])
def test_quarters_and_years_on_a_late_day_stay_what_they_are(day):
    assert found(dated(day, 60)[1::3]).name == f"QS-{day}"
    assert found(dated(day, 60)[4::12]).name == f"YS-{day}"


@pytest.mark.parametrize(
    ("sales", "days", "name"), [(20_000, 60, "H"), (2_000, 300, "D"), (200, 600, "W-MON"), (60, 900, "MS")]
)
def test_sales_at_any_second_lie_on_no_grid_but_the_first_that_is_half_full(sales, days, name):
    draw = np.random.default_rng(0)
    moments = np.sort(draw.integers(0, days * DAY, sales)) + 19_000 * DAY
    assert found(moments).name == name
    assert found(moments // 60 * 60).name == name


def test_hours_must_be_half_full_in_each_series():
    draw = np.random.default_rng(0)
    moments = [np.sort(draw.integers(0, 60 * DAY, 300)) for _ in range(40)]
    assert found(*moments).name == "D"


def test_days_of_few_sales_are_weeks_and_of_many_products_days():
    draw = np.random.default_rng(0)
    one = np.sort(draw.choice(400, 100, replace=False)) * DAY
    assert found(one).name == "W-MON"
    assert found(*(np.sort(draw.choice(400, 40, replace=False)) * DAY for _ in range(30))).name == "D"


def test_what_keeps_to_a_grid_with_a_reason_may_be_mostly_empty():
    hours = np.array([day * 24 + hour for day in range(60) for hour in range(10, 17)]) * HOUR
    assert found(hours).name == "H"


@pytest.mark.parametrize("first", [0, 18_900])
def test_one_date_of_long_ago_empties_no_grid(first):
    daily = (np.arange(90) + 19_700) * DAY
    assert found(np.r_[first * DAY, daily]).name == "D"


@pytest.mark.parametrize("form", ["%Y%m%d", "%Y%m"])
def test_dates_written_as_integers_are_refused(form):
    days = np.datetime64("2023-01-01") + np.arange(700)
    counts = np.unique([int(day.item().strftime(form)) for day in days])
    with pytest.raises(XbsqlError, match="cast them to dates, or give the option 'frequency'"):
        find_frequency(np.zeros(len(counts), np.int64), counts, counts=True)
