"""The market and supply families: SQL, Python and Polars agree, and every mistake is one line."""

import datetime as dt
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import xbsql

TEXTS = pa.array(["1.234,50", None, "7"])
DAYS = pa.array([dt.date(2026, 5, 5), None, dt.date(2026, 5, 6)], pa.date32())


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(store=tmp_path_factory.mktemp("store"))
    con.execute(
        """
        CREATE TABLE rates AS FROM (VALUES ('EUR', 1.25), ('JPY', 0.005)) t(currency, per_unit);
        CREATE TABLE routes AS
            SELECT i, i % 12 AS weight, ['air', 'sea'][1 + i % 2] AS mode FROM range(80) t(i);
        CREATE TABLE freight AS SELECT weight, mode, 2 + weight * i % 2 + hash(i) % 5 AS usd FROM routes;
        CREATE TABLE transit AS SELECT weight, mode, 3 + 9 * (i % 2) + hash(i) % 3 AS days FROM routes;
        CREATE TABLE options AS FROM (VALUES ('JP', 'air', 9.0, 0.99, 50), ('JP', 'sea', 2.0, 0.6, NULL),
            ('KR', 'sea', 1.0, 0.9, NULL)) t(lane, mode, price, timely, most);
        CREATE TABLE demand AS FROM (VALUES ('JP', 60), ('JP', 40), ('KR', 5)) t(lane, parcels)
        """
    )
    con.sql("CALL xb.fit('usd', freight, 'usd')").fetchall()
    con.sql("CALL xb.fit('days', transit, 'days')").fetchall()
    con.sql("CALL xb.fit('mode', transit, 'mode')").fetchall()
    yield con
    con.close()


def numbers(con, sql, **columns):
    con.register("given", pa.table(columns))
    return [row[0] for row in con.sql(f"SELECT {sql} FROM given").fetchall()]


NUMBERS, MORE = pa.array([100.0, None, 3.0]), pa.array([120.0, 20.0, 3.5])
LEVELS, QUANTILES = pa.array([[0.1, 0.9], None]), pa.array([[1.0, 9.0], [1.0, 2.0]])
ROWS = [
    ("xb.convert(a, 'lb', 'kg')", "convert", [NUMBERS], ("lb", "kg")),
    ("xb.to_currency(a, 'JPY', 'EUR', rates)", "to_currency", [NUMBERS], ("JPY", "EUR", "rates")),
    ("xb.parse_number(a, 'DE')", "parse_number", [TEXTS], ("DE",)),
    ("xb.parse_date(a, 'DE')", "parse_date", [pa.array(["1.2.2026", None, " "])], ("DE",)),
    ("xb.holiday(a, 'JP')", "holiday", [DAYS], ("JP",)),
    ("xb.workdays(a, b, 'DE')", "workdays", [DAYS, DAYS], ("DE",)),
    ("xb.spread(a, b)", "spread", [NUMBERS, MORE], ()),
    ("xb.safety_stock(a, b, 4, 1)", "safety_stock", [NUMBERS, MORE], (4, 1)),
    ("xb.reorder_point(a, b, 4, 1)", "reorder_point", [NUMBERS, MORE], (4, 1)),
    ("xb.newsvendor(a, b, 8, 2)", "newsvendor", [LEVELS, QUANTILES], (8, 2)),
]


def same(one, other):
    """Equal but for the last bits, which the order of a sum may change."""
    pairs = zip(one, other, strict=True)
    return all(a == (pytest.approx(b, rel=1e-12) if isinstance(b, float) else b) for a, b in pairs)


@pytest.mark.parametrize(("sql", "name", "columns", "more"), ROWS, ids=[row[1] for row in ROWS])
def test_a_twin_gives_what_sql_gives(con, sql, name, columns, more):
    found = getattr(xbsql, name)(con, *columns, *more).to_pylist()
    assert same(numbers(con, sql, **dict(zip("ab", columns, strict=False))), found)
    assert {value is None for value in found} == {True, False}


@pytest.mark.parametrize(("sql", "name", "columns", "more"), ROWS, ids=[row[1] for row in ROWS])
def test_polars_gives_what_sql_gives(con, sql, name, columns, more):
    import polars as pl

    import xbsql.frame

    xbsql.frame.use(con)
    frame = pl.LazyFrame(dict(zip("ab", columns, strict=False)))
    others = [pl.col(column) for column in frame.collect_schema().names()[1:]]
    given = [con.table(value).pl() if value == "rates" else value for value in more]
    found = frame.select(getattr(pl.col("a").xb, name)(*others, *given)).collect()["a"].to_list()
    assert same(numbers(con, sql, **dict(zip("ab", columns, strict=False))), found)


