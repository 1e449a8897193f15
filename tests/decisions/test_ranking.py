"""Ranking markets: a sale's arithmetic, intervals that hold together, what changes the order, bad input."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xbsql
from xbsql.decisions.landed import Shares
from xbsql.decisions.ranking import DRAWN, Plan, Uncertain, ranked, sensitivity, simultaneous
from xbsql.errors import XbsqlError

RATES = pa.table({"currency": ["USD", "EUR", "JPY"], "per_unit": [1.0, 1.1, 0.007]})
DUTIES = pa.table(
    {"market": ["DE", "DE", None, "JP"], "hs": ["64", "6404.11", "", "64"], "rate": [0.08, 0.17, 0.02, 0.3]}
)
VAT = pa.table({"market": ["DE", "JP", "FR"], "rate": [0.19, 0.1, 0.2]})
PLAN = pa.table(
    {
        "market": ["DE", "JP"],
        "units": [1000.0, 800.0], "units_lo": [800.0, 300.0], "units_hi": [1200.0, 1500.0],
        "price": [59.5, 6600.0], "cost": [20.0, 20.0], "freight": [4.0, 8.0], "hs": ["640411", "640320"],
        "days": [4.0, 12.0], "days_lo": [3.0, 6.0], "days_hi": [6.0, 20.0],
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def con():
    with xbsql.connect() as con:
        yield con


def rank(con, plan=PLAN, **given):
    given = {"currency": "USD", "rates": RATES, "duties": DUTIES, "vat": VAT, **given}
    return xbsql.rank_markets(con, plan, **given).to_pylist()


def plan_of(units, lo, hi, price=10.0, seed=0, together=0.5):
    none = np.zeros(len(units))
    exact = {name: Uncertain(none, none, none) for name in DRAWN}
    price = np.full(len(units), price)
    inputs = exact | {
        "units": Uncertain(*map(np.array, (units, lo, hi))),
        "price": Uncertain(price, price, price),
    }
    names = tuple(f"m{i}" for i in range(len(price)))
    return Plan(names, np.arange(len(price)), inputs, none, none, together=together, seed=seed)


def test_the_margin_is_what_is_left_after_vat_duty_and_freight(con):
    rows = {row["market"]: row for row in rank(con, promise=7.0)}
    net = 59.5 * 1.1 / 1.19
    assert rows["DE"]["revenue"] == pytest.approx(1000 * net)
    assert rows["DE"]["duty"] == pytest.approx(1000 * 0.17 * 24)
    assert rows["DE"]["margin"] == pytest.approx(1000 * (net - 24 - 0.17 * 24))
    assert rows["JP"]["duty"] == pytest.approx(800 * 0.3 * 28)
    assert rows["DE"]["vat"] == pytest.approx(1000 * net * 0.19)
    assert rows["DE"]["on_time"] > 0.9 > 0.3 > rows["JP"]["on_time"]


def test_the_longest_code_counts_and_the_markets_own_rule_first():
    rules = Shares.of("xb", "duties", DUTIES)
    assert [rules.rate("DE", code) for code in ("640411", "640419", "62", "")] == [0.17, 0.08, 0.02, 0.02]
    assert rules.rate("JP", "640411") == 0.3
    assert Shares.of("xb", "vat", VAT).rate("US", "") is None


@given(st.floats(0.5, 0.99), st.integers(1, 6), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_intervals_hold_all_markets_at_once(level, markets, seed):
    draws = np.random.default_rng(seed).standard_normal((500, markets))
    lo, hi = simultaneous(draws, level)
    held = ((lo <= draws) & (draws <= hi)).all(axis=1).mean()
    assert level <= held <= level + 0.02 * markets + 0.01


def test_an_interval_is_given_back(con):
    """The ends of one market alone are the quantiles that were put in."""
    (row,) = ranked(plan_of([100.0], [60.0], [150.0]))
    assert row["lo"] == pytest.approx(600, rel=0.05)
    assert row["hi"] == pytest.approx(1500, rel=0.05)


def test_rows_that_err_together_widen_the_sum():
    def width(together):
        plan = plan_of([100.0] * 10, [60.0] * 10, [150.0] * 10, together=together)
        one = Plan(("m",), np.zeros(10, np.int64), plan.inputs, plan.duty, plan.vat, together=together)
        (row,) = ranked(one)
        return row["hi"] - row["lo"]

    assert width(1.0) > 2 * width(0.0)


def test_the_change_that_is_told_makes_both_bring_the_same(con):
    base = {row["market"]: row["margin"] for row in rank(con)}
    for row in xbsql.market_sensitivity(con, PLAN, "USD", rates=RATES, duties=DUTIES, vat=VAT).to_pylist():
        factor, other = 1 + row["change"], base[row["against"]]
        if row["input"] in ("duty", "vat"):
            continue
        scaled = pa.table(
            {
                name: [
                    value * factor
                    if name.split("_")[0] == row["input"] and market == row["market"]
                    else value
                    for value, market in zip(PLAN[name].to_pylist(), PLAN["market"].to_pylist(), strict=True)
                ]
                for name in PLAN.column_names
            }
        )
        found = {each["market"]: each["margin"] for each in rank(con, scaled)}
        assert found[row["market"]] == pytest.approx(other, rel=1e-9)


def test_what_alone_may_turn_the_order_has_a_probability():
    rows = sensitivity(plan_of([100.0, 95.0], [60.0, 94.0], [150.0, 96.0]))
    assert {row["input"] for row in rows} == {"units", "price"}
    chance = next(row["probability"] for row in rows if row["input"] == "units")
    assert 0.3 < chance < 0.5
    assert all(row["probability"] is None for row in rows if row["input"] == "price")


def test_a_market_that_lacks_something_says_so_and_holds_up_no_other(con):
    more = pa.concat_tables(
        [
            PLAN,
            pa.table({"market": ["BR", "FR", "US"], "units": [10.0, None, 5.0], "price": [1.0, 1.0, 1.0]}),
        ],
        promote_options="default",
    )
    rows = {row["market"]: row for row in rank(con, more)}
    assert [rows[name]["rank"] for name in ("DE", "JP", "BR", "FR", "US")] == [1, 2, None, None, None]
    assert "no rate of BRL is given" in rows["BR"]["note"]
    assert "units is NULL in a row" in rows["FR"]["note"]
    assert "no VAT is given" in rows["US"]["note"]
    assert rows["DE"]["note"] == "freight taken as exact"


def test_days_below_0_are_told_and_days_that_are_not_known_are_none(con):
    wrong = PLAN.set_column(PLAN.column_names.index("days_lo"), "days_lo", [[-3.0, None]])
    rows = {row["market"]: row for row in rank(con, wrong, promise=7.0)}
    assert (rows["DE"]["rank"], rows["DE"]["note"]) == (None, "days is below 0 in a row")
    assert rows["JP"]["rank"] == 1
    unknown = PLAN.drop_columns(["days", "days_lo", "days_hi"])
    assert {row["on_time"] for row in rank(con, unknown, promise=7.0)} == {None}


def test_labels_that_are_still_needed(con):
    curves = pa.table(
        {"market": ["DE"] * 3 + ["JP"], "labels": [50, 100, 400, 50], "value": [0.6, 0.8, 0.9, 0.5],
         "arm": ["blend"] * 4}
    )  # fmt: skip
    rows = {row["market"]: row["labels_needed"] for row in rank(con, curves=curves, goal=0.75)}
    assert rows == {"DE": 100, "JP": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plan": PLAN.drop_columns(["price"])}, r"xb.rank_markets: no column 'price'; the table has market"),
        ({"plan": PLAN.rename_columns({"cost": "cost_lo"})}, "the table has 'cost_lo' and no 'cost'"),
        ({"plan": PLAN.slice(0, 0)}, "tbl has no rows"),
        ({"vat": pa.table({"market": ["DE"], "rate": [19.0]})}, "a rate of vat is 19; give shares: 0.19"),
        ({"duties": pa.table({"market": ["DE", "DE"], "rate": [0.1, 0.2]})}, "two rates of market 'DE'"),
        ({"curves": pa.table({"market": ["a"], "labels": [1], "value": [0.1], "arm": ["blend"]})}, "no goal"),
        ({"level": 1.5}, "level is 1.5"),
        ({"correlation": 2.0}, "correlation is 2"),
        ({"promise": -1.0}, "promise is -1; give days, 0 or more"),
        ({"plan": PLAN.set_column(2, "units_lo", [[5000.0, 1.0]])}, "units is 1000 outside units_lo 5000"),
        ({"rates": pa.table({"currency": ["EUR"], "per_unit": [-1.0]})}, "a rate is NULL, infinite or not"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(con, change, message):
    with pytest.raises(XbsqlError, match=message):
        rank(con, **change)


def test_numbers_of_any_type_are_taken(con):
    """0.75 and 10.5 are DECIMAL in SQL."""
    con.register("a_plan", PLAN)
    con.register("a_vat", VAT)
    con.register("some_rates", RATES)
    found = con.sql(
        "SELECT on_time FROM xb.rank_markets(a_plan, 'USD', rates := some_rates, vat := a_vat, "
        "goal := 0.75, promise := 10.5)"
    ).fetchall()
    assert all(0 < share < 1 for (share,) in found)


def test_equal_markets_share_the_first_place():
    rows = ranked(plan_of([100.0, 100.0, 50.0], [100.0, 100.0, 50.0], [100.0, 100.0, 50.0]))
    assert [row["best"] for row in rows] == [0.5, 0.5, 0.0]
    assert [(row["rank_lo"], row["rank_hi"]) for row in rows] == [(1, 2), (1, 2), (3, 3)]


def test_an_interval_of_one_side_is_told(con):
    plan = PLAN.set_column(3, "units_hi", pa.array([None, 1500.0]))
    rows = {row["market"]: row["note"] for row in rank(con, plan)}
    assert "units taken as exact above its value" in rows["DE"]
    assert "units" not in rows["JP"]
