"""Days without trade are no days without demand: found, filled as if there had been trade, forecast as 0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.series.history import is_demand
from xbsql.series.read.calendar import holidays_of
from xbsql.series.read.frequency import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from xbsql.series.read.series import Series

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

RARE: Final = 2e-4
"""A run of zeros at one place of the week that chance would bring less often than this, anywhere in the
history, is none of chance."""
RARE_HOLIDAY: Final = 0.01
"""The same of a holiday, of which there is one reason more to believe that it is closed."""
HARDLY: Final = 0.9
"""Share of zeros from which on a place of a season says nothing of zeros on open days."""
SLOW: Final = 0.65
"""The same outside of long stretches, from which on these are usual."""
STEADY: Final = 0.05
"""Share of zeros up to which a series sells always, so that a stretch of them is a closure."""
STRETCH: Final = 3
"""Periods of the shortest stretch."""
MOST_SERIES: Final = 1_500
"""Above so many series only what all of them show is looked for."""
TWICE: Final = 2
"""Closed holidays from which on other markets are believed to be closed as well."""
DAYS_OF_YEAR: Final = 365.2425
WORDS: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True)
class Closures:
    """When n series do not trade.

    Attributes:
        season: periods of the cycle that places are counted in: a day of hours, or a week.
        places: bool (n, season): closed there from now on.
        holidays: names of the holidays on which each is closed, one set a series.
        past: bool (total,): the history's closed periods.
        before: int64 (n,): periods of each history before its launch.
        stretches: int64 (n,): periods of each history in closed stretches of no season.
        idle: int64 (n,): periods of zeros at the end of a history that is hardly ever 0.
        market: whose holidays count.
        lent: names of the holidays on which other markets are closed and that a history has not seen yet.
    """

    season: int
    places: Mask
    holidays: tuple[frozenset[str], ...]
    past: Mask
    before: Ints
    stretches: Ints
    idle: Ints
    market: str | None
    lent: tuple[frozenset[str], ...] = ()

    def opened(self, series: Series) -> Series:
        """The histories as if there had been trade, from the launch on; filled values are marked `closed`."""
        if not self.past.any() and not self.before.any():
            return series
        y = series.y.copy()
        for i in np.flatnonzero(np.add.reduceat(np.r_[self.past, False], series.offsets[:-1])).tolist():
            part = slice(series.offsets[i], series.offsets[i + 1])
            if series.offsets[i] < series.offsets[i + 1]:
                y[part] = _filled(y[part], self.past[part], self.season)
        return replace(series, y=y, closed=self.past).since(self.before)

    def ahead(self, series: Series, horizon: int) -> Mask:
        """Which steps are closed; bool (n, horizon)."""
        periods = series.ends[:, None] + np.arange(horizon)
        found = np.take_along_axis(self.places, periods % self.season, axis=1)
        if any(self.holidays) or any(self.lent):
            kept = [own | lent for own, lent in zip(self.holidays, self._lent(), strict=True)]
            named = _named(self.market, series, periods.ravel())
            rows = np.repeat(np.arange(len(series)), horizon)
            shut = [name in kept[i] for i, name in zip(rows.tolist(), named, strict=True)]
            found = found | np.array(shut).reshape(found.shape)
        return found

    def _lent(self) -> tuple[frozenset[str], ...]:
        return self.lent or (frozenset(),) * len(self.holidays)

    def everywhere(self, series: Series, lent: frozenset[str] = frozenset()) -> frozenset[str]:
        """Holidays on which each series that has seen them was closed, twice or more in all.

        And of those on which other markets are closed the ones that no series was open on.
        """
        own = frozenset[str]().union(*self.holidays)
        seen = _seen(self.market, series, own | lent)
        shut = {name: np.array([name in each for each in self.holidays]) for name in seen}
        closed = {name for name, days in seen.items() if shut[name][days > 0].all()}
        twice = {name for name in closed if seen[name].sum() >= TWICE}
        return frozenset(twice | {name for name in lent if name not in seen or name in closed})

    def with_lent(self, series: Series, names: frozenset[str], market: str | None) -> Closures:
        """The same with holidays on which other markets are closed, of each series that has not seen them.

        Args:
            series: n histories, of days or shorter periods; others have no day to close on.
            names: of the holidays.
            market: whose holidays count.
        """
        if not names or series.frequency.unit != "second" or series.frequency.step > DAY:
            return self
        seen = _seen(market, series, names)
        none = np.zeros(len(series), np.int64)
        lent = [{name for name in names if not seen.get(name, none)[i]} for i in range(len(series))]
        return replace(self, market=market, lent=tuple(map(frozenset, lent)))

    def notes(self, series: Series) -> tuple[tuple[str, ...], ...]:
        """What there is to say of each series."""
        return tuple(tuple(self._said(series, i)) for i in range(len(series)))

    def _said(self, series: Series, i: int) -> Iterator[str]:
        if self.places[i].any():
            yield f"closed {_places_named(series, self.places[i])}"
        if self.holidays[i]:
            yield f"closed on {', '.join(sorted(self.holidays[i]))}"
        if self._lent()[i]:
            yield f"closed on {', '.join(sorted(self._lent()[i]))} as other markets are"
        if self.stretches[i]:
            yield f"{self.stretches[i]} periods of zeros in a stretch taken as closed"
        if self.idle[i] and "since its last row" not in series.status[i]:
            yield f"nothing sold in its last {self.idle[i]} periods: whether trade goes on is unknown"
        if self.before[i]:
            yield f"{self.before[i]} periods of zeros before the first sale left out"


def none_closed(series: Series) -> Closures:
    """What is always open."""
    n = len(series)
    nothing = np.zeros(n, np.int64)
    return Closures(
        1,
        np.zeros((n, 1), bool),
        (frozenset(),) * n,
        np.zeros(len(series.y), bool),
        nothing,
        nothing.copy(),
        nothing.copy(),
        None,
    )


def closures(series: Series, market: str | None = None) -> Closures:
    """When the series do not trade, by what the histories show.

    Of periods of a day or less. A place of the week (or of the day) is closed from the first to the last of a
    run of zeros there that chance would hardly bring, given how often open places have none; where the run
    lasts to the end it is closed from now on, so that a shop may change its day: one that closes when another
    opens has fewer ways to be chance, and takes fewer zeros. So is a holiday that was 0 whenever it was kept.
    In series that are hardly ever 0 a stretch of zeros between sales is closed, and one
    before the first sale is no history. Zeros at the end stay: whether there will be trade again is unknown.

    Args:
        series: n histories, gaps filled with 0.
        market: whose public holidays are looked at, ISO 3166-1.
    """
    season = _season(series)
    if not season or not is_demand(series):
        return none_closed(series)
    n = len(series)
    found = none_closed(series)
    found = replace(found, season=season, places=np.zeros((n, season), bool), market=market)
    holidays = [set[str]() for _ in range(n)]
    parts: Sequence[int] = range(n) if n <= MOST_SERIES else ()
    zero = series.y == 0
    if n > 1:
        _together(series, zero, found, holidays)
    for i in parts:
        if series.lengths[i] > season:
            _one(series, i, zero, found, holidays[i])
    return replace(found, holidays=tuple(map(frozenset, holidays)))


def _together(series: Series, zero: Mask, found: Closures, holidays: list[set[str]]) -> None:
    """What all series show as one: a slow seller's own zeros say nothing of the shop's days."""
    first, periods = int(series.start.min()), series.periods()
    sold = np.bincount(periods - first, ~zero)
    past, places = _places(sold == 0, first, found.season)
    names = _kept_shut(sold == 0, past, _named(found.market, series, first + np.arange(len(sold))))
    past = past | np.isin(_named(found.market, series, first + np.arange(len(sold))), list(names))
    found.past[:] = zero & past[periods - first]
    found.places[:] = places
    for own in holidays:
        own |= names


def _one(series: Series, i: int, zero: Mask, found: Closures, holidays: set[str]) -> None:
    """What one series shows beside."""
    part = slice(series.offsets[i], series.offsets[i + 1])
    own, start = zero[part], int(series.start[i])
    if not own.any() or own.all():
        return
    past, places = _places(own, start, found.season)
    past |= found.past[part]
    places |= found.places[i]
    named = _named(found.market, series, start + np.arange(len(own)))
    holidays |= _kept_shut(own, past, named)
    past |= own & np.isin(named, list(holidays))
    found.before[i], found.idle[i], stretch = _stretches(own, past)
    found.stretches[i] = int(stretch.sum())
    found.past[part], found.places[i] = past | stretch, places


def _season(series: Series) -> int:
    """The cycle that closures are looked for in: a week, or a day where histories are under two weeks."""
    frequency = series.frequency
    if frequency.unit != "second" or frequency.step > DAY or not len(series.y):
        return 0
    usual = float(np.median(series.lengths[series.lengths > 0]))
    return max((season for season in frequency.season if usual >= 2 * season), default=0)


def _places(zero: Mask, start: int, season: int) -> tuple[Mask, Mask]:
    """The values at closed places, and the places that are closed at the end."""
    place, kept = (start + np.arange(len(zero))) % season, ~_whole_cycles(zero, season)
    rows = np.bincount(place[kept], minlength=season)
    none = np.bincount(place[kept], zero[kept], season)
    past, closed = np.zeros(len(zero), bool), np.zeros(season, bool)
    mostly = none >= HARDLY * rows
    if not none.any() or mostly.all():
        return past, closed
    chance = (none[~mostly].sum() + 0.5) / (rows[~mostly].sum() + 1)
    reopened = []
    for at in np.flatnonzero(none >= np.log(RARE) / np.log(min(chance, 1 - 1e-9))).tolist():
        own = np.flatnonzero((place == at) & kept)
        for begin, end in _runs(_bridged(zero[own])):
            if len(own) * chance ** int(zero[own[begin:end]].sum()) < RARE:  # it could begin anywhere
                past[own[begin:end]] = True
                closed[at] |= end == len(own)
                reopened += own[end : end + 1].tolist()
    for at, own in _moved(zero & kept, place, mostly | closed, reopened) if reopened else ():
        past[own], closed[at] = True, True
    return past & zero, closed


def _moved(zero: Mask, place: Ints, other: Mask, reopened: Sequence[int]) -> Iterator[tuple[int, Ints]]:
    """Places of which the zeros at the end began when a closed place opened, and these values.

    Args:
        zero: bool (n,).
        place: int64 (n,), of each value.
        other: bool (season,): places that are not looked at.
        reopened: when closed places opened.
    """
    season = len(other)
    rows, none = np.bincount(place, minlength=season), np.bincount(place, zero, season)
    for at in np.flatnonzero(~other).tolist():
        own, rest = np.flatnonzero(place == at), ~other & (np.arange(season) != at)
        chance = (none[rest].sum() + 0.5) / (rows[rest].sum() + 1)
        for begin, end in _runs(zero[own]):
            beside = any(abs(int(own[begin]) - opening) < season for opening in reopened)
            if beside and end == len(own) and season * chance ** (end - begin) < RARE:
                yield at, own[begin:end]


def _whole_cycles(zero: Mask, season: int) -> Mask:
    """Stretches of zeros over all places: no closed weekday, but no trade at all, or a slow seller."""
    found = np.zeros(len(zero), bool)
    for begin, end in _runs(zero):
        if end - begin >= season:
            found[begin:end] = True
    left = ~found
    return found if zero[left].sum() <= SLOW * left.sum() else np.zeros(len(zero), bool)


def _bridged(zero: Mask) -> Mask:
    """The same with single sales between runs of zeros as zeros: one Sunday before Christmas."""
    single = ~zero
    single[1:-1] &= zero[:-2] & zero[2:]
    single[[0, -1]] = False
    return zero | single if single.sum() <= 0.1 * len(zero) else zero


def _runs(mask: Mask) -> Iterator[tuple[int, int]]:
    """Begin and end of each run of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _kept_shut(zero: Mask, past: Mask, names: NDArray[np.str_]) -> set[str]:
    """The holidays on which nothing was ever sold, where chance would hardly have it so."""
    plain = ~past & (names == "")
    chance = (zero[plain].sum() + 0.5) / (plain.sum() + 1)
    found = set()
    for name in set(names[names != ""].tolist()):
        at = (names == name) & ~past
        if at.any() and zero[at].all() and chance ** int(at.sum()) < RARE_HOLIDAY:
            found.add(name)
    return found


