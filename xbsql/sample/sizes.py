"""A size, and how a market writes it: 28 cm in Hamburg is 11 inches in Boston."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.sample.vocabulary import words

if TYPE_CHECKING:
    from collections.abc import Callable

_CANONICAL = {"apparel": "", "shoe": "EU", "litre": "l", "cmxcm": "cm", "mxm": "m", "no": "no."}
_COMMA = ("de", "fr", "es")


def canonical(unit: str, value: str) -> str:
    """The size as the catalogue has it in every market: '28 cm', '135x200 cm', 'M', '42 EU'."""
    return f"{value} {_CANONICAL.get(unit, unit)}".strip()


def ways(unit: str, value: str, language: str) -> list[str]:
    """The ways in which shops of a language write a size."""
    forms = words("sizes", "unit")[unit][language]
    slots = _conversions(unit, value) if language in ("en", "ja") else {}
    written = value.replace(".", ",") if language in _COMMA else value
    return [form.format(v=written, **slots) for form in forms]


def _conversions(unit: str, value: str) -> dict[str, str]:
    """The value in the other units that its market's forms may name."""
    return {name: convert(value) for name, convert in _CONVERT.get(unit, {}).items()}


def _short(number: float) -> str:
    """Whole numbers from ten on, one decimal below."""
    return f"{number:.0f}" if number >= 10 or number == round(number) else f"{number:.1f}".removesuffix(".0")


def _by(factor: float) -> Callable[[str], str]:
    return lambda value: _short(float(value) * factor)


def _pair(factor: float) -> Callable[[str], str]:
    return lambda value: "x".join(f"{float(side) * factor:.0f}" for side in value.split("x"))


def _millimetres(value: str) -> str:
    """Thicknesses stay metric in US titles, lengths become inches."""
    return f"{value}mm" if float(value) < 20 else f"{_short(float(value) / 25.4)} inch"


def _us_shoe(value: str) -> str:
    """From a European size: children's, women's up to 40, men's above."""
    eu = float(value)
    us = eu * 0.79 - 11.2 if eu < 34 else eu - 30.5 if eu <= 40 else eu - 33
    return f"{round(us * 2) / 2:g}"


def _jp_shoe(value: str) -> str:
    """From a European size: the foot's length in centimetres, by halves."""
    return f"{round((float(value) - 2) / 1.5 * 2) / 2:g}"


_CONVERT: dict[str, dict[str, Callable[[str], str]]] = {
    "cm": {"inch": _by(1 / 2.54)},
    "cmxcm": {"inches": _pair(1 / 2.54)},
    "mxm": {"feet": _pair(3.281)},
    "m": {"foot": _by(3.281)},
    "mm": {"mm_inch": _millimetres},
    "ml": {"floz": _by(1 / 29.57)},
    "l": {"quart": _by(1.057)},
    "g": {"oz": _by(1 / 28.35)},
    "kg": {"lb": _by(2.205)},
    "c": {"fahrenheit": lambda value: f"{float(value) * 1.8 + 32:.0f}"},
    "shoe": {"us": _us_shoe, "jp": _jp_shoe},
}
