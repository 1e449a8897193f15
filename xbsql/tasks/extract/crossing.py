"""A target's titles beside home's: the attributes of both, and home's titles under the target's names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.tasks.extract.rows import Labelled, Read, labelled, read

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.extraction.sheet import Sheet
    from xbsql.tasks.extract.model import Extraction
    from xbsql.tasks.extract.options import ExtractOptions

MOST_BESIDE: Final = 400
"""Home titles that are pooled."""


def with_home(
    rows: Labelled, found: Read, home: Extraction, place: NDArray[np.int64], options: ExtractOptions
) -> Labelled:
    """The titles with the attributes that home knows of their kinds, and all its kinds."""
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
    nothing = ~likely.any(axis=1)  # of a kind that nobody knows
    likely[nothing] = True
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
