"""What a fit has to say beside its numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from xbsql.arrow import is_blob
from xbsql.features.column import MOST_LEVELS
from xbsql.features.encoder import encoder
from xbsql.features.image.magic import told
from xbsql.features.language import check_languages
from xbsql.features.normal import normal, uncased
from xbsql.features.roles import kind_of, roles
from xbsql.tasks.options import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Set
    from typing import Any

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.tasks.reader import Reader

MOST_NAMED = 8
"""Names that one note lists."""

_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})\b")


def reading_notes(
    reader: Reader, rows: pa.Table, label: str, options: Mapping[str, Any], *, home: bool
) -> list[str]:
    """What the reader makes of columns that the user may have meant otherwise.

    Languages that the encoder does not know, pictures that cannot be read, columns that are not read,
    categories of too many values, dates that are not written as dates.

    Args:
        reader: as it was made for these rows.
        rows: that were read.
        label: the label column.
        options: see `roles`.
        home: whether a home model says which texts and pictures are read.
    """
    unknown = check_languages(reader.texts(rows).to_pylist(), encoder()) if reader.text else []
    unread = [name for name in rows.column_names if name != label and name not in reader.schema.names]
    categories = [column for column in reader.table.columns if column.role == "category"]
    return [
        *unknown,
        *(
            f"column '{name}': {told(seen.problems)}"
            for name, seen in reader.looked_at(rows).items()
            if seen.problems
        ),
        *_unread_notes(rows.select(unread), options, home=home),
        *(
            f"column '{column.name}' has {MOST_LEVELS} values or more: the most frequent are told apart, "
            "all others count as one"
            for column in categories
            if len(column.levels) >= MOST_LEVELS
        ),
        *(
            f"column '{column.name}' is read as a category, its dates ('{column.shown[0]}') are not ISO: "
            f"strptime({column.name}, ...) makes it one of dates"
            for column in categories
            if column.shown and all(_DATE.match(level) for level in column.shown[:MOST_NAMED])
        ),
    ]


def _unread_notes(rows: pa.Table, options: Mapping[str, Any], *, home: bool) -> list[str]:
    """One line for each of the columns, which are not read: why."""
    ignored = [name for name in listed(options.get("ignore") or ()) if name in rows.column_names]
    found = roles(rows, None, {"ignore": ignored})
    why = {}
    for name, role in found.items():
        if home and role in ("text", "picture"):
            why[name] = f"home has no column of {role}s of that name"
        elif name not in ignored and is_blob(rows.schema.field(name).type):
            why[name] = "its BLOBs are no pictures: xb.image_info says why"
    other = "it names the row, is empty or was ignored"
    return [f"column '{name}' is not read ({why.get(name, other)})" for name in found]


def lacking_notes(home: Reader, target: pa.Table) -> list[str]:
    """What the home model reads and the target does not have."""
    lacking = [name for name in home.schema.names if name not in target.column_names]
    if not lacking:
        return []
    if len(lacking) == len(home.schema.names):
        return ["the target has none of the columns that the home model reads: it has averages alone"]
    return [f"the target lacks {in_quotes(lacking)}, which the home model reads"]


def kind_notes(home: Reader, target: pa.Table) -> list[str]:
    """Columns that one market has as text and the other as numbers or dates, and how both are read."""
    roles = {column.name: column.role for column in home.table.columns}
    found = []
    for name in target.column_names:
        if name not in roles:
            continue
        kinds = [kind_of(kind) for kind in (home.schema.field(name).type, target.schema.field(name).type)]
        if kinds[0] != kinds[1] and "null" not in kinds and roles[name] != "boolean":
            says = f"column '{name}' is {kinds[1]} in the target and {kinds[0]} at home"
            found.append(f"{says}: both are read as a {roles[name]}")
    return found


def class_notes(classes: Sequence[str], target: NDArray[np.int64], at_home: Set[int]) -> list[str]:
    """Classes that only one of the two markets has labels of.

    Args:
        classes: names by code.
        target: the codes of the target's labels; without any nothing is said.
        at_home: codes that the home model or the home rows know.
    """
    counts = np.bincount(target, minlength=len(classes))
    notes = [
        f"class '{name}' occurs only in the target ({count} rows): only its labels teach it"
        for code, (name, count) in enumerate(zip(classes, counts, strict=True))
        if count and code not in at_home
    ]
    missing = [classes[code] for code in sorted(at_home) if not counts[code]]
    if not missing or not len(target):
        return notes
    return [
        *notes,
        f"no target label is of the home classes {in_quotes(missing)}: what is said of them is the source's",
    ]


def named_notes(
    named: Iterable[str], classes: Sequence[str], target: NDArray[np.int64], at_home: Set[int]
) -> list[str]:  # fmt: skip
    """Classes of the option 'classes' that nobody has labelled: there may be a slip in their names."""
    known = {classes[code] for code in (*at_home, *np.unique(target).tolist())}
    unknown = [name for name in named if name not in known]
    if not unknown:
        return []
    told = f"no label is of the classes {in_quotes(unknown)} of the option 'classes'"
    return [f"{told}: their names alone teach them"]


def spelling_notes(label: str, classes: Sequence[str]) -> list[str]:
    """Classes that differ in case or blanks alone, and such as look alike; a line for all of each."""
    cased = _groups(classes, uncased)
    alike = _groups([name for name in classes if name not in cased], normal)
    found = []
    if cased:
        found.append(
            f"classes {in_quotes(cased)} differ in case or blanks alone and are learned apart: "
            f"lower(trim({label})) makes them one"
        )
    if alike:
        found.append(
            f"classes {in_quotes(alike)} differ in HTML entities or unseen characters alone and are learned "
            "apart: write them in one way"
        )
    return found


def _groups(names: Sequence[str], spelt: Callable[[str], str]) -> list[str]:
    """The names that have another's spelling."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(spelt(name), []).append(name)
    return [name for group in groups.values() if len(group) > 1 for name in group]


def in_quotes(names: Sequence[str]) -> str:
    """The names in quotes, the first eight of them."""
    more = f" (+{len(names) - MOST_NAMED} more)" if len(names) > MOST_NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:MOST_NAMED]) + more
