"""What the calendar of a market says of a period: public holidays, sale days, the season of the year."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from holidays import country_holidays, list_supported_countries

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xbsql.series.read.frequency import Frequency

    Floats = NDArray[np.float64]
    Span = tuple[dt.date, dt.date]
    Ints = NDArray[np.int64]

YEAR: Final = 365.2425
"""Days."""

FEASTS: Final = {"lunar_new_year": "Chinese New Year", "eid": "Eid al-Fitr", "diwali": "Diwali"}
FEASTS_OF: Final = "SG"
"""The country whose public holidays date the feasts that move with the moon: Singapore keeps all of them."""

CHINESE: Final = frozenset(("CN", "HK", "TW", "SG", "MY", "VN", "KR", "ID"))
MUSLIM: Final = frozenset(("AE", "SA", "EG", "TR", "ID", "MY", "PK", "NG"))
ASIAN: Final = frozenset(("CN", "HK", "TW", "SG", "MY", "VN", "KR", "ID", "TH", "PH", "JP"))


@dataclass(frozen=True)
class Event:
    """Days of the year when a market buys otherwise.

    Attributes:
        name: of its column.
        days: year -> first and last day of each time that it is kept.
        markets: where it is kept; None: everywhere but in `but`.
        but: where it is not.
    """

    name: str
    days: Callable[[int], list[Span]]
    markets: frozenset[str] | None = None
    but: frozenset[str] = frozenset()

    def kept(self, market: str) -> bool:
        """Whether a market keeps it."""
        return market in self.markets if self.markets is not None else market not in self.but


def _fixed(first: tuple[int, int], last: tuple[int, int]) -> Callable[[int], list[Span]]:
    """From one (month, day) to another."""
    return lambda year: [(dt.date(year, *first), dt.date(year, *last))]


def _around(feast: str, before: int, after: int) -> Callable[[int], list[Span]]:
    """From so many days before the first day of a feast to so many after it."""
    return lambda year: [
        (first - dt.timedelta(before), first + dt.timedelta(after)) for first in _feasts(year)[feast]
    ]


def _black_friday(year: int) -> list[Span]:
    """From the Friday after the fourth Thursday of November to the Monday."""
    first = dt.date(year, 11, 1)
    thursday = first + dt.timedelta((3 - first.weekday()) % 7 + 21)
    return [(thursday + dt.timedelta(1), thursday + dt.timedelta(4))]


EVENTS: Final = (
    Event("singles_day", _fixed((11, 8), (11, 11)), ASIAN - {"JP"}),
    Event("double_twelve", _fixed((12, 10), (12, 12)), ASIAN - {"JP", "KR"}),
    Event("june_18", _fixed((6, 1), (6, 18)), frozenset(("CN",))),
    Event("black_friday", _black_friday, but=frozenset(("CN",))),
    Event("christmas_gifts", _fixed((12, 1), (12, 23)), but=MUSLIM | {"CN", "IL"}),
    Event("after_christmas", _fixed((12, 26), (12, 31)), but=MUSLIM | {"CN", "IL"}),
    Event("golden_week", _fixed((4, 29), (5, 5)), frozenset(("JP",))),
    Event("national_week", _fixed((10, 1), (10, 7)), frozenset(("CN",))),
    Event("before_lunar_new_year", _around("lunar_new_year", 21, -2), CHINESE),
    Event("lunar_new_year", _around("lunar_new_year", 1, 6), CHINESE),
    Event("ramadan", _around("eid", 30, -1), MUSLIM),
    Event("eid", _around("eid", 0, 2), MUSLIM),
    Event("before_diwali", _around("diwali", 14, 0), frozenset(("IN",))),
)
"""Sale days and seasons around feasts. 11.11 and 12.12 begin some days before; Ramadan is the 30 days before
Eid al-Fitr, which the moon may put off by a day."""

OBSERVED: Final = "(observed)"
"""Behind the name of a day off in place of a holiday that fell on a weekend."""

COLUMNS: Final = ("holiday", "before_holiday", *(event.name for event in EVENTS))
"""What `calendar` gives, in the same order for every market."""


def calendar(market: str | None, frequency: Frequency, index: Ints) -> Floats:
    """The share of each period's days that are holidays or lie in an event.

    A period shorter than a day has the value of its day. Events that a market does not keep are 0 there, so
    that what was learned in one market can be asked in another.

    Args:
        market: ISO 3166-1 code; None, or one whose holidays are not known: holidays are 0, and so are all
            events but those that are kept everywhere.
        frequency: of the periods.
        index: int64 (n,), as the frequency counts. Counts have no calendar: everything is 0.

    Returns:
        float64 (n, len(COLUMNS)), 0 to 1.
    """
    if frequency.unit == "count" or not len(index):
        return np.zeros((len(index), len(COLUMNS)))
    begin, end = frequency.spans(index)
    code = (market or "").strip().upper()
    first, last = (1970 + int(day / YEAR) for day in (begin.min(), end.max()))
    years = range(first - 1, last + 2)
    origin = (dt.date(years[0], 1, 1) - dt.date(1970, 1, 1)).days
    days = np.concatenate([_days(code, year) for year in years])
    upto = np.concatenate([np.zeros((1, len(COLUMNS))), np.cumsum(days, axis=0)])
    return np.asarray((upto[end - origin] - upto[begin - origin]) / (end - begin)[:, None])


@cache
def known_markets() -> tuple[str, ...]:
    """The codes of the markets whose holidays are known, sorted."""
    return tuple(sorted(list_supported_countries(include_aliases=False)))


@lru_cache(maxsize=512)
def holidays_of(market: str | None, year: int) -> dict[int, str]:
    """The public holidays of a year: days since 1970-01-01 -> name, one that moves under one name each year.

    A day off in its place is another holiday, "Christmas Day (observed)": shops that close on the one may
    sell on the other. Of a market whose holidays are not known: Christmas Day and New Year's Day, on which
    hardly anybody sells.
    """
    if market is None or market not in list_supported_countries():
        found = {dt.date(year, 1, 1): "New Year's Day", dt.date(year, 12, 25): "Christmas Day"}
    else:
        found = dict(country_holidays(market, years=[year], language="en_US"))
    return {(day - dt.date(1970, 1, 1)).days: _plain(name) for day, name in found.items()}


def _plain(name: str) -> str:
    """A holiday's name without what is said of the year's date, but for a day kept in another's place."""
    plain, _, told = name.partition(" (")
    return f"{plain} {OBSERVED}" if OBSERVED[1:-1] in told else plain


