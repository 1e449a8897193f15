"""What stands beside a number: money and units that are left out, words that multiply it, and all else."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from xbsql.harmonise.money_words import (
    BY_LANGUAGE,
    DOUBTED,
    ENGLISH_CODES,
    EVERYWHERE,
    SOUTH_ASIAN,
    SYMBOLS,
    minor,
)
from xbsql.harmonise.pieces import CJK_PIECES, PIECES
from xbsql.harmonise.unit_table import key
from xbsql.harmonise.units import meant, units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xbsql.market import Market

MINUS = "-\u2212"
_AFTER_PIECES = {"", "入", "入り", "セット", "装", "裝", "套", "套装", "組", "り"}
_SURE = {"k", "M"}
"""Letters that are read as thousands and millions although units are written so too."""

_UNSURE = {"MM"}
"""Units in capitals that are millions, too."""

_NO_CENTS = re.compile(r"^(?P<mark>[.,:/])(?:[-\u2010-\u2015\u2212]{1,2}|=)")
_TYPED = {"eur", "usd", "gbp", "jpy", "cny", "chf"}
"""Codes that are read in small letters too."""

_COMPOUND_PART = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?([兆億亿万萬千조억만천]?)")
_COMPOUND = re.compile(
    r"(?P<before>\D*)(?P<parts>\d[\d,]*[兆億亿万萬千조억만천]\s?(?:\d[\d,]*[兆億亿万萬千조억만천]?\s?)+)(?P<behind>\D*)"
)
_SOUTH_ASIA = {"IN", "PK", "BD", "NP", "LK"}


@dataclass(frozen=True)
class Vocabulary:
    """The words that a market has for money and for many, without blanks and full stops.

    Attributes:
        money: codes, symbols and names of currencies.
        folded: the symbols and names without case.
        behind: words behind a number -> factor.
        lower: those of more than two letters without case.
        before: words before a number -> factor.
        parts: words for parts of the market's own currency -> factor.
        doubted: words that are a part of the currency as well as a unit.
        decimal: the market's decimal mark.
    """

    money: frozenset[str]
    folded: frozenset[str]
    behind: Mapping[str, float]
    lower: Mapping[str, float]
    before: Mapping[str, float]
    parts: Mapping[str, float]
    doubted: frozenset[str]
    decimal: str

    @classmethod
    @cache
    def of(cls, market: Market) -> Vocabulary:
        """The vocabulary of a market: the CLDR's words come first, then those of `money_words`."""
        known, names = market.multiples, set(SYMBOLS)
        for texts in market.money.values():
            names |= texts
        names -= ENGLISH_CODES - {market.currency}
        names |= set(_nouns(market)) | {market.currency.lower(), *_TYPED}
        own = set(map(bare, market.money[market.currency]))
        common = EVERYWHERE | BY_LANGUAGE.get(market.language, {})
        if market.code in _SOUTH_ASIA:
            common |= SOUTH_ASIAN
        behind = {word: many for word, many in _bare(common).items() if word not in own}
        behind |= _bare(known.behind)
        return cls(
            frozenset(map(bare, names)) - {""},
            frozenset(bare(name).casefold() for name in names if not _is_code(name)),
            behind,
            {word.casefold(): many for word, many in behind.items() if len(word) > 2},
            _bare(known.before),
            _bare(minor(market.currency)),
            frozenset(DOUBTED.get(market.currency, "").split()),
            market.separators[0],
        )

    def is_money(self, word: str) -> bool:
        """Whether a word names a currency; the case counts in codes and in those of one or two letters."""
        return word in self.money or (len(word) > 2 and word.casefold() in self.folded)


