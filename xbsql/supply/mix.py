"""The cheapest mix of routes that serves every lane on time: a linear program, solved by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xbsql import errors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.optimize import LinearConstraint
    from scipy.sparse import csr_matrix

    from xbsql.metrics.rows import Floats

SECONDS = 60.0
"""How long the solver may take."""

GAP = 1e-6
"""Relative distance from the best possible cost at which the solver stops."""


@dataclass(frozen=True)
class MixOptions:
    """Ways to serve lanes; n of them.

    Attributes:
        lane: int64, shape (n,): place of the lane in the demands.
        cost: float64, shape (n,): of one unit.
        fixed: float64, shape (n,): of using the option at all, 0 or more.
        on_time: float64, shape (n,): probability that a unit is on time, 0 to 1.
        capacity: float64, shape (n,): units at most; infinite where there is no limit.
        pool: int64, shape (n,): options of one pool share one capacity, that of the pool's smallest; -1 for
            an option on its own.
    """

    lane: NDArray[np.int64]
    cost: Floats
    fixed: Floats
    on_time: Floats
    capacity: Floats
    pool: NDArray[np.int64]


def cheapest(where: str, options: MixOptions, demand: Floats, names: list[str], service: float) -> Floats:
    """Units by option so that each lane's demand is met, on time often enough, at the least cost.

    minimise sum cost x + fixed y
    subject to, in each lane, sum x = demand and sum on_time x >= service demand;
    x <= min(capacity, demand) y; the x of one pool sum to its capacity at most; x >= 0, y 0 or 1.

    Without fixed costs this is a linear program, with them a mixed-integer one (`scipy.optimize.milp`).

    Args:
        where: the function, for errors.
        options: n ways to serve m lanes.
        demand: float64, shape (m,): units, 0 or more.
        names: of the lanes, for errors.
        service: least share of each lane's units that shall be on time, 0 to 1.

    Returns:
        Units, float64, shape (n,).

    Raises:
        XbsqlError: no mix serves; says which lane and what the best share or the whole capacity would be.
    """
    from scipy.optimize import Bounds, milp

    for place, name in enumerate(names):
        _check_lane(where, options, np.flatnonzero(options.lane == place), demand[place], name, service)
    n, binary = len(options.cost), bool((options.fixed > 0).any())
    most = np.minimum(options.capacity, demand[options.lane])
    found = milp(
        np.concatenate([options.cost, options.fixed]),
        integrality=np.repeat([0, int(binary)], n),
        bounds=Bounds(0, np.concatenate([most, np.ones(n)])),
        constraints=_constraints(options, demand, service, most),
        options={"time_limit": SECONDS, "mip_rel_gap": GAP},
    )
    if found.x is None:
        problem = "each lane can be served alone, but not all of them from the capacities that they share"
        if found.status == 1:
            problem = f"no mix was found in {SECONDS:g} seconds"
        raise errors.invalid(where, problem, "raise a capacity, lower service_level or add options")
    units = np.asarray(found.x[:n], np.float64)
    return np.where(units < 1e-9 * np.maximum(most, 1.0), 0.0, units)


def _check_lane(
    where: str, options: MixOptions, rows: NDArray[np.int64], demand: float, name: str, service: float
) -> None:
    """Raise where a lane cannot be served even alone: too little capacity, or too late a mix."""
    if demand <= 0:
        return
    limit = options.capacity[rows]
    if limit.sum() < demand * (1 - 1e-12):
        problem = f"lane '{name}' needs {demand:g} and its options carry {limit.sum():g}"
        raise errors.invalid(where, problem, "raise a capacity, or add an option")
    best = rows[np.argsort(-options.on_time[rows], kind="stable")]
    upto = np.minimum(np.cumsum(np.minimum(options.capacity[best], demand)), demand)
    share = float((np.diff(upto, prepend=0.0) * options.on_time[best]).sum() / demand)
    if share < service - 1e-9:
        problem = f"lane '{name}' can be on time for {share:.3g} of its units at best, not {service:g}"
        raise errors.invalid(where, problem, "lower service_level, or add a faster option")


def _constraints(
    options: MixOptions, demand: Floats, service: float, most: Floats
) -> list[LinearConstraint]:  # fmt: skip
    from scipy.optimize import LinearConstraint
    from scipy.sparse import diags, hstack

    n, lanes = len(options.cost), len(demand)
    idle = _rows(np.full(n, -1), np.zeros(n), lanes)
    served = hstack([_rows(options.lane, np.ones(n), lanes), idle])
    timely = hstack([_rows(options.lane, options.on_time, lanes), idle])
    used = hstack([diags(np.ones(n)), diags(-most)])
    found = [
        LinearConstraint(served, demand, demand),
        LinearConstraint(timely, service * demand - 1e-9 * np.maximum(demand, 1.0), np.inf),
        LinearConstraint(used, -np.inf, 0.0),
    ]
    if (options.pool >= 0).any():
        pools = int(options.pool.max()) + 1
        shared = np.full(pools, np.inf)
        np.minimum.at(shared, options.pool[options.pool >= 0], options.capacity[options.pool >= 0])
        none = _rows(np.full(n, -1), np.zeros(n), pools)
        found.append(
            LinearConstraint(hstack([_rows(options.pool, np.ones(n), pools), none]), -np.inf, shared)
        )
    return found


def _rows(place: NDArray[np.int64], values: Floats, rows: int) -> csr_matrix:
    """A matrix of shape (rows, n) with each option's value in the row it belongs to; -1 belongs to none."""
    from scipy.sparse import coo_matrix

    there = np.flatnonzero(place >= 0)
    return coo_matrix((values[there], (place[there], there)), shape=(rows, len(place))).tocsr()