@lru_cache(maxsize=512)
def _days(market: str, year: int) -> Floats:
    """What each day of a year is in a market; float64 (365 or 366, len(COLUMNS)). Not to be written into."""
    first = dt.date(year, 1, 1)
    days = np.zeros(((dt.date(year + 1, 1, 1) - first).days, len(COLUMNS)))
    if market in list_supported_countries():
        for day in country_holidays(market, years=[year]):
            days[(day - first).days, 0] = 1.0
    days[:-1, 1] = days[1:, 0] * (1.0 - days[:-1, 0])
    for column, event in enumerate(EVENTS, 2):
        if event.kept(market):
            for begin, end in (span for around in (year - 1, year, year + 1) for span in event.days(around)):
                days[max((begin - first).days, 0) : max((end - first).days + 1, 0), column] = 1.0
    return days


@lru_cache(maxsize=256)
def _feasts(year: int) -> dict[str, list[dt.date]]:
    """The first day of each moving feast, which a year may have twice or not at all."""
    named = country_holidays(FEASTS_OF, years=[year], language="en_US", observed=False)
    days = {feast: sorted(day for day in named if text in named[day]) for feast, text in FEASTS.items()}
    return {
        feast: [day for i, day in enumerate(found) if i == 0 or (day - found[i - 1]).days > 7]
        for feast, found in days.items()
    }
