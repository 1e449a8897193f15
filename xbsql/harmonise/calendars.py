"""Years of other calendars: which markets write them, and the day they mean; what is not sure is no day."""

from __future__ import annotations

import datetime as dt

FIRST, LAST = 1583, 2299
"""The years that are read as those of the Gregorian calendar, which began in 1582; 9999 stands for no end."""

NO_END = 9999

SPECIAL = frozenset({"TH", "IR", "AF", "TW", "NP"})
"""Markets where a year may be of another calendar, so that one of two digits says nothing."""

BUDDHIST = 543
"""Years from the Buddhist year to ours; since 1941 both begin in January."""

_BUDDHIST_YEARS = range(2484, 2700)
_PERSIAN_YEARS = range(1200, 1500)
_NEPALI_YEARS = range(2060, 2120)
_MINGUO = 1911

ERAS = {
    "明治": (dt.date(1873, 1, 1), 1867), "大正": (dt.date(1912, 7, 30), 1911),
    "昭和": (dt.date(1926, 12, 25), 1925),
    "平成": (dt.date(1989, 1, 8), 1988), "令和": (dt.date(2019, 5, 1), 2018),
}  # fmt: skip
"""The eras of Japan: their first day (Meiji: of the new calendar) and the year before their first one."""

_ENDS = {
    "明治": dt.date(1912, 7, 30), "大正": dt.date(1926, 12, 25), "昭和": dt.date(1989, 1, 7),
    "平成": dt.date(2019, 4, 30),
    "令和": dt.date.max,
}  # fmt: skip
_LETTERS = {"M": "明治", "T": "大正", "S": "昭和", "H": "平成", "R": "令和"}


def day_of(market: str, year: str, month: int, day: int) -> dt.date | None:
    """The day of a date as a market writes it; None where there is no such day, or its calendar is not sure.

    Four digits are a Buddhist year in Thailand from 2484 on, a Persian one in Iran and Afghanistan up to
    1499; three digits are a year of the Republic in Taiwan. In these markets and in Nepal two are not sure.

    Args:
        market: the country code.
        year: its digits.
        month: 1 to 12.
        day: 1 to 31.
    """
    number = int(year)
    if len(year) == 2:
        return None if market in SPECIAL else _date(number + (1900 if number >= 70 else 2000), month, day)
    if market == "TW" and len(year) == 3:
        return _date(number + _MINGUO, month, day)
    if len(year) != 4 or (market == "NP" and number in _NEPALI_YEARS):
        return None
    if market == "TH" and number in _BUDDHIST_YEARS:
        return _date(number - BUDDHIST, month, day)
    if market in ("IR", "AF") and number in _PERSIAN_YEARS:
        return persian(number, month, day)
    return _date(number, month, day) if FIRST <= number <= LAST or number == NO_END else None


def japanese(era: str, year: str, month: int, day: int) -> dt.date | None:
    """The day of a date with an era of Japan: '令和' or 'R', and '7' or '元' for the first year."""
    name = _LETTERS.get(era.upper(), era)
    first, before = ERAS[name]
    found = _date(before + (1 if year == "元" else int(year)), month, day)
    return found if found is not None and first <= found <= _ENDS[name] else None


def persian(year: int, month: int, day: int) -> dt.date | None:
    """The day of a date of the Persian calendar, by its cycle of 33 years, which holds for 1178 to 1633.

    Heydari-Malayeri, "A concise review of the Iranian calendar", 2004.
    """
    leap = (25 * year + 11) % 33 < 8
    longest = 31 if month <= 6 else 30 if month < 12 or leap else 29
    if not (1 <= month <= 12 and 1 <= day <= longest):
        return None
    leaps = sum((25 * each + 11) % 33 < 8 for each in range(1300, year)) if year >= 1300 else None
    if leaps is None:
        leaps = -sum((25 * each + 11) % 33 < 8 for each in range(year, 1300))
    begin = dt.date(1921, 3, 21) + dt.timedelta(365 * (year - 1300) + leaps)
    return begin + dt.timedelta(31 * min(month - 1, 6) + 30 * max(month - 7, 0) + day - 1)


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