def test_routes_have_costs_and_delays_with_their_intervals(con):
    given = "promise := 10, per_day := 0.5, extra := weight"
    found = con.sql(f"FROM xb.route_options(routes, 'usd', 'days', {given}) ORDER BY i").to_arrow_table()
    twin = xbsql.route_options(con, "routes", "usd", "days", 10, 0.5, "weight").sort_by("i")
    for name in ("landed_cost", "cost_lo", "cost_hi", "delay", "on_time", "shift"):
        np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(twin[name]))
    usd, days = (
        xbsql.predict(con, model, con.table("routes").order("i").to_arrow_table().to_struct_array())
        for model in ("usd", "days")
    )
    weight = np.asarray(found["weight"])
    value = usd.field("value").to_numpy() + weight + 0.5 * np.maximum(days.field("value").to_numpy(), 0)
    np.testing.assert_allclose(np.asarray(found["landed_cost"]), value)
    hi = usd.field("hi").to_numpy() + weight + 0.5 * np.maximum(days.field("hi").to_numpy(), 0)
    np.testing.assert_allclose(np.asarray(found["cost_hi"]), hi)
    assert (np.asarray(found["cost_lo"]) >= weight).all()
    timely = np.asarray(found["on_time"])
    assert (
        timely[np.asarray(found["delay"]) < 8].min()
        > 0.9
        > 0.5
        > timely[np.asarray(found["delay"]) > 11].max()
    )


@pytest.mark.parametrize("capacity", [10**30, Decimal(10) ** 30, 1e30])
def test_a_large_number_is_a_number_whatever_its_type(con, capacity):
    found = xbsql.choose_routes(con, "options", "demand", "lane", "price", "parcels", "timely", capacity)
    free = xbsql.choose_routes(con, "options", "demand", "lane", "price", "parcels", "timely")
    assert found["units"].to_pylist() == pytest.approx(free["units"].to_pylist())
    with pytest.raises(xbsql.XbsqlError, match=r"capacity is 1000.*\.\.\.; give a number below 1e308"):
        xbsql.choose_routes(con, "options", "demand", "lane", "price", "parcels", "timely", 10**400)


CHOOSE = "FROM xb.choose_routes(options, demand, lane, price, parcels, {})"


