"""Real shipments as tables that a transfer reads: only what is known when a delivery is scheduled.

scms: what stands in the order and the plan. Dates of delivery and recording, delay, insurance and everything
derived from them are left out; the weight is an input of the freight, which is quoted for it, and not of the
delay. jit: what stands in the order; the days on which the goods left are the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

BIG = ("South Africa", "Nigeria", "Côte d'Ivoire", "Uganda", "Vietnam")
"""The five countries with the most rows: the source."""

HOME_MARKETS = ("Europe", "LATAM")
"""The two markets of jit with the most rows: the source."""

MOST_DELAY = 10
"""Days; what is further off the schedule is a wrong date."""

_SCMS = {
    "Country": "country",
    "PO / SO #": "po",
    "Managed By": "managed_by",
    "Fulfill Via": "fulfil_via",
    "Vendor INCO Term": "inco_term",
    "Shipment Mode": "mode",
    "Product Group": "product_group",
    "Sub Classification": "sub_classification",
    "Vendor": "vendor",
    "Molecule/Test Type": "molecule",
    "Brand": "brand",
    "Dosage Form": "dosage_form",
    "Manufacturing Site": "site",
    "First Line Designation": "first_line",
    "Scheduled Delivery Date_parsed": "scheduled",
    "Unit of Measure (Per Pack)_num": "per_pack",
    "Line Item Quantity_num": "quantity",
    "Line Item Value_num": "value",
    "Pack Price_num": "pack_price",
    "Unit Price_num": "unit_price",
}
_LOGS = ("quantity", "value", "pack_price", "unit_price", "per_pack")
_JIT = {
    "Order ID": "order",
    "Customer Market": "market",
    "Product Department": "department",
    "Product Category": "category",
    "Shipment Mode": "mode",
    "Warehouse Country": "warehouse",
}
_JIT_NUMBERS = {
    "Order Quantity": "quantity",
    "Shipment Days - Scheduled": "scheduled_days",
    "Gross Sales": "sales",
    "Discount %": "discount",
    "Order Month": "month",
}


def scms(folder: Path) -> pa.Table:
    """Every shipment: inputs, and the labels log_freight (NULL without a price or weight), late, log_value.

    Returns:
        'country' is the market, 'po' the group; amounts are natural logarithms of 1 + the amount.
    """
    raw = pq.read_table(folder / "shipments.parquet")
    columns = {name: raw[column] for column, name in _SCMS.items()}
    columns |= {name: _log(columns[name]) for name in _LOGS}
    columns["planned_days"] = _between(raw["PQ First Sent to Client Date_parsed"], columns["scheduled"])
    weight, freight = raw["Weight (Kilograms)_num"], raw["Freight Cost (USD)_num"]
    priced = pc.fill_null(pc.and_(pc.greater(weight, 0), pc.greater(freight, 0)), False)
    columns["log_weight"] = pc.if_else(priced, pc.ln(pc.if_else(priced, weight, 1.0)), None)
    columns["log_freight"] = pc.if_else(priced, pc.ln(pc.if_else(priced, freight, 1.0)), None)
    columns["late"] = pc.greater(raw["delay_days"], 0)
    return pa.table(columns)


def jit(folder: Path) -> pa.Table:
    """Order lines: inputs, and the labels delay (days beyond the scheduled ones) and late.

    Where the two dates lie more than 10 days off the schedule (a sixth of the rows, up to 979 days both ways)
    one of them was recorded wrongly; these rows are left out.

    Returns:
        'market' is the market, 'order' the group.
    """
    raw = pq.read_table(folder / "orders.parquet")
    columns: dict[str, object] = {name: raw[column] for column, name in _JIT.items()}
    columns |= {name: _numbers(raw[column]) for column, name in _JIT_NUMBERS.items()}
    took = (_days(raw, "Shipment") - _days(raw, "Order")).astype(np.float64)
    delay = took - columns["scheduled_days"].to_numpy()  # type: ignore[attr-defined]
    found = pa.table({**columns, "delay": delay, "late": delay > 0})
    return found.filter(pa.array(np.abs(delay) <= MOST_DELAY))


def _log(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.log1p(column)


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers in text; what is none is NULL."""
    plain = pc.utf8_trim_whitespace(column)
    number = pc.match_substring_regex(plain, r"^-?\d+(\.\d+)?$")
    return pc.if_else(number, plain, None).cast(pa.float64())


def _between(start: pa.ChunkedArray, end: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.days_between(start, end).cast(pa.float64())


def _days(raw: pa.Table, event: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Days since 1970 of an event that is told as year, month and day."""
    year, month, day = (
        raw[f"{event} {part}"].cast(pa.int32()).to_numpy() for part in ("Year", "Month", "Day")
    )
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    return np.asarray(months.astype("datetime64[D]").astype(np.int64) + day - 1)
