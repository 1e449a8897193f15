"""Supply decisions with the models of a store: which models give cost and delay of which rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import is_vector
from xbsql.features.roles import kind_of
from xbsql.session import models
from xbsql.supply import stock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.session.session import Session

    Floats = NDArray[np.float64]

ROUTE = pa.struct(
    [
        (name, pa.float64())
        for name in (
            "landed_cost", "cost_lo", "cost_hi", "delay", "delay_lo", "delay_hi", "on_time", "shift"
        )
    ]
)  # fmt: skip


def safety_stock(where: str, columns: list[pa.Array], *, with_expected: bool = False) -> pa.Array:
    """Safety stock, or the reorder point, of each row; float64, NULL where an input is NULL.

    Args:
        where: the function, for errors.
        columns: demand, demand_sd, lead_time, lead_time_sd and service_level.
        with_expected: add what is expected to be sold during the lead time.
    """
    names = ("demand", "demand_sd", "lead_time", "lead_time_sd", "service_level")
    demand, sd, lead, lead_sd, service = _numbers(where, dict(zip(names, columns, strict=True)))
    found = stock.safety_stock(where, demand, sd, lead, lead_sd, service)
    return _out(found + demand * lead if with_expected else found)


def spread(where: str, lo: pa.Array, hi: pa.Array, level: pa.Array) -> pa.Array:
    """The standard deviation that each interval stands for; float64, NULL where an input is NULL."""
    return _out(stock.spread_of(where, *_numbers(where, {"lo": lo, "hi": hi, "level": level})))


def newsvendor(
    where: str, levels: pa.Array, quantiles: pa.Array, underage: pa.Array, overage: pa.Array
) -> pa.Array:
    """The order of each row; float64, NULL where an input is NULL."""
    costs = _numbers(where, {"underage": underage, "overage": overage})
    for name, column in (("levels", levels), ("quantiles", quantiles)):
        if not is_vector(column.type) and not _says_nothing(column.type):
            problem = f"levels and quantiles must be lists of numbers, and {name} is {column.type}"
            raise errors.invalid(where, problem, "cast it (::DOUBLE[])")
    found = np.full(len(levels), np.nan)
    for row, (shares, values) in enumerate(zip(levels.to_pylist(), quantiles.to_pylist(), strict=True)):
        if shares is None or values is None or np.isnan([costs[0][row], costs[1][row]]).any():
            continue
        if None in shares or None in values:
            raise errors.invalid(where, "a level or quantile is NULL", "leave both out")
        known = np.array(shares, np.float64), np.array(values, np.float64)
        found[row] = stock.newsvendor(where, *known, float(costs[0][row]), float(costs[1][row]))
    return _out(found)


def route_options(
    session: Session,
    cost_model: str,
    delay_model: str,
    promise: pa.Array,
    per_day: pa.Array,
    extra: pa.Array,
    rows: pa.Array,
) -> pa.Array:
    """STRUCT of `ROUTE` of each row, see `xb.route_options`; ends are NULL where a model has none.

    Raises:
        XbsqlError: no such model, one that was not fitted for numbers, a column that one reads is missing.
    """
    where = "xb.route_options"
    given = {"promise": promise, "per_day": per_day, "extra": extra}
    with session.calls.record("route_options", f"{cost_model}, {delay_model}", len(rows)):
        promised, daily, more = _numbers(where, given)
        cost = _predicted(session, where, cost_model, rows)
        cost["lo"] = np.maximum(cost["lo"], 0.0)  # nobody pays for what he ships; NaN stays
        delay = _predicted(session, where, delay_model, rows)
        landed = {
            end: cost[end] + more + daily * np.maximum(delay[end], 0.0) for end in ("value", "lo", "hi")
        }
        alone = daily == 0
        for end in ("lo", "hi"):  # what a delay costs nothing for needs no interval of it
            landed[end] = np.where(alone, cost[end] + more, landed[end])
        level = float(getattr(session.model(where, delay_model), "level", 0.9))
        timely = stock.on_time(delay["value"], delay["lo"], delay["hi"], level, promised)
        parts = [*landed.values(), delay["value"], delay["lo"], delay["hi"], timely]
        fields = [_out(part) for part in (*parts, np.fmax(cost["shift"], delay["shift"]))]
    return pa.StructArray.from_arrays(fields, fields=list(ROUTE))


def choose_routes(session: Session, service: object, options: pa.Table, demand: pa.Table) -> pa.Table:
    """The cheapest mix, see `xb.choose_routes`.

    Args:
        session: whose call log gets the call.
        service: a share, 0 to 1.
        options: lane and pool VARCHAR; cost, on_time, capacity and fixed numbers.
        demand: lane VARCHAR and quantity.

    Returns:
        position, int64 from 1; units, share and spend, float64: one row an option that is used.

    Raises:
        XbsqlError: a number is missing or out of its range, or no mix serves.
    """
    from xbsql.supply.mix import MixOptions, cheapest

    where = "xb.choose_routes"
    if isinstance(service, bool) or service is None or not 0 <= float(service) <= 1:  # type: ignore[arg-type]
        raise errors.invalid(where, f"service_level is {service}", "give a share, 0 to 1")
    names, wanted = _wanted(where, demand)
    cost, on_time, capacity, fixed = _columns(where, options)
    lane = pc.index_in(options["lane"], pa.array(names, pa.string())).fill_null(-1).to_numpy()
    rows = np.flatnonzero(lane >= 0)
    pool = options["pool"].cast(pa.string()).combine_chunks().dictionary_encode().indices.fill_null(-1)
    with session.calls.record("choose_routes", "", len(options)) as call:
        call.kernel = "HiGHS"
        taken = MixOptions(
            lane[rows].astype(np.int64), cost[rows], fixed[rows], on_time[rows], capacity[rows],
            np.asarray(pool.to_numpy(zero_copy_only=False), np.int64)[rows],
        )  # fmt: skip
        units = cheapest(where, taken, wanted, names, float(service))  # type: ignore[arg-type]
    used = np.flatnonzero(units > 0)
    share = units[used] / wanted[taken.lane[used]]
    spend = taken.cost[used] * units[used] + taken.fixed[used]
    columns = [rows[used] + 1, units[used], share, spend]
    return pa.table([pa.array(c) for c in columns], names=["position", "units", "share", "spend"])


def _wanted(where: str, demand: pa.Table) -> tuple[list[str], Floats]:
    """The lanes, sorted, and the units of each."""
    if demand["lane"].null_count:
        raise errors.invalid(where, "a lane of the demand is NULL", "leave that row out")
    (quantity,) = _numbers(where, {"quantity": demand["quantity"].combine_chunks()})
    if np.isnan(quantity).any() or (quantity < 0).any() or np.isinf(quantity).any():
        raise errors.invalid(where, "a quantity is NULL, infinite or below 0", "give units from 0 on")
    lanes = np.array(demand["lane"].to_pylist(), dtype=object)
    names = sorted(set(lanes.tolist()))
    return names, np.array([quantity[lanes == name].sum() for name in names], np.float64)


def _columns(where: str, options: pa.Table) -> tuple[Floats, Floats, Floats, Floats]:
    """Cost, on_time, capacity and fixed cost of the options, checked."""
    names = ("cost", "on_time", "capacity", "fixed")
    cost, on_time, capacity, fixed = _numbers(where, {name: options[name].combine_chunks() for name in names})
    capacity = np.where(np.isnan(capacity), np.inf, capacity)
    checks = {
        "cost": (cost >= 0) & np.isfinite(cost),
        "on_time": (on_time >= 0) & (on_time <= 1),
        "capacity": capacity >= 0,
        "fixed": (fixed >= 0) & np.isfinite(fixed),
    }
    for name, fine in checks.items():
        if not fine.all():
            problem = f"{name} is NULL or out of its range in {int((~fine).sum())} options"
            remedy = "give shares, 0 to 1" if name == "on_time" else "give numbers from 0 on"
            raise errors.invalid(where, problem, remedy)
    return cost, on_time, capacity, fixed


def _predicted(session: Session, where: str, model: str, rows: pa.Array) -> dict[str, Floats]:
    if session.model(where, model).signature.task != "predict":
        raise errors.invalid(where, f"'{model}' was not fitted for numbers", "fit it on a column of numbers")
    found = models.predict(session, model, rows)
    return {
        name: np.asarray(pc.struct_field(found, name).to_numpy(zero_copy_only=False), np.float64)
        for name in ("value", "lo", "hi", "shift")
    }


def _numbers(where: str, columns: dict[str, pa.Array]) -> list[Floats]:
    """Columns as float64, NULL as NaN."""
    found = []
    for name, column in columns.items():
        if kind_of(column.type) not in ("number", "null"):
            raise errors.invalid(where, f"{name} is {column.type}", f"cast it ({name}::DOUBLE)")
        numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        found.append(np.asarray(numbers, np.float64))
    return found


def _says_nothing(kind: pa.DataType) -> bool:
    """Whether every value is NULL or an empty list."""
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(pa.types.is_null(kind) or (lists and pa.types.is_null(kind.value_type)))


def _out(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True)