def bare(text: str) -> str:
    """A word as it is looked up: in usual characters, without blanks, full stops and marks of direction."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(
        each for each in plain if each != "." and not each.isspace() and unicodedata.category(each) != "Cf"
    )


def factor(market: Market, before: str, behind: str) -> tuple[float, bool] | None:
    """What a number is multiplied by for what stands around it, and whether it begins with its decimal mark.

    Left out are a currency on either side, a word for pieces or, without a currency, a unit behind, and '-'
    for no cents. Thousands, millions, lakhs ... and parts of a currency (cents, pence) count. All else is
    not understood: 'iPhone 15', '5%', '(5)', '5-'.

    Args:
        market: who wrote it.
        before: the text before the first digit.
        behind: the text behind the last one.

    Returns:
        The factor with its sign, and whether the decimal mark comes first; None where something is not
        understood.
    """
    if behind.casefold() == "st":  # '1st' is the first, '8 st' are stones
        return None
    words = Vocabulary.of(market)
    sign, money, leads = _head(words, before.strip())
    if sign == 0:
        return None
    many = _tail(words, behind.strip(), money=bool(money))
    scale = words.before.get(money, 1.0)
    return None if many is None else (sign * many * scale, leads)


def compound(market: Market, text: str) -> float | None:
    """A number of East Asia in several parts, '3億5000万円'; None where the text is none.

    Each part is less than one of the multiple before it; a currency may stand around the whole.
    """
    match = _COMPOUND.fullmatch(text)
    if match is None:
        return None
    words, total, least = Vocabulary.of(market), 0.0, float("inf")
    for digits, many in _COMPOUND_PART.findall(match["parts"]):
        scale = words.behind.get(many, 0.0) if many else 1.0
        value = float(digits.replace(",", "")) * scale
        loose = not many and (least != 1e4 or len(digits.replace(",", "")) != 4)  # '3億5' may be 3.5億
        if not scale or value >= least or loose:
            return None
        total, least = total + value, scale
    around = factor(market, match["before"], match["behind"])
    return total * around[0] if around is not None and abs(around[0]) == 1 else None


def _head(words: Vocabulary, text: str) -> tuple[float, str, bool]:
    """The sign, 0 where the text is not understood; the money or multiple; whether a decimal mark ends it."""
    rest = text
    leads = rest.endswith(words.decimal) and re.search(r"[\w/\u0d80-\u0dff]$", rest[:-1]) is None
    if leads:
        rest = rest[:-1]
    if _has_stray_mark(rest):
        return 0.0, "", False
    rest, minuses = re.subn(rf"^[{MINUS}]|[{MINUS}]$", "", rest)
    word = bare(rest)
    hyphened = (
        minuses == 1 and rest[-1:].isalpha() and text[0] not in MINUS and word.isascii() and len(word) < 3
    )
    known = not word or words.is_money(word) or word in words.before
    if minuses > 1 or not known or hyphened:
        return 0.0, "", False
    return (-1.0 if minuses else 1.0), word, leads


def _tail(words: Vocabulary, text: str, *, money: bool) -> float | None:
    """The factor of what stands behind a number; None where it is not understood."""
    closed = _NO_CENTS.match(text)
    if closed:
        if closed["mark"] not in (words.decimal, ":", "/"):
            return None
        text = text[closed.end() :]
    word = bare(text)
    if _has_stray_mark(text):
        return None
    if not word or (words.is_money(word) and word not in words.behind and word not in words.parts):
        return 1.0
    if closed:
        return None
    return _multiplied(words, word, money=money) or _measured(words, text, word, money=money)


def _multiplied(words: Vocabulary, word: str, *, money: bool) -> float | None:
    """The factor of a multiple, alone, before a currency or before a word for pieces, or of a part of it.

    A part is refused behind a currency ('$5 ct'), and where it is a unit or a word for pieces, too ('5 c').
    """
    if word in words.parts:
        return None if money or word in units() or _pieces(word) else words.parts[word]
    for cut in range(len(word), 0, -1):
        many, rest = _many(words, word[:cut]), word[cut:]
        if many is None or (rest and not (words.is_money(rest) or _pieces(rest))):
            continue
        symbol = len(word) <= 3 and (key(word) in units() or word in ("L", "G"))
        doubted = symbol or word == "T"
        return None if doubted and not (rest or money or word in _SURE) else many
    return None


def _many(words: Vocabulary, word: str) -> float | None:
    return words.behind.get(word, words.lower.get(word.casefold()))


def _measured(words: Vocabulary, text: str, word: str, *, money: bool) -> float | None:
    """1 where a text is a word for pieces, or a unit that stands behind no price, and nothing else."""
    single = len(word) == 1 and word.isascii() and (word not in units() or word in "cf")
    several = words.behind.keys() | words.parts.keys() | words.doubted | _UNSURE
    known = _pieces(text) or (not money and bool(meant(text)))
    return 1.0 if known and not single and word not in several else None


def _has_stray_mark(text: str) -> bool:
    """Whether a full stop stands behind no letter, so that it abbreviates nothing: '..5', '0.1.'.

    One behind a slash abbreviates, too: 'B/.' is Panama's money.
    """
    before = [" ", *text]
    return any(
        mark == "." and last != "/" and unicodedata.category(last)[0] not in "LM"
        for last, mark in zip(before, text, strict=False)
    )


def _pieces(text: str) -> bool:
    match = PIECES.match(text) or CJK_PIECES.match(text)
    return match is not None and text[match.end() :].strip(". ") in _AFTER_PIECES


def _nouns(market: Market) -> Iterator[str]:
    """The words of the names of a market's own currency, but for those that name the country: 'dollars'."""
    country = market.name[:4].casefold()
    for text in market.money[market.currency]:
        for word in re.split(r"[\s\u00a0-]+", text):
            english = market.language == "en" and word != word.lower()
            if len(word) > 2 and not english and not word.casefold().startswith(country):
                yield word


def _bare(words: Mapping[str, float]) -> dict[str, float]:
    return {bare(word): factor for word, factor in words.items()}


def _is_code(name: str) -> bool:
    return len(name) == 3 and name.isascii() and name.isupper()
