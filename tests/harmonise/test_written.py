import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.harmonise.written import dates, numbers
from xbsql.market import market

MARKETS = ["DE", "US", "JP", "FR", "CH", "SE", "BR", "GB", "IN", "PL"]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("DE", "1.234,50", 1234.5),
        ("DE", "EUR 1.234", 1234.0),
        ("DE", "1234567,8 €", 1234567.8),
        ("DE", "\u22124,2 kg", -4.2),
        ("US", "-$1,234.50", -1234.5),
        ("US", ".5", 0.5),
        ("CH", "1\u2019234.50", 1234.5),
        ("CH", "1'234", 1234.0),
        ("FR", "1 234,5", 1234.5),
        ("FR", "1\u202f234,50 €", 1234.5),
        ("IN", "₹ 12,34,567.5", 1234567.5),
        ("IN", "Rs. 100", 100.0),
    ],
)
def test_numbers_as_a_market_writes_them(code, text, expected):
    assert numbers("f", pa.array([text]), market(code)).to_pylist() == [expected]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("DE", "12.5"), ("DE", "1.23.456"), ("DE", "1,234.5"), ("US", "1,23"), ("US", "1.2.3"), ("US",
        "abc"),
        ("US", "-"), ("US", "(5)"), ("US", "5-"), ("US", "5%"), ("US", "12 13"), ("US", "12,34,567"),
    ],
)  # fmt: skip
def test_what_the_market_would_not_write_so_is_refused(code, text):
    with pytest.raises(XbsqlError, match=rf"is no number as {code} writes them") as caught:
        numbers("f", pa.array(["1", text]), market(code))
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(st.sampled_from(MARKETS), st.integers(-(10**9), 10**9), st.integers(0, 99))
def test_babel_writes_what_is_read(code, whole, cents):
    from babel.numbers import format_decimal

    known = market(code)
    value = whole + cents / 100 if whole >= 0 else whole - cents / 100
    locale = known._locale
    text = format_decimal(value, "#,##0.##" if known.group_digits == 3 else "#,##,##0.##", locale)
    if locale.number_symbols.get("latn") is not None:
        assert numbers("f", pa.array([text]), known).to_pylist() == [pytest.approx(value)]


@settings(deadline=None)
@given(st.sampled_from(MARKETS), st.dates(dt.date(1970, 1, 1), dt.date(2069, 12, 31)), st.booleans())
def test_dates_are_read_in_the_markets_order(code, day, short):
    known = market(code)
    year = f"{day.year % 100:02d}" if short else f"{day.year}"
    parts = {"d": str(day.day), "m": str(day.month), "y": year}
    text = "/".join(parts[letter] for letter in known.date_order)
    iso = day.isoformat()
    assert dates("f", pa.array([text, iso, None, " "]), known).to_pylist() == [day, day, None, None]


@pytest.mark.parametrize(
    ("code", "text", "message"),
    [
        ("DE", "12/31/2025", r"is no date as DE writes them \(31\.12\.2025\)"),
        ("US", "31/12/2025", r"is no date as US writes them \(12/31/2025\)"),
        ("US", "2/30/2025", "no day of the calendar"),
        ("JP", "soon", r"is no date as JP writes them \(2025/12/31\)"),
        ("JP", "2025", "is no date as JP writes them"),
    ],
)
def test_another_order_is_refused_where_it_can_be_told(code, text, message):
    with pytest.raises(XbsqlError, match=message) as caught:
        dates("f", pa.array([text]), market(code))
    assert "\n" not in str(caught.value)


def test_a_time_of_day_and_kanji_are_no_obstacle():
    found = dates("f", pa.array(["2025年3月4日", "2025/03/04 10:30"]), market("JP")).to_pylist()
    assert found == [dt.date(2025, 3, 4)] * 2
