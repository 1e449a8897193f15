"""The page of markets: what it says is what the tables say, and what it cannot say it names."""

import html
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from bench.report import requests
from xbsql.cli import main
from xbsql.decisions.delivery import Lane, lanes
from xbsql.decisions.overview import price_gaps, sold, weekly
from xbsql.decisions.similarity import by_market, compared
from xbsql.errors import XbsqlError
from xbsql.pages.lanes import lane_map
from xbsql.pages.twins import twins
from xbsql.surface.duck import session_of

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
    assert text.count("<figcaption>") == 2
    assert "Chinese, Japanese and Korean" not in text


def test_what_no_column_says_is_named(tmp_path):
    con, path = xbsql.connect(), tmp_path / "page.html"
    few = sales("JP", 2.0).select(["market", "category"])
    xbsql.market_report(con, few.drop(["market"]), few, str(path))
    text = path.read_text()
    assert "no column says when (ts)" in text
    assert "no category has prices" in text


def test_names_that_need_east_asian_fonts_are_text_and_the_page_says_what_they_need(tmp_path):
    con, path = xbsql.connect(), tmp_path / "page.html"
    xbsql.market_report(con, sales("US", 10.0), sales("日本 <東>", 12.0), str(path), home_market="US")
    text = path.read_text()
    assert "<figcaption>日本 &lt;東&gt;</figcaption>" in text  # and no drawing of a font that lacks it
    assert text.count("Chinese, Japanese and Korean names are shown in the fonts of the machine") == 1


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


PLACES = {"US": (39.0, -77.0), "JP": (35.7, 139.8), "DE": (52.5, 13.4), "BR": (-15.8, -47.9)}
FACTS = pa.table(
    {
        "market": list(PLACES),
        "lat": [lat for lat, _ in PLACES.values()],
        "lon": [lon for _, lon in PLACES.values()],
        "days": [None, None, 4.0, None],
    }
)


