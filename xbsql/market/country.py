"""A country to sell in: the language, currency, number format and calendar of its shops."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from xbsql.errors import invalid, unknown
from xbsql.market import words

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from xbsql.market.words import Multiples

# CLDR ranks languages by speakers; shops in these countries write English all the same.
_SHOP_LANGUAGE = {"IN": "en", "KE": "en", "PH": "en", "PK": "en"}
# The euro is Bulgaria's currency from 2026 on; the CLDR release that Babel carries is older.
_CURRENCY = {"BG": "EUR"}

UNIT_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "ja", "zh", "ko")
"""Whose names of units are read."""


@dataclass(frozen=True)
class Market:
    """A country to sell in, as the Unicode CLDR describes it (through Babel).

    Args:
        code: ISO 3166-1 alpha-2, upper case: 'DE'.
        language: ISO 639-1 code of the language that most of its shops write in: 'de'.
        currency: ISO 4217: 'EUR'.
        name: in English: 'Germany'.
    """

    code: str
    language: str
    currency: str
    name: str

    @cached_property
    def separators(self) -> tuple[str, str]:
        """How its numbers are written: decimal mark and mark between thousands, e.g. (',', '.')."""
        symbols = self.locale.number_symbols
        latin = symbols.get("latn", symbols)
        return str(latin["decimal"]), str(latin["group"])

    @cached_property
    def group_digits(self) -> int:
        """How many digits stand between two marks: 3, or 2 where lakhs and crores are counted (India)."""
        return int(self.locale.decimal_formats[None].grouping[1])

    @cached_property
    def date_order(self) -> str:
        """The order of a short date: 'dmy', 'mdy' or 'ymd'."""
        pattern = self.locale.date_formats["short"].pattern
        places = {letter.lower(): pattern.find(letter) for letter in "dMy"}
        return "".join(sorted(places, key=places.__getitem__))

    @cached_property
    def date_mark(self) -> str:
        """What stands between the numbers of a short date: '.', '/' or '-'."""
        pattern = self.locale.date_formats["short"].pattern
        return next((mark for mark in pattern if mark in "./-"), "/")

    def holidays(self, years: set[int]) -> Mapping[dt.date, str]:
        """Its public holidays in these years, with their names in English; the package `holidays` knows them.

        Raises:
            XbsqlError: the package does not know the country's calendar, or not in one of these years.
        """
        _check_years(self.code, years)
        found: Mapping[dt.date, str] = _calendar(self.code, frozenset(years))
        return found

    def working(self, year: int) -> bytes:
        """1 for each day of a year that people work on, 0 for weekends and public holidays.

        Raises:
            XbsqlError: the package `holidays` does not know the country's calendar, or not in that year.
        """
        _check_years(self.code, {year})
        return _working(self.code, year)

    @cached_property
    def multiples(self) -> Multiples:
        """The words that multiply a number: 'Mio.' and 'Tausend' in Germany, 'lakh' and 'Cr' in India."""
        return words.multiples(self.locale)

    @cached_property
    def money(self) -> Mapping[str, set[str]]:
        """What each currency is called, by its code, symbol and names: 'EUR' -> {'EUR', '€', 'Euro'}."""
        return words.money_names(self.locale, currencies() | {self.currency})

    @cached_property
    def months(self) -> Mapping[str, int]:
        """The names of the months, short and long: 'Dez.' -> 12."""
        return words.months(self.locale)

    @cached_property
    def weekdays(self) -> Mapping[str, set[int]]:
        """The names of the weekdays, short and long: 'Mo.' -> {0}."""
        return words.weekdays(self.locale)

    @cached_property
    def date_words(self) -> set[str]:
        """The words that stand in dates beside months and weekdays: 'de', 'del'."""
        return words.date_words(self.locale)

    @cached_property
    def locale(self) -> Any:  # noqa: ANN401 - Babel is not typed
        """The CLDR's locale of the language in the country, as Babel has it."""
        from babel import Locale, UnknownLocaleError

        for tag in (f"{self.language}_{self.code}", self.language):
            with suppress(UnknownLocaleError):
                return Locale.parse(tag)
        return Locale("en")

    @property
    def _locale(self) -> Any:  # noqa: ANN401 - Babel is not typed
        return self.locale


