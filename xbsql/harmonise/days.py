"""Dates as a market writes them in text: in numbers, with the name of the month, in another calendar."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.harmonise import calendars
from xbsql.harmonise.plain import blank, by_value, cleaned

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from xbsql.market import Market

DATE = (
    r"^\s*(?P<first>\d{1,4})\s*[./\-年년\s]\s*(?P<second>\d{1,2})\s*[./\-月월\s]\s*(?P<third>\d{1,4})\s*"
    "(?:[日일]|[.]?\\s*[\u0433\u0440]?[.]?)"
    r"\s*(?:[T ]\d{1,2}:\d{2}.*)?$"
)
"""A date of three numbers, a time of day behind it or not."""

_USUAL = (  # a day that every month has, or that its month has; the 29th of February is looked at by itself
    r"^(?:158[3-9]|159\d|1[6-9]\d\d|2[0-2]\d\d|9999)-"
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)$"
)
_TIME = re.compile(r"[t ,]\s*\d{1,2}:\d{2}.*$", re.DOTALL)
_ERA = re.compile(
    r"^(明治|大正|昭和|平成|令和|[MTSHR])\s?(\d{1,2}|元)[年./-]\s?(\d{1,2})[月./-]\s?(\d{1,2})日?$",
    re.IGNORECASE,
)
_MINGUO = re.compile(r"^(?:中華)?民[國国]\s?(\d{1,3})[年./-]\s?(\d{1,2})[月./-]\s?(\d{1,2})日?$")
_MARKS = re.compile(r"[\s.,'\u2019\u060c\u1363\u2013-]+")
_JOINTS = "st nd rd th of the er º de del den d"
_TYPED_MONTHS = {"sept": 9}
_TYPED_WEEKDAYS = {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
_BUDDHIST = {"พศ", "be"}
_PERSIAN = "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند"


def dates(where: str, texts: pa.Array, market: Market) -> pa.Array:
    """Texts such as '31.12.2025', '31. Dez. 2025' or '令和7年12月31日' as date32; NULL and blank stay NULL.

    Numbers stand in the market's order, or year, month, day where the year of four digits comes first. A
    year of two digits is in 1970 to 2069. Names of months are read in the market's language and in English;
    a weekday that is not the day's makes it no date. A year of another calendar is converted where the
    market says which (see `calendars`) and refused elsewhere, as is every year before 1583 and after 2299
    but 9999, which stands for no end.

    Raises:
        XbsqlError: a text is no date in that order, or no day of the calendar.
    """
    found, fits = read_dates(texts, market)
    if pc.any(pc.invert(fits)).as_py():
        raise _wrong(where, texts.filter(pc.invert(fits))[0].as_py(), market)
    return found


def read_dates(texts: pa.Array, market: Market) -> tuple[pa.Array, pa.Array]:
    """Texts as `dates` reads them, NULL where they are none; and whether each is one, or blank or NULL.

    Args:
        texts: strings.
        market: who wrote them.

    Returns:
        date32 and boolean, as many as texts.
    """
    plain = cleaned(texts)
    year, month, day = _parts(plain, market.date_order)
    whole = pc.binary_join_element_wise(_full(year), _two(month), _two(day), "-")
    usual = pc.fill_null(pc.match_substring_regex(whole, _USUAL), False)
    if market.code in calendars.SPECIAL:
        usual = pc.and_(usual, pa.scalar(False))
    found = pc.if_else(usual, whole, None).cast(pa.date32())
    if not pc.all(usual).as_py():
        rest = pc.invert(usual)
        other = by_value(plain.filter(rest), lambda text: _read(text, market), pa.date32())
        found = pc.replace_with_mask(found, rest, other)
    return found, pc.or_(pc.is_valid(found), blank(plain))


def _parts(texts: pa.Array, order: str) -> tuple[pa.Array, pa.Array, pa.Array]:
    """The digits of year, month and day of dates in numbers."""
    parts = pc.extract_regex(texts, DATE)
    first, second, third = (pc.struct_field(parts, name) for name in ("first", "second", "third"))
    leads = pc.greater_equal(pc.utf8_length(first), 3)
    by_name = dict(zip(order, (first, second, third), strict=True))
    year, month, day = (
        pc.if_else(leads, iso, by_name[letter])
        for letter, iso in zip("ymd", (first, second, third), strict=True)
    )
    return year, month, day


def _read(text: str, market: Market) -> dt.date | None:
    """One date that is not usual: of another calendar, with a month's name, or none."""
    if match := re.match(DATE, text):
        year, month, day = (each[0].as_py() for each in _parts(pa.array([text]), market.date_order))
        return calendars.day_of(market.code, year, int(month), int(day))
    if match := _ERA.match(text):
        era = match[1] in calendars.ERAS or market.code == "JP"
        return calendars.japanese(match[1], match[2], int(match[3]), int(match[4])) if era else None
    if match := _MINGUO.match(text):
        return calendars.day_of("TW", match[1].zfill(3), int(match[2]), int(match[3]))
    return _named(text, market)


def _named(text: str, market: Market) -> dt.date | None:
    """A date with the name of its month, which a weekday must not contradict."""
    found = _of_words(text, market)
    return found if found is None or _fits_weekday(text, market, found) else None


