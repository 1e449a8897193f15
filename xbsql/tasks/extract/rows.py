"""Tables of titles and values, long or wide, as labelled titles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import arrow, errors
from xbsql.extraction.clusters import clusters
from xbsql.extraction.sheet import Sheet, Unfound, sheet_of
from xbsql.extraction.titles import LONGEST, joined, runs, titles_of
from xbsql.harmonise.blank import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from xbsql.tasks.extract.options import ExtractOptions

NO_KIND = ""
MOST_NAMES = 500
"""Attributes of one model."""

LEAST_FILLED = 2
"""Cells that hold a value from which on it is looked for in the titles of others."""


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
        names: the attributes that rows name, in alphabetical order, and those that a wide table has.
        weak: how many values were found in titles by the filled cells of the same column.
    """

    texts: list[str]
    kinds: list[str]
    said: list[Said]
    names: list[str]
    weak: int = 0


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
    kinds: list[str | None] = [None] * table.num_rows
    if options.kind is not None:
        kinds = _column(where, table, options.kind, "column for the option 'kind'")
    place, found, called = dict[tuple[str, str], int](), list[Said](), set[str]()
    rows = [
        place.setdefault((text or "", kind or NO_KIND), len(place)) if text and text.strip() else -1
        for text, kind in zip(texts, kinds, strict=True)
    ]
    for name in names:
        values = _column(where, table, name, "column of values")
        asked = _column(where, table, options.attribute, "column") if long else [name] * table.num_rows
        found += _said(rows, asked, values)
        called |= {each.strip() for each in asked if each and each.strip()}
    read_texts, read_kinds = [text for text, _ in place], [kind for _, kind in place]
    known = len(found)
    if not long:
        found += _weak(read_texts, found, names)
    return Read(read_texts, read_kinds, found, sorted(called), len(found) - known)


def _said(rows: list[int], asked: Iterable[str | None], values: Iterable[str | None]) -> list[Said]:
    found = []
    for row, name, value in zip(rows, asked, values, strict=True):
        if row >= 0 and name and name.strip() and value is not None:
            plain = value.strip()
            found.append(Said(row, name.strip(), None if plain.casefold() in EMPTY else plain))
    return found


def _weak(texts: list[str], said: list[Said], names: Sequence[str]) -> list[Said]:
    """Values of a column, of two cells or more, in titles whose own cell is empty; the longest one."""
    titles = titles_of(texts)
    number = runs(titles)[:LONGEST]
    owner, found = titles.owner, list[Said]()
    for name in names:
        mine = [each for each in said if each.attribute == name]
        filled = Counter(each.value for each in mine if each.value)
        usual = [value for value, count in filled.items() if count >= LEAST_FILLED]
        if not usual:
            continue
        written = titles_of(usual)
        ends = zip(written.first[:-1].tolist(), written.first[1:].tolist(), strict=True)
        stands = {joined(written.hashes[a:b, 0]): value for (a, b), value in zip(ends, usual, strict=True)}
        done = {each.title for each in mine}
        length, word = np.nonzero(np.isin(number, np.array(list(stands), np.uint64)) & (number > 0))
        longest: dict[int, tuple[int, str]] = {}
        for size, at in zip(length.tolist(), word.tolist(), strict=True):
            title = int(owner[at])
            if title not in done and size >= longest.get(title, (-1, ""))[0]:
                longest[title] = (size, stands[int(number[size, at])])
        found += [Said(title, name, value) for title, (_, value) in sorted(longest.items())]
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
        weak: see `Read`.
    """

    sheet: Sheet
    kinds: NDArray[np.uint64]
    likely: NDArray[np.bool_]
    unfound: Unfound
    unlabelled: int
    weak: int


def refuse_many(where: str, found: Read, column: str) -> None:
    """Refuse a table whose attributes are too many to be names of some.

    Raises:
        XbsqlError: they are.
    """
    if len(found.names) > MOST_NAMES:
        problem = (
            f"column '{column}' has {len(found.names)} names of attributes, at most {MOST_NAMES} are learnt"
        )
        raise errors.invalid(where, problem, "say which column names them: options {'attribute': '...'}")


def refuse_absent(where: str, options: ExtractOptions, names: Sequence[str]) -> None:
    """Refuse options about attributes that there are not, and two that contradict each other.

    Raises:
        XbsqlError: one is none of `names`, or means something else in each market and has a form for all.
    """
    for option in ("same", "local", "canonical"):
        for name in getattr(options, option):
            if name not in names:
                what = f"attribute for the option '{option}'"
                raise errors.unknown(where, what, name, names, place="the rows name")
    for option in ("same", "canonical"):
        if twice := [name for name in options.local if name in getattr(options, option)]:
            problem = f"attribute '{errors.shown(twice[0])}' stands under 'local' and under '{option}'"
            raise errors.invalid(where, problem, "leave it under the one that is meant")


def labelled(found: Read, names: list[str], options: ExtractOptions) -> Labelled:
    """The labelled titles under these names."""
    number = {name: at for at, name in enumerate(names)}
    first = dict[tuple[int, str], Said]()
    for each in found.said:  # of several values the first that there is
        kept = first.get((each.title, each.attribute))
        if each.attribute in number and (kept is None or kept.value is None):
            first[each.title, each.attribute] = each
    said = sorted(first.values(), key=lambda each: (each.title, number[each.attribute]))
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
    return Labelled(sheet, kinds, likely, unfound, len(found.texts) - len(rows), found.weak)
