"""What the documentation shows is what happens: every example runs, and the reference is the code's own."""

import contextlib
import re
from pathlib import Path

import pytest

import xbsql
from xbsql import sample
from xbsql.surface.faces import faces
from xbsql.surface.functions import FUNCTIONS

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/transfer.md", "docs/options.md", "docs/search.md", "docs/insight.md"]
PAGES += ["docs/customers.md", "docs/markets.md", "docs/supply.md", "docs/forecast.md", "docs/privacy.md"]


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    """A shop whose home sells what the foreign market does not, with 60 labels abroad."""
    folder = tmp_path_factory.mktemp("docs")
    con = xbsql.connect(folder / "shop.duckdb")
    con.register("catalogue", sample.catalog())
    world = sample.simulate(rows=10_000, seed=0)
    con.register("us_sales", world.table("sales", "US"))
    con.register("jp_sales", world.table("sales", "JP"))
    con.register("us_orders", world.table("orders", "US"))
    con.register("jp_orders", world.table("orders", "JP"))
    con.execute(
        """
        CREATE TABLE home AS SELECT title, category FROM catalogue
            WHERE market = 'US' AND hash(product_id) % 2 = 0;
        CREATE TABLE japan AS
            SELECT title, CASE WHEN position <= 60 THEN category END AS category
            FROM (SELECT *, row_number() OVER (ORDER BY hash(product_id)) AS position FROM catalogue
                  WHERE market = 'JP' AND hash(product_id) % 2 = 1);
        CREATE TABLE orders_us AS
            SELECT customer_id, ordered, category, price * quantity AS paid FROM us_orders LIMIT 1500;
        CREATE TABLE orders_jp AS
            SELECT customer_id, ordered, category, price * quantity AS paid FROM jp_orders;
        CREATE TABLE parcels AS
            SELECT i % 20 AS weight, CASE WHEN i % 3 = 0 THEN 'air' ELSE 'sea' END AS mode,
                   CASE WHEN i % 3 = 0 THEN 2 ELSE 9 END + i % 20 / 10 AS days,
                   CASE WHEN i % 3 = 0 THEN 12 ELSE 3 END + 0.5 * (i % 20) + hash(i) % 3 AS freight
            FROM range(120) t(i);
        CREATE TABLE sales AS
            SELECT product_id, category, week, units, promotion, ln(price / usual_price) AS discount
            FROM us_sales WHERE week >= DATE '2023-08-07' AND hash(product_id) % 2 = 0;
        CREATE TABLE sales_jp AS SELECT product_id, week, units FROM jp_sales WHERE week >= DATE '2023-10-02';
        CREATE TABLE coming AS
            FROM sales UNION ALL BY NAME
            SELECT product_id, category, week + 28 AS week, NULL AS units, true AS promotion, -0.2 AS discount
            FROM sales WHERE week > DATE '2023-11-27';
        CREATE TABLE assortment AS
            SELECT DISTINCT product_id, 2500.0 AS price, 3 AS weight, 'air' AS mode FROM sales;
        CREATE TABLE pakete AS SELECT weight AS gewicht, mode AS transportart, days FROM parcels;
        CREATE TABLE rates AS
            FROM (VALUES ('EUR', 1.08), ('JPY', 0.0068), ('USD', 1.0)) t(currency, per_unit);
        CREATE TABLE daily_rates AS SELECT *, DATE '2026-01-01' AS day FROM rates;
        """
    )
    world = sample.simulate(4000, seed=0)
    for market, rows in [("us", 800), ("jp", 100)]:
        con.register("shipments", world.table("shipments", market.upper()))
        con.execute(
            f"""CREATE TABLE shipments_{market} AS
            SELECT carrier, distance_km, weight_kg, sale_week, freight_usd, days FROM shipments
            ORDER BY shipment_id LIMIT {rows}"""
        )
    reads = "options := {'ignore': ['days', 'freight']}"
    for model, label in [("days_home", "days"), ("freight_home", "freight")]:
        con.sql(f"CALL xb.fit('{model}', parcels, '{label}', market := 'US', {reads})").fetchall()
    series = "{'id': 'product_id', 'ts': 'week', 'horizon': 4}"
    con.sql(f"CALL xb.fit('demand_home', sales, 'units', market := 'US', options := {series})").fetchall()
    con.sql(
        "CALL xb.transfer('demand_jp', sales_jp, 'units', base := 'demand_home', source := 'sales', "
        f"market := 'JP', options := {series})"
    ).fetchall()
    con.sql("CALL xb.fit('category_home', home, 'category', market := 'US')").fetchall()
    with contextlib.chdir(folder):  # examples that write files write them here
        yield con
    con.close()


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", faces(), ids=lambda path: path.name)
def test_what_is_generated_is_not_stale(path):
    assert path.read_text() == faces()[path], "run `make docs`"


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_functions_example_returns_rows(con, function):
    assert con.sql(function.example).fetchall()


@pytest.mark.parametrize("page", PAGES)
def test_every_sql_block_runs(con, page):
    found = blocks(page, "sql")
    assert found
    for block in found:
        for statement in con.extract_statements(block):
            con.sql(statement).fetchall()


def test_every_python_block_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = blocks("README.md", "python")
    assert found
    for block in found:
        names = {}
        exec(block, names)
        names["con"].close()
    assert "xb." in capsys.readouterr().out


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", *PAGES])
def test_what_a_page_points_to_is_there(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target
