"""Money, calendars and written values by the row, each with its own unit, currency or market beside it."""

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.harmonise import rows, written
from xbsql.harmonise.money import Rates
from xbsql.market import market

DAY = dt.date(2026, 1, 1)
PLAIN = pa.table({"currency": ["EUR", "JPY", "USD"], "per_unit": [1.25, 0.005, 1.0]})
DAILY = pa.table(
    {
        "currency": ["EUR", "EUR", "USD"],
        "per_unit": [1.2, 1.0, 1.0],
        "day": [dt.date(2026, 1, 10), DAY, DAY],
    }
)


def money(amounts, old, new, rates, day=None):
    size = len(amounts)
    days = pa.nulls(size) if day is None else pa.array(day, pa.date32())
    texts = [pa.array([name] * size if isinstance(name, str) else name, pa.string()) for name in (old, new)]
    return rows.to_currency(
        "f", pa.array(amounts, pa.float64()), *texts, days, Rates.of("f", rates)
    ).to_pylist()


def test_each_row_has_its_own_unit():
    found = rows.convert(
        "f", pa.array([1, 2, None, 3]), pa.array(["lb", "kg", "kg", None]), pa.array(["kg"] * 4)
    )
    assert found.to_pylist() == [pytest.approx(0.45359237), 2.0, None, None]


@pytest.mark.parametrize("size", [0, 1, 5])
def test_money_there_and_back(size):
    amounts = [float(i) for i in range(size)]
    assert money(money(amounts, "JPY", "EUR", PLAIN), "EUR", "jpy", PLAIN) == pytest.approx(amounts)


def test_the_latest_rate_up_to_the_day_counts():
    days = [DAY, dt.date(2026, 1, 9), dt.date(2026, 1, 10), dt.date(2030, 1, 1), None]
    assert money([12.0] * 5, "EUR", "USD", DAILY, days) == [
        12.0,
        12.0,
        pytest.approx(14.4),
        pytest.approx(14.4),
        None,
    ]


@pytest.mark.parametrize(
    ("table", "day", "message"),
    [
        (PLAIN.drop_columns(["per_unit"]), None, "no column of the rates 'per_unit'"),
        (PLAIN.slice(1), None, "no rate of currency 'EUR'; the rates have JPY, USD"),
        (DAILY, None, "the rates of EUR change by day; give day"),
        (DAILY, [dt.date(2025, 12, 31)], "no rate of EUR on 2025-12-31 or before"),
        (pa.concat_tables([PLAIN, PLAIN]), None, "two rates of EUR for one day"),
        (PLAIN.set_column(1, "per_unit", pa.array([1.0, 0.0, 1.0])), None, "not above 0"),
        (PLAIN.set_column(1, "per_unit", pa.array(["1", "2", "3"])), None, "per_unit of the rates is string"),
    ],
)
def test_rates_that_do_not_serve_are_one_line(table, day, message):
    with pytest.raises(XbsqlError, match=message) as caught:
        money([1.0], "EUR", "USD", table, day)
    assert "\n" not in str(caught.value)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["DE", "JP", "SA", "US"]),
    st.dates(dt.date(2023, 1, 1), dt.date(2027, 1, 1)),
    st.integers(-40, 40),
)
def test_workdays_are_counted_day_by_day(code, first, span):
    last, known = first + dt.timedelta(span), market(code)
    days = [min(first, last) + dt.timedelta(i) for i in range(1, abs(span) + 1)]
    counted = sum(known.working(day.year)[day.timetuple().tm_yday - 1] for day in days)
    dates = [pa.array([day], pa.date32()) for day in (first, last)]
    assert rows.workdays("f", *dates, pa.array([code])).to_pylist() == [counted if span > 0 else -counted]


def test_null_days_and_markets_give_null():
    days = pa.array([DAY, None, DAY], pa.date32())
    codes = pa.array(["DE", "DE", None])
    assert rows.workdays("f", days, days, codes).to_pylist() == [0, None, None]
    assert rows.holiday("f", days, codes).to_pylist() == ["New Year's Day", None, None]


def test_days_that_are_no_dates_are_refused():
    days = [pa.array([day], pa.date32()) for day in (DAY, dt.date(9999, 12, 31))]
    with pytest.raises(XbsqlError, match="are more than 200 years apart"):
        rows.workdays("f", *days, pa.array(["DE"]))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([("1.234,5", "DE"), ("1,234.5", "US"), (None, "DE"), ("7", None)]), max_size=9)
)
def test_texts_of_several_markets_keep_their_rows(pairs):
    texts, codes = pa.array([t for t, _ in pairs], pa.string()), pa.array([c for _, c in pairs], pa.string())
    expected = [1234.5 if text and code and len(text) > 1 else None for text, code in pairs]
    assert rows.parse_number("f", texts, codes).to_pylist() == expected


def test_numbers_that_are_no_numbers_are_named():
    with pytest.raises(XbsqlError, match="value is string; cast it"):
        rows.convert("f", pa.array(["1"]), pa.array(["kg"]), pa.array(["g"]))
    assert rows.convert("f", pa.nulls(1), pa.array(["kg"]), pa.array(["g"])).to_pylist() == [None]


@pytest.mark.parametrize(("attempt", "parse"), [
    (rows.try_parse_number, rows.parse_number), (rows.try_parse_date, rows.parse_date)
])  # fmt: skip
def test_an_attempt_gives_null_where_the_other_fails(attempt, parse):
    texts = pa.array(["7", "iPhone 15", None, "", "31.12.2025", "soon", "7"])
    code = pa.array(["DE"] * 7)
    for text in texts:
        one = pa.array([text.as_py()], pa.string()), code.slice(0, 1)
        try:
            expected = parse("f", *one).to_pylist()
        except XbsqlError:
            expected = [None]
        assert attempt("f", *one).to_pylist() == expected
    assert attempt("f", texts, code).to_pylist() == [
        attempt("f", pa.array([t]), code[:1])[0].as_py() for t in texts.to_pylist()
    ]
    with pytest.raises(XbsqlError, match=r"no market 'UK'.*did you mean 'GB'"):
        attempt("f", texts, pa.array(["UK"] * 7))


@pytest.mark.parametrize(
    ("attempt", "read"), [(rows.try_parse_number, "read_numbers"), (rows.try_parse_date, "read_dates")]
)
def test_an_attempt_reads_each_distinct_text_once_whatever_fails(attempt, read, monkeypatch):
    seen, original = [], getattr(written, read)
    monkeypatch.setattr(written, read, lambda texts, place: seen.append(len(texts)) or original(texts, place))
    texts = pa.array([f"{i % 50},5 \u20ac" if i % 3 else f"iPhone {i % 20}" for i in range(6000)])
    attempt("f", texts, pa.array(["DE"] * 6000))
    assert seen == [len(set(texts.to_pylist()))]
