"""Forecasts and launches as SQL, Python and Polars give them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import xbsql
import xbsql.frame

WEEK = dt.timedelta(7)
MONDAY = dt.date(2024, 1, 1)
CALL = "FROM xb.forecast('m', sales, id := sku, ts := week, y := units, horizon := 3{})"


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(store=tmp_path_factory.mktemp("store"))
    con.execute(
        """
        CREATE TABLE sales AS
            SELECT 'c' || k % 2 AS category, 's' || k AS sku, DATE '2024-01-01' + 7 * i::INT AS week,
                   5 + k + (hash(i * 100 + k) % 7)::INT + 10 * promoted::INT AS units, promoted
            FROM (SELECT i, k, hash(i * 31 + k) % 4 = 0 AS promoted FROM range(16) w(i), range(36) p(k));
        CREATE TABLE at_home AS
            SELECT sku, week, units * 3 AS units FROM sales
            UNION ALL SELECT replace(sku, 's', 'n'), week, units * 2 FROM sales WHERE sku > 's2';
        CREATE TABLE assortment AS
            SELECT DISTINCT sku, 20.0 AS price, right(sku, 1)::INT AS weight FROM at_home WHERE sku LIKE 'n%';
        CREATE TABLE parcels AS
            SELECT i % 10 AS weight, 3 + i % 10 + (hash(i) % 3)::INT AS days FROM range(200) t(i);
        """
    )
    con.sql(
        "FROM xb.fit('m', sales, 'units', market := 'JP', options := {id: 'sku', ts: 'week', horizon: 3})"
    ).fetchall()
    con.sql("FROM xb.fit('days', parcels, 'days')").fetchall()
    con.sql(
        "FROM xb.transfer('carried', sales, 'units', source := at_home, market := 'JP', "
        "options := {id: 'sku', ts: 'week', horizon: 3})"
    ).fetchall()
    yield con
    con.close()


def rows(con, query):
    return con.sql(query).to_arrow_table().to_pylist()


def test_every_series_gets_every_step_in_the_types_of_the_table(con):
    found = con.sql(CALL.format("")).to_arrow_table()
    assert len(found) == 36 * 3
    assert found.schema.field("ds").type == pa.date32()
    one = [row for row in found.to_pylist() if row["series"] == "s7"]
    assert [(row["step"], row["ds"], row["status"]) for row in one] == [
        (k + 1, MONDAY + (16 + k) * WEEK, "ok") for k in range(3)
    ]
    assert all(row["lo"] <= row["yhat"] <= row["hi"] for row in found.to_pylist())


@pytest.mark.parametrize(
    ("query", "call"),
    [
        (CALL.format(""), {"id": "sku", "horizon": 3}),
        (
            CALL.format(", level := 0.5, options := {'fill': 'last'}"),
            {"id": "sku", "horizon": 3, "level": 0.5, "options": {"fill": "last"}},
        ),
        (
            "FROM xb.forecast('m', sales, {'category': category, 'sku': sku}, week, units, rollup := true)",
            {"id": ["category", "sku"], "rollup": True},
        ),
    ],
)
def test_sql_python_and_polars_agree(con, query, call):
    expected = rows(con, query)
    assert xbsql.forecast(con, "m", "sales", ts="week", y="units", **call).to_pylist() == expected
    xbsql.frame.use(con)
    lazy = (
        pl.from_arrow(con.table("sales").to_arrow_table())
        .lazy()
        .xb.forecast("m", ts="week", y="units", **call)
    )
    found = lazy.collect()
    assert lazy.collect_schema() == found.schema
    assert found.to_arrow().to_pylist() == expected


def test_sums_are_forecast_and_add_up(con):
    query = (
        "FROM xb.forecast('m', sales, {'category': category, 'sku': sku}, week, units, horizon := 2, "
        "rollup := true)"
    )
    found = rows(con, query)
    assert len(found) == (1 + 2 + 36) * 2
    for step in (1, 2):
        value = {(r["series"]["category"], r["series"]["sku"]): r for r in found if r["step"] == step}
        for category in ("c0", "c1"):
            members = [r["yhat"] for (own, sku), r in value.items() if own == category and sku]
            assert value[category, None]["yhat"] == pytest.approx(sum(members))
        whole = value[None, None]
        assert whole["yhat"] == pytest.approx(value["c0", None]["yhat"] + value["c1", None]["yhat"])
        width = sum(r["hi"] - r["lo"] for (_, sku), r in value.items() if sku)
        assert whole["hi"] - whole["lo"] < 0.5 * width


def test_what_is_known_in_advance_moves_the_forecast(con):
    def asked(promoted):
        con.execute(
            "CREATE OR REPLACE TABLE coming AS FROM sales UNION ALL BY NAME "
            f"SELECT sku, week + 28 AS week, NULL AS units, {promoted} AS promoted FROM sales "
            "WHERE week > DATE '2024-03-20'"
        )
        return rows(
            con,
            "SELECT sum(yhat) AS y FROM xb.forecast('m', coming, sku, week, units, horizon := 3, "
            "known := {'promoted': promoted})",
        )[0]["y"]

    plain = asked("false")
    assert asked("true") - plain + 36 * 3 * 3 > 8 * 36 * 3


def test_one_bad_series_fails_nothing(con):
    con.execute(
        """
        CREATE OR REPLACE TABLE odd AS FROM (SELECT sku, week, units::DOUBLE AS units FROM sales)
            UNION ALL SELECT 'one', DATE '2024-04-15', 4
            UNION ALL SELECT 'zero', DATE '2024-01-01' + 7 * i::INT, 0 FROM range(16) t(i)
            UNION ALL SELECT 'new', DATE '2024-04-15', NULL
            UNION ALL SELECT 'nan', DATE '2024-01-01' + 7 * i::INT, if(i = 3, 'nan'::DOUBLE, i)
                FROM range(16) t(i)
            UNION ALL SELECT 'back', DATE '2024-01-01' + 7 * i::INT, i - 3 FROM range(16) t(i)
            UNION ALL SELECT 'twice', DATE '2024-01-01' + 7 * (i // 2)::INT, 1 FROM range(32) t(i)
            UNION ALL SELECT 'late', DATE '9000-01-01', 1
            UNION ALL SELECT 'daily', DATE '2024-01-01' + i::INT, 1 FROM range(112) t(i)
            UNION ALL SELECT NULL, DATE '2024-01-01', 1
        """
    )
    found = rows(con, "FROM xb.forecast('m', odd, sku, week, units, horizon := 2)")
    status = {row["series"]: row["status"] for row in found}
    assert len(found) == 2 * (36 + 8)
    assert all(row["yhat"] is not None for row in found)
    for name, text in {
        "one": "one value", "zero": "all zero", "new": "no history", "nan": "1 unknown values interpolated",
        "back": "3 negative values", "twice": "16 duplicate rows summed", "late": "1 rows in the future",
        "daily": "dates moved to their W-MON period", "s1": "ok",
    }.items():  # fmt: skip
        assert text in status[name], (name, status[name])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("TIMESTAMP", dt.datetime(2024, 4, 22)),
        ("TIMESTAMP_S", dt.datetime(2024, 4, 22)),
        ("TIMESTAMP_NS", dt.datetime(2024, 4, 22)),
    ],
)
def test_dates_come_back_as_they_were(con, kind, expected):
    query = f"FROM xb.forecast('m', sales, sku, week::{kind}, units, horizon := 1) LIMIT 1"
    assert con.sql(query).types[2] == con.sql(f"SELECT DATE '2024-01-01'::{kind}").types[0]
    assert str(rows(con, query)[0]["ds"])[:19] == str(expected)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_midnights_of_a_zone_stay_midnights(con, zone):
    """New York changed its clock on 2024-03-10, within the history."""
    con.execute(f"SET TimeZone = '{zone}'")
    try:
        query = (
            "SELECT ds::VARCHAR AS ds, status "
            "FROM xb.forecast('m', sales, sku, week::TIMESTAMPTZ, units, horizon := 1)"
        )
        found = rows(con, query)[0]
        assert found["ds"].startswith("2024-04-22 00:00:00")
        assert found["status"] == "ok"
    finally:
        con.execute("RESET TimeZone")


def test_integers_cannot_be_asked_of_a_model_of_weeks(con):
    with pytest.raises(Exception, match="the table's periods are I and the model's W-MON"):
        con.sql("FROM xb.forecast('m', sales, sku, 1 + (week - DATE '2024-01-01') // 7, units)").fetchall()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (CALL.replace("3{}", "0"), "horizon is 0; give periods, 1 to 1000"),
        (CALL.replace("3{}", "10000"), "horizon is 10000; give periods, 1 to 1000"),
        (CALL.format(", level := 1"), "level is 1.0; give a share"),
        (CALL.format(", options := {'fill': 'mean'}"), "no choice for the option 'fill' 'mean'"),
        (CALL.replace("'m'", "'days'").format(""), "'days' was fitted for predict"),
        (CALL.replace("'m'", "'k'").format(""), "no model 'k'"),
        (CALL.replace("ts := week", "ts := sku").format(""), "periods are dates, timestamps or integers"),
        (CALL.replace("y := units", "y := sku").format(""), "values are numbers"),
        (
            CALL.replace("ts := week", "ts := date_trunc('month', week)").format(""),
            "fit a model on such periods",
        ),
        ("SELECT xb.predict('m', t) FROM sales t", "fitted for forecast"),
    ],
)
def test_what_cannot_be_asked(con, query, message):
    with pytest.raises(Exception, match=message) as caught:
        con.sql(query).fetchall()
    assert "fault of xbsql" not in str(caught.value)


def test_it_is_measured_by_step(con):
    found = rows(con, "FROM xb.evaluate('m', sales, by := 'step')")
    assert {row["group"] for row in found} == {None, "1", "2", "3"}
    assert {row["metric"] for row in found} >= {"pinball", "mase", "rmsse", "wape", "coverage", "bias"}


@pytest.mark.parametrize("options", ["{'ts': 'week', 'id': 'sku'}", "{}"])
def test_a_table_of_series_is_known_by_its_columns_or_options(con, options):
    con.execute(
        "CREATE OR REPLACE TABLE named AS SELECT sku AS unique_id, week AS ds, sku, week, units FROM sales"
    )
    con.sql(f"FROM xb.fit('auto', named, 'units', options := {options})").fetchall()
    assert rows(con, "SELECT task FROM xb.models() WHERE model = 'auto' LIMIT 1") == [{"task": "forecast"}]
    con.sql("FROM xb.drop_model('auto')").fetchall()


def test_one_forecast_reads_its_table_once(con, monkeypatch):
    from xbsql.series.read import table as reading

    calls = []
    for name in ("series_names", "moments", "numbers"):
        was = getattr(reading, name)
        monkeypatch.setattr(reading, name, lambda *a, was=was, name=name: calls.append(name) or was(*a))
    rows(con, CALL.format(", known := {'promoted': promoted}, rollup := true, options := {'calendar': 'JP'}"))
    assert sorted(calls) == ["moments", "numbers", "numbers", "series_names"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{'calender': 'JP'}", r"no option 'calender'.*did you mean 'calendar'\?"),
        ("{'fil': 'last'}", r"no option 'fil'.*did you mean 'fill'\?"),
        ("{'duplicate': 'mean'}", "no option 'duplicate'.*did you mean 'duplicates'"),
        ("{'horizon': 3}", "no option 'horizon'"),
        ("{'calendar': 'JPN'}", "no market 'JPN'; .*did you mean 'JP'"),
        ("{'calendar': 'Germany'}", "no market 'Germany'; .*did you mean 'DE'"),
        ("{'calendar': 81}", "the option 'calendar' is 81; give text"),
        ("{'fill': 0}", "the option 'fill' is 0; give text"),
        ("{'until': 'NaT'}", "the option 'until' is 'NaT'; give a date"),
        ("{'frequency': 'D'}", "the table's periods are D and the model's W-MON"),
    ],
)
def test_an_option_that_there_is_not_is_refused(con, options, message):
    with pytest.raises(Exception, match=message):
        rows(con, CALL.format(f", options := {options}"))


def test_an_option_that_is_null_is_as_the_model_was_fitted(con):
    assert rows(con, CALL.format(", options := {'fill': NULL}")) == rows(con, CALL.format(""))


def promoted(con, extra, known="{'promoted': promoted}"):
    con.execute(f"CREATE OR REPLACE TABLE coming AS FROM sales UNION ALL BY NAME {extra}")
    call = f"FROM xb.forecast('m', coming, sku, week, units, horizon := 3, known := {known})"
    return {row["status"] for row in rows(con, call)}


NEXT = (
    "SELECT 's' || k AS sku, DATE '2024-04-22' + 7 * i::INT AS week, i = 0 AS promoted "
    "FROM range({}) t(i), range(36) p(k)"
)
UNTOLD = "'promoted' is unknown in {} of 3 periods ahead and taken as usual there"


@pytest.mark.parametrize(("told", "status"), [(3, "ok"), (2, UNTOLD.format(1)), (0, UNTOLD.format(3))])
def test_a_future_that_nobody_told_is_said(con, told, status):
    assert promoted(con, NEXT.format(told)) == {status}


def test_what_never_varied_can_do_nothing_and_says_so(con):
    (status,) = promoted(con, NEXT.format(3), "{'flat': 1}")
    assert "'flat' never varied: what it does is unknown" in status
    call = "FROM xb.forecast('m', coming, sku, week, units, horizon := 3, known := {})"
    with_flat, without = (rows(con, call.format(known)) for known in ("{'flat': 1}", "NULL"))
    assert [row["yhat"] for row in with_flat] == [row["yhat"] for row in without]


def test_a_series_without_a_part_of_its_id_is_forecast_and_summed(con):
    con.execute(
        "CREATE OR REPLACE TABLE partly AS SELECT if(sku IN ('s4', 's5'), NULL, category) AS category, "
        "* EXCLUDE (category) FROM sales"
    )
    call = "FROM xb.forecast('m', partly, {'category': category, 'sku': sku}, week, units, horizon := 1"
    alone, summed = (rows(con, f"{call}{more})") for more in ("", ", rollup := true"))
    assert len(alone) == 36
    assert len(summed) == 36 + 2 + 1
    value = {(row["series"]["category"], row["series"]["sku"]): row["yhat"] for row in summed}
    assert value[None, None] == pytest.approx(sum(y for (_, sku), y in value.items() if sku))
    for category in ("c0", "c1"):
        members = [y for (own, sku), y in value.items() if own == category and sku]
        assert value[category, None] == pytest.approx(sum(members))


def test_rows_without_an_id_are_counted(con):
    con.execute(
        "CREATE OR REPLACE TABLE lost AS SELECT if(sku = 's4', NULL, sku) AS sku, week, units FROM sales"
    )
    found = rows(con, "FROM xb.forecast('m', lost, sku, week, units, horizon := 1)")
    assert {row["status"] for row in found} == {"ok; 16 rows of the table whose id is NULL left out"}
    assert len(found) == 35


@pytest.mark.parametrize("more", ["", ", rollup := true"])
def test_a_table_without_a_value_is_forecast_from_its_market(con, more):
    con.execute(
        "CREATE OR REPLACE TABLE fresh AS SELECT 'n' || i AS a, i AS b, DATE '2024-07-01' AS week, "
        "NULL::INT AS units FROM range(3) t(i)"
    )
    found = rows(con, f"FROM xb.forecast('m', fresh, {{'a': a, 'b': b}}, week, units, horizon := 2{more})")
    assert {row["ds"] for row in found} == {dt.date(2024, 7, 1), dt.date(2024, 7, 8)}
    assert all(row["yhat"] > 0 and "no history: forecast from its market" in row["status"] for row in found)
    if more:
        whole = [row["yhat"] for row in found if row["series"]["a"] is None]
        assert whole == pytest.approx([3 * found[-1]["yhat"]] * 2)


def test_a_table_of_single_dates_is_read_in_the_models_periods(con):
    con.execute("CREATE OR REPLACE TABLE once AS FROM sales WHERE week = DATE '2024-04-15'")
    found = rows(con, "FROM xb.forecast('m', once, sku, week, units, horizon := 1)")
    assert {(row["ds"], row["status"]) for row in found} == {(MONDAY + 16 * WEEK, "one value")}


def test_sales_at_any_second_are_put_together_to_the_models_weeks(con):
    con.execute(
        "CREATE OR REPLACE TABLE tills AS SELECT sku, "
        "week + to_seconds((hash(i, sku, week) % 600000)::BIGINT) AS moment, 1 AS units "
        "FROM sales, range(12) t(i) WHERE i < units"
    )
    found = rows(
        con,
        "FROM xb.forecast('m', tills, sku, moment, units, horizon := 1, options := {'until': '2025-01-01'})",
    )
    assert len(found) == 36
    assert {row["ds"] for row in found} == {dt.datetime(2024, 4, 22)}
    assert all("moved to their W-MON period" in row["status"] for row in found)


def test_a_series_that_ended_a_year_ago_sold_nothing_since(con):
    con.execute(
        "CREATE OR REPLACE TABLE ended AS SELECT sku, week, units FROM sales UNION ALL "
        "SELECT 'gone', DATE '2023-01-02' + 7 * i::INT, 9 FROM range(10) t(i)"
    )
    found = rows(con, "FROM xb.forecast('m', ended, sku, week, units, horizon := 1) WHERE series = 'gone'")
    assert [(row["ds"], row["status"]) for row in found] == [
        (MONDAY + 16 * WEEK, "58 periods since its last row")
    ]
    assert found[0]["yhat"] < 2


@pytest.mark.parametrize(
    "more", ["", ", rollup := true", ", known := {'promoted': promoted}", ", level := 0.01"]
)
def test_the_expected_value_lies_in_its_interval(con, more):
    found = rows(con, CALL.format(more).replace("horizon := 3", "horizon := 160"))
    assert all(0 <= row["lo"] <= row["yhat"] <= row["hi"] < 2000 for row in found)


def test_more_than_fits_is_refused(con):
    con.execute(
        "CREATE OR REPLACE TABLE many AS "
        "SELECT i AS sku, DATE '2024-01-01' AS week, 1 AS units FROM range(20001) t(i)"
    )
    with pytest.raises(Exception, match=r"20001 series of 1000 periods .* forecast fewer series"):
        rows(con, "FROM xb.forecast('m', many, sku, week, units, horizon := 1000)")


LAUNCH = (
    "FROM xb.launch(assortment, sku, 'carried', delay := 'days', price := price, "
    "start := DATE '2024-05-01'{})"
)


def test_a_launch_is_drawn_together_and_the_same_everywhere(con):
    found = con.sql(LAUNCH.format(", draws := 500")).to_arrow_table()
    start = dt.date(2024, 5, 1)
    twin = xbsql.launch(con, "assortment", "sku", "carried", "days", "price", start=start, draws=500)
    assert twin.equals(found)
    xbsql.frame.use(con)
    lazy = pl.from_arrow(con.table("assortment").to_arrow_table()).lazy()
    lazy = lazy.xb.launch("sku", "carried", "days", "price", start=start, draws=500)
    assert lazy.collect_schema() == lazy.collect().schema
    assert lazy.collect().to_arrow().to_pylist() == found.to_pylist()
    *products, whole = found.to_pylist()
    assert (whole["product"], whole["status"]) == (None, "all products")
    for row in products:
        assert row["market"] == "JP"
        assert row["sold_lo"] <= row["sold"] <= row["sold_hi"]
        assert row["sold"] < row["wanted"]
        assert row["revenue"] == pytest.approx(20 * row["sold"])
        assert row["status"].startswith("no history")
    assert whole["wanted"] == pytest.approx(sum(row["wanted"] for row in products), rel=1e-6)


def test_a_launch_without_delay_and_price_says_what_is_wanted(con):
    found = rows(
        con, "FROM xb.launch(assortment, sku, 'carried', start := DATE '2024-05-01', draws := 200) LIMIT 1"
    )[0]
    assert found["sold"] == pytest.approx(found["wanted"])
    assert (found["days"], found["revenue"], found["price"]) == (None, None, None)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (LAUNCH.format(", horizon := 0"), "horizon is 0"),
        (LAUNCH.format(", draws := 5"), "draws is 5; give 100 to 100000"),
        (LAUNCH.format(", price_error := 2"), "price_error is 2.0"),
        (LAUNCH.replace("'carried'", "'days'").format(""), "name a model of the task 'forecast'"),
        (LAUNCH.replace("price := price", "price := sku").format(""), "price is string"),
        (LAUNCH.replace("assortment, sku", "assortment, 'x'").format(""), "two products have one id"),
        (LAUNCH.replace("assortment, sku", "assortment, NULL").format(""), "a product has no id"),
        (
            LAUNCH.replace("'carried'", "'m'").format(""),
            "'m' was fitted on its own market .* carry a home",
        ),
        (
            LAUNCH.replace("assortment, sku", "assortment, replace(sku, 'n', 's')").format(""),
            r"23 of 23 products sell there already .'s\d+'.* ask xb.forecast",
        ),
    ],
)
def test_a_launch_that_cannot_be_drawn(con, query, message):
    with pytest.raises(Exception, match=message):
        con.sql(query).fetchall()


NEW = "WITH b AS (SELECT 'BE' AS market, {day} AS day, {fact} AS reach, {orders} AS orders) {call}"
NEW_CALL = "FROM xb.forecast('reached', b, market, day, orders, horizon := 2{})"


@pytest.fixture(scope="module")
def reached(con):
    """Daily orders of three markets whose level is their reach, up to today."""
    con.sql(
        "CREATE TABLE reached AS SELECT market, (current_date - 60 + d::INT)::DATE AS day, reach, "
        "40 * reach + d % 7 + 20 * (d % 5 = 0)::INT AS orders, d % 5 = 0 AS promoted "
        "FROM (VALUES ('DE', 3.0), ('FR', 2.0), ('NL', 1.0)) t(market, reach), range(60) u(d)"
    )
    con.sql(
        "FROM xb.fit('reached', reached, 'orders', "
        "options := {id: 'market', ts: 'day', facts: ['reach'], horizon: 7})"
    ).fetchall()
    return con


def asked(con, more=", known := {reach: reach}", day="DATE '2025-03-03'", fact="1.5", orders="NULL::DOUBLE"):
    call = NEW_CALL.format(more)
    return rows(con, NEW.format(day=day, fact=fact, orders=orders, call=call))


def test_a_status_says_which_facts_of_a_new_market_do_not_count(reached):
    (plain, _), (without, _) = asked(reached), asked(reached, "")
    assert plain["status"] == "no history: forecast from its market"
    missing = "no history: forecast from its market without 'reach', which is not known"
    assert without["status"] == missing
    assert asked(reached, fact="NULL::DOUBLE")[0]["status"] == missing
    zero = asked(reached, fact="0.0")[0]
    assert zero["status"].endswith("without 'reach', which is not above 0, as it is in every known market")
    assert zero["yhat"] == pytest.approx(without["yhat"])


def test_a_fact_far_outside_those_that_are_known_is_said(reached):
    assert asked(reached, fact="6.0")[0]["status"] == "no history: forecast from its market"
    far = "no history: forecast from its market, far from the known markets in 'reach'"
    assert asked(reached, fact="1e9")[0]["status"] == asked(reached, fact="0.01")[0]["status"] == far


def test_a_fact_that_differs_between_rows_is_said(reached):
    query = (
        "WITH b AS (FROM (VALUES ('BE', DATE '2025-03-03', 1.5, NULL::DOUBLE), "
        "('BE', DATE '2025-03-04', 2.5, NULL)) t(market, day, reach, orders)) "
        + NEW_CALL.format(", known := {reach: reach}")
    )  # fmt: skip
    found = rows(reached, query)[0]
    assert "the fact 'reach' differs between the rows of 1 series: its mean counts" in found["status"]
    assert found["yhat"] == pytest.approx(asked(reached, fact="2.0")[0]["yhat"])
    note = rows(
        reached,
        "FROM xb.fit('reached_odd', reached, 'orders', "
        "options := {id: 'market', ts: 'day', facts: ['promoted'], horizon: 7})",
    )[0]["note"]
    assert "the fact 'promoted' differs between the rows of 3 series" in note


def test_rows_ahead_without_a_value_are_not_left_out(reached):
    ahead = (
        "WITH t AS (SELECT market, day, orders, promoted FROM reached UNION ALL "
        "SELECT market, (current_date + d::INT)::DATE, {}, d % 5 = 0 "
        "FROM (VALUES ('DE'), ('FR'), ('NL')) v(market), range(10) u(d)) "
        "FROM xb.forecast('reached', t, market, day, orders, horizon := 7, known := {{promoted: promoted}})"
    )
    found = [row for row in rows(reached, ahead.format("NULL")) if row["series"] == "DE"]
    assert {row["status"] for row in found} == {"ok"}
    assert found[0]["yhat"] > found[1]["yhat"] + 10
    late = rows(reached, ahead.format("1"))[0]["status"]
    assert "9 rows in the future left out" in late or "10 rows in the future left out" in late
    launch = asked(reached, day="(current_date + 60)::DATE")
    assert launch[0]["ds"] == dt.date.today() + dt.timedelta(60)
    assert launch[0]["status"] == "no history: forecast from its market"


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_S", "TIMESTAMP_NS"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_infinite_date_is_none(reached, kind, sign):
    query = (
        f"WITH t AS (SELECT market, day::{kind} AS day, orders FROM reached WHERE market = 'DE' "
        f"UNION ALL SELECT 'DE', '{sign}infinity'::{kind}, 5) "
        "FROM xb.forecast('reached', t, market, day, orders, horizon := 1)"
    )
    (found,) = rows(reached, query)
    plain = rows(reached, query.replace("5) FROM", "5 WHERE false) FROM"))[0]
    assert found["status"] == "1 rows without a date left out"
    assert (found["ds"], found["yhat"]) == (plain["ds"], pytest.approx(plain["yhat"]))


def test_no_forecast_is_below_0_where_negative_values_are_none(con):
    con.sql("CREATE OR REPLACE TABLE swings AS SELECT 's' AS id, d AS t, 5 - d % 10 AS y FROM range(60) u(d)")
    con.sql(
        "FROM xb.fit('swings', swings, 'y', options := {id: 'id', ts: 't', horizon: 4}, task := 'forecast')"
    ).fetchall()
    call = "FROM xb.forecast('swings', swings, id, t, y, horizon := 4{})"
    assert min(row["lo"] for row in rows(con, call.format(""))) < 0
    kept = rows(con, call.format(", options := {negative: 'zero'}"))
    assert min(min(row["lo"], row["yhat"]) for row in kept) >= 0


def test_a_model_of_amounts_says_that_it_forecasts_none_below_0(reached):
    query = (
        "WITH t AS (SELECT market, day, -orders AS orders FROM reached) "
        "FROM xb.forecast('reached', t, market, day, orders, horizon := 1)"
    )
    for row in rows(reached, query):
        assert row["yhat"] == 0
        assert row["status"].endswith("no forecast is below 0, since nothing was at the fit")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"more": ", known := reach"}, "known is .*, and columns need names; give a STRUCT"),
        ({"more": ", known := ['reach']"}, "known is list<.*>, and columns need names; give a STRUCT"),
        ({"more": ", expected := 1e300"}, r"expected is 1e\+300; give a number above 0 and up to 1e\+150"),
        ({"day": "'infinity'::DATE"}, "no row has a series and a date; give a date to begin at"),
        ({"day": "NULL::DATE"}, "no row has a series and a date; give a date to begin at"),
    ],
)
def test_what_cannot_be_meant_of_a_new_market_is_one_line(reached, given, message):
    with pytest.raises(Exception, match=message):
        asked(reached, **given)


def test_an_expectation_that_nobody_needs_is_said(reached):
    found = asked(reached, ", known := {reach: reach}, expected := 40", orders="100.0")[0]
    assert found["status"] == "one value; expected is not used: no series is without history"
    assert asked(reached, ", known := {reach: reach}, expected := 40")[0]["yhat"] < asked(reached)[0]["yhat"]


def test_rows_that_all_lack_an_id_are_no_table_without_rows(reached):
    with pytest.raises(Exception, match="id is NULL in every row; name the series: id := column"):
        rows(reached, "FROM xb.forecast('reached', reached, NULL, day, orders)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{id: 'market', ts: 'day', facts: ['orders']}", "'facts' names 'orders', which is the label"),
        ("{id: 'orders', ts: 'day'}", "the option 'id' names 'orders', which is the label"),
        ("{id: ['market', 'day'], ts: 'day'}", "the options 'id' and 'ts' both name 'day'"),
        ("{id: 'market', horizon: 4}", "'id' is an option of forecast, and this table reads as predict; "
         "give task := 'forecast' where that is meant, or leave 'id' out"),
    ],
)  # fmt: skip
def test_a_column_is_one_thing_and_options_are_those_of_the_task(reached, options, message):
    with pytest.raises(Exception, match=message):
        rows(reached, f"FROM xb.fit('none', reached, 'orders', options := {options})")


def test_what_is_not_measured_says_why(con):
    con.sql("CREATE OR REPLACE TABLE eight AS SELECT 's' AS id, d AS t, 5 + d % 7 AS y FROM range(8) u(d)")
    given = "options := {id: 'id', ts: 't', horizon: 7}"
    (row,) = rows(con, f"FROM xb.fit('eight', eight, 'y', task := 'forecast', {given})")
    assert (row["value"], row["note"].split(";")[0]) == (None, "histories too few or too short to measure")
    arms = rows(con, f"FROM xb.transfer('eight_there', eight, 'y', base := 'eight', {given})")
    assert {row["verdict"] for row in arms} == {"NOT MEASURED"}
    assert arms[0]["reason"].startswith(
        "1 series of up to 8 periods are too few or too short to try 7 periods"
    )


def test_numbers_of_numpy_are_numbers(reached):
    ways = [(1, 0.5), (np.int64(1), np.float32(0.5)), (np.int16(1), np.float64(0.5))]
    found = [
        xbsql.forecast(reached, "reached", "reached", "market", "day", "orders", horizon=steps, level=level)
        for steps, level in ways
    ]
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])
    with pytest.raises(xbsql.errors.XbsqlError, match="horizon must be a whole number"):
        xbsql.forecast(reached, "reached", "reached", "market", "day", "orders", horizon=np.float64(1.5))


def test_names_that_differ_in_case_alone_are_said(con):
    given = "options := {id: 'sku', ts: 'week', horizon: 3}"
    con.sql("CREATE OR REPLACE TABLE shouted AS SELECT * REPLACE (upper(sku) || ' ' AS sku) FROM sales")
    found = rows(con, f"FROM xb.transfer('shouted', shouted, 'units', source := at_home, {given})")
    said = "36 series are named as at home but for case or blanks, and are new to home "
    assert f"{said}('S0 ' and 's0')" in found[0]["note"]
    con.sql("CREATE OR REPLACE TABLE mingled AS FROM sales UNION ALL FROM shouted WHERE sku = 'S7 '")
    (row, *_) = rows(con, f"FROM xb.fit('mingled', mingled, 'units', {given})")
    said = "1 series are named as another but for case or blanks and are told apart "
    assert f"{said}('s7' and 'S7 ')" in row["note"]
    (row, *_) = rows(con, f"FROM xb.fit('m', sales, 'units', market := 'JP', {given})")
    assert "case" not in row["note"]
