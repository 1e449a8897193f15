"""Every market's own prices, numbers and dates, as the CLDR writes them, are read as what they say."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from babel import dates, numbers

from xbsql.harmonise.written import read_dates, read_numbers
from xbsql.market import codes, market

VALUES = (1234.5, -1234567.25, 12.0, 0.5)
DAYS = (dt.date(2016, 3, 15), dt.date(2025, 12, 1), dt.date(2024, 2, 29))
STYLES = ("short", "medium", "long", "full")

# Babel writes years of two digits of our era in Thailand and Nepal, where they are mostly of another one, and
# months in Bhutan in digits of Tibet without their word.
REFUSED = {("TH", "short"), ("NP", "short"), ("BT", "medium")}


def read(parse, texts, code):
    found, fits = parse(pa.array(texts), market(code))
    assert found.is_valid().equals(fits), [
        text for text, fit in zip(texts, fits.to_pylist(), strict=True) if not fit
    ]
    return found.to_pylist()


def rounded(value, currency):
    places = numbers.get_currency_precision(currency)
    return float(Decimal(str(value)).quantize(Decimal(1).scaleb(-places)))


@pytest.mark.parametrize("system", ["latn", "default"])
def test_numbers_of_all_markets(system):
    for code in codes():
        known = market(code)
        texts = [
            numbers.format_decimal(value, locale=known.locale, numbering_system=system) for value in VALUES
        ]
        assert read(read_numbers, texts, code) == pytest.approx(VALUES), (code, texts)


@pytest.mark.parametrize("kind", ["standard", "name"])
@pytest.mark.parametrize("system", ["latn", "default"])
def test_prices_of_all_markets(system, kind):
    for code in codes():
        known = market(code)
        texts = [
            numbers.format_currency(
                value, known.currency, locale=known.locale, numbering_system=system, format_type=kind
            )
            for value in VALUES
        ]
        truth = [rounded(value, known.currency) for value in VALUES]
        assert read(read_numbers, texts, code) == pytest.approx(truth), (code, texts)


@pytest.mark.parametrize("style", STYLES)
def test_dates_of_all_markets(style):
    for code in codes():
        known = market(code)
        texts = [dates.format_date(day, style, locale=known.locale) for day in DAYS]
        if (code, style) in REFUSED:
            assert not any(read_dates(pa.array(texts), known)[1].to_pylist())
        else:
            assert read(read_dates, texts, code) == list(DAYS), (code, texts)


@pytest.mark.parametrize(
    ("code", "value", "style"),
    [
        ("US", 2_000_000, "short"), ("US", 3_500_000_000, "long"), ("DE", 2_000_000, "short"),
        ("DE", 12_000, "long"),
        ("JP", 120_000, "short"), ("CN", 350_000_000, "short"), ("KR", 50_000, "short"),
        ("IN", 20_000_000, "short"),
        ("FR", 3_500_000_000, "short"), ("ES", 250_000, "short"), ("BR", 2_000_000, "long"),
        ("RU", 12_000, "short"),
        ("TR", 2_000_000, "short"), ("PL", 250_000, "short"), ("SE", 12_000, "short"),
        ("ID", 2_000_000, "short"),
    ],
)  # fmt: skip
def test_thousands_and_millions_in_a_markets_own_words(code, value, style):
    known = market(code)
    text = numbers.format_compact_decimal(value, format_type=style, locale=known.locale, fraction_digits=1)
    assert read(read_numbers, [text], code) == [value]
    price = numbers.format_compact_currency(value, known.currency, locale=known.locale, fraction_digits=1)
    assert read(read_numbers, [price], code) == [value]
