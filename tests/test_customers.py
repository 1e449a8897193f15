"""Customers: the published numbers of the models, laws of the profile, what home brings a small market."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xbsql
from xbsql.customers.lifetime import (
    Histories,
    Rates,
    Worth,
    alive,
    draw_spend,
    expected_orders,
    expected_value,
    fit_rates,
    fit_worth,
)
from xbsql.customers.profile import Asked, profile
from xbsql.errors import XbsqlError

CDNOW = Rates(0.243, 4.414, 0.793, 2.426)
MONEY = Worth(6.25, 3.74, 15.44)
HOME = Rates(0.8, 60.0, 0.7, 3.0)
DAY = dt.date(2024, 1, 1)


def histories(*rows):
    return Histories(*np.array(rows, dtype=float).T)


def market(n, rates=HOME, worth=MONEY, days=500, seed=0, money=1.0):
    """Sales of customers whose process is known: user, ts, amount, basket, category."""
    random = np.random.default_rng(seed)
    users, moments, paid = [], [], []
    for user in range(n):
        rate, leave = random.gamma(rates.r, 1 / rates.alpha), random.beta(rates.a, rates.b)
        mean = random.gamma(worth.q, 1 / worth.v)
        day = random.uniform(0, days - 60)
        while day < days:
            users.append(user)
            moments.append(int(day))
            paid.append(money * random.gamma(worth.p, 1 / mean))
            if len(users) > 1 and users[-2] == user and random.random() < leave:
                break
            day += random.exponential(1 / max(rate, 1e-9))
    ts = pa.array([dt.datetime.combine(DAY, dt.time()) + dt.timedelta(m) for m in moments])
    none = pa.nulls(len(users), pa.string())
    return pa.table({"user": users, "ts": ts, "amount": paid, "basket": none, "category": none})


def past_of(found):
    """What the process needs of profiles in which everybody ordered."""
    orders, recency, age, value = (
        found[name].to_numpy().astype(float) for name in ("orders", "recency", "age", "order_value")
    )
    return Histories(orders - 1, age - recency, age, value)


def asked(until=None, horizon=90, level=0.9, segments=5):
    return Asked(until, horizon, level, segments)


def test_the_formulas_give_the_published_numbers():
    """Fader, Hardie and Lee: 1.226 orders in 39 weeks of the customer 2, 30.43, 38.86; Gamma-Gamma: 24.66."""
    one = histories((2, 30.43, 38.86, 22.35))
    assert expected_orders(CDNOW, one, 39)[0] == pytest.approx(1.226, abs=5e-4)
    assert expected_value(MONEY, histories((1, 30.43, 38.86, 22.35)))[0] == pytest.approx(24.66, abs=0.01)
    assert alive(CDNOW, histories((0, 0, 38.86, 22.35)))[0] == 1.0


def test_the_draws_have_the_expectation_of_the_formulas():
    customers = histories(*[(x, 10.0 * x, 100.0, 30.0) for x in range(6)])
    draws = draw_spend(HOME, MONEY, customers, 90, 40_000, 1)
    expected = expected_orders(HOME, customers, 90) * expected_value(MONEY, customers)
    assert draws.mean(axis=1) == pytest.approx(expected, rel=0.04)


def test_parameters_are_found_again():
    found = profile("xb.profile", market(800), asked(), None)
    past = past_of(found)
    rates, worth = fit_rates(past), fit_worth(past)
    assert rates.r / rates.alpha == pytest.approx(HOME.r / HOME.alpha, rel=0.2)
    assert worth.p * worth.v / (worth.q - 1) == pytest.approx(6.25 * 15.44 / 2.74, rel=0.1)


def test_home_brings_a_small_market_nearer_to_the_truth():
    home = fit_rates(past_of(profile("xb.profile", market(500, seed=1), asked(), None)))
    errors = []
    for seed in range(3):
        past = past_of(profile("xb.profile", market(50, seed=10 + seed), asked(), None))
        truth = expected_orders(HOME, past, 90)
        found = [expected_orders(fit_rates(past, prior), past, 90) for prior in (None, home)]
        errors.append([np.abs(orders - truth).mean() for orders in found])
    alone, with_home = np.mean(errors, axis=0)
    assert with_home < 0.6 * alone


def test_a_home_that_is_unlike_loses_its_say():
    past = past_of(profile("xb.profile", market(150, seed=4), asked(), None))
    unlike = Rates(8.0, 20.0, 3.0, 1.0)
    truth = expected_orders(HOME, past, 90).sum()
    assert expected_orders(fit_rates(past, unlike), past, 90).sum() == pytest.approx(truth, rel=0.25)


def test_intervals_hold_what_they_say():
    held = []
    for seed in range(3):
        found = profile("xb.profile", market(400, seed=20 + seed), asked(DAY + dt.timedelta(405)), None)
        rows = found.to_pandas().dropna(subset=["lo"])
        assert set(rows.basis) == {"calibrated"}
        assert ((rows.lo <= rows.typical_spend) & (rows.typical_spend <= rows.hi)).mean() > 0.99
        held.append(((rows.later_spend >= rows.lo - 1e-9) & (rows.later_spend <= rows.hi)).mean())
    assert 0.85 < np.mean(held) < 0.95


def test_a_group_means_the_same_in_another_currency():
    sales = market(300, seed=3)
    home = profile("xb.profile", sales, asked(), None)
    dear = sales.set_column(2, "amount", pa.compute.multiply(sales["amount"], 150.0))
    abroad = profile("xb.profile", dear, asked(), home)
    same = np.mean(np.array(abroad["segment"].to_pylist()) == np.array(home["segment"].to_pylist()))
    assert same > 0.9
    nearest = abroad["nearest"].to_pylist()
    assert [like[0] for like in nearest[:50]] == [str(u) for u in home["user"].to_pylist()[:50]]
    assert {len(set(like)) for like in nearest} == {5}


def test_of_a_small_home_all_are_near_and_who_never_ordered_is_near_nobody():
    home = profile("xb.profile", market(3, seed=3), asked(), None)
    sales = market(4, seed=5)
    back = sales.slice(0, 1).set_column(0, "user", pa.array([99]))
    back = back.set_column(2, "amount", pa.array([-1.0]))
    found = profile("xb.profile", pa.concat_tables([sales, back]), asked(), home)
    nearest = dict(zip(found["user"].to_pylist(), found["nearest"].to_pylist(), strict=True))
    assert nearest.pop(99) is None
    assert all(sorted(like) == ["0", "1", "2"] for like in nearest.values())


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**16), st.floats(1e-6, 1e9))
def test_no_order_of_rows_and_no_unit_of_money_matters(seed, unit):
    sales = market(25, seed=seed % 7)
    found = profile("xb.profile", sales, asked(), None).to_pandas().set_index("user").sort_index()
    mixed = sales.take(np.random.default_rng(seed).permutation(len(sales)))
    mixed = mixed.set_column(2, "amount", pa.compute.multiply(mixed["amount"], unit))
    other = profile("xb.profile", mixed, asked(), None).to_pandas().set_index("user").sort_index()
    assert (found.orders == other.orders).all()
    assert other.alive.to_numpy() == pytest.approx(found.alive.to_numpy(), rel=1e-6)
    assert other.expected_spend.to_numpy() / unit == pytest.approx(found.expected_spend.to_numpy(), rel=1e-2)


def test_returns_are_no_orders_and_what_is_unknown_is_left_out(tmp_path):
    with xbsql.connect(store=tmp_path) as con:
        con.sql(
            """CREATE TABLE sold AS FROM (VALUES
            ('a', TIMESTAMP '2024-01-01 09:00', 10.0, 'bags'),
            ('a', TIMESTAMP '2024-01-01 18:00', 5.0, 'shoes'),
            ('a', TIMESTAMP '2024-01-11 09:30', 20.0, 'shoes'), ('a', TIMESTAMP '2024-01-12', -7.0, 'shoes'),
            ('b', TIMESTAMP '2024-01-02 10:00', 4.0, NULL), ('c', TIMESTAMP '2024-01-03', -4.0, 'bags'),
            (NULL, TIMESTAMP '2024-01-04', 3.0, 'bags'), ('d', NULL, 3.0, 'bags'),
            ('e', TIMESTAMP '2024-01-05', 'nan'::DOUBLE, 'bags')
            ) t(who, "when", paid, category)"""
        )
        rows = con.sql("""FROM xb.profile(sold, who, "when", paid, category := category)""").fetchdf()
        rows = rows.set_index("user")
        assert list(rows.index) == ["a", "b", "c"]
        a, c = rows.loc["a"], rows.loc["c"]
        assert (a.orders, a.spend, a.order_value, a.gap, a.lines) == (2, 28.0, 17.5, 10.0, 1.5)
        assert (a.category, a.hour, a.weekday, a.recency, a.age) == ("shoes", 9, 1, 1, 11)
        assert (a.returned, a.category_share) == pytest.approx((0.2, 25 / 35))
        assert (c.orders, c.spend) == (0, -4.0)
        assert np.isnan(c.alive)
        python = xbsql.profile(con, "sold", "who", "when", "paid", category="category").to_pandas()
        assert python.set_index("user").loc["a"].expected_spend == pytest.approx(a.expected_spend)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("horizon := 0", "horizon is 0"),
        ("level := 1.5", "level is 1.5"),
        ("segments := 0", "segments is 0"),
        ("until := DATE '1990-01-01'", "nobody ordered until 1990-01-01"),
        ("home := sold", "home has no column"),
    ],
)
def test_bad_input_is_one_line(tmp_path, change, said):
    with xbsql.connect(store=tmp_path) as con:
        con.sql(
            "CREATE TABLE sold AS SELECT i % 5 AS who, DATE '2024-01-01' + i::INTEGER AS d, 1.0 AS paid "
            "FROM range(30) t(i)"
        )
        with pytest.raises(Exception, match=said):
            con.sql(f"FROM xb.profile(sold, who, d, paid, {change})").fetchall()


def test_ids_may_be_lists(tmp_path):
    with xbsql.connect(store=tmp_path) as con:
        con.sql(
            "CREATE TABLE sold AS SELECT [i % 2] AS who, [i] AS basket, {'a': i % 2} AS kind, "
            "DATE '2024-01-01' + (i // 2)::INTEGER AS d, 1.0 AS paid FROM range(40) t(i)"
        )
        told = xbsql.profile(con, "sold", "who", "d", "paid", basket="basket", category="kind")
        rows = con.sql("FROM xb.profile(sold, who, d, paid, basket := basket, category := kind)").fetchall()
        assert [row[0] for row in rows] == told["user"].to_pylist() == [[0], [1]]
        assert [row[1] for row in rows] == told["orders"].to_pylist() == [20, 20]
        again = xbsql.profile(con, "sold", "who", "d", "paid", home=told)
        assert [sorted(like) for like in again["nearest"].to_pylist()] == [["[0]", "[1]"]] * 2


def test_a_day_of_the_future_is_told():
    ahead = [dt.datetime(2024, 1, 1), dt.datetime(2999, 1, 1)]
    sales = market(2).slice(0, 2).set_column(1, "ts", pa.array(ahead))
    with pytest.raises(XbsqlError, match="1 of 2 rows lie in the future, the last on 2999-01-01"):
        profile("xb.profile", sales, asked(), None)
    assert len(profile("xb.profile", sales, asked(dt.date(2024, 2, 1)), None))


def test_one_customer_and_one_order_is_enough():
    sales = market(1).slice(0, 1)
    found = profile("xb.profile", sales, asked(), None).to_pylist()[0]
    assert (found["orders"], found["segment"]) == (1, 1)
    assert np.isfinite(found["expected_spend"])
