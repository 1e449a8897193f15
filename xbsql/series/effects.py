"""What is known in advance moves demand: taken out of histories, and put on forecasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.series.history import ROUNDING, is_demand, least_of, movement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

STEPS: Final = 25
TINY: Final = 1e-300
"""Movement of a series of zeros, to which no effect is added."""
RIDGE: Final = 4.0
"""Weight of the belief that nothing has an effect, in values whose column lies one deviation off."""
LEAST_DISPERSION: Final = 1e-3
"""Of the mean."""
RECENT: Final = 8
FEWEST, CLEARLY = 8, 2.0
"""Held-out periods, and standard errors, from which on a single series speaks against the effects."""
MOST: Final = 1.6
"""No effect is more than e to this, about five times, or less than a fifth."""


@dataclass(frozen=True)
class Effects:
    """One coefficient a column for all series; each column counts from its mean in the series.

    Amounts are multiplied by exp(effect); to other values the effect is added, in units of their movement.

    Attributes:
        coefficients: float64 (f,).
        middle: float64 (n, f), the mean of each column in each series.
        scale: float64 (n,), movement; None where values are amounts.
        used: bool (n,), series that the effects serve; None for all.
    """

    coefficients: Floats
    middle: Floats
    scale: Floats | None
    used: NDArray[np.bool_] | None = None

    def without(self, series: Series) -> Series:
        """The histories as they were had every column been at its mean."""
        owner = series.owner()
        effect = self._effect(_known(series), self.middle[owner]) * self._used()[owner]
        if self.scale is None:
            return replace(series, y=series.y / np.exp(effect), known=None)
        return replace(series, y=series.y - effect * self.scale[owner], known=None)

    def on(self, values: Floats, ahead: Floats) -> Floats:
        """Forecasts with the effect of what is known of their periods.

        Args:
            values: float64 (n, horizon).
            ahead: float64 (n, horizon, f); NaN has no effect.
        """
        effect = self._effect(ahead, self.middle[:, None]) * self._used()[:, None]
        return values * np.exp(effect) if self.scale is None else values + effect * self.scale[:, None]

    def _used(self) -> Floats:
        return np.ones(len(self.middle)) if self.used is None else self.used.astype(np.float64)

    def _effect(self, known: Floats, middle: Floats) -> Floats:
        apart = np.where(np.isfinite(known), known - middle, 0.0)
        return np.clip(apart @ self.coefficients, -MOST, MOST)


def fit_effects(series: Series, horizon: int) -> Effects | None:
    """The effects of a table's known columns, if they forecast its own last periods better than nothing.

    For amounts a Poisson regression with a mean of its own for each series (Hausman, Hall and Griliches,
    Econometrica 1984), else a linear one; both shrunken to no effect.

    Args:
        series: with `known`.
        horizon: periods at the end of each series that are held out to see whether the effects help.

    Returns:
        None where they do not, or where no series is long enough to tell. A single series in which they miss
        the last periods by clearly more than nothing is not `used`.
    """
    if not len(series.y):
        return None
    amounts = is_demand(series)
    held = int(min(horizon, max(int(np.median(series.lengths)) // 4, 1)))
    past = series.until(held)
    tried = learned(past, amounts=amounts)
    used = _helped(tried, series, past, held)
    return None if used is None else replace(learned(series, amounts=amounts), used=used)


def learned(series: Series, *, amounts: bool) -> Effects:
    """The effects of a table's known columns, whether they help or not."""
    known, owner, n = _known(series), series.owner(), len(series)
    there = np.isfinite(known)
    count = np.maximum(_by_series(there.astype(np.float64), owner, n), 1.0)
    middle = _by_series(np.where(there, known, 0.0), owner, n) / count
    apart = np.where(there, known - middle[owner], 0.0)
    unit = np.sqrt(np.mean(np.square(apart), axis=0))
    unit = np.where(unit > ROUNDING * np.sqrt(np.mean(np.square(np.nan_to_num(known)), axis=0)), unit, np.inf)
    x = apart / unit
    if amounts:
        found = _poisson(x, series.y, owner, n)
        scale = None
    else:
        scale = movement(series, TINY)
        inner = series.y / scale[owner]
        inner = (
            inner - (_by_series(inner[:, None], owner, n) / np.maximum(series.lengths, 1)[:, None])[owner, 0]
        )
        found = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ inner)
    return Effects(found / unit, middle, scale)


def _poisson(x: Floats, y: Floats, owner: NDArray[np.int64], n: int) -> Floats:
    """Coefficients of a Poisson regression whose series means are profiled out; Newton steps."""
    found = np.zeros(x.shape[1])
    total = _by_series(y[:, None], owner, n)[:, 0]
    spread = _dispersion(y, total, owner)
    for _ in range(STEPS):
        rate = np.exp(np.clip(x @ found, -MOST, MOST))
        whole = _by_series(rate[:, None], owner, n)[:, 0]
        mean = rate * np.divide(total, whole, out=np.zeros(n), where=whole > 0)[owner]
        own = _by_series(x * mean[:, None], owner, n)
        slope = x.T @ (y - mean) / spread - RIDGE * found
        bend = (x * mean[:, None]).T @ x - own.T @ (own / np.where(total > 0, total, np.inf)[:, None])
        step = np.linalg.solve(bend / spread + RIDGE * np.eye(len(found)), slope)
        found = found + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-8:
            break
    return found


def _dispersion(y: Floats, total: Floats, owner: NDArray[np.int64]) -> float:
    """Variance over mean within series, in the unit of the values; at least a thousandth of their mean."""
    mean = (total / np.maximum(np.bincount(owner, minlength=len(total)), 1))[owner]
    if not mean.any():
        return 1.0
    return max(float(np.square(y - mean).sum() / mean.sum()), float(LEAST_DISPERSION * mean.mean()))


def _helped(tried: Effects, series: Series, past: Series, held: int) -> NDArray[np.bool_] | None:
    """The series whose held-out values are not missed by clearly more with the effects than without.

    Returns:
        bool (n,); None where over all series it misses them by no less.
    """
    rows = np.flatnonzero(past.lengths > 0)
    if not len(rows):
        return None
    whole, before = series.take(rows), past.take(rows)
    effects = replace(
        tried, middle=tried.middle[rows], scale=None if tried.scale is None else tried.scale[rows]
    )
    y = whole.last(held)
    ahead = _known(y).reshape(len(rows), held, -1)
    plain, clean = (
        np.repeat(_recent(each)[:, None], held, axis=1) for each in (before, effects.without(before))
    )
    scale = movement(before, least_of(before))[:, None]
    losses = [
        np.abs((y.y.reshape(len(rows), held) - each) / scale) for each in (plain, effects.on(clean, ahead))
    ]
    more = losses[1] - losses[0]
    if more.mean() >= 0:
        return None
    used = np.ones(len(series), bool)
    if held >= FEWEST:
        error = more.std(axis=1, ddof=1) / np.sqrt(held)
        used[rows] = more.mean(axis=1) <= CLEARLY * error
    return used


def _recent(series: Series) -> Floats:
    tail = series.last(RECENT)
    return np.asarray(np.bincount(tail.owner(), tail.y, len(tail)) / tail.lengths)


def _known(series: Series) -> Floats:
    return np.zeros((len(series.y), 0)) if series.known is None else series.known


def _by_series(values: Floats, owner: NDArray[np.int64], n: int) -> Floats:
    """Sums of rows (total, f) by series: (n, f)."""
    return np.stack([np.bincount(owner, column, n) for column in values.T], axis=1)