def test_the_mix_is_the_same_from_sql_and_python(con):
    sql = CHOOSE.format("on_time := timely, capacity := most, service_level := 0.75")
    found = con.sql(sql).to_arrow_table()
    twin = xbsql.choose_routes(
        con, "options", "demand", "lane", "price", "parcels", "timely", "most", service_level=0.75
    )
    assert found.column_names == twin.column_names
    assert found.to_pylist() == twin.to_pylist()
    rows = {(row["lane"], row["mode"]): row for row in found.to_pylist()}
    assert rows["JP", "air"]["units"] == pytest.approx(100 * 0.15 / 0.39, rel=1e-5)
    assert rows["KR", "sea"]["spend"] == pytest.approx(5)
    assert rows["JP", "sea"]["share"] == pytest.approx(1 - 0.15 / 0.39, rel=1e-5)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT xb.convert(1, 'kgg', 'kg')", "xb.convert: no unit 'kgg'"),
        ("SELECT xb.convert('a', 'kg', 'g')", "xb.convert: value is string; cast it"),
        ("SELECT xb.to_currency(1, 'CHF', 'EUR', rates)", "xb.to_currency: no rate of currency 'CHF'"),
        ("SELECT xb.to_currency(1, 'EUR', 'JPY', options)", "no column of the rates 'currency'"),
        ("SELECT xb.parse_number('12.5', 'DE')", "xb.parse_number: '12.5' is no number as DE writes them"),
        ("SELECT xb.parse_date('soon', 'US')", "xb.parse_date: 'soon' is no date as US writes them"),
        ("SELECT xb.holiday(3, 'US')", "xb.holiday: day is int32; cast it"),
        ("SELECT xb.safety_stock(-1, 2, 3)", "xb.safety_stock: demand is -1"),
        ("SELECT xb.reorder_point(1, 2, 3, service_level := 2)", "xb.reorder_point: service_level is 2"),
        ("FROM xb.lint(routes, demand, 'nope')", "xb.lint: no label column 'nope'"),
        ("FROM xb.align_columns(routes, (SELECT 1))", "subquer"),
        ("FROM xb.route_options(routes, 'nope', 'days')", "no model 'nope'"),
        ("FROM xb.route_options(routes, 'mode', 'days')", "'mode' was not fitted for numbers|needs"),
        (CHOOSE.format("service_level := 2"), "xb.choose_routes: service_level is 2"),
        (CHOOSE.format("on_time := 7"), "on_time is NULL or out of its range in 3 options"),
        (CHOOSE.format("on_time := timely, service_level := 0.95"), "lane 'KR' can be on time for 0.9"),
        (CHOOSE.format("capacity := 30"), "lane 'JP' needs 100 and its options carry 60"),
        ("CALL xb.import_booster('m', 'nothing.txt', 'days')", "xb.import_booster: cannot read nothing.txt"),
        ("CALL xb.export_booster('nope', 'x')", "xb.export_booster: no model 'nope'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(con, query, message):
    with pytest.raises(duckdb.Error, match=message) as caught:
        con.sql(query).fetchall()
    if "xb." in message:
        assert "\n" not in str(caught.value)


def test_polars_frames_give_what_sql_gives(con):
    import polars as pl

    import xbsql.frame

    xbsql.frame.use(con)
    routes, options, demand = (con.table(name).pl().lazy() for name in ("routes", "options", "demand"))
    found = routes.xb.route_options("usd", "days", promise=10).collect()
    expected = con.sql(
        "SELECT landed_cost, on_time FROM xb.route_options(routes, 'usd', 'days', promise := 10)"
    )
    assert same(sorted(found["landed_cost"]), sorted(row[0] for row in expected.fetchall()))
    mix = options.xb.choose_routes(demand, "lane", "price", "parcels", "timely", service_level=0.75).collect()
    assert mix["units"].sum() == pytest.approx(105)
    kilograms, pounds = pl.LazyFrame({"load_kg": [1.0, 2.0]}), pl.LazyFrame({"load_lb": [2.0, 3.0]})
    assert kilograms.xb.lint(pounds).collect()["severity"][0] == "error"
    assert kilograms.xb.align_columns(pounds).collect()["how"].to_list() == ["normalised name"]


SHADOWS = (
    "promise, per_day, extra, routes, cost_model, delay_model, _row, _place, _lane, _cost, _position, _pool"
)


def test_no_column_of_the_users_is_hidden(con):
    """Columns named like arguments, and like what a macro calls its own, stay what they are."""
    for table in ("offered", "wanted", "found", "asked", "own", "numbered"):
        con.execute(
            f"""CREATE OR REPLACE TABLE {table} AS SELECT weight, mode, i AS id, [weight, i]::FLOAT[2] AS v,
            'lane' AS lane, 1.0 AS price, 10 AS quantity,
            {", ".join(f"{i} + 20 AS {name}" for i, name in enumerate(SHADOWS.split(", ")))}
            FROM routes WHERE i < 20"""
        )
    plain = f"SELECT * EXCLUDE ({SHADOWS}) FROM offered"
    con.execute(f"CREATE OR REPLACE TABLE plain AS {plain}")
    for call in (
        "xb.route_options({}, 'usd', 'days', promise := 8, extra := 3)",
        "xb.predict_table('usd', {})",
    ):
        found = f"SELECT * EXCLUDE ({SHADOWS}) FROM {call.format('offered')}"
        assert con.sql(found).fetchall() == con.sql(f"FROM {call.format('plain')}").fetchall()
    own = con.sql("SELECT on_time FROM xb.route_options(offered, 'usd', 'days', promise := promise)")
    assert (
        own.fetchall()
        == con.sql("SELECT on_time FROM xb.route_options(plain, 'usd', 'days', promise := 20)").fetchall()
    )
    chosen = "SELECT mode, units FROM xb.choose_routes({}, {}, lane, price + weight, quantity)"
    assert (
        con.sql(chosen.format("wanted", "offered")).fetchall()
        == con.sql(chosen.format("plain", "plain")).fetchall()
    )
    for call in (
        "xb.duplicates({0}, id, v, threshold := 0.5)",
        "xb.similarity_join({0}, {0}, id, v, id, v, k := 2)",
        "xb.match({0}, {0}, id, mode, id, mode)",
        "xb.weights({0}, {0}, columns := ['weight'], id := id)",
    ):
        expected = con.sql(f"FROM {call.format('plain')}").fetchall()
        for table in ("offered", "found", "asked", "own", "numbered"):
            assert con.sql(f"FROM {call.format(table)}").fetchall() == expected, (call, table)
    con.sql("CALL xb.fit('again', offered, 'weight')").fetchall()
    assert xbsql.fit(con, "again", "offered", "weight")["version"][0].as_py() == 1, "the rows in one order"
