"""Coherent forecasts: those of products, categories and markets that add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from scipy.special import stdtrit

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]
    Key = tuple[Hashable | None, ...]

METHODS: Final = ("structural", "bottom_up")
RECENT: Final = 8
"""Values whose mean is the plain forecast of a sum."""
SHOWN, SHORTEST = 2, 4
"""Values that it needs, and those of a history of which anything is said."""
NEAR: Final = 2
"""Steps on each side that speak for one."""
LOOKED_AT: Final = 200
"""Values of a sum's history that are looked at."""


@dataclass(frozen=True)
class Tree:
    """Which series add up to which.

    Attributes:
        keys: one a node, sums first and the series themselves last, in their order; None stands for a part of
            the key that is summed over.
        sums: (nodes, n) of 0 and 1: the series that each node sums.
    """

    keys: tuple[Key, ...]
    sums: sparse.csr_matrix

    @property
    def upper(self) -> int:
        """How many nodes are sums."""
        return len(self.keys) - int(self.sums.shape[1])


def rollup(keys: Sequence[Key]) -> Tree:
    """The sums that SQL's ROLLUP makes of keys: of all, of each first part, of each first two, and so on.

    Args:
        keys: one a series, all of one length, no two the same; ('JP', 'shoes', 'P0007'). A series without a
            part counts in the sums of the parts before it alone.

    Returns:
        The tree; a sum stands before those that it is made of, in order of first appearance.
    """
    depth = len(keys[0]) if keys else 0
    found: dict[Key, int] = {}
    rows, columns = [], []
    for level in range(depth):
        for column, key in enumerate(keys):
            if level and key[level - 1] is None:
                continue
            node: Key = key[:level] + (None,) * (depth - level)
            rows.append(found.setdefault(node, len(found)))
            columns.append(column)
    upper = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(found), len(keys)))
    bottom = sparse.identity(len(keys), format="csr")
    return Tree((*found, *keys), sparse.csr_matrix(sparse.vstack([upper, bottom])))


def summed(where: str, series: Series, tree: Tree) -> Series:
    """The history of every node: sums over the periods since the first value of any of its series.

    Args:
        where: the SQL function.
        series: n, ending with the same period.
        tree: over them.

    Returns:
        The nodes' series, without names other than their keys' texts.

    Raises:
        XbsqlError: the series end with different periods, so that their next ones cannot be added.
    """
    if len(set(series.ends[series.lengths > 0].tolist())) > 1:
        problem = "series that end apart cannot be added"
        raise errors.invalid(where, problem, "give the options {'end': 'common'}")
    end, first = int(series.ends.max()), int(series.start.min())
    places = (series.y, series.periods() - first, series.offsets)
    values = sparse.csr_matrix(places, shape=(len(series), end - first))
    total = (tree.sums[: tree.upper] @ values).toarray()
    members = np.split(tree.sums.indices, tree.sums.indptr[1:-1])[: tree.upper]
    start = np.array([series.start[own].min() for own in members], np.int64)
    y = np.concatenate([*(row[begin - first :] for row, begin in zip(total, start, strict=True)), series.y])
    start = np.r_[start, series.start]
    offsets = np.r_[0, np.cumsum(end - start)].astype(np.int64)
    names = tuple("/".join("*" if part is None else str(part) for part in key) for key in tree.keys)
    status = ("sum",) * tree.upper + series.status
    nodes = replace(series, names=names, y=y, offsets=offsets, start=start, status=status)
    return replace(nodes, known=None, titles=None)


def reconcile(forecast: Floats, tree: Tree, method: str = "structural") -> Floats:
    """Forecasts of all nodes -> the nearest ones that add up.

    'structural' is the minimum trace reconciliation whose error variance of a node grows with the series that
    it sums (Athanasopoulos et al., EJOR 2017; Wickramasuriya et al., JASA 2019), by hierarchicalforecast;
    'bottom_up' sums the series' own forecasts. Where no forecast is negative, none becomes so: a series that
    would is 0, and the sums are made anew.

    Args:
        forecast: float64 (nodes, horizon), finite.
        tree: over n series.
        method: 'structural' or 'bottom_up'.

    Returns:
        float64 (nodes, horizon): each sum is the sum of its series, to rounding.
    """
    bottom = forecast[tree.upper :]
    if method == "structural" and tree.upper:
        from hierarchicalforecast.methods import MinTraceSparse

        found = MinTraceSparse(method="wls_struct").fit_predict(S=tree.sums, y_hat=forecast)
        bottom = np.asarray(found["mean"], np.float64)[tree.upper :]
        if (forecast >= 0).all():
            bottom = np.maximum(bottom, 0.0)
    return np.asarray(tree.sums @ bottom)


