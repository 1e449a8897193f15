"""Customers, orders, shipments and weekly sales of a home and three foreign markets, streamed at any scale.

docs/simulator.md has the columns, the equations and the shifts. Batch b of a table in a market comes from its
own Philox stream, keyed by (seed, table, market, b): any slice can be had without the rows before it, memory
stays at one batch, and two machines that split the batches agree on every row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql.errors import invalid, unknown
from xbsql.sample import trade
from xbsql.sample.truth import TRUTH, MarketTruth, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 65_536
ORDERS_PER_CUSTOMER = 5
SERIES_PER_BATCH = BATCH // trade.WEEKS
ID_STRIDE = 10**10
LEAST, MOST = 1_000, 10**9

_TYPES = {
    "i": pa.int32(),
    "l": pa.int64(),
    "f": pa.float64(),
    "b": pa.bool_(),
    "d": pa.date32(),
    "s": pa.string(),
}


def _schema(columns: str) -> pa.Schema:
    """'order_id:l market:s' -> a schema."""
    pairs = (column.split(":") for column in columns.split())
    return pa.schema([(name, _TYPES[code]) for name, code in pairs])


SCHEMAS = {
    "customers": _schema("customer_id:l market:s joined:d segment:s distance_km:f"),
    "orders": _schema(
        "order_id:l customer_id:l market:s ordered:d product_id:s category:s quantity:i price:f currency:s "
        "discount:f visits:i weight_kg:f returned:b"
    ),
    "shipments": _schema(
        "shipment_id:l order_id:l market:s shipped:d carrier:s distance_km:f weight_kg:f sale_week:b "
        "freight_usd:f days:f promised_days:i late:b"
    ),
    "sales": _schema(
        "market:s store:i product_id:s category:s week:d usual_price:f price:f currency:s promotion:b units:i"
    ),
}
TABLES = tuple(SCHEMAS)


def simulate(rows: int = 100_000, *, seed: int = 0, truth: Truth = TRUTH) -> Simulation:
    """Prepare a simulation; nothing is drawn until a table is read.

    Args:
        rows: how many orders there are in all markets together, 1,000 to 1,000,000,000. There are as many
            shipments, about as many weekly sales, and a fifth as many customers.
        seed: 0 or more; the same seed gives the same rows, with the same version of NumPy.
        truth: the markets' parameters; `dataclasses.replace` makes others.

    Raises:
        XbsqlError: rows or seed out of range.
    """
    if not LEAST <= rows <= MOST:
        raise invalid("xbsql.sample.simulate", f"rows is {rows}", f"give {LEAST:,} to {MOST:,}")
    if seed < 0:
        raise invalid("xbsql.sample.simulate", f"seed is {seed}", "give 0 or more")
    return Simulation(rows, seed, truth)


@dataclass(frozen=True)
class Simulation:
    """A simulated world; read it by `batches`, `reader` or `table`."""

    orders: int
    seed: int
    truth: Truth

    def rows(self, table: str, market: str) -> int:
        """How many rows a table has in a market."""
        ordered = max(1, round(self.orders * self.truth.market(market).share))
        if _known(table) == "customers":
            return -(-ordered // ORDERS_PER_CUSTOMER)
        return -(-ordered // trade.WEEKS) * trade.WEEKS if table == "sales" else ordered

    def batches(self, table: str, market: str | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of a table, 65,536 at most at a time.

        Args:
            table: customers, orders, shipments or sales.
            market: one market's code; None for all, home first.

        Raises:
            XbsqlError: no such table or market.
        """
        step = SERIES_PER_BATCH * trade.WEEKS if _known(table) == "sales" else BATCH
        codes = [truth.market for truth in self.truth.markets] if market is None else [market]
        ends = [(code, -(-self.rows(table, code) // step)) for code in codes]
        return (self.batch(table, code, number) for code, end in ends for number in range(end))

    def batch(self, table: str, market: str, number: int) -> pa.RecordBatch:
        """One batch, drawn without those before it; IndexError where the table has fewer."""
        here, schema = self.truth.market(market), SCHEMAS[_known(table)]
        draw = {
            "customers": self._customers,
            "orders": self._orders,
            "shipments": self._shipments,
            "sales": self._sales,
        }
        columns = draw[table](here, number)
        return pa.record_batch(
            [pa.array(columns[column.name], column.type) for column in schema], schema=schema
        )

    def reader(self, table: str, market: str | None = None) -> pa.RecordBatchReader:
        """The rows as a stream that DuckDB, Polars and Arrow read."""
        return pa.RecordBatchReader.from_batches(SCHEMAS[_known(table)], self.batches(table, market))

    def table(self, table: str, market: str | None = None) -> pa.Table:
        """The rows in memory."""
        return self.reader(table, market).read_all()

    def _customers(self, here: MarketTruth, number: int) -> trade.Columns:
        ids = self._ids("customers", here, number)
        return trade.customers(here, ids, self._rng("customers", here, number))

    def _orders(self, here: MarketTruth, number: int) -> trade.Columns:
        """Orders buy from one batch of customers, so that a batch needs no other rows than those."""
        ids = self._ids("orders", here, number)
        people = self._customers(here, number // ORDERS_PER_CUSTOMER)
        return trade.orders(here, ids, people, self._rng("orders", here, number))

    def _shipments(self, here: MarketTruth, number: int) -> trade.Columns:
        sold = self._orders(here, number)
        return trade.shipments(self.truth, here, sold, self._rng("shipments", here, number))

    def _sales(self, here: MarketTruth, number: int) -> trade.Columns:
        end = self.rows("sales", here.market) // trade.WEEKS
        series = np.arange(*_span(number, SERIES_PER_BATCH, end))
        return trade.sales(here, series, self._rng("sales", here, number))

    def _ids(self, table: str, here: MarketTruth, number: int) -> trade.Ints:
        """The market's number in front, the row behind: unique over markets."""
        rows = np.arange(*_span(number, BATCH, self.rows(table, here.market)))
        return rows + ID_STRIDE * (1 + self.truth.markets.index(here))

    def _rng(self, table: str, here: MarketTruth, number: int) -> np.random.Generator:
        key = [self.seed, TABLES.index(table), self.truth.markets.index(here), number]
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def _span(number: int, step: int, end: int) -> tuple[int, int]:
    if not 0 <= number * step < end:
        message = f"batch {number}: there are {-(-end // step)}"
        raise IndexError(message)
    return number * step, min(end, (number + 1) * step)


def _known(table: str) -> str:
    if table not in TABLES:
        raise unknown("xbsql.sample.simulate", "table", table, TABLES)
    return table
