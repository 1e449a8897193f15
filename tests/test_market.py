"""Markets by code: what the CLDR and the calendars know, and what an unknown one is answered with."""

import datetime as dt
import re

import pytest

import xbsql
from xbsql.decisions.facts import away
from xbsql.errors import XbsqlError
from xbsql.market import Market, codes, currencies, market
from xbsql.market.facts import facts


def test_every_market_is_well_formed():
    assert len(codes()) >= 200
    assert list(codes()) == sorted(codes())
    for code in codes():
        known = market(code)
        assert known.code == code
        assert re.fullmatch(r"[a-z]{2,3} [A-Z]{3}", f"{known.language} {known.currency}")
        assert known.currency in currencies()
        assert sorted(known.date_order) == ["d", "m", "y"]
        decimal, group = known.separators
        assert decimal != group


@pytest.mark.parametrize("code", ["JP", "jp", " jp "])
def test_a_market_is_found_in_either_case(code):
    assert market(code) == Market("JP", "ja", "JPY", "Japan")


@pytest.mark.parametrize(
    ("code", "language", "currency", "separators", "order"),
    [
        ("DE", "de", "EUR", (",", "."), "dmy"),
        ("US", "en", "USD", (".", ","), "mdy"),
        ("CN", "zh", "CNY", (".", ","), "ymd"),
        ("SE", "sv", "SEK", (",", "\xa0"), "ymd"),
        ("BG", "bg", "EUR", (",", "\xa0"), "dmy"),
        ("KE", "en", "KES", (".", ","), "dmy"),
    ],
)
def test_language_money_and_formats(code, language, currency, separators, order):
    known = market(code)
    assert (known.language, known.currency) == (language, currency)
    assert (known.separators, known.date_order) == (separators, order)


def test_lakhs_are_counted_in_india_alone_of_these():
    assert [market(code).group_digits for code in ("IN", "US", "DE")] == [2, 3, 3]


def test_a_calendar_knows_holidays_and_the_markets_own_weekend():
    assert market("JP").holidays({2026})[dt.date(2026, 5, 5)] == "Children's Day"
    friday = dt.date(2026, 3, 6).timetuple().tm_yday - 1
    assert (market("DE").working(2026)[friday], market("SA").working(2026)[friday]) == (1, 0)
    assert len(market("DE").working(2024)) == 366


@pytest.mark.parametrize(
    ("given", "answer"),
    [("XX", "no market 'XX'; there is AC, AD"), ("germany", r"did you mean 'DE'\?"), ("", "no market ''")],
)
def test_an_unknown_market_is_one_line_with_a_hint(given, answer):
    with pytest.raises(XbsqlError, match=answer) as caught:
        market(given)
    assert "\n" not in str(caught.value)


def test_a_market_without_a_calendar_is_named():
    lacking = next(code for code in codes() if code in ("AC", "TA", "EA"))
    with pytest.raises(XbsqlError, match=f"no calendar of market '{lacking}'"):
        market(lacking).holidays({2026})


@pytest.mark.parametrize(
    ("given", "code"),
    [("UK", "GB"), ("uk", "GB"), ("DEU", "DE"), ("Deutschland", "DE"), ("united kingdom", "GB")],
)
def test_other_names_of_a_market_are_a_hint(given, code):
    with pytest.raises(XbsqlError, match=rf"no market '{given}'.*did you mean '{code}'\?"):
        market(given)


def test_every_country_has_its_facts():
    known = facts()
    assert [one.market for one in known] == [code for code in codes() if code != "EU"]
    for one in known:
        assert 0 < one.population < 2e9
        assert 300 < one.gdp / one.population < 300_000
        assert 0 < one.literacy <= 1
        assert one.lat is None or (abs(one.lat) <= 90 and abs(one.lon) <= 180)
    assert sum(one.lat is None for one in known) < 10
    assert 8e9 < sum(one.population for one in known) < 8.4e9


@pytest.mark.parametrize(
    ("home", "other", "km", "speakers"),
    [
        ("DE", "AT", 523, 0.97),
        ("de", "DE", 0, 0.91),
        ("GB", "US", 5570, 0.96),
        ("US", "GB", 5570, 0.98),
        ("JP", "BR", 18_500, 0.0),
        ("DE", "XK", None, 0.0),
        ("EU", "FR", None, 0.39),
    ],
)
def test_what_is_said_of_a_pair_is_the_way_and_who_reads_homes_language(home, other, km, speakers):
    found = dict(zip((one.market for one in facts()), away(home), strict=True))[other]
    assert found[0] == (None if km is None else pytest.approx(km, rel=0.01, abs=1))
    assert found[1] == pytest.approx(speakers, abs=0.03)


def test_the_facts_in_sql_are_null_without_a_home_and_name_the_home_that_is_meant():
    with xbsql.connect(progress=False) as con:
        row = con.sql("FROM xb.market_facts() WHERE market = 'DE'").fetchall()[0]
        assert row[3] == pytest.approx(row[2] / row[1])
        assert row[-2:] == (None, None)
        assert xbsql.market_facts(con, "DE") == xbsql.market_facts(con, home=" de ")
        with pytest.raises(XbsqlError, match=r"xb.market_facts: no market 'UK'.*did you mean 'GB'"):
            xbsql.market_facts(con, "UK")
