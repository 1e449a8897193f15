"""Units of measure: what a name stands for, and conversion between units of one dimension."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from xbsql import errors
from xbsql.harmonise.unit_table import TABLE, UNSURE, key
from xbsql.market.words import unit_names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Unit:
    """A unit: a value in it, times `scale` plus `offset`, is the value in the dimension's own unit.

    Attributes:
        name: the name that messages use, its symbol.
        dimension: 'mass', 'length', 'area', 'volume', 'time', 'temperature', 'power' ...
        scale: exact by definition (NIST Special Publication 811, appendix B).
        offset: not 0 for temperatures.
        rare: whether hardly anything is sold by it, so that 'mb' is no megabit.
    """

    name: str
    dimension: str
    scale: float
    offset: float = 0.0
    rare: bool = False


_OFFSETS = {"c": 273.15, "f": 273.15 - 32 * 5 / 9}


@cache
def units() -> dict[str, Unit]:
    """Every unit by each of its names, as `key` writes them, with their case.

    Names are those of the table, then those of the Unicode CLDR in twelve languages, where no two units
    share one.
    """
    own: dict[str, Unit] = {}
    also: defaultdict[str, set[Unit]] = defaultdict(set)
    for line in TABLE.strip().splitlines():
        facts, _, others = line.partition(":")
        dimension, symbol, scale, cldr = facts.split()
        name = symbol.rstrip("*")
        unit = Unit(name, dimension, float(scale), _OFFSETS.get(name, 0.0), symbol.endswith("*"))
        own |= dict.fromkeys(map(key, (name, *others.split())), unit)
        for word in _spoken(cldr) if cldr != "-" else ():
            also[word].add(unit)
    return {name: found.pop() for name, found in also.items() if len(found) == 1} | own


@cache
def folded() -> dict[str, tuple[Unit, ...]]:
    """The units that a name may stand for where its case says nothing; a rare one where there is no other."""
    found: defaultdict[str, set[Unit]] = defaultdict(set)
    for name, unit in units().items():
        found[name.casefold()].add(unit)
    found["nm"].add(units()["nmi"])  # pilots write NM
    return {name: _usual(several) for name, several in found.items()}


def meant(name: str) -> tuple[Unit, ...]:
    """The units that a name may stand for: one where that is sure, several where its case leaves it open.

    The case counts where it tells units apart: 'nm' is a nanometre and 'Nm' a newton metre, 'mm' and 'Mm' are
    a millimetre and a megametre. 'KG' and 'Kg' can be one thing only; capitals throughout leave open which of
    two it is: 'ML' a millilitre or a megalitre, 'MM' a millimetre or a megametre.
    """
    written = key(name)
    exact = units().get(written)
    alike = folded().get(written.casefold(), ())
    if len(written) > 1 and written.isupper() and (exact is None or exact.rare):
        return tuple(dict.fromkeys((*alike, *_rare().get(written.casefold(), ()))))
    return alike if exact is None else (exact,)


@cache
def _rare() -> dict[str, tuple[Unit, ...]]:
    """The rare units by symbols without their case."""
    found: defaultdict[str, list[Unit]] = defaultdict(list)
    for name, each in units().items():
        if each.rare:
            found[name.casefold()].append(each)
    return {name: tuple(several) for name, several in found.items()}


def unit(where: str, name: str) -> Unit:
    """The unit of a name: 'kg', 'KG', 'pounds', 'fl oz', 'm²', 'Zoll'.

    Raises:
        XbsqlError: no such unit, or several that the name may stand for.
    """
    found = meant(name)
    if len(found) == 1:
        return found[0]
    if found:
        several = " or ".join(f"'{each.name}'" for each in found)
        raise errors.invalid(where, f"the unit '{name[:60]}' may be {several}", "write the one it is")
    if UNSURE.fullmatch(key(name)):
        problem = f"the unit '{name[:60]}' has another size in each country"
        raise errors.invalid(where, problem, "write 'lb', 'kg', 'g', 't' or another that has one")
    known = sorted({each.name for each in units().values()})
    raise errors.unknown(where, "unit", name[:60], known)


def converted(where: str, values: NDArray[np.float64], unit_: str, into: str) -> NDArray[np.float64]:
    """The values, which are in one unit, in another; float64, same shape, NaN kept.

    Raises:
        XbsqlError: no such unit, or units of two dimensions.
    """
    old, new = unit(where, unit_), unit(where, into)
    if old.dimension != new.dimension:
        problem = f"'{unit_[:60]}' is {_one(old.dimension)} and '{into[:60]}' {_one(new.dimension)}"
        raise errors.invalid(where, problem, "give two units of one dimension")
    return (values * old.scale + old.offset - new.offset) / new.scale


def _one(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def words(name: str) -> list[str]:
    """The words of a column's name, lower case: 'grossWeight_KG' -> gross, weight, kg."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


def _spoken(cldr: str) -> set[str]:
    """What the CLDR calls a unit.

    Left out are abbreviations of up to three Latin letters, which mean something else in the next language
    ('cal' is a Polish inch, 'Sek' a German second): the table has those that are read everywhere.
    """
    found = {key(name) for name in unit_names(cldr)}
    return {name for name in found if len(name) > 3 * name.isascii() and not UNSURE.fullmatch(name)}


def _usual(several: set[Unit]) -> tuple[Unit, ...]:
    usual = [each for each in several if not each.rare] or list(several)
    return tuple(sorted(usual, key=lambda each: each.name))
