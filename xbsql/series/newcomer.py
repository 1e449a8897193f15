"""A market before its first order: its level from what is known of it, told by those that have a history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from scipy.special import stdtrit

from xbsql.series.fan import LEVELS, fan_of
from xbsql.series.levels import SPREAD_WEIGHT, Line, fit_line
from xbsql.series.profile import fit_profile
from xbsql.series.read.series import joined
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.series.method import Known
    from xbsql.series.profile import Profile
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

DAY: Final = 86_400
FEWEST: Final = 8
"""Values of a history from which on it has a level."""
LEVEL_OF: Final = 91
"""Last values that a level is the mean of."""
EXPECTED_SD: Final = 0.5
"""Share of the expected level that a user's expectation may be off where he does not say."""
AGES: Final = (0, 7, 14, 28, 56, 91, 182, 365)
"""Days after a launch between which the ramp is learnt."""
STARTS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
DECAYS: Final = (10.0, 20.0, 40.0, 60.0, 90.0, 120.0)
"""Shares of the level that a launch may begin with, and days in which what lacks falls to a third."""
CHANCE: Final = 8.0
"""Weekly variances that a ramp must explain."""
WEEKS: Final = 52
EARLY: Final = 14
"""Days after the first market's beginning from which on another one's is a launch."""
SMALLEST_NOISE, LARGEST_NOISE = 0.05, 1.0
WIDEST: Final = 3.0
"""Of a log value about its middle."""
LEAST: Final = 1e-3
"""Of a value, in logs."""
NOT_LOGGED: Final = "not above 0, as it is in every known market"
FAR: Final = 4.0
"""Deviations of a fact from the known markets' beyond which a level is carried on, not compared."""
NOTHING: Final = 50.0
"""Deviation from which on nothing is known of a level."""


