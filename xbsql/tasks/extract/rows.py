"""Tables of titles and values, long or wide, as labelled titles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import arrow, errors
from xbsql.extraction.clusters import clusters
from xbsql.extraction.sheet import Sheet, Unfound, sheet_of
from xbsql.extraction.titles import titles_of
from xbsql.harmonise.blank import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from xbsql.tasks.extract.options import ExtractOptions

NO_KIND = ""


class Said(NamedTuple):
    """What one row says of one attribute.

    Attributes:
        title: the place of its title among the distinct ones.
        attribute: its name.
        value: None says that the title has none.
    """

    title: int
    attribute: str
    value: str | None


@dataclass(frozen=True)
class Read:
    """A table of titles.

    Attributes:
        texts: distinct titles, in the order of the table.
        kinds: what each is sold as; '' where nobody says.
        said: what rows say of them.
    """

    texts: list[str]
    kinds: list[str]
    said: list[Said]

    @property
    def names(self) -> list[str]:
        """The attributes that something is said of, in alphabetical order."""
        return sorted({each.attribute for each in self.said})


def read(where: str, table: pa.Table, label: str, options: ExtractOptions) -> Read:
    """Read a table of titles and values.

    A row is one value of a title where there is a column named by the option `attribute`; otherwise it is a
    title and each column of values an attribute. A value that is NULL is not known; one that is written as no
    value ('n/a', '-', '') says that the title has none.

    Raises:
        XbsqlError: a column is missing, or is no text.
    """
    long = options.attribute in table.column_names
    names = (label,) if long else options.attributes or (label,)
    if not long and label not in names:
        problem = f"label '{label}' is none of the option 'attributes'"
        raise errors.invalid(where, problem, f"name one of them: {', '.join(names[:8])}")
    texts = _column(where, table, options.text, "column for the option 'text'")
    kinds = [NO_KIND] * table.num_rows
    if options.kind is not None:
        kinds = _column(where, table, options.kind, "column for the option 'kind'")
    place, found = dict[tuple[str, str], int](), list[Said]()
    rows = [
        place.setdefault((text or "", kind or NO_KIND), len(place)) if text and text.strip() else -1
        for text, kind in zip(texts, kinds, strict=True)
    ]
    for name in names:
        values = _column(where, table, name, "column of values")
        asked = _column(where, table, options.attribute, "column") if long else [name] * table.num_rows
        found += _said(rows, asked, values)
    ordered = list(place)
    return Read([text for text, _ in ordered], [kind for _, kind in ordered], found)


def _said(rows: list[int], asked: Iterable[str | None], values: Iterable[str | None]) -> list[Said]:
    found = []
    for row, name, value in zip(rows, asked, values, strict=True):
        if row >= 0 and name and name.strip() and value is not None:
            plain = value.strip()
            found.append(Said(row, name.strip(), None if plain.casefold() in EMPTY else plain))
    return found


def _column(where: str, table: pa.Table, name: str, what: str) -> list[str | None]:
    if name not in table.column_names:
        raise errors.unknown(where, what, name, table.column_names, place="the table has")
    kind = table.schema.field(name).type
    if arrow.family_of(kind) not in ("text", "null"):
        raise errors.invalid(where, f"column '{name}' is {kind}, not text", f"cast it ({name}::VARCHAR)")
    found: list[str | None] = arrow.one_chunk(table[name]).cast(pa.string()).to_pylist()
    return found


class Labelled(NamedTuple):
    """The labelled titles of a table.

    Attributes:
        sheet: they.
        kinds: uint64 (G,), ascending: their kinds; empty where the table has none.
        likely: bool (G, A): attributes that titles of a kind have.
        unfound: values that are left out.
        unlabelled: titles of which nothing is said.
    """

    sheet: Sheet
    kinds: NDArray[np.uint64]
    likely: NDArray[np.bool_]
    unfound: Unfound
    unlabelled: int


def labelled(found: Read, names: list[str], options: ExtractOptions) -> Labelled:
    """The labelled titles under these names."""
    number = {name: at for at, name in enumerate(names)}
    first = dict[tuple[int, str], Said]()
    for each in found.said:  # of several values the first that there is
        kept = first.get((each.title, each.attribute))
        if each.attribute in number and (kept is None or kept.value is None):
            first[each.title, each.attribute] = each
    said = list(first.values())
    rows = sorted({each.title for each in said})
    place = {row: at for at, row in enumerate(rows)}
    titles = titles_of(
        [found.texts[row] for row in rows],
        [found.kinds[row] for row in rows] if options.kind is not None else None,
    )
    title = np.array([place[each.title] for each in said], np.int64)
    attribute = np.array([number[each.attribute] for each in said], np.int64)
    sheet, unfound = sheet_of(
        titles, names, title, attribute, [each.value for each in said], clusters(titles)
    )
    kinds = np.unique(titles.group) if options.kind is not None else np.zeros(0, np.uint64)
    likely = np.zeros((len(kinds), len(names)), bool)
    if len(kinds):
        likely[np.searchsorted(kinds, titles.group[title]), attribute] = True
    return Labelled(sheet, kinds, likely, unfound, len(found.texts) - len(rows))