def spread(half: Floats, nodes: Series, tree: Tree) -> Floats:
    """How far each node may lie from its forecast, from how far its series may.

    Ends of intervals do not add up. Those of independent series do in squares; a sum is wider or narrower by
    as much as it moved more or less than that in the past: products that have their good weeks together.

    Args:
        half: float64 (n, horizon), the half-widths of the series on one side; NaN counts as none.
        nodes: the histories of all nodes, from `summed`.
        tree: over n series.

    Returns:
        float64 (nodes, horizon); of the series as they are.
    """
    owner = nodes.owner()
    step = np.where(owner[1:] == owner[:-1], np.square(np.diff(nodes.y)), 0.0)
    moved = np.bincount(owner[1:], step, len(nodes))
    alone = tree.sums @ moved[tree.upper :]
    ratio = np.divide(moved, alone, out=np.ones(len(nodes)), where=alone > 0)
    found = np.sqrt(tree.sums @ np.square(np.nan_to_num(half)) * ratio[:, None])
    found[tree.upper :] = half
    return np.asarray(found)


def least_spread(nodes: Series, tree: Tree, horizon: int, level: float) -> Floats:
    """How far from its forecast a sum may lie at the least: as far as its own past lay from a plain forecast.

    All products of a market share its weeks, and a month that is livelier than the last one moves all of them
    for long: changes from week to week do not show it. From every period of its past the sum is forecast by
    the mean of the eight values before, or by those a season before, whichever misses less; the root of the
    mean square of what was missed at a step and the two on each side, times Student's t for so many origins,
    is the half-width. Steps further than the past reaches have that of the last one.

    Args:
        nodes: the histories of all nodes, from `summed`.
        tree: over n series.
        horizon: steps.
        level: the share of truths that an interval shall hold.

    Returns:
        float64 (nodes, horizon); 0 of the series, of sums of one, and where a sum has under four values.
    """
    found = np.zeros((len(nodes), horizon))
    parts = np.asarray(np.diff(tree.sums.indptr))
    for i in np.flatnonzero(parts[: tree.upper] > 1).tolist():
        y = nodes.values(i)[-LOOKED_AT:]
        if len(y) >= SHORTEST:
            lags = [None, *(season for season in nodes.frequency.season if len(y) > 2 * season)]
            missed = min((_missed(y, min(horizon, len(y) - SHOWN), lag) for lag in lags), key=_mean)
            origins = np.maximum(len(y) - SHOWN - np.arange(len(missed)), 2)
            half = missed * stdtrit(origins, 0.5 + level / 2)
            found[i] = np.r_[half, np.full(horizon - len(half), half[-1])]
    return found


def _mean(values: Floats) -> float:
    return float(values.mean())


def _missed(y: Floats, steps: int, season: int | None) -> Floats:
    """Root of the mean square of y[t + h] less a plain forecast from t, over t and steps near h."""
    squares, number = np.zeros(steps), np.zeros(steps)
    for t in range(season or SHOWN, len(y)):
        came = y[t : t + steps]
        before = y[max(t - RECENT, 0) : t] if season is None else y[t - season : t]
        plain = before.mean() if season is None else np.resize(before, len(came))
        squares[: len(came)] += np.square(came - plain)
        number[: len(came)] += 1
    near = np.ones(min(2 * NEAR + 1, steps))
    total, count = (np.convolve(values, near, "same") for values in (squares, number))
    reached = np.flatnonzero(count)
    missed = np.sqrt(total[reached] / count[reached])
    return np.concatenate([missed, np.full(steps - len(missed), missed[-1])])