@restorable("series_newcomer")
@dataclass(frozen=True)
class Newcomer:
    """The level of a market without history, spread as wide as levels of known markets are.

    The log level is linear in the logs of the facts, see `fit_line`; its deviation is that of the known
    markets about that line, drawn to `SPREAD`, and that of the line, with Student's t for how few they are.
    Days are moved by the calendar that the known markets show, and by the ramp of those that were launched
    within their histories.

    Attributes:
        logged: bool (k,), facts that are read as logs: all known ones are above 0.
        center: float64 (k,), their means over the known markets.
        scale: float64 (k,), their deviations.
        coefficients: float64 (1 + k,).
        covariance: float64 (1 + k, 1 + k), of these; 0 in models of versions that knew none.
        deviation: of the log level about the line.
        freedom: degrees of freedom of Student's t.
        noise: standard deviation of the log of a period's value about its level.
        ramp: float64 (8,), log of the level at `AGES` days after a launch over the final one; 0 where no
            launch was seen.
        calendar: of the known markets.
    """

    logged: Mask
    center: Floats
    scale: Floats
    coefficients: Floats
    covariance: Floats
    deviation: float
    freedom: float
    noise: float
    ramp: Floats
    calendar: Profile

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10) of the level, whatever the histories say."""
        middle, deviation = self.level(history)
        shape = self.calendar.ahead(history, horizon)
        days = (np.arange(horizon) + 0.5) * history.frequency.length / DAY
        log = middle[:, None] + shape + np.interp(days, AGES, self.ramp)
        wide = np.where(deviation < NOTHING, np.sqrt(np.square(deviation) + self.noise**2), np.nan)
        apart = np.clip(wide[:, None, None] * stdtrit(self.freedom, LEVELS), -WIDEST, WIDEST)
        mean = np.exp(log + np.minimum(np.square(wide), 1.0)[:, None] / 2)
        return fan_of(np.exp(log[:, :, None] + apart), mean)

    def level(self, series: Series) -> tuple[Floats, Floats]:
        """Mean and deviation of each series' log level; float64 (n,) each."""
        facts = _told(series, self.logged)
        there = np.isfinite(facts)
        told = np.where(there, (facts - self.center) / self.scale, 0.0)
        x = np.concatenate([np.ones((len(told), 1)), told], axis=1)
        middle = x @ self.coefficients
        unknown = np.square(np.where(there, 0.0, self.coefficients[1:])).sum(axis=1)
        line = np.einsum("ij,jk,ik->i", x, self.covariance, x)
        deviation = np.sqrt(self.deviation**2 + line + unknown)
        if series.expected is None:
            return middle, deviation
        hoped, error = series.expected.T
        known = np.isfinite(hoped) & (hoped > 0)
        width = np.sqrt(np.log1p(np.square(error / np.where(known, hoped, 1.0))))
        weight = np.where(known, 1 / np.square(width), 0.0)
        log = np.log(np.where(known, hoped, 1.0)) - np.square(width) / 2
        own = 1 / np.square(deviation)
        return (own * middle + weight * np.where(known, log, 0.0)) / (own + weight), 1 / np.sqrt(own + weight)

    def remarks(self, series: Series, names: Sequence[str]) -> list[str]:
        """Which facts of each series, by these names, do not count, and which lie far from those known."""
        if not len(self.logged):
            return [""] * len(series)
        facts = np.full((len(series), len(names)), np.nan) if series.facts is None else series.facts
        away = np.abs(_told(series, self.logged) - self.center) > FAR * self.scale
        away &= self.coefficients[1:] != 0
        return [self._remark(names, *row) for row in zip(facts.tolist(), away.tolist(), strict=True)]

    def _remark(self, names: Sequence[str], facts: Sequence[float], away: Sequence[bool]) -> str:
        untold = [
            f"'{name}', which is {'not known' if np.isnan(value) else NOT_LOGGED}"
            for name, value, log in zip(names, facts, self.logged, strict=True)
            if np.isnan(value) or (log and value <= 0)
        ]
        far = [f"'{name}'" for name, distant in zip(names, away, strict=True) if distant]
        without = f" without {' and '.join(untold)}" if untold else ""
        return without + (f", far from the known markets in {' and '.join(far)}" if far else "")

    def state(self) -> State:
        """The forecaster as data."""
        names = ("logged", "center", "scale", "coefficients", "covariance", "ramp")
        config = {name: getattr(self, name) for name in ("deviation", "freedom", "noise")}
        arrays = {name: getattr(self, name) for name in names}
        return State("series_newcomer", config, arrays, parts={"calendar": self.calendar.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The forecaster again."""
        arrays: dict[str, Any] = {name: np.asarray(array) for name, array in state.arrays.items()}
        arrays.setdefault("covariance", np.zeros((len(arrays["coefficients"]),) * 2))
        return cls(**arrays, **state.config, calendar=restore(state.parts["calendar"]))


def fit_newcomer(known: Known) -> Newcomer:
    """Learn levels, facts, ramp and calendar from the markets that have a history.

    These are the target's; home's beside them where facts tell the two apart, and in their place where the
    target has none.
    """
    teachers = _teachers(known)
    calendar = fit_profile(known, teachers, known.market, week=True)
    logged, n = _logged(teachers), len(teachers)
    ramp = _ramp(teachers, calendar)
    levels, noise = _levels(teachers, calendar, ramp)
    facts = _told(teachers, logged)
    there = np.isfinite(facts)
    count = np.maximum(there.sum(axis=0), 1)
    center = np.where(there, facts, 0.0).sum(axis=0) / count
    scale = np.sqrt(np.square(np.where(there, facts - center, 0.0)).sum(axis=0) / count)
    scale = np.where(scale > 0, scale, 1.0)
    told = np.where(there, (facts - center) / scale, 0.0)
    line = fit_line(told, levels, np.where(logged, scale, 0.0)) if n else _nothing(len(logged))
    return Newcomer(logged, center, scale, *line, noise, ramp, calendar)


def _nothing(k: int) -> Line:
    """The line of no market."""
    return Line(np.zeros(1 + k), np.zeros((1 + k, 1 + k)), 2 * NOTHING, SPREAD_WEIGHT)


def _teachers(known: Known) -> Series:
    """The markets that levels are learnt from."""
    own = known.target.take(known.target.lengths >= FEWEST)
    home = None if known.home is None else known.home.take(known.home.lengths >= FEWEST)
    if home is None or (len(own) and (own.facts is None or home.facts is None)):
        return own
    return joined(own, home) if len(own) else home


def _levels(series: Series, calendar: Profile, ramp: Floats) -> tuple[Floats, float]:
    """Log of each series' level of late, without the calendar and the ramp; noise of a period about it."""
    last = series.last(LEVEL_OF)
    owner, n = last.owner(), len(series)
    effect = calendar.at(last) + _ramped(series, last, ramp)
    usual = np.bincount(owner, last.y / np.exp(effect), n) / np.maximum(last.lengths, 1)
    levels = np.log(np.maximum(usual, LEAST))
    apart = np.log(np.maximum(last.y, 0.0) + LEAST) - effect - levels[owner]
    noise = float(np.sqrt(np.mean(np.square(apart)))) if len(apart) else LARGEST_NOISE
    return levels, float(np.clip(noise, SMALLEST_NOISE, LARGEST_NOISE))


def _ramped(series: Series, part: Series, ramp: Floats) -> Floats:
    """The log ramp at each value of a part of the series; 0 where a market was there from the first on."""
    days = (part.periods() - series.start[part.owner()] + 0.5) * series.frequency.length / DAY
    return np.asarray(np.interp(days, AGES, ramp) * _launched(series)[part.owner()])


def _launched(series: Series) -> Mask:
    """Whether each market was launched after the first of all had begun."""
    first = int(series.start.min()) if len(series) else 0
    return np.asarray((series.start - first) * series.frequency.length / DAY > EARLY)


def _ramp(series: Series, calendar: Profile) -> Floats:
    """The log level at `AGES` over the final one, as launches within the histories show it.

    Of the ramps 1 - (1 - start) exp(-age / days) the one that leaves the least squares of weekly log means,
    each market about a level of its own; none where that explains no more than chance would.
    """
    rows = np.flatnonzero(_launched(series))
    weeks = [_weeks(series.take(rows[[k]]), calendar) for k in range(len(rows))]
    weeks = [week for week in weeks if len(week) >= FEWEST]
    none = np.zeros(len(AGES))
    if not weeks:
        return none

    def left(ramp: Floats) -> float:
        found = [week - np.interp(7 * np.arange(len(week)) + 3.5, AGES, ramp) for week in weeks]
        return float(sum(np.square(one - one.mean()).sum() for one in found))

    tried = [_curve(start, days) for start in STARTS for days in DECAYS]
    losses = [left(ramp) for ramp in tried]
    best = int(np.argmin(losses))
    count = sum(map(len, weeks)) - len(weeks)
    noise = max(losses[best] / count, LEAST)
    return tried[best] if left(none) - losses[best] > CHANCE * noise else none


def _curve(start: float, days: float) -> Floats:
    """The log of a ramp at `AGES`, 0 at the last."""
    found = np.log(1 - (1 - start) * np.exp(-np.array(AGES) / days))
    return np.asarray(found - found[-1])


def _weeks(one: Series, calendar: Profile) -> Floats:
    """Log means of the first year's weeks of one series, without the calendar."""
    length = one.frequency.length / DAY
    plain = one.y / np.exp(calendar.at(one))
    week = ((np.arange(len(plain)) + 0.5) * length // 7).astype(np.int64)
    kept = week < WEEKS
    count = np.bincount(week[kept])
    mean = np.bincount(week[kept], plain[kept]) / np.maximum(count, 1)
    return np.log(np.maximum(mean[count > 0], LEAST))


def _logged(series: Series) -> Mask:
    """Facts that are above 0 in all series."""
    if series.facts is None:
        return np.zeros(0, bool)
    return np.asarray(np.where(np.isfinite(series.facts), series.facts, 1.0).min(axis=0, initial=1.0) > 0)


def _told(series: Series, logged: Mask) -> Floats:
    """The facts as they are read; NaN where one is not known."""
    facts = np.full((len(series), len(logged)), np.nan) if series.facts is None else series.facts
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(logged, np.log(facts), facts)
    return np.where(np.isfinite(found), found, np.nan)
