"""Sizes in a text as a market gives them: its units, its decimal mark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xbsql.harmonise.quantities import Found, found, number
from xbsql.harmonise.units import units
from xbsql.market.country import market

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xbsql.harmonise.units import Unit

CUSTOMARY: Final = frozenset({"US", "LR", "MM"})
"""Markets that measure in inches and pounds."""
_METRIC: Final = {
    "in": ("cm",), "ft": ("cm", "m"), "yd": ("m",), "mi": ("km",), "in2": ("cm2",), "ft2": ("m2",),
    "yd2": ("m2",), "oz": ("g",), "lb": ("g", "kg"), "floz": ("ml",), "flozimp": ("ml",), "qt": ("ml", "l"),
    "gal": ("l",), "galimp": ("l",), "in3": ("cm3",), "ft3": ("l",), "f": ("c",),
}  # fmt: skip
_CUSTOMARY: Final = {
    "mm": ("in",), "cm": ("in",), "m": ("ft",), "km": ("mi",), "cm2": ("in2",), "m2": ("ft2",), "mg": ("oz",),
    "g": ("oz",), "kg": ("lb",), "ml": ("floz",), "cl": ("floz",), "dl": ("floz",), "l": ("floz", "gal"),
    "c": ("f",),
}  # fmt: skip
"""A unit and those that may take its place: of several the largest in which a size is 1 or more."""
_WRITTEN: Final = {
    "cm2": "cm\u00b2", "m2": "m\u00b2", "in2": "sq in", "ft2": "sq ft", "cm3": "cm\u00b3", "floz": "fl oz",
    "c": "\u00b0C", "f": "\u00b0F",
}  # fmt: skip
EXACT: Final = 0.005
"""Share of a size that rounding may change."""


def remeasured(text: str, code: str) -> tuple[str, tuple[str, ...]]:
    """A text with its sizes as a market gives them, and what was changed, 'old -> new', each once.

    '12 in' becomes '30.5 cm' for the GB and '30,5 cm' for the FR market, '60 x 40 cm' '23.6 x 15.7 in'
    for the US one, rounded by half a percent at most. Of what nobody can read for sure ('1.250 kg',
    '5-6 in') nothing is changed, nor of sizes that are the market's already but for the decimal mark.

    Args:
        text: its first 1,000 characters are looked at.
        code: of the market, in capitals.
    """
    table = _CUSTOMARY if code in CUSTOMARY else _METRIC
    mark, parts, changed, last = market(code).separators[0], [], [], 0
    for each in found(text):
        new = _said(each, table, mark)
        old = text[each.start : each.stop]
        if new is None or new == old:
            continue
        parts += [text[last : each.start], new]
        changed.append(f"{old} -> {new}")
        last = each.stop
    return "".join([*parts, text[last:]]), tuple(dict.fromkeys(changed))


def _said(each: Found, table: dict[str, tuple[str, ...]], mark: str) -> str | None:
    """A size in the market's unit; None where it stays as it is."""
    sides = each.values if each.unit.dimension in ("length", "area") else each.values[-1:]
    read = [number(value, coarse=False) for value in sides]
    sure = [value for value in read if value is not None]
    if len(sure) < len(sides) or any(re.search(r"[.,]\d{3}$", value) for value in sides):
        return None
    unit = _other(each.unit, max(sure), table)
    if unit is None:
        said = [value.replace(".", mark).replace(",", mark) for value in sides]
        written = each.written
    else:
        scaled = [(v * each.unit.scale + each.unit.offset - unit.offset) / unit.scale for v in sure]
        said = [_rounded(value).replace(".", mark) for value in scaled]
        written = " " + _WRITTEN.get(unit.name, unit.name)
    before = [*each.values[: len(each.values) - len(sides)], *said]
    return "".join(_joined(before, each.between)) + written


def _joined(values: list[str], between: tuple[str, ...]) -> Iterator[str]:
    """Values with what stands between them."""
    for value, sign in zip(values, (*between, ""), strict=True):
        yield value + sign


def _other(unit: Unit, value: float, table: dict[str, tuple[str, ...]]) -> Unit | None:
    """The market's unit for a size; None where it is in one."""
    others = [units()[name] for name in table.get(unit.name, ())]
    large = [each for each in others if value * unit.scale / each.scale >= 1.0]
    return large[-1] if large else next(iter(others), None)


def _rounded(value: float) -> str:
    """A size in as few decimals as are exact enough, at most four."""
    for decimals in range(5):
        said = f"{value:.{decimals}f}"
        if abs(float(said) - value) <= EXACT * abs(value):
            return said.rstrip("0").rstrip(".") if "." in said else said
    return said
