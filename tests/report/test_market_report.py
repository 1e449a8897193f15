"""The page of markets: what it says is what the tables say, and what it cannot say it names."""

import re

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from bench.report import requests
from xbsql.cli import main
from xbsql.decisions.overview import price_gaps, sold, weekly
from xbsql.decisions.similarity import by_market, compared
from xbsql.errors import XbsqlError

RATES = pa.table({"currency": ["USD", "JPY"], "per_unit": [1.0, 0.01]})
DAY = np.datetime64("2025-03-03")  # a Monday


def sales(market, price, days=120, customers=12):
    """Two lines a day, a mug and a lamp, each at its price."""
    place = np.arange(2 * days)
    return pa.table(
        {
            "market": [market] * (2 * days),
            "category": np.where(place % 2, "lamp", "mug").tolist(),
            "price": np.where(place % 2, 3.0 * price, price),
            "customer": (place % customers).tolist(),
            "amount": np.where(place % 2, 3.0 * price, price),
            "ts": pa.array((DAY + place // 2).astype("datetime64[us]")),
        }
    )


def prepared(home, abroad, rates=RATES):
    from xbsql.harmonise.money import Rates

    money = None if rates is None else Rates.of("t", rates)
    found = compared(
        "t", home, abroad, {}, lambda texts: np.eye(len(texts), 8, dtype=np.float32), "US", money
    )
    return found, by_market(found, abroad, None)


def test_what_a_market_sold_is_the_sum_of_its_lines_also_in_homes_money():
    found, markets = prepared(sales("US", 10.0), sales("JP", 2000.0, days=60))
    line = sold(found, "JP", markets["JP"])
    assert (line.rows, line.customers, line.currency) == (120, 12, "JPY")
    assert line.paid == pytest.approx(60 * (2000 + 6000))
    assert line.at_home == pytest.approx(line.paid * 0.01)
    assert (line.first, line.last) == ("2025-03-03", "2025-05-01")
    assert sold(found, "US", found.home).at_home == pytest.approx(120 * 40.0)


def test_without_a_rate_nothing_is_said_in_homes_money():
    found, markets = prepared(sales("US", 10.0), sales("JP", 2000.0), rates=None)
    assert sold(found, "JP", markets["JP"]).at_home is None
    assert price_gaps(found, markets, 5) == []


def test_a_gap_is_the_ratio_of_medians_in_one_money():
    found, markets = prepared(sales("US", 10.0), sales("JP", 1250.0))
    assert [(g.category, round(g.gap, 6), g.prices) for g in price_gaps(found, markets, 5)] == [
        ("lamp", 0.25, 120),
        ("mug", 0.25, 120),
    ]


def test_weeks_are_whole_and_hold_every_day_of_them_once():
    found, markets = prepared(sales("US", 10.0, days=101), sales("JP", 1.0, days=60))
    weeks = weekly(found, {"US": found.home, **markets})
    own = weeks.filter(pa.compute.equal(weeks["market"], "US"))
    assert len(own) == 14
    assert set(own["amount"].to_pylist()) == {7 * 40.0}
    other = weeks.filter(pa.compute.equal(weeks["market"], "JP"))["amount"].to_pylist()
    assert sum(other) <= 60 * 4.0  # what came after its last day is nothing
    assert len(weekly(found, {"JP": sales("JP", 1.0, days=20)})) == 0


def test_the_page_says_what_the_tables_say_and_fetches_nothing(tmp_path):
    con = xbsql.connect()
    con.register("home", sales("US", 10.0))
    con.register("abroad", sales("JP", 1250.0))
    con.register("rates", RATES)
    path = tmp_path / "page.html"
    asked = f"FROM xb.market_report(home, abroad, '{path}', home_market := 'US', rates := rates)"
    assert con.sql(asked).fetchall() == [(str(path), 1, 480, path.stat().st_size)]
    text = path.read_text()
    assert requests(text) == 0
    assert "<td>+25%</td>" in text
    assert f"{120 * 5000:,} JPY" in text
    assert re.search(r"<svg(?! class='ranges')", text)  # the fans


def test_what_no_column_says_is_named(tmp_path):
    con, path = xbsql.connect(), tmp_path / "page.html"
    few = sales("JP", 2.0).select(["market", "category"])
    xbsql.market_report(con, few.drop(["market"]), few, str(path))
    text = path.read_text()
    assert "no column says when (ts)" in text
    assert "no category has prices" in text


def test_a_market_that_is_called_home_is_not_home(tmp_path):
    con, path = xbsql.connect(), tmp_path / "page.html"
    few = sales("home", 2.0, days=20).select(["market", "category"])
    xbsql.market_report(con, few.drop(["market"]).slice(0, 30), few, str(path))
    assert "<td>(home)</td><td>30</td>" in path.read_text()
    assert "<td>home</td><td>40</td>" in path.read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"columns": {"ts": "when"}}, "no column 'when'"),
        ({"columns": {"time": "ts"}}, "no field of columns 'time'"),
        ({"path": "/no/such/folder/page.html"}, "cannot be written"),
        ({"home_market": "JP"}, "no market but home"),
        ({"home": sales("US", 1.0).slice(0, 0)}, "home has no rows"),
    ],
)
def test_bad_input_is_one_clear_line(change, said, tmp_path):
    con = xbsql.connect()
    given = {"home": sales("US", 1.0), "candidates": sales("JP", 1.0), "path": str(tmp_path / "a.html")}
    with pytest.raises(XbsqlError, match=said) as caught:
        xbsql.market_report(con, **{**given, **change})
    assert str(caught.value).startswith("xb.market_report: ")
    assert "\n" not in str(caught.value)


def test_a_shop_writes_the_page_from_the_command_line(tmp_path, capsys):
    shop, page = str(tmp_path / "shop.duckdb"), tmp_path / "markets.html"
    with xbsql.connect(shop) as con:
        con.register("us", sales("US", 10.0))
        con.register("jp", sales("JP", 1250.0))
        con.execute("CREATE TABLE home AS SELECT * RENAME (ts AS ordered) FROM us")
        con.execute("CREATE TABLE abroad AS SELECT * RENAME (ts AS ordered) FROM jp")
    asked = ["report", shop, "--market", "abroad", "--home-market", "US", "--page", str(page)]
    assert main([*asked, "--home", "home", "--columns", "ts=ordered"]) == 0
    assert "JP beside US" in page.read_text()
    assert main(asked) == 1
    assert "--market is given without --home" in capsys.readouterr().err
    assert main([*asked, "--home", "home", "--columns", "ordered"]) == 1
    assert "'ordered' names no column" in capsys.readouterr().err
