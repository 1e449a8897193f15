"""The calendar's share in demand, learnt where years are known and lent to where weeks are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.series.classical import Classical
from xbsql.series.effects import Effects, learned
from xbsql.series.history import is_demand, movement
from xbsql.series.read.calendar import calendar, holidays_of
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.method import Known, SeriesPredictor
    from xbsql.series.read.frequency import Frequency
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

DAY: Final = 86_400
YEAR: Final = 365.2425
HARMONICS: Final = 3
"""Waves of the year: of twelve, six and four months."""
MOST_PERIODS: Final = 10_000
"""Periods of a year that are looked at: hours and longer ones."""
YEARS: Final = 1.2
"""Years of history from which on waves of the year are told from growth."""
MOST_SERIES: Final = 200
"""Series that the calendar is learnt from; more say it no better."""
TINY: Final = 1e-300


@dataclass(frozen=True)
class Calendar:
    """What is read of a period's date.

    Attributes:
        waves: whether waves of the year are.
        holidays: names of holidays, each a column: one that moves is the same one each year, in each market.
        places: length of the cycle whose places are columns; 1 for none.
    """

    waves: bool
    holidays: tuple[str, ...]
    places: int

    def columns(self, market: str | None, frequency: Frequency, periods: Ints) -> Floats:
        """The columns of each period; float64 (n, f). The first is the time in years."""
        middle = (frequency.at(periods) / DAY + frequency.length / DAY / 2) / YEAR
        parts = [middle[:, None], calendar(market, frequency, periods)]
        if self.waves:
            turns = 2 * np.pi * middle[:, None] * np.arange(1, HARMONICS + 1)
            parts += [np.sin(turns), np.cos(turns)]
        if self.holidays:
            named = shares_of_holidays(market, frequency, periods)
            none = np.zeros(len(periods))
            parts.append(np.stack([named.get(name, none) for name in self.holidays], axis=1))
        if self.places > 1:
            parts.append((periods[:, None] % self.places == np.arange(self.places)).astype(np.float64))
        return np.concatenate(parts, axis=1)


def shares_of_holidays(market: str | None, frequency: Frequency, periods: Ints) -> dict[str, Floats]:
    """The share of each period's days that are a holiday, by its name; float64 (n,) each."""
    if not len(periods) or frequency.unit == "count":
        return {}
    begin, end = frequency.spans(periods)
    years = range(int(1970 + begin.min() / YEAR), int(1970 + end.max() / YEAR) + 1)
    code = (market or "").strip().upper() or None
    found: dict[str, Floats] = {}
    for day, name in (item for year in years for item in holidays_of(code, year).items()):
        inside = (begin <= day) & (day < end)
        if inside.any():
            found.setdefault(name, np.zeros(len(periods)))[inside] += 1.0 / (end - begin)[inside]
    return found


@restorable("series_profile")
@dataclass(frozen=True)
class Profile:
    """Histories without what the calendar did to them, forecast, and what it will do put on again.

    Attributes:
        calendar: what is read of dates.
        coefficients: float64 (f,), of its columns.
        market: whose holidays count.
        amounts: whether effects multiply.
        inner: forecasts what is left.
    """

    calendar: Calendar
    coefficients: Floats
    market: str | None
    amounts: bool
    inner: SeriesPredictor

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10)."""
        frequency = history.frequency
        known = self.calendar.columns(self.market, frequency, history.periods())
        steps = (history.ends[:, None] + np.arange(horizon)).ravel()
        ahead = self.calendar.columns(self.market, frequency, steps).reshape(len(history), horizon, -1)
        owner, n = history.owner(), len(history)
        count = np.maximum(history.lengths, 1)[:, None]
        middle = np.stack([np.bincount(owner, column, n) for column in known.T], axis=1) / count
        scale = None if self.amounts else movement(history, TINY)
        effects = Effects(self.coefficients, middle, scale)
        fan = self.inner.fan(effects.without(replace(history, known=known)), horizon)
        columns = [effects.on(fan[..., j], ahead) for j in range(fan.shape[2])]
        return np.stack(columns, axis=2)

    def at(self, series: Series) -> Floats:
        """The log effect of the calendar at each value, its mean over a year taken off; float64 (total,)."""
        if not len(series):
            return np.zeros(0)
        usual = int(series.ends.max()) - np.arange(1, _periods_of_a_year(series.frequency, self.calendar) + 1)
        middle = self.calendar.columns(self.market, series.frequency, usual).mean(axis=0)
        known = self.calendar.columns(self.market, series.frequency, series.periods())
        return np.asarray((known - middle) @ self.coefficients)

    def ahead(self, series: Series, horizon: int) -> Floats:
        """The same of the steps after each series; float64 (n, horizon)."""
        n = len(series)
        steps = replace(
            series,
            y=np.zeros(n * horizon),
            offsets=np.arange(n + 1) * horizon,
            start=series.ends,
            known=None,
            closed=None,
        )
        return self.at(steps).reshape(n, horizon)

    def state(self) -> State:
        """The forecaster as data."""
        told = self.calendar
        config = {
            "waves": told.waves,
            "holidays": list(told.holidays),
            "places": told.places,
            "market": self.market,
            "amounts": self.amounts,
        }
        arrays = {"coefficients": self.coefficients}
        return State("series_profile", config, arrays, parts={"inner": self.inner.state()})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The forecaster again."""
        config = state.config
        told = Calendar(config["waves"], tuple(config["holidays"]), config["places"])
        coefficients = np.asarray(state.arrays["coefficients"], np.float64)
        return cls(told, coefficients, config["market"], config["amounts"], restore(state.parts["inner"]))


def fit_profile(known: Known, teacher: Series, market: str | None, *, week: bool) -> Profile:
    """Learn the calendar from series that know it.

    Args:
        known: whose target is to be forecast.
        teacher: home's series, or the target's own.
        market: whose holidays the teacher keeps.
        week: whether the places of the season are lent too; what is left then has no season.
    """
    if len(teacher) > MOST_SERIES:
        teacher = teacher.take(np.argsort(-teacher.lengths, kind="stable")[:MOST_SERIES])
    season = known.season
    told = Calendar(
        years_of(teacher) >= YEARS,
        tuple(sorted(shares_of_holidays(market, teacher.frequency, teacher.periods()))),
        max((s for s in season if s <= 200), default=1) if week else 1,
    )
    columns = told.columns(market, teacher.frequency, teacher.periods())
    amounts = (is_demand(known.target) or not len(known.target.y)) and is_demand(teacher)
    coefficients = np.zeros(columns.shape[1])
    if len(teacher.y):
        coefficients = learned(replace(teacher, known=columns), amounts=amounts).coefficients
        coefficients[0] = 0.0
    inner = Classical(("ets", "theta"), () if week else tuple(season))
    return Profile(told, coefficients, known.market, amounts, inner)


def _periods_of_a_year(frequency: Frequency, calendar: Calendar) -> int:
    """How many periods show every column once; of counts, and of minutes, the places of the cycle do."""
    found = 1 if frequency.unit == "count" else max(round(YEAR * DAY / frequency.length), 1)
    return found if 1 < found <= MOST_PERIODS else calendar.places


def years_of(series: Series) -> float:
    """Years that the longest history holds; 0 of counts, which have no calendar."""
    if series.frequency.unit == "count" or not len(series):
        return 0.0
    return float(series.lengths.max()) * series.frequency.length / DAY / YEAR