def delivered(market, days, title="", n=40):
    rows = sales(market, 10.0, days=n // 2)
    known = pa.array([None if day is None else float(day) for day in days])
    return rows.append_column("days", known).append_column("title", pa.array([title] * n))


def test_the_way_to_a_market_is_the_great_circle_and_its_promise_holds_for_nine_of_ten():
    home = delivered("US", [2] * 40)
    abroad = pa.concat_tables(
        [delivered("JP", [*range(1, 21), *[None] * 20]), delivered("BR", [3] * 19 + [None] * 21)]
    )
    found, markets = prepared(home, abroad, rates=None)
    jp, de, br = (
        {lane.market: lane for lane in lanes(found, {**markets, "DE": abroad.slice(0, 0)}, FACTS)}[name]
        for name in ("JP", "DE", "BR")
    )
    assert (jp.parcels, jp.median, jp.promise) == (20, 10.5, 19.0)
    assert jp.distance == pytest.approx(10_900, rel=0.01)  # Washington to Tokyo
    assert jp.bearing == pytest.approx(330.6, abs=0.5)
    assert (de.parcels, de.median, de.promise) == (0, 4.0, None)  # by the fact
    assert (br.parcels, br.median, br.promise) == (19, 3.0, None)  # too few to promise


def test_days_of_the_markets_count_also_where_home_has_no_such_column():
    home, abroad = sales("US", 10.0), delivered("JP", [*range(1, 21), *[None] * 20])
    found, markets = prepared(home, abroad, rates=None)
    assert lanes(found, markets, None)[0].promise == 19.0
    named = compared("t", home, abroad.rename_columns({"days": "took"}), {"days": "took"}, len, "US", None)
    assert lanes(named, {"JP": abroad.rename_columns({"days": "took"})}, None)[0].median == 10.5


@pytest.mark.parametrize(
    ("abroad", "facts", "said"),
    [
        (delivered("JP", [5] * 39 + [-2]), None, "days of market 'JP' is -2 in a row; give 0 or more"),
        (sales("JP", 1.0), {"distance_km": [0, -7]}, "distance_km of market 'JP' is -7; give 0 or more"),
        (sales("JP", 1.0), {"days": [1, -7]}, "days of market 'JP' is -7; give 0 or more"),
        (
            sales("JP", 1.0),
            {"distance_km": [0, -7], "lat": [1, 2], "lon": [3, 4]},
            "distance_km of market 'JP' is -7; give 0 or more",
        ),
    ],
)
def test_no_way_and_no_time_is_below_0(abroad, facts, said):
    known = None if facts is None else pa.table({"market": ["US", "JP"], **facts})
    found, markets = prepared(sales("US", 1.0), abroad, rates=None)
    with pytest.raises(XbsqlError, match=f"^t: {said}"):
        lanes(found, markets, known)


@pytest.mark.parametrize("count", [1, 3, 60])
def test_the_map_is_whole_markup_names_do_not_meet_and_the_table_has_every_market(count):
    rng = np.random.default_rng(count)
    ways = zip(1 + 9000 * rng.random(count), 360 * rng.random(count), strict=True)
    places = [Lane(f"<日本{k}>", 9, 3.0, 7.0, *way) for k, way in enumerate(ways)]
    text = lane_map("US", [*places, Lane("nowhere")])
    tree = ElementTree.fromstring(f"<div>{text}</div>")
    assert len(tree.findall(".//tbody/tr")) == count + 1
    names = [each for each in tree.findall(".//svg/text") if each.get("class") != "ring"]
    boxes = [(float(t.get("x")), float(t.get("y")), 6 * len(t.text)) for t in names]
    for place, (x, y, width) in enumerate(boxes):
        assert 0 <= x <= 380 - width
        assert 0 <= y <= 380
        for other, low, wide in boxes[:place]:
            assert abs(y - low) >= 12 or x >= other + wide or other >= x + width
    assert "No request" not in text
    assert requests(text) == 0


def test_coordinates_are_compared_as_a_distance_and_wrong_ones_are_one_line(tmp_path):
    home, abroad = sales("US", 10.0), sales("JP", 10.0)
    con = xbsql.connect()
    rows = xbsql.market_similarity(con, home, abroad, home_market="US", facts=FACTS).to_pylist()
    named = {(row["market"], row["measure"]): row for row in rows if row["aspect"] == "facts"}
    assert ("JP", "lat") not in named
    assert named["JP", "distance_km"]["similarity"] < named["DE", "distance_km"]["similarity"]
    wrong = FACTS.set_column(1, "lat", pa.array([39.0, 357.0, 52.5, -15.8]))
    with pytest.raises(XbsqlError, match="lat of a market is 357") as caught:
        xbsql.market_similarity(con, home, abroad, home_market="US", facts=wrong)
    assert "\n" not in str(caught.value)


def titled(market, titles, price):
    n = 40 * len(titles)
    return pa.table(
        {
            "market": [market] * n,
            "title": [title for title in titles for _ in range(40)],
            "price": [price * (1 + k) for k in range(len(titles)) for _ in range(40)],
        }
    )


def test_a_product_of_both_markets_is_told_with_its_gap_and_what_is_not_the_same_is_not():
    home = titled("US", ["red ceramic coffee mug 350 ml", "oak desk lamp with brass foot"], 10.0)
    abroad = pa.concat_tables(
        [
            titled("CA", ["red ceramic coffee mug 350 ml"], 12.0),
            titled("DE", ["Kinderwagen klappbar grau", "oak desk lamp with brass foot"], 5.0),
        ]
    )
    rates = pa.table({"currency": ["USD", "CAD"], "per_unit": [1.0, 0.75]})
    session = session_of("t", xbsql.connect())
    found, markets = prepared(home, abroad, rates=rates)
    told = {twin.market: twin for twin in twins(session, found, markets)}
    assert told["CA"].there == told["CA"].here == "red ceramic coffee mug 350 ml"
    assert told["CA"].gap == pytest.approx(12 * 0.75 / 10 - 1)
    assert (told["DE"].there, told["DE"].lines) == ("oak desk lamp with brass foot", 40)
    assert told["DE"].gap is None  # no rate of EUR is given
    assert all(twin.score > 0.5 for twin in told.values())


def test_a_model_says_which_rows_to_label_and_which_column_leaks(tmp_path):
    con, path = xbsql.connect(store=str(tmp_path / "store")), tmp_path / "page.html"
    rng = np.random.default_rng(0)
    n = 240
    weight, kind = rng.normal(size=n), rng.integers(0, 2, n)
    home = pa.table(
        {
            "market": ["US"] * n,
            "weight": weight,
            "told": kind.astype(float),  # the label itself
            "label": np.where(kind, "yes", "no"),
        }
    )
    abroad = pa.table(
        {
            "market": ["JP"] * 60,
            "weight": weight[:60],
            "told": kind[:60].astype(float),
            "label": pa.array([None] * 60, pa.string()),
        }
    )
    xbsql.fit(con, "leaky", home.drop(["market"]), "label", market="US")
    xbsql.transfer(con, "abroad", abroad.drop(["market"]), "label", base="leaky", market="JP")
    xbsql.market_report(con, home, abroad, str(path), home_market="US", models=["leaky", "abroad"])
    text = path.read_text()
    assert "column 'told' alone predicts the label almost perfectly" in text.replace("&#x27;", "'")
    assert "Every row has a label." in text  # of home
    assert "Label these rows of its market next (label)" in text
    with pytest.raises(XbsqlError, match="no model 'nope'"):
        xbsql.market_report(con, home, abroad, str(path), models=["nope"])


@pytest.mark.parametrize(
    "given", [["--home", "orders"], ["--home-market", "US"], ["--rates", "r"], ["--columns", "ts=a"]]
)
def test_what_belongs_to_markets_is_not_ignored_in_silence(given, tmp_path, capsys):
    assert main(["report", str(tmp_path / "shop.duckdb"), "model", *given]) == 1
    said = capsys.readouterr().err
    assert f"{given[0]} is given without --market" in said
    assert said.count("\n") == 1


def test_what_is_wrong_with_one_market_or_model_is_said_in_its_place(tmp_path):
    con, path = xbsql.connect(store=str(tmp_path / "store")), tmp_path / "page.html"
    home = sales("US", 10.0)
    abroad = pa.concat_tables([sales("JP", 2000.0), sales("CA", 11.0).slice(0, 2)])
    read = {"ignore": ["market", "ts", "amount", "customer"]}
    xbsql.fit(con, "gone", home, "category", options=read)
    xbsql.transfer(con, "left", sales("JP", 12.0), "category", base="gone", market="JP", options=read)
    con.execute("CALL xb.drop_model('gone')")
    xbsql.fit(con, "broken", home, "category", options={**read, "seed": 7})
    card = xbsql.model_card(con, "broken").to_pylist()
    folder = next(row["value"] for row in card if row["key"] == "path")
    next(Path(folder).glob("*.json")).write_text("[]")
    facts = pa.table({"market": ["US", "JP", "JP"], "gdp": [1.0, 2.0, 3.0]})
    xbsql.market_report(
        con, home, abroad, str(path), home_market="US", facts=facts, models=["left", "broken"]
    )
    text = html.unescape(path.read_text())
    assert "JP: money is not compared: no rate of JPY, USD is given." in text
    assert "Give rows of CA (2): 5 are needed to compare." in text
    assert "Not shown: xb.market_report: facts has two rows of 'JP'" in text
    assert text.count("This model cannot be asked: ") == 1
    assert "Every row has a label." in text  # of the model whose base is gone
