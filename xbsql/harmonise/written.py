"""Numbers and dates as a market writes them in text."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.harmonise import amounts

if TYPE_CHECKING:
    from xbsql.market import Market

# What stands for the mark between thousands on keyboards that lack it.
_APOSTROPHES = "['\\x{2019}]"
_PARTS = r"(?s)^(?P<before>\D*)(?P<number>\d(?:[\d.,'\x{2019} ]*\d)?)(?P<behind>(?:\D.*)?)$"

DATE = (
    r"^\s*(?P<first>\d{1,4})\s*[./\-年년\s]\s*(?P<second>\d{1,2})\s*[./\-月월\s]\s*(?P<third>\d{1,4})\s*[.日일]?\s*"
    r"(?:[T ]\d{1,2}:\d{2}.*)?$"
)
"""A short date of three numbers, a time of day behind it or not."""


def numbers(where: str, texts: pa.Array, market: Market) -> pa.Array:
    """Texts such as '1.234,50', 'EUR 1.234,50' or '1,5 Mio. €' as float64; NULL and blank stay NULL.

    A currency around the number, a unit or a word for pieces behind it and '-' for no cents ('12,-') are left
    out. Words that change it count, by the CLDR and by common use: thousands, millions, lakhs, 万; cents and
    pence. What is not understood beside the number ('iPhone 15', '5%', '(5)') is refused. Thousands must stand
    where they belong: '12.5' is no number in a market that writes '12,5'. Digits of any script are read.

    Raises:
        XbsqlError: a text is no number as the market writes them.
    """
    found, fits = read_numbers(texts, market)
    refuse(where, "number", texts, fits, market)
    return found


def read_numbers(texts: pa.Array, market: Market) -> tuple[pa.Array, pa.Array]:
    """Texts as `numbers` reads them, NULL where they are none; and whether each is one, or blank or NULL.

    Args:
        texts: strings.
        market: who wrote them.

    Returns:
        float64 and boolean, as many as texts.
    """
    decimal, group = market.separators
    mark, point = _group(group), re.escape(decimal)
    between = f"{{{market.group_digits},3}}"
    shape = rf"(?:\d+|\d{{1,3}}(?:{mark}\d{between})*{mark}\d{{3}})?(?:{point}\d+)?"
    bare = pc.and_(pc.match_substring_regex(texts, rf"^-?{shape}$"), pc.match_substring_regex(texts, r"\d$"))
    alone = pc.fill_null(bare, False)
    value = _value(pc.if_else(alone, texts, None), mark, decimal)
    if pc.all(alone).as_py():
        return value, alone
    rest = pc.invert(alone)
    found, fits = _dressed(texts.filter(rest), market, mark, shape)
    return pc.replace_with_mask(value, rest, found), pc.replace_with_mask(alone, rest, fits)


def _dressed(texts: pa.Array, market: Market, mark: str, shape: str) -> tuple[pa.Array, pa.Array]:
    """As `read_numbers`, of texts that are more than a bare number."""
    decimal, group = market.separators
    plain = cleaned(texts)
    for arabic, usual in (("\u066b", decimal), ("\u066c", group)):
        plain = pc.replace_substring(plain, arabic, " " if usual.isspace() else usual)
    parts = pc.extract_regex(plain, _PARTS)
    number, factor = _beside(parts, pc.struct_field(parts, "number"), market)
    fits = pc.fill_null(pc.match_substring_regex(number, rf"^{shape}$"), False)
    fits = pc.and_(fits, pc.is_valid(factor))
    value = _scaled(_value(pc.if_else(fits, number, None), mark, decimal), factor)
    return pc.if_else(fits, value, None), pc.or_(blank(plain), fits)


def _value(digits: pa.Array, mark: str, decimal: str) -> pa.Array:
    """Digits in groups as float64."""
    return pc.replace_substring(pc.replace_substring_regex(digits, mark, ""), decimal, ".").cast(pa.float64())


def cleaned(texts: pa.Array) -> pa.Array:
    """Texts with ASCII digits and plain blanks: full width, marks of direction and other scripts' digits resolved."""
    if not _any(texts, r"[^\x00-\x7F\x{20A0}-\x{20BF}\x{A3}\x{A5}]"):
        return pc.utf8_trim_whitespace(texts)
    plain = texts
    if _any(plain, r"\p{No}"):
        plain = pc.replace_substring_regex(plain, r"(\pL)\x{00B2}", r"\12")
        plain = pc.replace_substring_regex(plain, r"(\pL)\x{00B3}", r"\13")
        plain = pc.replace_substring_regex(plain, r"\p{No}", "#")  # a footnote, a fraction: not understood
    plain = pc.replace_substring_regex(pc.utf8_normalize(plain, "NFKC"), r"\p{Cf}", "")
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"[\pZ\t]+", " "))
    if _any(plain, r"[^\x00-\x7F\P{Nd}]"):
        coded = plain.dictionary_encode()
        latin = [text and text.translate(_digits()) for text in coded.dictionary.to_pylist()]
        plain = pa.array(latin, pa.string()).take(coded.indices)
    return plain


def _any(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


@cache
def _digits() -> dict[int, str]:
    """The digits of all scripts -> those of ASCII."""
    every = map(chr, range(0x80, sys.maxunicode))
    return {
        ord(digit): str(unicodedata.decimal(digit)) for digit in every if unicodedata.category(digit) == "Nd"
    }


def _beside(parts: pa.Array, number: pa.Array, market: Market) -> tuple[pa.Array, pa.Array]:
    """The numbers with the decimal mark that leads them, and what they are multiplied by, NULL where that is open."""
    before, behind = (pc.struct_field(parts, name) for name in ("before", "behind"))
    around = pc.binary_join_element_wise(before, behind, "\x00").dictionary_encode()
    known = [amounts.factor(market, *text.split("\x00", 1)) for text in around.dictionary.to_pylist()]
    factors = pa.array([None if each is None else each[0] for each in known], pa.float64())
    leads = pa.array([each is not None and each[1] for each in known], pa.bool_())
    if pc.any(leads).as_py():
        lead = pc.if_else(leads.take(around.indices), market.separators[0], "")
        number = pc.binary_join_element_wise(lead, number, "")
    return number, factors.take(around.indices)


def _scaled(value: pa.Array, factor: pa.Array) -> pa.Array:
    """Values times factors; parts of a unit are divided, so that 99 cents are .99."""
    small = pc.less(pc.abs(factor), 1)
    return pc.if_else(small, pc.divide(value, pc.round(pc.divide(1.0, factor))), pc.multiply(value, factor))


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
    refuse(where, "date", texts, pc.or_(blank(texts), pc.fill_null(known, False)), market)
    try:
        return whole.cast(pa.date32())
    except pa.ArrowInvalid as error:
        raise errors.invalid(where, f"a text is no day of the calendar ({error})", "make it NULL") from error


def _group(group: str) -> str:
    """A pattern for the mark between thousands, however it is typed."""
    if group.isspace():
        return " "
    return _APOSTROPHES if group in ("'", "\u2019") else re.escape(group)


def blank(texts: pa.Array) -> pa.Array:
    """Whether each text is NULL or has no character that is seen."""
    return pc.fill_null(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(texts)), 0), True)


def refuse(where: str, what: str, texts: pa.Array, fits: pa.Array, market: Market) -> None:
    """Raise for the first text that does not fit.

    Raises:
        XbsqlError: there is one.
    """
    if not pc.all(fits).as_py():
        wrong = texts.filter(pc.invert(fits))[0].as_py()
        problem = f"{wrong[:60]!r} is no {what} as {market.code} writes them ({_example(what, market)})"
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
