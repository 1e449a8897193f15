"""The lint of one table before a fit: each fault is found, and its remedy is SQL that runs."""

import datetime as dt

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.errors import XbsqlError
from xbsql.harmonise.contradictions import quoted
from xbsql.harmonise.lint import lint

N = 240


def shop(**changes):
    generator = np.random.default_rng(0)
    columns = {
        "title": [f"{word} {i % 17}" for i, word in enumerate(generator.choice(["red bag", "blue mug"], N))],
        "price": generator.lognormal(3, 0.5, N),
        "weight": generator.lognormal(1, 0.5, N),
        "mode": generator.choice(["air", "sea"], N),
        "day": [dt.date(2026, 1, 1) + dt.timedelta(i % 90) for i in range(N)],
        "label": generator.choice(["bags", "mugs", "hats"], N),
    } | changes
    return pa.table({name: values for name, values in columns.items() if values is not None})


def spread(texts):
    return [texts[i % len(texts)] for i in range(N)]


def test_a_good_table_is_not_accused():
    assert lint("f", shop(), label="label") == []
    assert lint("f", shop(), label="price") == []
    assert lint("f", shop().slice(0, 1)) == []
    assert [each.problem for each in lint("f", shop().slice(0, 0))] == ["no row"]


PRICES = [f"{1 + i % 9}.{100 + i},{10 + i % 90}" for i in range(N)]
FAULTS = [
    ({"price": PRICES}, "price", "warning", "numbers as text", "xb.parse_number(price, 'DE') AS price"),
    ({"price": spread(["1.5", "2.25", "$3.75"])}, "price", "warning", "numbers as text", "'US'"),
    ({"price": spread(["1.234", "5.678"])}, "price", "warning", "cannot be told", "-- or"),
    ({"price": [*spread(["1.5", "2.25"])[:-1], "ask us"] * 1}, "price", None, "", ""),
    ({"price": [f"{i}.5 kg" for i in range(N - 1)] + ["ask us"]}, "price", "warning",
    "numbers as text", "xb.try_parse_number("),
    ({"day": spread(["31.12.2025", "1.2.2025"])}, "day", "warning", "dates as text",
    "xb.parse_date(day, 'DE') AS day"),
    ({"day": spread(["2/3/2025", "3/4/2025"])}, "day", "warning", "cannot be told", "-- or"),
    ({"weight": spread(["1 kg", "300 g", "2 lb"])}, "weight", "error", "amounts in g, kg, lb",
    "regexp_extract(weight"),
    ({"price": spread(["€5.20", "£7.10"])}, "price", "error", "amounts in EUR, GBP",
    "CASE WHEN contains(price, '£')"),
    ({"price": spread(["$5.20", "€7.10"])}, "price", "error", "amounts in $, EUR", "one currency"),
    ({"currency": spread(["EUR", "USD"])}, "currency", "warning", "not in one currency",
    "xb.to_currency(price, currency,"),
    ({"uom": spread(["kg", "lb"])}, "uom", "warning", "not in one unit",
    "xb.convert(weight, uom, 'kg') AS weight_kg"),
    ({"mode": ["air"] * N}, "mode", "note", "has one value", "SELECT * EXCLUDE (mode) FROM data"),
    ({"mode": ["air"] * (N - 1) + ["sea"]}, "mode", "note", "the same in 0.9958 of the rows",
    "EXCLUDE (mode)"),
    ({"mode": pa.nulls(N)}, "mode", "note", "NULL in every row", "nothing"),
    ({"order_id": [int(i) for i in np.random.default_rng(1).permutation(10 * N)[:N]]}, "order_id",
    "note", "names the row", "EXCLUDE"),
    ({"row": list(range(5, N + 5))}, "row", "note", "names the row", "SELECT * EXCLUDE (row) FROM data"),
    ({"SKU": [f"K{i * 7}" for i in range(N)]}, "SKU", "note", "names the row", 'EXCLUDE ("SKU")'),
    ({"mode": spread(["air", "n/a", " NULL", "-", "Unknown", ""])}, "mode", "warning",
    "stand for no value", "CASE WHEN lower(trim(mode))"),
    ({"price": [np.inf] + [1.5, 2.5, 3.5] * (N // 3 - 1) + [1.0, 2.0]}, "price", "error", "infinite",
    "isfinite(price)"),
    ({"delivered_at": shop()["day"]}, "delivered_at", "warning", "only afterwards", "ignore"),
    ({"hint": [str(value)[:2] for value in shop()["label"].to_pylist()]}, "hint", "warning",
    "alone tells", "ignore"),
    ({"label": spread(["bags", "NULL", "n/a"])}, "label", "error", "stand for no value",
    "NOT IN ('n/a', 'null')"),
    ({"label": PRICES}, "label", "error", "'1.100,10', which would be 240 classes",
    "xb.parse_number(label, 'DE') AS label"),
    ({"label": spread(["31.12.2025", "1.2.2025"])}, "label", "error", "dates as text",
    "epoch(xb.parse_date(label, 'DE'))"),
    ({"label": list(range(N))}, "label", "error", "numbers the rows", "another column"),
    ({"label": [f"class {i}" for i in range(N)]}, "label", "error", "240 classes in 240 rows",
    "that rows share"),
    ({"label": ["bags"] * N}, "label", "error", "has one class", "another class"),
    ({"label": pa.nulls(N, pa.string())}, "label", "error", "NULL in every row", "rows with a label"),
    ({"label": [*spread(["bags", "mugs"])[:-2], "hat", "cap"]}, "label", "warning", "have one row: 2",
    "QUALIFY count(*)"),
    ({"label": [str(i % 11) for i in range(N)]}, "label", "error", "'0', which would be 11 classes",
    "xb.parse_number(label, 'US') AS label"),
    ({"price": [str(i % 11) for i in range(N)]}, "price", "warning", "numbers as text",
    "xb.parse_number(price, 'US')"),
    ({"price": [str(i) for i in range(N)]}, "price", "warning", "numbers as text",
    "xb.parse_number(price, 'US')"),
    ({"day": spread(["2025-12-31", "2026-01-02"])}, "day", "warning", "dates as text",
    "xb.parse_date(day"),
    ({"day": spread(["2025-12-31 10:00", "2026-01-02 11:30"])}, "day", "warning", "times as text",
    "TRY_CAST(day AS TIMESTAMP)"),
    ({"from": ["air"] * N}, "from", "note", "has one value", 'SELECT * EXCLUDE ("from") FROM data'),
    ({"label": spread(["bags", "Bags ", "mugs"])}, "label", "warning", "case or blanks alone: 1",
    "lower(trim(label)) AS label"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "column", "severity", "problem", "remedy"),
    FAULTS,
    ids=[f"{i}-{fault[1]}-{fault[3]}" for i, fault in enumerate(FAULTS)],
)
def test_each_fault_is_found(changes, column, severity, problem, remedy):
    found = [each for each in lint("f", shop(**changes), label="label") if each.column == column]
    if severity is None:
        return
    assert any(
        (e.severity, problem in e.problem, remedy in e.remedy) == (severity, True, True) for e in found
    ), found


@pytest.mark.parametrize(
    ("name", "values"),
    [("label", ["0", "1"]), ("label", ["01", "02", "11"]), ("hs_code", ["640399", "850440", "420221"]),
     ("zip", ["10115", "20095", "80331"]), ("size", ["007", "008", "100"])],
)  # fmt: skip
def test_digits_that_are_codes_or_two_classes_are_no_numbers(name, values):
    found = [each for each in lint("f", shop(**{name: spread(values)}), label="label") if each.column == name]
    assert not any("as text" in each.problem for each in found)


def test_a_remedy_quotes_every_word_that_duckdb_does_not_take_for_a_column():
    con = duckdb.connect()
    known = con.execute("SELECT DISTINCT keyword_name FROM duckdb_keywords()").fetchall()
    for (word,) in known:
        con.execute(f'CREATE OR REPLACE TABLE data("{word}" INT, other INT)')
        name = quoted(word)
        con.execute(f"SELECT abs({name}) AS {name}, CASE WHEN {name} = 1 THEN {name} END FROM data")
        con.execute(f"SELECT * EXCLUDE ({name}) FROM data")
        con.execute(f"FROM data QUALIFY count(*) OVER (PARTITION BY {name}, other) > 1")


def test_rows_that_are_twice_and_rows_of_two_labels():
    table = shop()
    other = table.slice(0, 3).set_column(5, "label", pa.array(["socks"] * 3))
    found = lint("f", pa.concat_tables([table, table.slice(5, 4), other]), label="label")
    problems = {each.problem: each.remedy for each in found if each.column == "*"}
    assert problems.pop("4 rows are there twice or more") == "SELECT DISTINCT * FROM data"
    ((problem, remedy),) = problems.items()
    assert problem == "3 rows are like another in all but the label"
    assert "QUALIFY min(label) OVER (PARTITION BY title" in remedy


def test_remedies_are_sql_that_runs():
    con = xbsql.connect(store="")
    con.execute(
        "CREATE TABLE rates AS "
        "SELECT * FROM (VALUES ('EUR', 1.1), ('GBP', 1.3), ('USD', 1.0)) t(currency, per_unit)"
    )
    ran = 0
    for changes, *_ in FAULTS:
        data = shop(**changes)
        con.register("data", data)
        for finding in lint("f", data, label="label"):
            sql = finding.remedy.split(" -- ")[0]
            if sql.startswith(("SELECT", "FROM")):
                assert len(con.execute(sql).fetchall())
            elif sql.startswith(("xb.", "CASE", "lower", "epoch")) and "try_" not in sql:
                assert len(con.execute(f"SELECT {sql} FROM data").fetchall()) == N, finding
            else:
                continue
            ran += 1
    assert ran > 20


def test_an_unknown_label_of_one_table_is_named():
    with pytest.raises(
        XbsqlError, match=r"f: no label column 'labl'; the table has title.*did you mean 'label'"
    ):
        lint("f", shop(), label="labl")


def test_any_types_have_an_answer():
    generator = np.random.default_rng(0)
    table = pa.table(
        {
            "list": [[1, 2]] * N, "struct": [{"a": 1}] * N, "bool": generator.choice([True, False], N),
            "time": [dt.datetime(2025, 1, 1) + dt.timedelta(hours=i) for i in range(N)],
            "dict": pa.array(spread(["a", "b"])).dictionary_encode(), "null": pa.nulls(N),
            "blob": [b"x"] * N, "dec": pa.array([1, 2, 3] * (N // 3)).cast(pa.decimal128(30, 2)),
        }
    )  # fmt: skip
    for label in [None, *table.column_names]:
        assert all(each.column in {*table.column_names, "*"} for each in lint("f", table, label=label))