def _stretches(zero: Mask, past: Mask) -> tuple[int, int, Mask]:
    """Of a steady series: periods before the first sale, those after the last, and stretches between."""
    stretch, open_ = np.zeros(len(zero), bool), np.flatnonzero(~past)
    runs = [(begin, end) for begin, end in _runs(zero[open_]) if end - begin >= STRETCH]
    inside = sum(end - begin for begin, end in runs)
    left = len(open_) - inside
    if not runs or left < STRETCH * 2 or zero[open_].sum() - inside > STEADY * left:
        return 0, 0, stretch
    before = idle = 0
    for begin, end in runs:
        if begin == 0:
            before = int(open_[end]) if end < len(open_) else 0
        elif end < len(open_):
            stretch[open_[begin:end]] = True
        else:
            idle = len(zero) - int(open_[begin])
    return before, idle, stretch


def _filled(y: NDArray[np.float64], closed: Mask, season: int) -> NDArray[np.float64]:
    """Closed values as the mean of the open ones a season before and after, or on a line."""
    if closed.all():
        return y
    every, open_ = np.arange(len(y)), np.flatnonzero(~closed)
    found = np.where(closed, np.interp(every, open_, y[open_]), y)
    ever = np.bincount(open_ % season, minlength=season) > 0
    for at in np.flatnonzero(closed & ever[every % season]).tolist():
        near = [_next_open(closed, at, step) for step in (-season, season)]
        values = [y[place] for place in near if place is not None]
        if values:
            found[at] = float(np.mean(values))
    return found


