"""Years of other calendars become ours, or are refused."""

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.harmonise.calendars import ERAS, day_of, japanese, persian
from xbsql.harmonise.written import read_dates
from xbsql.market import market


def day(text, code):
    found, fits = read_dates(pa.array([text]), market(code))
    return found[0].as_py() if fits[0].as_py() else "refused"


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("TH", "15/03/2559", (2016, 3, 15)), ("TH", "2559-03-15", (2016, 3, 15)), ("TH",
        "15 มี.ค. 2559", (2016, 3, 15)),
        ("TH", "๑๕/๐๓/๒๕๕๙", (2016, 3, 15)), ("TH", "15/03/2016", (2016, 3, 15)), ("IR",
        "1404/05/12", (2025, 8, 3)),
        ("IR", "\u06f1\u06f4\u06f0\u06f4/\u06f0\u06f5/\u06f1\u06f2", (2025, 8, 3)),
        ("IR", "12 مرداد 1404", (2025, 8, 3)), ("IR",
        "2025/08/03", (2025, 8, 3)),
        ("JP", "令和7年3月4日", (2025, 3, 4)), ("JP", "R7.3.4", (2025, 3, 4)), ("JP",
        "令和元年5月1日", (2019, 5, 1)),
        ("JP", "H31.4.30", (2019, 4, 30)), ("JP", "S64.1.7", (1989, 1, 7)), ("TW",
        "114/05/12", (2025, 5, 12)),
        ("TW", "民國114年5月12日", (2025, 5, 12)), ("DE", "31.12.9999", (9999, 12, 31)), ("US",
        "2/29/2024", (2024, 2, 29)),
        ("DE", "31. Dez. 2025", (2025, 12, 31)), ("US", "December 31st, 2025", (2025, 12, 31)),
        ("GB", "15-Mar-16", (2016, 3, 15)), ("FR", "1er mars 2016", (2016, 3, 1)), ("US",
        "Mon, 04 Aug 2025 10:00:00", (2025, 8, 4)),
    ],
)  # fmt: skip
def test_dates_of_other_calendars_and_in_words(code, text, expected):
    assert day(text, code) == dt.date(*expected)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("DE", "15/03/2559"), ("SA", "12/05/1446"), ("SA", "1446/05/12"), ("IL", "5785-01-01"), ("NP",
        "2082/05/12"),
        ("TH", "15/03/59"), ("TW", "14/05/12"), ("IR", "1404/12/30"), ("JP", "H31.5.1"), ("JP",
        "R1.4.30"), ("DE", "R7.3.4"),
        ("US", "12/05/114"), ("US", "0001-01-01"), ("US", "2/29/2023"), ("DE", "31.04.2025"), ("US",
        "March 2025"),
        ("US", "Mayo 5 2016"), ("US", "March 5 or 6 2016"), ("US", "Mar 5 BC 2016"),
    ],
)  # fmt: skip
def test_what_is_not_sure_is_refused(code, text):
    assert day(text, code) == "refused"


def test_the_persian_new_year_is_that_of_the_package_holidays():
    from holidays.calendars.persian import _Persian

    for year in range(1300, 1478):
        assert persian(year, 1, 1) == _Persian().new_year_date(year + 621)
        assert persian(year + 1, 1, 1) - persian(year, 12, 29) in (dt.timedelta(1), dt.timedelta(2))


@given(st.dates(dt.date(1921, 3, 21), dt.date(2090, 1, 1)))
def test_every_day_has_one_persian_date(today):
    year = today.year - 621 - (today < persian(today.year - 621, 1, 1))
    dates = [(m, d) for m in range(1, 13) for d in range(1, 32) if persian(year, m, d) == today]
    assert len(dates) == 1


@given(st.sampled_from(sorted(ERAS)), st.integers(1, 70), st.integers(1, 12), st.integers(1, 28))
def test_eras_do_not_overlap(era, year, month, number):
    found = japanese(era, str(year), month, number)
    others = [each for each in ERAS if ERAS[each][0] > ERAS[era][0]]
    assert found is None or all(found <= ERAS[other][0] for other in others)


@given(st.sampled_from(["US", "TH", "IR", "TW", "NP"]), st.dates(dt.date(1970, 1, 1), dt.date(2059, 12, 31)))
def test_years_of_ours_stay_in_every_market(code, today):
    assert day_of(code, str(today.year), today.month, today.day) == today
