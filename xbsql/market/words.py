"""What the Unicode CLDR, through Babel, calls things in a language: units, money, thousands, months."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

UNIT_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "ja", "zh", "ko")
"""Whose names of units are read."""

_COUNTS = (1, 2, 5)


class Multiples(NamedTuple):
    """Words that multiply a number, as 'thousand' does.

    Attributes:
        behind: word behind the number -> factor.
        before: word before it -> factor.
    """

    behind: Mapping[str, float]
    before: Mapping[str, float]


@cache
def unit_names(unit: str) -> frozenset[str]:
    """What a unit of the CLDR ('length-inch') is called in `UNIT_LANGUAGES`: short and long, one and many."""
    from babel import Locale
    from babel.units import format_unit

    found = set()
    for language in UNIT_LANGUAGES:
        locale = Locale(language)
        for count in _COUNTS:
            short = format_unit(count, unit, "short", format="0", locale=locale)
            long = format_unit(count, unit, "long", format="0", locale=locale)
            found |= {text.replace(str(count), "", 1).strip() for text in (short, long)}
    return frozenset(found) - {unit}


def money_names(locale: Any, currencies: Iterable[str]) -> dict[str, set[str]]:  # noqa: ANN401 - Babel is not typed
    """The code, symbols and names, one and many, of each currency in a locale: currency -> texts."""
    from babel.numbers import get_currency_name, get_currency_symbol

    patterns = locale._data["currency_unit_patterns"].values()  # '{0} {1}', in Romania also '{0} de {1}'
    between = {str(pattern).replace("{0}", "").replace("{1}", "").strip() for pattern in patterns} - {""}
    found = {}
    for code in currencies:
        names = {get_currency_name(code, count, locale) for count in (None, 0, *_COUNTS, 3, 11, 1.5, 1000000)}
        joined = {f"{word} {name}" for word in between for name in names}
        found[code] = {code, get_currency_symbol(code, locale), *names, *joined}
    return found


def multiples(locale: Any) -> Multiples:  # noqa: ANN401 - Babel is not typed
    """The words of a locale's compact numbers; one that stands for two factors is left out."""
    behind: dict[str, set[float]] = {}
    before: dict[str, set[float]] = {}
    for zeros, head, tail in _compact(locale):
        for word, side in ((tail, behind), (head, before)):
            if word:
                side.setdefault(word, set()).add(zeros)
    return Multiples(_single(behind), _single(before))


def months(locale: Any) -> dict[str, int]:  # noqa: ANN401 - Babel is not typed
    """The names of months of a locale, short and long, alone and in a date: name -> 1 to 12."""
    found: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            found |= {str(name): number for number, name in locale.months[context][width].items()}
    return found


def weekdays(locale: Any) -> dict[str, set[int]]:  # noqa: ANN401 - Babel is not typed
    """The names of weekdays of a locale, short and long: name -> the days it may be, 0 for Monday."""
    found: dict[str, set[int]] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in locale.days[context][width].items():
                found.setdefault(str(name), set()).add(number)
    return found


def date_words(locale: Any) -> set[str]:  # noqa: ANN401 - Babel is not typed
    """The words that stand between the parts of a locale's dates ('de') and the names of our era."""
    found = {
        str(name)
        for width in ("wide", "abbreviated")
        for number, name in locale.eras[width].items()
        if number
    }
    for style in ("short", "medium", "long", "full"):
        pattern = locale.date_formats[style].pattern
        found |= set(re.findall(r"'([^']+)'", pattern))
        found |= set(re.split(r"[A-Za-z\s.,/-]+", re.sub(r"'[^']*'", " ", pattern)))
    return found - {""}


def _compact(locale: Any) -> Iterator[tuple[float, str, str]]:  # noqa: ANN401 - Babel is not typed
    """The factor of each pattern ('00 Mio.' at ten millions: a million), and what stands around it."""
    decimals, money = locale.compact_decimal_formats, locale.compact_currency_formats
    for styles in (decimals.get("short", {}), decimals.get("long", {}), money.get("short", {})):
        for by_size in styles.values():
            for size, pattern in by_size.items():
                text = pattern.pattern.split(";")[0].replace("'", "").replace("\u00a4", "")
                zeros = text.count("0")
                if zeros and "0" * zeros in text:
                    head, _, tail = text.partition("0" * zeros)
                    yield int(size) / 10 ** (zeros - 1), head.strip(), tail.strip()


def _single(found: Mapping[str, set[float]]) -> dict[str, float]:
    return {word: factors.copy().pop() for word, factors in found.items() if len(factors) == 1}