def _next_open(closed: Mask, at: int, step: int) -> int | None:
    """The nearest open value at the same place of the season, on one side."""
    at += step
    while 0 <= at < len(closed):
        if not closed[at]:
            return at
        at += step
    return None


def _named(market: str | None, series: Series, periods: Ints) -> NDArray[np.str_]:
    """The holiday of each period's day, '' on others; str (len(periods),)."""
    days = series.frequency.at(periods) // DAY
    if not len(days):
        return np.zeros(0, str)
    years = range(int(1970 + days.min() / DAYS_OF_YEAR), int(1970 + days.max() / DAYS_OF_YEAR) + 1)
    code = (market or "").strip().upper() or None
    found = {day: name for year in years for day, name in holidays_of(code, year).items()}
    return np.array([found.get(day, "") for day in days.tolist()])


def _seen(market: str | None, series: Series, names: frozenset[str]) -> dict[str, Ints]:
    """How often each history held each of these holidays that any of them held; int64 (n,) by name."""
    found: dict[str, Ints] = {}
    if not names or not len(series.y):
        return found
    first, last = series.frequency.at(np.array([series.start.min(), series.ends.max()])) // DAY
    code = (market or "").strip().upper() or None
    for year in range(int(1970 + first / DAYS_OF_YEAR), int(1970 + last / DAYS_OF_YEAR) + 1):
        for day, name in holidays_of(code, year).items():
            if name in names:
                at = int(series.frequency.index(np.array([day * DAY]))[0])
                held = ((series.start <= at) & (at < series.ends)).astype(np.int64)
                found[name] = found.get(name, np.zeros(len(series), np.int64)) + held
    return {name: days for name, days in found.items() if days.any()}


def _places_named(series: Series, places: Mask) -> str:
    """'on Sundays', or how many hours of the week."""
    frequency = series.frequency
    if frequency.step == DAY:
        seconds = frequency.at(np.arange(len(places)))
        weekdays = (seconds // DAY + 3) % 7
        return "on " + " and ".join(WORDS[day] for day in sorted(weekdays[places].tolist()))
    cycle = "day" if len(places) * frequency.step == DAY else "week"
    return f"in {int(places.sum())} of {len(places)} periods of the {cycle}"
