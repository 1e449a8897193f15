"""The tables that the examples of the documentation read, beside those that `xbsql demo` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.sample.simulator import simulate

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

SIMULATED = ("us_sales", "jp_sales", "us_shipments", "jp_shipments", "us_orders", "jp_orders")

TABLES = """
-- Parcels at home, and the same abroad under German names.
CREATE OR REPLACE TABLE parcels AS
    SELECT i % 20 AS weight, CASE WHEN i % 3 = 0 THEN 'air' ELSE 'sea' END AS mode,
           CASE WHEN i % 3 = 0 THEN 2 ELSE 9 END + i % 20 / 10 AS days,
           CASE WHEN i % 3 = 0 THEN 12 ELSE 3 END + 0.5 * (i % 20) + hash(i) % 3 AS freight
    FROM range(120) t(i);
CREATE OR REPLACE TABLE pakete AS SELECT weight AS gewicht, mode AS transportart, days FROM parcels;

-- Weekly sales of half of the products at home, of all of them for thirteen weeks in Japan.
CREATE OR REPLACE TABLE sales AS
    SELECT product_id, category, week, units, promotion, ln(price / usual_price) AS discount
    FROM us_sales WHERE week >= DATE '2023-08-07' AND hash(product_id) % 2 = 0;
CREATE OR REPLACE TABLE sales_jp AS
    SELECT product_id, week, units FROM jp_sales WHERE week >= DATE '2023-10-02';
-- The same sales, and four weeks to come of which the promotions are known.
CREATE OR REPLACE TABLE coming AS
    FROM sales UNION ALL BY NAME
    SELECT product_id, category, week + 28 AS week, NULL AS units, true AS promotion, -0.2 AS discount
    FROM sales WHERE week > DATE '2023-11-27';
-- What home sells and Japan does not.
CREATE OR REPLACE TABLE assortment AS
    SELECT DISTINCT product_id, 2500.0 AS price, 3 AS weight, 'air' AS mode FROM sales
    WHERE product_id NOT IN (SELECT product_id FROM sales_jp);

CREATE OR REPLACE TABLE shipments_us AS
    SELECT carrier, distance_km, weight_kg, sale_week, freight_usd, days FROM us_shipments
    ORDER BY shipment_id LIMIT 800;
CREATE OR REPLACE TABLE shipments_jp AS
    SELECT carrier, distance_km, weight_kg, sale_week, freight_usd, days FROM jp_shipments
    ORDER BY shipment_id LIMIT 100;

-- What customers ordered, one row a line.
CREATE OR REPLACE TABLE orders_us AS
    SELECT customer_id, ordered, category, price * quantity AS paid FROM us_orders
    ORDER BY order_id LIMIT 1500;
CREATE OR REPLACE TABLE orders_jp AS
    SELECT customer_id, ordered, category, price * quantity AS paid FROM jp_orders;

-- What customers of six tastes bought, at home and abroad; visitors abroad, and what came later.
CREATE OR REPLACE MACRO _bought(market, customers) AS TABLE
    SELECT DISTINCT market || c AS customer,
           'P' || (100 + 20 * taste + hash(market || 7 * c + n) % 20) AS product,
           DATE '2023-01-01' + (c + 30 * n)::INTEGER AS bought
    FROM (SELECT c, hash(c) % 6 AS taste, unnest(range(3 + c % 5)) AS n FROM range(customers) t(c));
CREATE OR REPLACE TABLE baskets_us AS FROM _bought('us', 250);
CREATE OR REPLACE TABLE baskets_jp AS FROM _bought('jp', 60) WHERE bought < DATE '2023-07-01';
CREATE OR REPLACE TABLE baskets_late AS FROM _bought('jp', 60) WHERE bought >= DATE '2023-07-01';
DROP MACRO TABLE _bought;
CREATE OR REPLACE TABLE visitors_jp AS SELECT DISTINCT customer FROM baskets_jp ORDER BY customer LIMIT 20;

CREATE OR REPLACE TABLE rates AS
    FROM (VALUES ('EUR', 1.08), ('JPY', 0.0068), ('USD', 1.0)) t(currency, per_unit);
CREATE OR REPLACE TABLE daily_rates AS SELECT *, DATE '2026-01-01' AS day FROM rates;
""".strip()
"""SQL that reads the tables of `simulated`."""


def simulated() -> Mapping[str, pa.Table]:
    """A small trade: sales, shipments and orders of the United States and Japan, by names in `SIMULATED`."""
    sales, shipments = simulate(rows=10_000, seed=0), simulate(rows=4_000, seed=0)
    return {
        "us_sales": sales.table("sales", "US"),
        "jp_sales": sales.table("sales", "JP"),
        "us_shipments": shipments.table("shipments", "US"),
        "jp_shipments": shipments.table("shipments", "JP"),
        "us_orders": sales.table("orders", "US"),
        "jp_orders": sales.table("orders", "JP"),
    }


def add_examples(con: Any) -> None:  # noqa: ANN401 - a connection of DuckDB, which this room does not know
    """Make the tables of the documentation's examples in a database."""
    for name, table in simulated().items():
        con.register(name, table)
    con.execute(TABLES)
    for name in SIMULATED:
        con.unregister(name)
