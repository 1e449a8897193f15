"""How alike markets are: the order of known markets, small ones, money, facts, bad input."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.decisions.likeness import kolmogorov, likeness, total_variation
from xbsql.errors import XbsqlError

DAY = dt.date(2023, 1, 1)
KINDS = np.array(["shoes", "bags", "hats", "toys"])


def sales(market, shift=0.0, n=400, season=1, seed=0, currency=None):
    """Lines of sales; `shift` moves categories and prices away from home's."""
    rng = np.random.default_rng(seed)
    share = np.array([0.4, 0.3, 0.2, 0.1]) * (1 - shift) + np.array([0.1, 0.1, 0.2, 0.6]) * shift
    day = rng.integers(0, 28, n)
    month = rng.choice(12, n, p=np.where(np.arange(12) == season, 12.0, 1.0) / 23)
    columns = {
        "market": [market] * n, "category": rng.choice(KINDS, n, p=share),
        "price": np.exp(rng.normal(3 + shift, 0.5, n)), "customer": rng.integers(0, n // 4, n),
        "ts": [DAY + dt.timedelta(30 * int(m) + int(d)) for m, d in zip(month, day, strict=True)],
    }  # fmt: skip
    return pa.table(columns | ({} if currency is None else {"currency": [currency] * n}))


@pytest.fixture(scope="module")
def con():
    with xbsql.connect() as con:
        yield con


def compared(con, *markets, home=None, **given):
    home = sales("US", seed=9) if home is None else home
    rows = xbsql.market_similarity(con, home, pa.concat_tables(markets), **given).to_pylist()
    return {(row["market"], row["aspect"], row["measure"]): row for row in rows}


def test_the_order_of_markets_is_that_of_their_distances(con):
    found = compared(con, *(sales(f"m{i}", shift, seed=i) for i, shift in enumerate((0.0, 0.3, 0.6, 1.0))))
    overall = [found[f"m{i}", "overall", None]["similarity"] for i in range(4)]
    assert overall == sorted(overall, reverse=True)
    assert overall[0] > 0.9 > 0.75 > overall[3]
    for row in found.values():
        assert row["lo"] is None or row["lo"] <= row["similarity"] <= row["hi"]


def test_another_season_is_told(con):
    found = compared(con, sales("south", season=7), sales("north", season=1))
    south, north = (found[name, "demand", "months"] for name in ("south", "north"))
    assert south["similarity"] < 0.7 < north["similarity"]
    assert "most in month" in south["evidence"]


@pytest.mark.parametrize("distance", [kolmogorov, total_variation])
def test_a_small_market_is_not_unlike_because_it_is_small(distance):
    rng = np.random.default_rng(1)

    def draw(n):
        return rng.integers(0, 30, n) if distance is total_variation else rng.standard_normal(n)

    home = draw(2000)
    small = [likeness(home, draw(20), distance, np.random.default_rng(i)).value for i in range(20)]
    assert np.mean(small) > 0.9
    assert likeness(home, draw(2000), distance, rng).value > 0.95


def test_titles_are_compared_across_languages(con):
    home = pa.table({"title": ["red shoes", "leather bag", "straw hat", "toy car"] * 5})
    near = pa.table({"market": ["DE"] * 8, "title": ["rote Schuhe", "Ledertasche"] * 4})
    far = pa.table({"market": ["XX"] * 8, "title": ["Quartalsbericht der Bank", "Steuererklärung"] * 4})
    found = compared(con, near, far, home=home)
    assert found["DE", "overall", None]["similarity"] > found["XX", "overall", None]["similarity"] + 0.15


def test_money_is_compared_in_one_currency_or_not_at_all(con):
    home = sales("US", seed=9, currency="USD")
    yen = sales("JP", seed=3, currency="JPY")
    yen = yen.set_column(2, "price", pa.array(yen["price"].to_numpy() * 150))
    without = compared(con, yen, home=home)["JP", "price", "prices"]
    assert without["similarity"] is None
    assert without["evidence"] == "not compared: no rate of JPY, USD is given"
    rates = pa.table({"currency": ["USD", "JPY"], "per_unit": [150.0, 1.0]})
    assert compared(con, yen, home=home, rates=rates)["JP", "price", "prices"]["similarity"] > 0.9
    codes = compared(con, sales("JP"), home_market="US")  # whose money no column tells
    assert "no rate of JPY, USD" in codes["JP", "price", "prices"]["evidence"]


def test_facts_are_compared_with_homes(con):
    facts = pa.table(
        {"market": ["US", "CA", "JP", "BR"], "dist": [0.0, 700.0, 10000.0, 7000.0],
         "gdp": [2e13, 2e12, 5e12, 2e12], "driving": ["right", "right", "left", "right"],
         "known": [1.0, None, 2.0, 3.0]}
    )  # fmt: skip
    found = compared(con, sales("CA"), facts=facts, home_market="US")
    assert found["CA", "facts", "dist"]["similarity"] == pytest.approx(0.93)
    assert found["JP", "facts", "dist"]["similarity"] == 0
    assert found["JP", "facts", "driving"]["similarity"] == 0
    assert found["CA", "facts", "language"]["similarity"] == 1
    assert ("CA", "facts", "known") not in found
    assert found["BR", "overall", None]["evidence"].startswith("0 rows; facts; 0 rows are too few")


def test_a_market_of_no_rows_and_no_facts_says_so(con):
    found = compared(con, sales("aa"), sales("bb").slice(0, 2))
    assert found["bb", "overall", None]["similarity"] is None
    assert "2 rows are too few" in found["bb", "overall", None]["evidence"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"columns": {"colour": "x"}}, "no field of columns 'colour'; there is market"),
        ({"columns": {"ts": "when"}}, "no column 'when'"),
        ({"columns": {"ts": "category"}}, "column 'category' is string; cast it"),
        ({"facts": pa.table({"market": ["US"], "gdp": [1.0]})}, "home_market is not given"),
        ({"facts": pa.table({"market": ["JP"], "g": [1.0]}), "home_market": "US"}, "no row of home, 'US'"),
        ({"facts": pa.table({"market": ["US"] * 2, "g": [1, 2]}), "home_market": "US"}, "two rows of 'US'"),
        (
            {"facts": pa.table({"market": ["US", "DE"], "distance_km": [0, -5]}), "home_market": "US"},
            "distance_km of market 'DE' is -5; give 0 or more",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(con, given, message):
    with pytest.raises(XbsqlError, match=f"^xb.market_similarity: .*{message}"):
        compared(con, sales("DE"), **given)


def test_no_column_of_markets_is_an_error(con):
    with pytest.raises(XbsqlError, match="no column says which market a row is of"):
        xbsql.market_similarity(con, sales("US"), sales("DE").drop_columns(["market"]))


@pytest.mark.parametrize("home_market", [None, "here"])
def test_money_is_not_compared_where_homes_is_not_known(con, home_market):
    found = compared(con, sales("JP"), columns={"amount": "price"}, home_market=home_market)
    spent = found["JP", "customers", "spend a customer"]
    assert spent["similarity"] is None
    assert spent["evidence"] == "not compared: home's currency is not known"


def test_candidates_of_home_alone_are_refused(con):
    with pytest.raises(XbsqlError, match="candidates has no market but home, 'US'; give rows"):
        compared(con, sales("US"), home_market="US")


def test_of_rates_by_day_the_latest_counts(con):
    rates = pa.table(
        {
            "currency": ["EUR", "EUR", "JPY"],
            "per_unit": [1.0, 2.0, 0.01],
            "day": pa.array([0, 400, 400], pa.int32()).cast(pa.date32()),
        }
    )
    plain = pa.table({"currency": ["EUR", "JPY"], "per_unit": [2.0, 0.01]})
    home = sales("home", currency="EUR").drop(["market"])
    tables = [sales("a", currency="JPY")]
    found = [compared(con, *tables, home=home, rates=each) for each in (rates, plain)]
    assert found[0] == found[1]


def test_what_is_made_of_home_is_made_once_however_many_markets_there_are(monkeypatch):
    from xbsql.decisions.similarity import Comparison, by_market, market_similarity
    from xbsql.decisions.similarity import compared as prepared

    made, plain = [], Comparison._money
    monkeypatch.setattr(Comparison, "_money", lambda self, rows: made.append(rows) or plain(self, rows))
    home = sales("home", currency="EUR").drop(["market"])
    abroad = pa.concat_tables([sales(name, currency="EUR", seed=k) for k, name in enumerate("abc")])
    found = prepared("t", home, abroad, {}, lambda texts: np.eye(len(texts), 8, dtype=np.float32), None, None)
    market_similarity(found, by_market(found, abroad, None))
    assert sum(rows is home for rows in made) == 1


def test_the_currency_of_candidates_counts_also_where_home_has_no_such_column(con):
    rates = pa.table({"currency": ["USD", "EUR", "JPY"], "per_unit": [1.0, 1.1, 0.0068]})
    given = {"home_market": "US", "rates": rates}
    told = compared(con, sales("JP", currency="EUR"), **given)
    named = compared(con, sales("JP", currency="EUR"), home=sales("US", seed=9, currency="USD"), **given)
    key = "JP", "price", "prices"
    assert told[key]["evidence"] == named[key]["evidence"]
    assert told[key]["similarity"] == pytest.approx(named[key]["similarity"], abs=0.02)


def test_a_day_without_end_is_a_day(con):
    rows = sales("JP")
    days = pa.array([dt.date(9999, 12, 31), *rows["ts"].to_pylist()[1:]])
    found = compared(con, rows.set_column(rows.column_names.index("ts"), "ts", days))
    assert found["JP", "overall", None]["similarity"] > 0
