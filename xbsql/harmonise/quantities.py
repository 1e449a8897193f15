"""Counts, sizes and model numbers in the title of a product, whatever language wrote it."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from xbsql.harmonise.pieces import CJK_PIECES, NUMERALS, OF, PIECES
from xbsql.harmonise.unit_table import key
from xbsql.harmonise.units import folded, units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xbsql.harmonise.units import Unit

COUNT = "count"
"""The unit of a number of pieces."""

CANONICAL = {
    "mass": "kg", "length": "m", "area": "m2", "volume": "l", "power": "W", "voltage": "V", "charge": "Ah",
    "light": "lm", "frequency": "Hz", "data": "B", "temperature": "k",
}  # fmt: skip
"""The dimensions that tell products apart, and the unit, of scale 1, in which each is given."""

READ, READ_BEHIND = 1000, 32
"""Characters of a text that are looked at, and those behind a number."""

_WORDS = {"st", "c", "C", "f", "F", "k", "K", "dm", "ha", "ac", "hl", "mi", "nm", "pt", "T", "kb"}
"""Symbols that mean something else in a title."""

_COARSE = {
    "kg",
    "t",
    "lb",
    "l",
    "gal",
    "qt",
    "m",
    "km",
    "ft",
    "yd",
    "in",
    "oz",
    "floz",
    "kW",
    "GHz",
    "TB",
    "Ah",
}
"""Units that are sold by parts: of '1.250 kg' nobody can tell whether it is one or a thousand."""

_LATIN = r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_PLAIN = r"\d+(?:[.,]\d+)*"
_VALUE = rf"(?:(?:\d+\s)?\d+[/\u2044]\d+|{_PLAIN})"
_SIGN = r"\s*[x\u00d7*]\s*"
_CHAIN = re.compile(
    rf"(?<![\d.,/\u2044{_LATIN}])(?<![{_LATIN}]-)(?<!\d[-\u2013~])(?<!\d\s[-\u2013~]\s)"
    rf"(?P<values>{_VALUE}(?:\s*[x\u00d7*]\s*{_VALUE})*)(?P<times>\s*[x\u00d7](?=\s+[^\W\d]))?"
)
_TIMES = re.compile(rf"(?:\u00d7|(?<![{_LATIN}\d])x)\s?(?P<values>\d{{1,4}})(?!\w|[.,/]\d)", re.IGNORECASE)
_WORD = re.compile(
    rf"[\s-]*([{_LATIN}]+[23]?|\u00b0[CF]|\"|'(?![{_LATIN}]))\.?(?:\s([{_LATIN}]+[23]?)(?![{_LATIN}\d]))?"
)
_OTHER_IN = re.compile(
    r"\s*(?:\d|(?:an?|the|one|ein\w*|d\w[srnm]?|une?|uno|una|el|la|il|le)\b)", re.IGNORECASE
)
_FRACTIONS = re.compile(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e])")
_CJK = re.compile(r"\s*([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,8})")
_MODEL = re.compile(r"(?<![\w./])(?=[A-Za-z-]*\d)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?!\w|[.,]\d)", re.ASCII)
_PLAIN_WORD = re.compile(r"(?:[^\W\d]){5,}")


class Quantity(NamedTuple):
    """A number with what it counts or measures.

    Attributes:
        value: in the unit.
        unit: 'count', or the unit of `CANONICAL` that its dimension is given in.
    """

    value: float
    unit: str


def quantities(text: str) -> tuple[Quantity, ...]:
    """The counts and sizes that a title states, each once, in the order of the text.

    Units are read by all their names in twelve languages, counts by the words of nine: '12 pcs', '6er-Set',
    '12入り', 'pack of 3', 'lot de 2', 'x4'. '2x500 g' is a count of 2 and half a kilogram, '60 x 40 cm' two
    lengths. A number of which it is not sure what it says ('1.250 kg', '2 in 1', '5-6 m') is left out. An
    ounce is a mass unless the text says 'fl oz'.

    Args:
        text: the first `READ` characters are looked at; blank gives none.
    """
    plain = _plain(text)
    found = [*_measured(plain), *_packed(plain)]
    return tuple(dict.fromkeys(quantity for _, quantity in sorted(found)))


class Measure(NamedTuple):
    """What stands behind a number.

    Attributes:
        unit: its name, one in all languages.
        written: as the text has it, with what is between it and the number.
    """

    unit: str
    written: str


def measures(text: str) -> dict[str, Measure]:
    """The numbers that stand before a unit, as written, and the unit: '5 kg' is {'5': ('kg', ' kg')}.

    Of a number with several units none is given.
    """
    several = dict[str, set[Measure]]()
    plain = _plain(text)
    for each in _found(plain):
        chain = plain[each.start : each.stop - len(each.written)]
        several.setdefault(chain, set()).add(Measure(each.unit.name, each.written))
    return {chain: names.pop() for chain, names in several.items() if len(names) == 1}


class Found(NamedTuple):
    """A size in a text.

    Attributes:
        start, stop: its first character, and the one behind its unit.
        values: its numbers as written: three of '3 x 60 x 40 cm'.
        between: what stands between these.
        unit: of the last ones.
        written: as the text has it, with what is between it and the number.
    """

    start: int
    stop: int
    values: tuple[str, ...]
    between: tuple[str, ...]
    unit: Unit
    written: str


def found(text: str) -> Iterator[Found]:
    """The sizes that a text states, in its order; none where normal characters would change its length."""
    plain = _plain(text)
    if len(plain) == len(text[:READ]):
        yield from _found(plain)


def _found(plain: str) -> Iterator[Found]:
    for match in _CHAIN.finditer(plain):
        behind = plain[match.end() : match.end() + READ_BEHIND]
        unit = None if match["times"] or _pieces(behind) else _unit(behind, spaced=behind[:1].isspace())
        if unit is not None:
            written = _written(behind)
            signs = re.split(rf"({_SIGN})", match["values"])
            stop = match.end() + len(written)
            yield Found(match.start(), stop, tuple(signs[::2]), tuple(signs[1::2]), unit, written)


def models(text: str) -> tuple[str, ...]:
    """The model numbers of a title, in capitals and without hyphens, each once: 'RX-580' is 'RX580'.

    A model number is one word of at least three letters and digits that has both and is no quantity; of a
    longer word ('Vitamin-B12') and of figures with a letter behind them ('4K', '20V', '3XL') it is none.
    """
    found = (match[0] for match in _MODEL.finditer(_plain(text)))
    return tuple(dict.fromkeys(word.replace("-", "").upper() for word in found if _is_model(word)))


def _plain(text: str) -> str:
    """Full-width digits, square characters and fractions as they are typed elsewhere."""
    if text.isascii():
        return text[:READ].replace("''", '"')
    return (
        unicodedata.normalize("NFKC", _FRACTIONS.sub(" ", text[:READ])).translate(_QUOTES).replace("''", '"')
    )


_QUOTES = str.maketrans({"\u2032": "'", "\u2019": "'", "\u201d": '"'})


def _measured(text: str) -> Iterator[tuple[int, Quantity]]:
    """Numbers with a unit or a word for pieces behind them."""
    shouted = text.upper() == text
    for match in _CHAIN.finditer(text):
        values = re.split(r"\s*[x\u00d7*]\s*", match["values"])
        place, behind = match.start(), text[match.end() : match.end() + READ_BEHIND]
        unit = _unit(behind, shouted=shouted, spaced=len(values) > 1 or behind[:1].isspace())
        if match["times"] or _pieces(behind):
            yield from _counted(place, values)
        elif unit is not None:
            sides = values if unit.dimension in ("length", "area") else values[-1:]
            yield from ((place, each) for value in sides for each in _quantity(value, unit))
            yield from _counted(place, values[: len(values) - len(sides)])


def _counted(place: int, values: list[str]) -> Iterator[tuple[int, Quantity]]:
    """The product of whole numbers, as a count."""
    counts = [number(value, coarse=False) for value in values]
    product = 1.0
    for count in counts:
        product *= count if count is not None else 0.5
    if counts and product == int(product) and product > 0:
        yield place, Quantity(product, COUNT)


def _packed(text: str) -> Iterator[tuple[int, Quantity]]:
    """Numbers with the word before them: 'pack of 3', 'x4'."""
    for match in _TIMES.finditer(text):
        inside = text[: match.start()].rstrip()[-1:].isdigit()  # of '60 x 40 cm'
        if not inside and _unit(text[match.end() : match.end() + READ_BEHIND]) is None:
            yield from _counted(match.start(), [match["values"]])
    for match in OF.finditer(text):
        word = match["number"].casefold()
        yield from _counted(match.start(), [str(NUMERALS.get(word, word))])


def _quantity(text: str, unit: Unit) -> Iterator[Quantity]:
    value = number(text, coarse=unit.name in _COARSE)
    if value is not None:
        yield Quantity(float(f"{value * unit.scale + unit.offset:.10g}"), CANONICAL[unit.dimension])


def number(text: str, *, coarse: bool) -> float | None:
    """A number of either decimal mark; None where it may be a thousand times as much."""
    if "/" in text or "\u2044" in text:
        *whole, part = re.split(r"\s", text)
        above, below = re.split(r"[/\u2044]", part)
        return float(whole[0] if whole else 0) + int(above) / int(below) if int(below) else None
    groups = re.split(r"[.,]", text)
    marks = re.findall(r"[.,]", text)
    thousands = all(len(group) == 3 for group in groups[1:])
    if len(marks) == 1 and thousands and groups[0].strip("0"):
        return None if coarse else float("".join(groups))
    if len(marks) > 1 and len(set(marks)) == 1:
        return float("".join(groups)) if thousands else None
    return float("".join(groups[:-1]) + "." + groups[-1]) if marks else float(text)


def _unit(behind: str, *, shouted: bool = False, spaced: bool = False) -> Unit | None:
    """The unit that a text begins with."""
    match = _WORD.match(behind)
    if match is None:
        run = _CJK.match(behind)
        return _longest(run[1]) if run else None
    one, two = match[1], match[2]
    if two and (unit := _sold_by().get(key(one + two))) is not None:
        return unit
    if one.casefold() == "in" and _OTHER_IN.match(behind[match.end(1) :]):
        return None
    if (one == "M" and not (shouted and spaced)) or (one == "G" and not spaced):
        return None
    return _sold_by().get(key(one)) or _folded().get(key(one).casefold()) if one not in _WORDS else None


def _written(behind: str) -> str:
    """The unit that a text begins with, as it stands there."""
    match = _WORD.match(behind)
    if match is None:
        run = _CJK.match(behind)
        return "" if run is None else behind[: run.end()]
    two = bool(match[2]) and key(match[1] + match[2]) in _sold_by()
    return behind[: match.end(2 if two else 1)]


def _longest(run: str) -> Unit | None:
    """The unit of the longest name that Chinese, Japanese or Korean text begins with."""
    found = (_sold_by().get(run[:length]) for length in range(len(run), 0, -1))
    return next((unit for unit in found if unit is not None), None)


def _pieces(behind: str) -> bool:
    """Whether a text begins with a word for pieces."""
    return bool(PIECES.match(behind) or CJK_PIECES.match(behind))


@cache
def _sold_by() -> dict[str, Unit]:
    """The units that tell products apart, by their names with case."""
    known = units().items()
    return {
        name: unit
        for name, unit in known
        if unit.dimension in CANONICAL and not unit.rare and name not in _WORDS
    }


@cache
def _folded() -> dict[str, Unit]:
    """The same by names without case, where that leaves one."""
    sold = set(_sold_by().values())
    return {
        name: several[0] for name, several in folded().items() if len(several) == 1 and several[0] in sold
    }


def _is_code(word: str) -> bool:
    """Whether figures and capitals change more than once: 'B08N5WRWNW'."""
    return word.isupper() and len(re.findall(r"\d+", word)) > 1


def _is_model(word: str) -> bool:
    letters = re.sub(r"[\d-]", "", word)
    if len(word.replace("-", "")) < 3 or not letters or (_PLAIN_WORD.search(word) and not _is_code(word)):
        return False
    if figures := re.fullmatch(r"(\d+)(-?[A-Za-z]+)", word):
        known = _pieces(figures[2]) or _unit(figures[2], shouted=True, spaced=True) is not None
        return not known and len(figures[1]) >= 3 and len(figures[2]) <= 2 and figures[2][0].isupper()
    return not re.fullmatch(r"(?i)x\d+|\d+(?:x\d+)+[a-z]*|\d+-in-\d+|\d[a-z0-9]*-[a-z]{2,}", word)
