"""The tables on which transfers are proven, and those on which the engine's settings were chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench import shipments
from bench.shift_tables import SHIFTS, shifted
from xbsql.sample import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

TEST_SHARE = 0.4
"""Share of the target's groups that are held out, the same for every seed."""

MOST_SOURCE = 5000
MOST_TEST = 3000
EAST = ("Zambia", "Tanzania", "Mozambique")
TARGETS = ("Haiti", "Zimbabwe", "Rwanda", "Congo, DRC", "Zambia", "Tanzania", "Mozambique", "Guyana")
FEW_LATE = ("Guyana",)
"""About ten late shipments in the test rows: an AUC of them says nothing."""

JIT_TARGETS = ("North America", "Pacific Asia")
TRADES = (("log_freight", "JP"), ("log_freight", "CN"), ("days", "DE"), ("late", "JP"), ("late", "CN"))
"""Labels and markets of the simulated trade; docs/simulator.md says what shifts in each."""


@dataclass(frozen=True)
class Task:
    """One transfer problem.

    Attributes:
        name: unique.
        label: the label column.
        kind: 'predict' (scored by R2) or 'classify' (two classes, scored by AUC).
        source: labelled rows of the rich market.
        pool: target rows that draws are taken from.
        test: target rows that no model sees; no group is on both sides.
        group: the column of groups, or None.
        real: whether the rows are.
        options: of the transfer.
    """

    name: str
    label: str
    kind: Literal["predict", "classify"]
    source: pa.Table
    pool: pa.Table
    test: pa.Table
    group: str | None
    real: bool
    options: dict[str, object] = field(default_factory=dict)


def reported(data: Callable[[str], Path]) -> dict[str, Callable[[], Task]]:
    """The reported tasks by name: made when they are asked for."""
    found: dict[str, Callable[[], Task]] = {}
    for place in (*TARGETS, "Zambia + Tanzania + Mozambique"):
        countries = EAST if "+" in place else (place,)
        for label in ("log_freight",) if place in FEW_LATE else ("log_freight", "late"):
            found[f"scms {label}: {place}"] = _later(scms_task, data("scms"), label, countries, shipments.BIG)
    for market in JIT_TARGETS:
        for label in ("delay", "late"):
            found[f"jit {label}: {market}"] = _later(jit_task, data("jit_supply_chain"), label, market)
    for label, market in TRADES:
        found[f"simulated {label}: {market}"] = _later(trade_task, label, market, 0)
    for kind in SHIFTS:
        found[f"shift: {kind}"] = _later(shift_task, kind, 0)
    return found


def tuning(data: Callable[[str], Path]) -> dict[str, Callable[[], Task]]:
    """Tasks that are not reported: other countries, other labels, other draws of other worlds."""
    found: dict[str, Callable[[], Task]] = {}
    for country in shipments.BIG[1:4]:
        rest = tuple(name for name in shipments.BIG if name != country)
        for label in ("log_freight", "late"):
            found[f"scms {label}: {country}"] = _later(scms_task, data("scms"), label, (country,), rest)
    for country in ("Haiti", "Tanzania", "Zambia"):
        found[f"scms value: {country}"] = _later(scms_task, data("scms"), "value", (country,), shipments.BIG)
    for kind in SHIFTS:
        found[f"shift: {kind}"] = _later(shift_task, kind, 1000)
    return found


def scms_task(folder: Path, label: str, countries: Sequence[str], source: Sequence[str]) -> Task:
    """Shipments to some countries; the source are those to others."""
    inputs = {
        "log_freight": {"late"},
        "late": {"log_freight", "log_weight"},
        "value": {"log_freight", "log_weight", "late", "pack_price", "unit_price"},
    }
    table = shipments.scms(folder).drop_columns(list(inputs[label]))
    table = table.filter(pc.is_valid(table[label]))
    here = table.filter(pc.is_in(table["country"], pa.array(countries)))
    there = table.filter(pc.is_in(table["country"], pa.array(source)))
    kind: Literal["predict", "classify"] = "classify" if label == "late" else "predict"
    place = " + ".join(countries)
    return _task(f"scms {label}: {place}", label, kind, there, here, "po", "country", real=True)


def jit_task(folder: Path, label: str, market: str) -> Task:
    """Orders of one market; the source are those of the two largest. Nothing shifts here."""
    other = "late" if label == "delay" else "delay"
    table = shipments.jit(folder).drop_columns([other])
    here = table.filter(pc.equal(table["market"], market))
    there = table.filter(pc.is_in(table["market"], pa.array(shipments.HOME_MARKETS)))
    kind: Literal["predict", "classify"] = "classify" if label == "late" else "predict"
    return _task(f"jit {label}: {market}", label, kind, there, here, "order", "market", real=True)


def trade_task(label: str, market: str, seed: int) -> Task:
    """Parcels of the simulator: freight, days and lateness abroad, each shifted in its own way."""
    world = simulate(120_000, seed=seed)
    here, there = (parcels(world.table("shipments", code), label) for code in (market, "US"))
    kind: Literal["predict", "classify"] = "classify" if label == "late" else "predict"
    return _task(f"simulated {label}: {market}", label, kind, there, here, None, None, real=False)


def shift_task(kind: str, seed: int) -> Task:
    """A concept of the traps under one kind of shift."""
    source, target = shifted(kind, seed)
    labels: Literal["predict", "classify"] = "predict" if kind.endswith("value") else "classify"
    return _task(f"shift: {kind}", "y", labels, source, target, None, None, real=False)


def _task(
    name: str,
    label: str,
    kind: Literal["predict", "classify"],
    source: pa.Table,
    target: pa.Table,
    group: str | None,
    market: str | None,
    *,
    real: bool,
) -> Task:
    generator = np.random.default_rng(0)
    if source.num_rows > MOST_SOURCE:
        source = source.take(pa.array(np.sort(generator.permutation(source.num_rows)[:MOST_SOURCE])))
    held_out = _held_out(target, group, generator)
    test, pool = target.filter(pa.array(held_out)), target.filter(pa.array(~held_out))
    test = test.slice(0, MOST_TEST)
    ignored = [name for name in (market,) if name]
    options: dict[str, object] = {**({"group": group} if group else {}), "ignore": ignored}
    if market:
        options["source_market"] = market
    return Task(name, label, kind, source, pool, test, group, real, options)


def _held_out(target: pa.Table, group: str | None, generator: np.random.Generator) -> Mask:
    """Whole groups drawn at random until they hold the test share of the rows."""
    units = np.arange(target.num_rows)
    if group is not None:
        units = target[group].combine_chunks().dictionary_encode().indices.to_numpy()
    order = generator.permutation(int(units.max()) + 1)
    sizes = np.bincount(units)[order]
    chosen = order[np.cumsum(sizes) <= TEST_SHARE * target.num_rows]
    return np.isin(units, chosen)


def parcels(table: pa.Table, label: str) -> pa.Table:
    """Simulated shipments as a table to learn a label from."""
    columns = {name: table[name] for name in ("shipped", "carrier", "sale_week", "promised_days")}
    columns |= {f"log_{name}": pc.ln(table[name]) for name in ("distance_km", "weight_kg")}
    columns[label] = pc.ln(table["freight_usd"]) if label == "log_freight" else table[label]
    return pa.table(columns)


def _later(make: Callable[..., Task], *arguments: object) -> Callable[[], Task]:
    return lambda: make(*arguments)
