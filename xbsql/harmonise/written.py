"""Numbers and dates as a market writes them in text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors

if TYPE_CHECKING:
    from xbsql.market import Market

# What stands for the mark between thousands on keyboards that lack it.
_SPACES = "[ \\x{A0}\\x{202F}\\x{2009}]"
_APOSTROPHES = "['\\x{2019}]"
_MINUS = "[-\\x{2212}]"
_BEFORE = rf"^\s*({_MINUS}?)\s*(?:[\pL\p{{Sc}}]+\.?\s*)?"
_OTHER = r"[^\d.,'\-]"
_BEHIND = r"(?:\s*[\pL\p{Sc}]+\.?)?\s*$"

DATE = (
    r"^\s*(?P<first>\d{1,4})\s*[./\-年년\s]\s*(?P<second>\d{1,2})\s*[./\-月월\s]\s*(?P<third>\d{1,4})\s*[.日일]?\s*"
    r"(?:[T ]\d{1,2}:\d{2}.*)?$"
)
"""A short date of three numbers, a time of day behind it or not."""


def numbers(where: str, texts: pa.Array, market: Market) -> pa.Array:
    """Texts such as '1.234,50' or 'EUR 1.234,50' as float64; NULL and blank stay NULL.

    A currency or a unit before or behind the number is left out; brackets, a minus behind the number and a
    per cent sign, which would change it, are refused. Thousands must stand where they belong: '12.5' is no
    number in a market that writes '12,5'.

    Raises:
        XbsqlError: a text is no number as the market writes them.
    """
    decimal, group = market.separators
    bare = pc.utf8_trim_whitespace(texts)
    if pc.any(pc.match_substring_regex(bare, _OTHER)).as_py():  # the two patterns below are slow
        bare = pc.replace_substring_regex(bare, _BEFORE, r"\1")
        bare = pc.replace_substring_regex(bare, _BEHIND, "")
    bare = pc.if_else(pc.equal(pc.utf8_length(bare), 0), pa.scalar(None, bare.type), bare)
    mark, point = _group(group), re.escape(decimal)
    between = f"{{{market.group_digits},3}}"
    shape = rf"^{_MINUS}?(\d+|\d{{1,3}}({mark}\d{between})*{mark}\d{{3}})?({point}\d+)?$"
    fits = pc.and_(pc.match_substring_regex(bare, shape), pc.match_substring_regex(bare, r"\d"))
    _refuse(where, "number", texts, pc.or_kleene(_blank(texts), fits), market)
    plain = pc.replace_substring_regex(bare, mark, "")
    plain = pc.replace_substring_regex(plain, _MINUS, "-")
    return pc.replace_substring(plain, decimal, ".").cast(pa.float64())


def dates(where: str, texts: pa.Array, market: Market) -> pa.Array:
    """Texts such as '31.12.2025' as date32, in the market's order; NULL and blank stay NULL.

    A year of two digits is in 1970 to 2069. A year of four digits that comes first is followed by month and
    day wherever it is written.

    Raises:
        XbsqlError: a text is no date in that order.
    """
    parts = pc.extract_regex(texts, DATE)
    first, second, third = (pc.struct_field(parts, name) for name in ("first", "second", "third"))
    leads = pc.greater_equal(pc.utf8_length(first), 3)
    by_name = dict(zip(market.date_order, (first, second, third), strict=True))
    year, month, day = (
        pc.if_else(leads, iso, by_name[letter])
        for letter, iso in zip("ymd", (first, second, third), strict=True)
    )
    whole = pc.binary_join_element_wise(_year(year), _two(month), _two(day), "-")
    known = pc.match_substring_regex(whole, r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")
    _refuse(where, "date", texts, pc.or_kleene(_blank(texts), known), market)
    try:
        return whole.cast(pa.date32())
    except pa.ArrowInvalid as error:
        raise errors.invalid(where, f"a text is no day of the calendar ({error})", "make it NULL") from error


def _group(group: str) -> str:
    """A pattern for the mark between thousands, however it is typed."""
    if group.isspace():
        return _SPACES
    return _APOSTROPHES if group in ("'", "\u2019") else re.escape(group)


def _blank(texts: pa.Array) -> pa.Array:
    return pc.fill_null(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(texts)), 0), True)


def _refuse(where: str, what: str, texts: pa.Array, fits: pa.Array, market: Market) -> None:
    """Raise for the first text that is there and does not fit."""
    wrong = texts.filter(pc.and_(pc.is_valid(texts), pc.invert(pc.fill_null(fits, False))))
    if len(wrong):
        example = _example(what, market)
        problem = f"{wrong[0].as_py()[:60]!r} is no {what} as {market.code} writes them ({example})"
        raise errors.invalid(where, problem, "name the market that wrote it, or make it NULL")


def _example(what: str, market: Market) -> str:
    if what == "date":
        return "/".join({"d": "31", "m": "12", "y": "2025"}[letter] for letter in market.date_order)
    decimal, group = market.separators
    return f"1{group}234{decimal}50"


def _two(digits: pa.Array) -> pa.Array:
    return pc.utf8_lpad(digits, 2, "0")


def _year(digits: pa.Array) -> pa.Array:
    two = pc.equal(pc.utf8_length(digits), 2)
    old = pc.fill_null(pc.greater_equal(digits, "70"), False)
    century = pc.if_else(old, pa.scalar("19"), pa.scalar("20"))
    return pc.if_else(two, pc.binary_join_element_wise(century, digits, ""), digits)
