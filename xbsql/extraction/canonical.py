"""Values of attributes in one spelling for all markets: 'navy' and 'marineblau' are one colour."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from xbsql.extraction.names import placed
from xbsql.extraction.titles import plain
from xbsql.harmonise.quantities import COUNT, quantities
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Iterable

Spellings = Mapping[str, Mapping[str, Sequence[str]]]
"""Attribute -> form -> how it is written."""

SORTS: Final[Mapping[str, str]] = {
    "colour": "colour", "color": "colour", "material": "material", "fabric": "material", "gender": "gender",
}  # fmt: skip
"""Names of attributes whose values a table knows, and which of its parts that is."""

_TABLE: Final = Path(__file__).with_name("values.csv")
_BETWEEN: Final = re.compile(r"[\W_]+")
_SEGMENTED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")


@cache
def _table() -> dict[str, dict[str, str]]:
    """Part -> spelling -> form."""
    found: dict[str, dict[str, str]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            forms = found.setdefault(row["sort"], {})
            for spelling in (row["form"], *row["spellings"].split("|")):
                forms.setdefault(spelled(spelling), row["form"])
    return found


def spelled(text: str) -> str:
    """A value in the form in which it is looked up: words with one blank between."""
    return " ".join(_BETWEEN.sub(" ", plain(text)).split())


@restorable("canonical")
@dataclass(frozen=True)
class Canonical:
    """The one spelling of a value, by its attribute.

    Attributes:
        sorts: attribute -> the part of the built-in table that knows its values.
        own: attribute -> form -> spellings: a user's table, which takes the place of the built-in one.
        same: attributes whose values are written alike everywhere.
        local: attributes whose values mean something else in each market: they have no such spelling.
    """

    sorts: Mapping[str, str]
    own: Spellings
    same: tuple[str, ...] = ()
    local: tuple[str, ...] = ()

    def of(self, attribute: str, value: str) -> str | None:
        """A value as every market would write it; None where that cannot be told.

        A value of several words that names one form of the table has that one ('nautical navy' is navy); one
        that names two ('black/white') has none. Counts and sizes are in the units of `quantities`.
        """
        if attribute in self.local:
            return None
        if attribute in self.same:
            return spelled(value) or None
        forms = self.forms(attribute)
        return _looked_up(forms, value) if forms else _measured(value)

    def forms(self, attribute: str) -> Mapping[str, str]:
        """Spelling -> form, of an attribute whose values a table knows; empty for others."""
        if attribute in self.local or attribute in self.same:
            return {}
        if attribute in self.own:  # what a user says of it comes first
            return _own_forms(tuple((form, tuple(names)) for form, names in self.own[attribute].items()))
        return _table()[self.sorts[attribute]] if attribute in self.sorts else {}

    def state(self) -> State:
        """The tables as data."""
        own = {name: {form: list(each) for form, each in forms.items()} for name, forms in self.own.items()}
        config = {"sorts": dict(self.sorts), "own": own, "same": list(self.same), "local": list(self.local)}
        return State("canonical", config)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The tables again."""
        config = state.config
        return cls(config["sorts"], config["own"], tuple(config["same"]), tuple(config["local"]))


@cache
def _own_forms(given: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, str]:
    return {spelled(name): form for form, names in given for name in (form, *names)}


def _looked_up(forms: Mapping[str, str], value: str) -> str | None:
    """The form of a value: of all of it, else the only one that it names."""
    text = spelled(value)
    if text in forms:
        return forms[text]
    named = {forms[part] for part in _parts(text, forms)}
    return named.pop() if len(named) == 1 else None


def _parts(text: str, forms: Mapping[str, str]) -> Iterable[str]:
    """Spellings that a text holds, the longest first at each place; by characters without blanks."""
    words, joint = (list(text), "") if _SEGMENTED.search(text) else (text.split(), " ")
    at = 0
    while at < len(words):
        for end in range(len(words), at, -1):
            if (part := joint.join(words[at:end])) in forms and not _torn(words, at, end):
                yield part
                at = end - 1
                break
        at += 1


def _torn(words: Sequence[str], at: int, end: int) -> bool:
    """Whether a number goes on beyond the part: 'UK 5' of 'UK 5-6' and of 'UK 5.25' is no size."""
    cuts = (cut for cut in (at, end) if 0 < cut < len(words))
    return any(words[cut - 1][-1].isdigit() and words[cut][0].isdigit() for cut in cuts)


def _measured(value: str) -> str | None:
    """A count or a size in the unit of its dimension; None for none, and for several."""
    found = quantities(value)
    if len(found) != 1:
        return None
    unit = "pieces" if found[0].unit == COUNT else found[0].unit
    return f"{found[0].value:.10g} {unit}"


def sorts_of(names: Sequence[str]) -> dict[str, str]:
    """Which attributes have values that the built-in table knows, by the meaning of their names."""
    known = list(SORTS)
    return {
        name: SORTS[known[at]]
        for name, at in zip(names, placed(names, known).tolist(), strict=True)
        if at >= 0
    }