def _fits_weekday(text: str, market: Market, day: dt.date) -> bool:
    """Whether every weekday that a text names is the day's; a word that is a month's, too, is none."""
    words, weekdays = _words(market), _weekdays(market)
    tokens = _tokens(_folded(_TIME.sub("", text.casefold())), words)
    return all(day.weekday() in weekdays.get(token, range(7)) for token in tokens if not words.get(token))


def _of_words(text: str, market: Market) -> dt.date | None:
    """The date of one month's name, one day and one year, without a word that a date has not."""
    words = _words(market)
    tokens = list(_tokens(_folded(_TIME.sub("", text.casefold())), words))
    numbers = [token for token in tokens if token.isdecimal()]
    months = {words[token] for token in tokens if words.get(token)}
    if None in (*map(words.get, set(tokens) - set(numbers)),) or len(months) != 1 or len(numbers) != 2:
        return None
    year, day = sorted(numbers, key=len, reverse=True)
    if len(year) == len(day) == 2 or len(year) < 2:
        year, day = numbers[1], numbers[0]
        if market.date_order == "ymd" or len(year) != 2:
            return None
    if len(day) > 2:
        return None
    month = months.pop()
    if month > 12:
        return calendars.persian(int(year), month - 12, int(day))
    if _BUDDHIST & set(tokens):
        year = str(int(year) - calendars.BUDDHIST)
    return calendars.day_of(market.code, year, month, int(day))


def _tokens(text: str, words: Mapping[str, int]) -> Iterator[str]:
    """The words and numbers of a text, the longest known first; '?' for what is neither."""
    known = _pattern(tuple(words))
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = known.match(text, place)
        yield match[0] if match else "?"
        place = match.end() if match else len(text)


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    return re.compile("|".join([*map(re.escape, longest), r"\d+"]))


@cache
def _words(market: Market) -> Mapping[str, int]:
    """The words of a market's dates: a month's name -> its number (Persian ones from 13 on), others -> 0."""
    from xbsql.market import market as known

    found = dict.fromkeys([*_JOINTS.split(), *_BUDDHIST, *_TYPED_WEEKDAYS], 0) | _TYPED_MONTHS
    for each in (known("US"), market):
        found |= {_folded(word): 0 for word in (*each.date_words, *each.weekdays)}
        found |= {_folded(name): number for name, number in each.months.items()}
    if market.code in ("IR", "AF"):
        found |= {name: number for number, name in enumerate(_PERSIAN.split(), 13)}
    return {word: number for word, number in found.items() if word and not word.isdecimal()}


@cache
def _weekdays(market: Market) -> Mapping[str, set[int]]:
    """The names of weekdays, in the market's language and in English -> the days they may be, Monday is 0."""
    from xbsql.market import market as known

    found: dict[str, set[int]] = {name: {number} for name, number in _TYPED_WEEKDAYS.items()}
    for each in (known("US"), market):
        for name, numbers in each.weekdays.items():
            word = _folded(name)
            found[word] = found.get(word, set()) | numbers
    others = {_folded(word) for word in market.date_words}  # in Japan, the word of a day is that of Sunday
    return {name: numbers for name, numbers in found.items() if name not in others}


def _folded(text: str) -> str:
    plain = "".join(
        each for each in unicodedata.normalize("NFKC", text) if unicodedata.category(each) != "Cf"
    )
    return _MARKS.sub(" ", plain.casefold()).strip()


def _wrong(where: str, text: str, market: Market) -> errors.XbsqlError:
    """What is wrong with a text that is no date."""
    parts = [each[0].as_py() for each in _parts(cleaned(pa.array([text])), market.date_order)]
    written = market.date_mark.join(
        {"d": "31", "m": "12", "y": "2025"}[letter] for letter in market.date_order
    )
    problem = f"{text[:60]!r} is no date as {market.code} writes them ({written})"
    if None not in parts and 1 <= int(parts[1]) <= 12 and 1 <= int(parts[2]) <= 31:
        whose = "of the calendar" if len(parts[0]) in (2, 4) else "of a year of two or four digits"
        problem = f"{text[:60]!r} is no day {whose}"
        if not calendars.FIRST <= int(parts[0]) <= calendars.LAST and len(parts[0]) == 4:
            problem = f"{text[:60]!r} has a year that is not of the Gregorian calendar"
        elif len(parts[0]) == 2 and market.code in calendars.SPECIAL:
            problem = (
                f"{text[:60]!r} has a year of two digits, of one of the calendars that {market.code} uses"
            )
    return errors.invalid(
        where, problem, "name the market that wrote it, or make it NULL, as xb.try_parse_date does"
    )


def _two(digits: pa.Array) -> pa.Array:
    return pc.utf8_lpad(digits, 2, "0")


def _full(digits: pa.Array) -> pa.Array:
    """Years of two digits in full."""
    two = pc.equal(pc.utf8_length(digits), 2)
    old = pc.fill_null(pc.greater_equal(digits, "70"), False)
    century = pc.if_else(old, pa.scalar("19"), pa.scalar("20"))
    return pc.if_else(two, pc.binary_join_element_wise(century, digits, ""), digits)
