"""What may be two things in a written number, a unit or a calendar is refused, and told."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.harmonise import rows
from xbsql.harmonise.units import converted
from xbsql.harmonise.written import read_dates, read_numbers
from xbsql.market import codes, market


def amount(text, code):
    found, fits = read_numbers(pa.array([text]), market(code))
    assert fits[0].as_py() == found[0].is_valid
    return found[0].as_py() if fits[0].as_py() else "refused"


@pytest.mark.parametrize("unit", ["MM", "mm", "kg", "g", "in", "t", "cm", "lb"])
@pytest.mark.parametrize("price", ["$10", "USD 1.5", "€ 7"])
def test_a_unit_behind_a_price_is_refused(price, unit):
    assert amount(f"{price}{unit}", "US") == amount(f"{price} {unit}", "US") == "refused"


@pytest.mark.parametrize("text", ["12 ct", "24ct", "5 c", "5 T", "5T", "2 K", "2K", "10MM", "$5 ct", "$99¢"])
@pytest.mark.parametrize("code", ["US", "DE", "FR", "JP"])
def test_a_word_of_two_meanings_is_refused_without_money(code, text):
    assert amount(text, code) == "refused"


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [("$2K", "US", 2000), ("$5T", "US", 5e12), ("5mm", "US", 5), ("8 st", "GB", 8), ("$5 pcs", "US", 5),
     ("99 cents", "US", 0.99), ("2k", "US", 2000), ("B/.1.50", "PA", 1.5), ("50 Rp", "CH", 0.5)],
)  # fmt: skip
def test_what_is_one_thing_is_read(text, code, expected):
    assert amount(text, code) == expected


@pytest.mark.parametrize("code", codes()[::9])
@pytest.mark.parametrize("text", ["1st", "1ST", "21st", "..5", "0.1.", "5.", "9" * 400, "$" + "9" * 400])
def test_no_number_is_refused_in_any_market(code, text):
    assert amount(text, code) == "refused"


@pytest.mark.parametrize(("code", "year"), [("US", 2101), ("JP", 1940), ("JP", 2100), ("US", 1700)])
def test_a_year_that_a_calendar_does_not_know_is_an_error(code, year):
    days = pa.array([dt.date(year, 1, 1)])
    with pytest.raises(XbsqlError, match=rf"holidays of {code} are known for \d+ to \d+, not for {year}"):
        rows.holiday("f", days, pa.array([code]))
    with pytest.raises(XbsqlError, match=rf"not for {year}"):
        rows.workdays("f", days, days, pa.array([code]))


def test_an_infinite_day_has_no_holiday_and_one_before_christ_is_one_line():
    ends = pa.array([2**31 - 1, 1 - 2**31], pa.int32()).cast(pa.date32())
    assert rows.holiday("f", ends, pa.array(["US", "US"])).to_pylist() == [None, None]
    assert rows.workdays("f", ends, ends, pa.array(["US", "US"])).to_pylist() == [None, None]
    early = pa.array([-800_000], pa.int32()).cast(pa.date32())
    for call in (rows.holiday, lambda *given: rows.workdays(given[0], given[1], *given[1:])):
        with pytest.raises(XbsqlError, match=r"known for 1777 to \d+, not for -\d+") as caught:
            call("f", early, pa.array(["US"]))
        assert "\n" not in str(caught.value)


def test_an_error_of_two_dimensions_repeats_what_was_written():
    with pytest.raises(XbsqlError, match="'a' is a current and 'm2' an area"):
        converted("f", np.array([1.0]), "a", "m2")


def test_infinite_values_stay_and_nan_is_null():
    values = pa.array([np.inf, -np.inf, np.nan, None])
    found = rows.convert("f", values, pa.array(["g"] * 4), pa.array(["kg"] * 4))
    assert found.to_pylist() == [np.inf, -np.inf, None, None]


@pytest.mark.parametrize(
    ("text", "code", "fits"),
    [
        ("Tuesday, March 3, 2025", "US", False),
        ("Monday, March 3, 2025", "US", True),
        ("Tues 4 March 2025", "GB", True),
        ("Mon Tue March 3 2025", "US", False),
        ("Dienstag, 3. März 2025", "DE", False),
        ("Montag, 3. März 2025", "DE", True),
        ("mar. 4 mars 2025", "FR", True),
        ("mar. 3 mars 2025", "FR", False),
        ("2025年3月4日火曜日", "JP", True),
        ("2025年3月3日火曜日", "JP", False),
        ("Sept 5, 2025", "US", True),
        ("Sept. 5, 2025", "US", True),
        ("Sun, 5 Sept 2025", "GB", False),
    ],
)
def test_a_weekday_must_not_contradict_its_date(text, code, fits):
    assert read_dates(pa.array([text]), market(code))[1].to_pylist() == [fits]
