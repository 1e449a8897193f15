"""The tables that the examples of the documentation read, beside those that `xbsql demo` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.sample.pictures import pictures
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

-- Titles at home with what they state in columns, and German ones of which a few are labelled.
CREATE OR REPLACE TABLE shelf AS
    SELECT concat_ws(' ', brand, colour, material, thing, size || ' cm') AS title, brand, colour, material
    FROM (SELECT i, ['Kelvona', 'Brissel', 'Orvex', 'Talamo', 'Nordwik'][1 + i % 5] AS brand,
                 ['red', 'navy', 'black', 'green', 'white'][1 + i // 5 % 5] AS colour,
                 ['cotton', 'leather', 'wool', 'steel'][1 + i * 7 // 3 % 4] AS material,
                 ['bag', 'scarf', 'lamp', 'box', 'cap'][1 + i * 3 // 2 % 5] AS thing, 20 + i AS size
          FROM range(60) t(i));
CREATE OR REPLACE TABLE regal AS
    SELECT concat_ws(' ', Marke, thing, Farbe, Material, size || ' cm') AS title,
           if(i < 36, Marke, NULL) AS Marke, if(i < 36, Farbe, NULL) AS Farbe,
           if(i < 36, Material, NULL) AS Material
    FROM (SELECT i, ['Kelvona', 'Vastra', 'Orvex', 'Ziko', 'Nordwik'][1 + i % 5] AS Marke,
                 ['rot', 'marineblau', 'schwarz', 'grün', 'weiß'][1 + i // 5 % 5] AS Farbe,
                 ['Baumwolle', 'Leder', 'Wolle', 'Stahl'][1 + i * 7 // 3 % 4] AS Material,
                 ['Tasche', 'Schal', 'Lampe', 'Kiste', 'Mütze'][1 + i * 3 // 2 % 5] AS thing,
                 20 + i AS size
          FROM range(50) t(i));
-- What products look like: icons at home, photos abroad, of which one in four has a category.
CREATE OR REPLACE TABLE icons_us AS FROM icons;
CREATE OR REPLACE TABLE photos_jp AS
    SELECT sku, CASE WHEN sku LIKE '%0' OR sku LIKE '%4' THEN category END AS category, photo FROM photos;
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

-- The shelves of a shop as paths, those of a German one, and the first as nodes that name their parents.
CREATE OR REPLACE TABLE shelves AS SELECT unnest([
    'Clothing', 'Clothing > Shoes', 'Clothing > Shoes > Boots', 'Clothing > Shoes > Sandals',
    'Clothing > Jackets', 'Kitchen', 'Kitchen > Knives', 'Kitchen > Pans', 'Kitchen > Pans > Woks',
    'Garden', 'Garden > Hoses', 'Garden > Flower pots'
]) AS path;
CREATE OR REPLACE TABLE shelves_de AS SELECT unnest([
    'Kleidung', 'Kleidung > Schuhe', 'Kleidung > Schuhe > Stiefel', 'Kleidung > Schuhe > Sandalen',
    'Kleidung > Jacken', 'Küche', 'Küche > Messer', 'Küche > Pfannen', 'Küche > Pfannen > Woks',
    'Garten', 'Garten > Gartenschläuche', 'Garten > Blumentöpfe'
]) AS path;
CREATE OR REPLACE TABLE shelf_nodes AS FROM (VALUES
    ('c', NULL, 'Clothing'), ('s', 'c', 'Shoes'), ('b', 's', 'Boots'), ('k', NULL, 'Kitchen'),
    ('p', 'k', 'Pans'), ('w', 'p', NULL)
) t(node, above, name);
""".strip()
"""SQL that reads the tables of `simulated`, and pictures."""


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
    made = {**simulated(), "icons": pictures("US", 5), "photos": pictures("JP", 8)}
    for name, table in made.items():
        con.register(name, table)
    con.execute(TABLES)
    for name in made:
        con.unregister(name)
