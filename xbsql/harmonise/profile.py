"""What a column looks like: enough to say whether it is another table's column, in the same unit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql.arrow import is_blob
from xbsql.features.roles import as_text, kind_of, looked_at, roles
from xbsql.harmonise.money_words import AMOUNTS, ENGLISH_CODES
from xbsql.harmonise.unit_table import key
from xbsql.harmonise.units import folded, meant, words
from xbsql.market import currencies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.features.table import TableEncoder
    from xbsql.harmonise.units import Unit

_DIGITS = re.compile(r"\s*[-+]?[\d.,\s]*\d\s*")

_RATES = (["per"], ["pro"], ["par"], ["por"], ["je"])

MOST_LEVELS = 200
"""Values of a text column that its profile keeps, the most frequent ones."""


@dataclass(frozen=True)
class Profile:
    """One column.

    Attributes:
        name: as in its table.
        kind: 'number', 'boolean', 'text', 'date', 'null' or 'other', see `kind_of`; 'blob' of bytes.
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
        """The words of its name, lower case, its unit or currency left out."""
        if self.units:
            return [word for part in self._ending[0] for word in words(part)]
        found = words(self.name)
        return [word for word in found if word != self._money] if len(found) > 1 else found

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
        """The unit that its name ends with, 'weight_kg'; None where it says none, or one that is not sure."""
        return self.units[0] if len(self.units) == 1 else None

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The units that its name may end with: several where the case that would tell is not there ('nm').

        A name that ends with a rate ('price_per_kg') ends with no unit: it is not converted as one.
        """
        head, last = self._ending
        if (
            not head
            or self.kind not in ("number", "text")
            or words(head[-1])[-1:] in _RATES
            or "/" in self.name
        ):
            return ()
        return meant(last) if _tells_case(self.name) else folded().get(key(last).casefold(), ())

    @property
    def currency(self) -> str | None:
        """The currency that its name says, 'freight_usd': 'USD'; None where it says none."""
        return self._money.upper() if self._money and not self.units else None

    @cached_property
    def _ending(self) -> tuple[list[str], str]:
        """Its name before its last word, and that word with its case: 'mW' of 'power_mW'."""
        parts = [part for part in re.split(r"[\W_]+", self.name) if part]
        if len(parts) < 2 or not meant(parts[-1]):
            parts = [part for part in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", self.name) if part]
        return parts[:-1], parts[-1] if parts else ""

    @cached_property
    def _money(self) -> str | None:
        found = words(self.name)
        if len(found) < 2 or self.kind not in ("number", "text"):
            return None
        codes = currencies() if AMOUNTS & set(found) else currencies() - ENGLISH_CODES
        return next((word for word in (found[-1], found[0]) if word.upper() in codes), None)

    @cached_property
    def stated(self) -> tuple[str, frozenset[str]] | None:
        """What a column of units or currencies states: ('currency', {'EUR'}), ('mass', {'kg', 'g'})."""
        values = [value.strip() for value in self.levels if value.strip()]
        if not values:
            return None
        if all(value in currencies() for value in values):
            return "currency", frozenset(values)
        found = (
            [meant(value) for value in values] if {"unit", "units", "uom"} & set(words(self.name)) else [()]
        )
        kinds = {units[0].dimension for units in found if len(units) == 1}
        if any(len(units) != 1 for units in found) or len(kinds) != 1:
            return None
        return kinds.pop(), frozenset(units[0].name for units in found)


def _tells_case(name: str) -> bool:
    """Whether the case of a column's name says something: one of small letters or capitals alone does not."""
    return name != name.lower() and name != name.upper()


def profiles(table: pa.Table) -> dict[str, Profile]:
    """The profile of every column, from at most 20,000 of its rows; of columns of one name, one."""
    return {name: _profile(name, table.column(i)) for i, name in enumerate(table.column_names)}


def read_profiles(table: pa.Table, label: str | None, known: Mapping[str, Profile]) -> dict[str, Profile]:
    """Those of the known profiles whose columns a model of these rows would read: no ids, no empty ones."""
    read = roles(table, label if label in table.column_names else None)
    return {name: profile for name, profile in known.items() if read.get(name, "ignored") != "ignored"}


def known_profiles(schema: pa.Schema, encoder: TableEncoder) -> dict[str, Profile]:
    """What a model still knows of the columns that it reads: names, types and levels that are not hidden."""
    levels = {column.name: column.shown for column in encoder.columns}
    return {
        f.name: Profile(f.name, _kind(f.type), _even(levels.get(f.name, ())) if _text(f.type) else {})
        for f in schema
    }


def _kind(type_: pa.DataType) -> str:
    return "blob" if is_blob(type_) else kind_of(type_)


def _text(kind: pa.DataType) -> bool:
    return kind_of(kind) == "text"


def _even(levels: tuple[str, ...]) -> dict[str, float]:
    kept = levels[:MOST_LEVELS]
    return dict.fromkeys(kept, 1 / len(kept)) if kept else {}


def _profile(name: str, column: pa.ChunkedArray) -> Profile:
    kind, values = _kind(column.type), looked_at(column).drop_null()
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
