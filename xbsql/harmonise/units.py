"""Units of measure: what a name stands for, and conversion between units of one dimension."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from xbsql import errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Unit:
    """A unit: a value in it, times `scale` plus `offset`, is the value in the dimension's own unit.

    Attributes:
        name: the name that messages use.
        dimension: 'mass', 'length', 'area', 'volume', 'time' or 'temperature'.
        scale: exact by definition (NIST Special Publication 811, appendix B).
        offset: not 0 for temperatures.
    """

    name: str
    dimension: str
    scale: float
    offset: float = 0.0


# dimension: unit = scale (offset) : other names
_TABLE = """
mass        mg      1e-6            milligram milligrams
mass        g       1e-3            gram grams gr
mass        kg      1               kilo kilos kilogram kilograms kgs
mass        t       1000            tonne tonnes
mass        oz      0.028349523125  ounce ounces
mass        lb      0.45359237      lbs pound pounds
mass        st      6.35029318      stone
length      mm      1e-3            millimeter millimeters millimetre millimetres
length      cm      0.01            centimeter centimeters centimetre centimetres
length      m       1               meter meters metre metres
length      km      1000            kilometer kilometers kilometre kilometres
length      in      0.0254          inch inches
length      ft      0.3048          foot feet
length      yd      0.9144          yard yards
length      mi      1609.344        mile miles
length      nmi     1852            nm
area        cm2     1e-4            sqcm
area        m2      1               sqm
area        ft2     0.09290304      sqft
volume      ml      1e-6            milliliter milliliters millilitre millilitres
volume      cl      1e-5            centiliter centilitre
volume      l       1e-3            liter liters litre litres
volume      cm3     1e-6            ccm
volume      m3      1               cbm
volume      ft3     0.028316846592  cuft
volume      floz    2.95735295625e-5
volume      gal     3.785411784e-3  gallon gallons
time        s       1               sec secs second seconds
time        min     60              mins minute minutes
time        h       3600            hr hrs hour hours
time        d       86400           day days
time        wk      604800          week weeks
temperature c       1               celsius degc
temperature f       0.5555555555555556 fahrenheit degf
temperature k       1               kelvin
"""
_OFFSETS = {"c": 273.15, "f": 273.15 - 32 * 5 / 9}


@cache
def units() -> dict[str, Unit]:
    """Every unit by each of its names, lower case."""
    found: dict[str, Unit] = {}
    for line in _TABLE.strip().splitlines():
        dimension, name, scale, *others = line.split()
        unit = Unit(name, dimension, float(scale), _OFFSETS.get(name, 0.0))
        found |= dict.fromkeys((name, *others), unit)
    return found


def unit(where: str, name: str) -> Unit:
    """The unit of a name, in any case: 'kg', 'KG', 'pounds'.

    Raises:
        XbsqlError: no such unit.
    """
    found = units().get(name.strip().lower())
    if found is None:
        raise errors.unknown(where, "unit", name, sorted({known.name for known in units().values()}))
    return found


def converted(where: str, values: NDArray[np.float64], unit_: str, into: str) -> NDArray[np.float64]:
    """The values, which are in one unit, in another; float64, same shape, NaN kept.

    Raises:
        XbsqlError: no such unit, or units of two dimensions.
    """
    old, new = unit(where, unit_), unit(where, into)
    if old.dimension != new.dimension:
        problem = f"'{old.name}' is a {old.dimension} and '{new.name}' a {new.dimension}"
        raise errors.invalid(where, problem, "give two units of one dimension")
    return (values * old.scale + old.offset - new.offset) / new.scale


def words(name: str) -> list[str]:
    """The words of a column's name, lower case: 'grossWeight_KG' -> gross, weight, kg."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]
