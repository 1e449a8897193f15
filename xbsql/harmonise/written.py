"""Numbers and dates as a market writes them in text."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.harmonise import amounts
from xbsql.harmonise.days import DATE, dates, read_dates
from xbsql.harmonise.plain import blank, by_value, cleaned

if TYPE_CHECKING:
    from xbsql.market import Market

__all__ = ["DATE", "dates", "numbers", "read_dates", "read_numbers"]

# What stands for the mark between thousands on keyboards that lack it.
_APOSTROPHES = "['\\x{2019}]"
_SEVERAL = r"\d[兆億亿万萬千조억만천]\s?\d"
_PARTS = r"(?s)^(?P<before>\D*)(?P<number>\d(?:[\d.,'\x{2019} ]*\d)?)(?P<behind>(?:\D.*)?)$"


def numbers(where: str, texts: pa.Array, market: Market) -> pa.Array:
    """Texts such as '1.234,50', 'EUR 1.234,50' or '1,5 Mio. €' as float64; NULL and blank stay NULL.

    A currency around the number, a word for pieces or, without a currency, a unit behind it and '-' for no
    cents ('12,-') are left out. Words that change it count, by the CLDR and by common use: thousands,
    millions, lakhs, 万; cents and pence. What is not understood beside the number ('iPhone 15', '5%', '(5)')
    is refused. Thousands must stand where they belong: '12.5' is no number in a market that writes '12,5'.
    Any digits are read.

    Raises:
        XbsqlError: a text is no number as the market writes them.
    """
    found, fits = read_numbers(texts, market)
    _refuse(where, texts, fits, market)
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
    alone = pc.fill_null(pc.is_finite(value), False)  # 400 digits are more than a float64 holds
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
    value = pc.if_else(fits, value, None)
    if pc.any(pc.match_substring_regex(plain, _SEVERAL)).as_py():
        other = by_value(pc.if_else(fits, None, plain), partial(amounts.compound, market), pa.float64())
        value, fits = pc.coalesce(value, other), pc.or_(fits, pc.is_valid(other))
    finite = pc.fill_null(pc.is_finite(value), False)
    return pc.if_else(finite, value, None), pc.or_(blank(plain), pc.and_(fits, finite))


def _value(digits: pa.Array, mark: str, decimal: str) -> pa.Array:
    """Digits in groups as float64."""
    return pc.replace_substring(pc.replace_substring_regex(digits, mark, ""), decimal, ".").cast(pa.float64())


def _beside(parts: pa.Array, number: pa.Array, market: Market) -> tuple[pa.Array, pa.Array]:
    """The numbers with their leading decimal mark, and what multiplies them, NULL where that is open."""
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


def _group(group: str) -> str:
    """A pattern for the mark between thousands, however it is typed."""
    if group.isspace():
        return " "
    return _APOSTROPHES if group in ("'", "\u2019") else re.escape(group)


def _refuse(where: str, texts: pa.Array, fits: pa.Array, market: Market) -> None:
    """Raise for the first text that does not fit."""
    if pc.any(pc.invert(fits)).as_py():
        decimal, group = market.separators
        wrong = texts.filter(pc.invert(fits))[0].as_py()
        problem = f"{wrong[:60]!r} is no number as {market.code} writes them (1{group}234{decimal}50)"
        raise errors.invalid(
            where, problem, "name the market that wrote it, or make it NULL, as xb.try_parse_number does"
        )
