"""What a column looks like: enough to say whether it is another table's column, in the same unit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql.features.roles import as_text, kind_of, looked_at
from xbsql.harmonise.units import units, words
from xbsql.market import currencies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.features.table import TableEncoder
    from xbsql.harmonise.units import Unit

_DIGITS = re.compile(r"\s*[-+]?[\d.,\s]*\d\s*")

MOST_LEVELS = 200
"""Values of a text column that its profile keeps, the most frequent ones."""


@dataclass(frozen=True)
class Profile:
    """One column.

    Attributes:
        name: as in its table.
        kind: 'number', 'boolean', 'text', 'date', 'null' or 'other', see `kind_of`.
        levels: of text: value -> share of the rows that are not NULL; equal shares where only the values are
            known.
        deciles: of numbers, and of dates as days since 1970: the values at 0, 10 .. 100 %; empty where not
            known.
    """

    name: str
    kind: str
    levels: Mapping[str, float] = field(default_factory=dict)
    deciles: tuple[float, ...] = ()

    @cached_property
    def words(self) -> list[str]:
        """The words of its name, lower case, its unit left out."""
        found = words(self.name)
        return [word for word in found if word != self._measure] if len(found) > 1 else found

    @property
    def counted(self) -> bool:
        """Whether its numbers are whole, as counts are and measures seldom."""
        return all(value == round(value) for value in self.deciles)

    @cached_property
    def digits(self) -> bool:
        """Whether it is text that holds nothing but numbers."""
        return bool(self.levels) and all(_DIGITS.fullmatch(value) for value in self.levels)

    @property
    def unit(self) -> Unit | None:
        """The unit that its name ends with, 'weight_kg'; None where it says none."""
        return units().get(self._measure) if self._measure else None

    @property
    def currency(self) -> str | None:
        """The currency that its name says, 'freight_usd': 'USD'; None where it says none."""
        if self._measure is None or self.unit is not None:
            return None
        return self._measure.upper()

    @cached_property
    def _measure(self) -> str | None:
        found = words(self.name)
        if len(found) < 2 or self.kind not in ("number", "text"):
            return None
        if found[-1] in units():
            return found[-1]
        return next((word for word in (found[-1], found[0]) if word.upper() in currencies()), None)

    @cached_property
    def stated(self) -> tuple[str, frozenset[str]] | None:
        """What a column of units or currencies states: ('currency', {'EUR'}), ('mass', {'kg', 'g'})."""
        values = [value.strip() for value in self.levels if value.strip()]
        if not values:
            return None
        if all(value in currencies() for value in values):
            return "currency", frozenset(values)
        found = [units().get(value.lower()) for value in values]
        kinds = {unit.dimension for unit in found if unit is not None}
        if None in found or len(kinds) != 1 or not {"unit", "units", "uom"} & set(words(self.name)):
            return None
        return kinds.pop(), frozenset(unit.name for unit in found if unit is not None)


def profiles(table: pa.Table) -> dict[str, Profile]:
    """The profile of every column, from at most 20,000 of its rows; of columns of one name, one."""
    return {name: _profile(name, table.column(i)) for i, name in enumerate(table.column_names)}


def known_profiles(schema: pa.Schema, encoder: TableEncoder) -> dict[str, Profile]:
    """What a model still knows of the columns that it reads: names, types and levels that are not hidden."""
    levels = {column.name: column.shown for column in encoder.columns}
    return {
        f.name: Profile(f.name, kind_of(f.type), _even(levels.get(f.name, ())) if _text(f.type) else {})
        for f in schema
    }


def _text(kind: pa.DataType) -> bool:
    return kind_of(kind) == "text"


def _even(levels: tuple[str, ...]) -> dict[str, float]:
    kept = levels[:MOST_LEVELS]
    return dict.fromkeys(kept, 1 / len(kept)) if kept else {}


def _profile(name: str, column: pa.ChunkedArray) -> Profile:
    kind, values = kind_of(column.type), looked_at(column).drop_null()
    if kind == "null" or not len(values):
        return Profile(name, kind)
    if kind == "text":
        return Profile(name, kind, _levels(as_text(values)))
    if kind == "date":
        values = values.cast(pa.date32(), safe=False).cast(pa.int32())
    if kind not in ("number", "date"):
        return Profile(name, kind)
    found = np.asarray(values.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    found = found[np.isfinite(found)]
    return (
        Profile(
            name, kind, deciles=tuple(np.quantile(found, np.linspace(0, 1, 11), method="nearest").tolist())
        )
        if len(found)
        else Profile(name, kind)
    )


def _levels(values: pa.ChunkedArray) -> dict[str, float]:
    counts = pc.value_counts(values.combine_chunks())
    table = pa.table({"value": counts.field("values"), "count": counts.field("counts")})
    ordered = table.sort_by([("count", "descending"), ("value", "ascending")]).slice(0, MOST_LEVELS)
    shares = pc.divide(ordered["count"].cast(pa.float64()), float(len(values)))
    return dict(zip(ordered["value"].to_pylist(), shares.to_pylist(), strict=True))