def market(code: str) -> Market:
    """The market of a country code, in either case.

    Raises:
        XbsqlError: no such market; names the closest, by code or by name.
    """
    name = code.strip().upper()
    if name in codes():
        return _found(name)
    close = _meant(code.strip())
    if close is None:
        raise unknown("xbsql.market", "market", code[:60], codes())
    problem = f"no market '{code[:60]}'; there is {', '.join(codes()[:4])} and {len(codes()) - 4} more"
    raise invalid("xbsql.market", f"{problem} (did you mean '{close}'?)")


@cache
def codes() -> tuple[str, ...]:
    """The codes of all markets, sorted: every country that has a currency in the CLDR."""
    from babel.core import get_global
    from babel.numbers import get_territory_currencies

    known = get_global("territory_currencies")
    return tuple(sorted(code for code in known if len(code) == 2 and get_territory_currencies(code)))


@cache
def currencies() -> frozenset[str]:
    """The ISO 4217 codes of the money that some market uses today."""
    from babel.numbers import get_territory_currencies

    return frozenset(name for code in codes() for name in get_territory_currencies(code)) | {"EUR"}


def _meant(text: str) -> str | None:
    """The market that another code ('UK', 'DEU') or a country's name, in English or its own, stands for."""
    from babel.core import get_global

    aliases = get_global("territory_aliases").get(text.upper(), ())
    if known := [code for code in aliases if code in codes()]:
        return str(known[0])
    for code in codes():
        own = _found(code).locale.territories.get(code, "")
        if text.casefold() in (_found(code).name.casefold(), str(own).casefold()):
            return code
    return None


@cache
def unit_names(unit: str) -> frozenset[str]:
    """What a unit of the CLDR ('length-inch') is called in `UNIT_LANGUAGES`: short and long, one and many."""
    from babel import Locale
    from babel.units import format_unit

    found = set()
    for language in UNIT_LANGUAGES:
        locale = Locale(language)
        for count in (1, 2, 5):
            for text in (
                format_unit(count, unit, "short", format="0", locale=locale),
                format_unit(count, unit, "long", format="0", locale=locale),
            ):
                found.add(text.replace(str(count), "", 1).strip())
    return frozenset(found) - {unit}


@cache
def _found(code: str) -> Market:
    from babel import Locale
    from babel.numbers import get_territory_currencies

    spoken = _SHOP_LANGUAGE.get(code) or _language(code)
    money = _CURRENCY.get(code) or get_territory_currencies(code)[0]
    return Market(code, spoken, money, str(Locale("en").territories[code]))


def _language(code: str) -> str:
    """The likeliest language of a country; the CLDR leaves the United States out, its own default."""
    from babel.core import get_global

    return str(get_global("likely_subtags").get(f"und_{code}", "en")).split("_")[0]


@cache
def _calendar(code: str, years: frozenset[int]) -> Any:  # noqa: ANN401 - a dict with a weekend
    import holidays

    try:
        return holidays.country_holidays(code, years=sorted(years), language="en_US")
    except NotImplementedError:
        known = holidays.list_supported_countries(include_aliases=False)
        raise unknown("xbsql.market", "calendar of market", code, sorted(known)) from None


def _check_years(code: str, years: set[int]) -> None:
    """Refuse years that the package knows no holiday of: it would answer that there is none."""
    known = _calendar(code, frozenset())
    outside = [year for year in sorted(years) if not known.start_year <= year <= known.end_year]
    if outside:
        span = f"{known.start_year} to {known.end_year}"
        problem = f"the holidays of {code} are known for {span}, not for {outside[0]}"
        raise invalid("xbsql.market", problem, "leave out days of other years")


@cache
def _working(code: str, year: int) -> bytes:
    import datetime as dt

    known = _calendar(code, frozenset({year}))
    first = dt.date(year, 1, 1)
    days = (dt.date(year + 1, 1, 1) - first).days if year < dt.MAXYEAR else 365
    return bytes(known.is_working_day(first + dt.timedelta(day)) for day in range(days))
