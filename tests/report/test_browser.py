"""The pages in a real browser: nothing asked for, nothing complained of, nothing outside a narrow window."""

import numpy as np
import pyarrow as pa
import pytest

import xbsql

BROKEN = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>broken</title></head><body>
<p style="color: #aaa; background: #fff">faint</p><div style="width: 900px">wide</div>
<img src="https://example.com/a.png" alt=""><a href="#nowhere">on</a><p aria-labelledby="gone">a</p>
<button onclick="nothing()">press</button><svg viewBox="0 0 999 9" width="99"><text y="9">tiny</text></svg>
</body></html>"""


@pytest.fixture(scope="module")
def pages(browser, tmp_path_factory):
    """A report of three models, a forecast's with its fans, and one of markets."""
    folder = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(0)
    weight, mode = rng.gamma(2, 3, 150), rng.choice(["air", "sea <fast>", "A" * 60], 150)
    days = 2 + weight / 3 + 9 * (mode == "air") + rng.normal(0, 0.5, 150)
    week = np.datetime64("2025-01-06") + 7 * np.tile(np.arange(60), 3)
    sku = np.repeat(["an-article-with-a-long-number-0001", "b", "<c>"], 60)
    units = 20 + 9 * np.sin(np.arange(180) / 8) + rng.normal(0, 2, 180)
    with xbsql.connect(folder / "shop.duckdb") as con:
        con.register("home", pa.table({"weight": weight, "mode": mode, "days": days}))
        few = [day + 1 if place < 40 else None for place, day in enumerate(days)]
        con.register("abroad", pa.table({"weight": weight, "mode": mode, "days": few}))
        con.register("sales", pa.table({"sku": sku, "week": week, "units": units}))
        con.execute("CALL xb.fit('days', home, 'days')")
        con.execute("CALL xb.transfer('days_jp', abroad, 'days', base := 'days', market := 'JP')")
        options = "options := {'id': 'sku', 'ts': 'week', 'horizon': 4}"
        con.execute(f"CALL xb.fit('demand', sales, 'units', task := 'forecast', {options})")
        report = folder / "report.html"
        con.sql(f"FROM xb.report(['days_jp', 'days', 'demand'], '{report}', tbl := abroad)").fetchall()
        con.sql(f"FROM xb.report(['demand'], '{folder}/fans.html', tbl := sales)").fetchall()
        con.register("us", orders("US", 10.0, 150))
        con.register("jp", orders("JP", 1250.0, 120))
        rates = pa.table({"currency": ["USD", "JPY"], "per_unit": [1.0, 0.01]})
        con.register("rates", rates)
        places = {"market": ["US", "JP", "ブラジル"], "lat": [39, 35.7, -15.8], "lon": [-77, 139.8, -47.9]}
        con.register("places", pa.table(places))
        given = "home_market := 'US', rates := rates, facts := places"
        asked = f"xb.market_report(us, jp, '{folder}/market.html', {given})"
        con.sql(f"FROM {asked}").fetchall()
    return browser(report, folder / "fans.html", folder / "market.html")


def orders(market, price, days):
    place = np.arange(2 * days)
    when = np.datetime64("2025-03-03") + place // 2
    return pa.table(
        {
            "market": [market] * (2 * days),
            "category": np.where(place % 2, "lamp", "mug").tolist(),
            "price": np.where(place % 2, 3.0 * price, price),
            "customer": (place % 12).tolist(),
            "amount": np.where(place % 2, 3.0 * price, price),
            "ts": pa.array(when.astype("datetime64[us]")),
        }
    )


def test_the_browser_sees_what_is_wrong(browser, tmp_path):
    (tmp_path / "broken.html").write_text(BROKEN)
    found = browser(tmp_path / "broken.html", schemes=("light",))[0]
    assert found["asked"] == ["https://example.com/a.png"]
    assert any("nothing is not defined" in said for said in found["said"])
    assert found["before"]["width"] > found["window"]
    assert [wide[:4] for wide in found["before"]["wide"]] == ["div."]
    assert [small.partition(":")[0] for small in found["before"]["small"]] == ["text. tiny"]
    assert [faint[:2] for faint in found["before"]["faint"]] == ["p."]
    assert found["dead"] == ["#nowhere", "aria-labelledby gone"]


def test_a_page_asks_for_nothing_and_its_console_is_silent(pages):
    for page in pages:
        assert page["loaded"], page
        assert (page["asked"], page["said"]) == ([], []), page


def test_what_can_be_clicked_does_something(pages):
    for page in pages:
        assert page["clicked"], page
        assert page["dead"] == [], page
        assert page["after"]["text"] > page["before"]["text"], page


def test_nothing_sticks_out_of_a_narrow_window(pages):
    for page in pages:
        for state in (page["before"], page["after"]):
            assert state["width"] <= page["window"], page
            assert state["wide"] == [], page


def test_every_text_can_be_read_light_and_dark(pages):
    assert {page["before"]["dark"] for page in pages} == {True, False}
    for page in pages:
        assert page["after"]["faint"] == [], page


def test_letters_are_as_large_in_a_narrow_window(pages):
    for page in pages:
        assert page["after"]["small"] == [], page


def test_no_word_or_number_is_broken_in_a_narrow_window(pages):
    for page in pages:
        assert page["before"]["split"] == [], page
