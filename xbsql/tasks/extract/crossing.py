"""A target's titles beside home's: the attributes of both, and home's titles under the target's names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.extraction.finder import at_home
from xbsql.extraction.names import spelled
from xbsql.extraction.sheet import Queries
from xbsql.tasks.extract.rows import Labelled, Read, labelled, read

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.extraction.sheet import Sheet
    from xbsql.tasks.extract.model import Extraction
    from xbsql.tasks.extract.options import ExtractOptions

MOST_BESIDE: Final = 400
"""Home titles that are pooled."""
MOST_TRIED: Final = 100
"""Values of an attribute that home is asked for, to see whether its own is the same."""
AGREES: Final = 0.3
"""Share of them that home has to find."""


def renamed(sheet: Sheet, home: Extraction, place: NDArray[np.int64]) -> set[int]:
    """Which of home's attributes go on under another name of the target's, as places among home's.

    A name of the same meaning may be another attribute ('frame material' beside 'material'): where the target
    has values of it, home has to find some of these as values of its own; else both stand side by side.

    Args:
        sheet: the target's labelled titles, under A names.
        home: home's model.
        place: int64 (A,): the attribute of home that each is like; -1 for none.
    """
    other = spelled(sheet.names, home.finder.names) < 0
    gone = set()
    for at in np.flatnonzero((place >= 0) & other).tolist():
        rows = np.flatnonzero((sheet.attribute == at) & (sheet.length > 0))[:MOST_TRIED]
        if not len(rows) or _found(sheet, rows, home, place):
            gone.add(int(place[at]))
    return gone


def _found(sheet: Sheet, rows: NDArray[np.int64], home: Extraction, place: NDArray[np.int64]) -> bool:
    """Whether home finds enough of these labels as values of its own attribute."""
    asked = Queries(sheet.title[rows], sheet.attribute[rows], np.ones(len(rows), bool))
    answers = at_home(home.finder, place, sheet.titles, asked)
    chosen = answers.chosen(len(rows))
    said = np.append(answers.value, np.uint64(0))[chosen]  # the last one is that of no answer
    return bool((said == sheet.value[rows]).mean() >= AGREES)


def with_home(
    rows: Labelled, found: Read, home: Extraction, place: NDArray[np.int64], hidden: NDArray[np.bool_],
    options: ExtractOptions,
) -> Labelled:  # fmt: skip
    """The titles with what home knows of their kinds, but for hidden attributes, and with all its kinds."""
    if options.kind is None:
        return rows
    theirs = home.finder
    shown = home.titles([""] * len(set(found.kinds)), sorted(set(found.kinds)))
    kinds = np.unique(np.concatenate([rows.kinds, theirs.kinds, shown.group]))
    likely = np.zeros((len(kinds), len(rows.sheet.names)), bool)
    likely[np.searchsorted(kinds, rows.kinds)] |= rows.likely
    there = np.flatnonzero(place >= 0)
    at = np.searchsorted(kinds, theirs.kinds)
    likely[np.ix_(at, there)] |= theirs.likely[:, place[there]]
    likely[~likely.any(axis=1)] = True  # of a kind that nobody knows
    likely[:, hidden] = False
    return rows._replace(kinds=kinds, likely=likely)


def home_titles(
    where: str, source: pa.Table, label: str, options: ExtractOptions, target: Sheet, home: Extraction,
    place: NDArray[np.int64],
) -> Sheet | None:  # fmt: skip
    """Home's labelled titles under the target's names, at most `MOST_BESIDE`, without those of the target."""
    if options.attribute in source.column_names:
        label = label if label in source.column_names else home.label
    else:
        columns = tuple(name for name in home.finder.names if name in source.column_names)
        if not columns:
            return None
        options, label = replace(options, attributes=columns), columns[0]
    found = read(where, source, label, options)
    theirs = labelled(found, found.names, options).sheet
    back = {int(at): row for row, at in reversed(list(enumerate(place.tolist()))) if at >= 0}
    number = {name: at for at, name in enumerate(home.finder.names)}
    labels = np.bincount(target.attribute, minlength=len(target.names))
    back = {at: row for at, row in back.items() if labels[row]}
    moved = np.array([back.get(number.get(name, -1), -1) for name in theirs.names], np.int64)
    own = {text.strip().casefold() for text in target.titles.texts}
    kept = np.array([text.strip().casefold() not in own for text in theirs.titles.texts], bool)
    rows = np.flatnonzero(kept)
    rows = np.sort(np.random.default_rng(options.seed).permutation(rows)[:MOST_BESIDE])
    return theirs.take(rows).named(target.names, moved) if len(rows) else None
