"""Trade of countries: what a market's facts, joined to its rows as columns, bring to a transfer.

Bilateral trade of 2006 (market_facts): a row is what one country sold to another, its label the logarithm.
Home is twelve countries, the target another one, all drawn; rows say how far the buyer is, how rich, which
language and treaties both share. The facts are the seller's: economy, area, place, continent, language.
Transfers with them and without read the same rows and labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

import xbsql

if TYPE_CHECKING:
    from pathlib import Path

FACTS = ("economy", "area", "lat", "lon", "continent", "language")
HOMES = 12
FEWEST = 60
"""Buyers of a country that takes part."""
QUERY = """
WITH country AS (
    FROM read_parquet('{folder}/country.parquet') SELECT iso3, any_value(continent) AS continent,
        any_value(lat) AS lat, any_value(lon) AS lon, any_value(area) AS area, any_value(lang20_1) AS language
    WHERE maincity = 1 OR cap = '1' GROUP BY iso3)
SELECT iso_o AS market, ln(distw) AS distance, ln(gdp_d) AS buyer, rta::INT AS treaty, contig::INT AS border,
    comlang_off::INT AS tongue, comcur::INT AS money, there.continent AS goes_to, ln(flow) AS trade,
    ln(gdp_o) AS economy, ln(here.area) AS area, here.lat, here.lon, here.continent, here.language
FROM read_parquet('{folder}/gravity_2006.parquet') JOIN country here ON iso_o = here.iso3
JOIN country there ON iso_d = there.iso3 WHERE flow > 0 ORDER BY ALL
"""


def trade(folder: Path) -> pa.Table:
    """Rows of all countries: market, what is known of the buyer, trade (the label), and the facts."""
    with duckdb.connect() as con:
        return con.execute(QUERY.format(folder=folder)).to_arrow_table()


def errors(table: pa.Table, seed: int, labels: int) -> dict[str, float]:
    """The mean absolute error of the target's other rows, without the facts and with them."""
    market = table["market"].to_numpy(zero_copy_only=False)
    names, counts = np.unique(market, return_counts=True)
    rng = np.random.default_rng([seed, 11])
    target, *homes = rng.choice(names[counts >= FEWEST], HOMES + 1, replace=False)
    own = table.take(rng.permutation(np.flatnonzero(market == target))).drop_columns(["market"])
    home, truth = table.filter(pa.array(np.isin(market, homes))), own["trade"].to_numpy()
    known = pa.array([v if place < labels else None for place, v in enumerate(truth)], pa.float64())
    abroad = own.set_column(own.column_names.index("trade"), "trade", known)
    found = {}
    for arm, left in (("without", list(FACTS)), ("with", [])):
        with xbsql.connect(progress=False) as con:
            data, source = (side.drop_columns(left) for side in (abroad, home))
            xbsql.transfer(con, "m", data, "trade", source=source, options={"source_market": "market"})
            told = xbsql.predict_table(con, "m", data.drop_columns(["trade"]))["value"].to_numpy()
        found[arm] = float(np.abs(told - truth)[labels:].mean())
    return found
