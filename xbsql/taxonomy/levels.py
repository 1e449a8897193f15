"""Labels that are paths: 'A > B > C', a column a level, or codes whose beginnings are their parents."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import is_blob
from xbsql.features.normal import normal
from xbsql.features.roles import as_text
from xbsql.harmonise.blank import EMPTY

if TYPE_CHECKING:
    from collections.abc import Sequence

JOINED: Final = " > "
"""How a path is written that came as a column a level."""

_UNIT: Final = "\x1f"  # between the columns of a level, where nobody types it
_MARKS: Final = str.maketrans("", "", " .-\u00a0")  # within a code: '8471.30' is '847130'
_FLOAT: Final = re.compile(r"(\d+)\.0")
"""A code that was a number: '6403.0' is '6403', while '8471.30' is one of six digits."""
_READ: Final = b"xbsql.levels"  # in the schema of a table whose labels were read
_WIDER: Final = 0xFEE0  # from a sign to its full-width form: '>' and '\uff1e'
_OTHERS: Final = (" > ", ">", " / ", "/", "|", "::", "\\")


@dataclass(frozen=True)
class Levels:
    """How a label says its path; one of the three.

    Attributes:
        separator: between the names of a path; '' where labels are codes.
        lengths: of the codes of each level, ascending: (2, 4, 6) for HS chapter, heading and subheading.
        columns: those that hold a level each, the first level first; the last one is the label.
    """

    separator: str = ""
    lengths: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: str | Sequence[str | int]) -> Self:
        """The levels as the option says them: a separator, columns, or lengths."""
        if isinstance(given, str):
            return cls(separator=given)
        if all(isinstance(each, str) for each in given):
            return cls(separator=JOINED, columns=tuple(map(str, given)))
        return cls(lengths=tuple(int(each) for each in given))

    def path(self, label: str) -> tuple[str, ...]:
        """The nodes from the first level down to the label itself, each written as a label."""
        if self.lengths:
            return tuple(label[:length] for length in self.lengths if length <= len(label))
        parts = label.split(self.separator)
        return tuple(self.separator.join(parts[: end + 1]) for end in range(len(parts)))

    def name(self, label: str) -> str:
        """The last part of a label: a code stays whole."""
        return label if self.lengths else label.rpartition(self.separator)[2]

    def config(self) -> dict[str, Any]:
        """The levels as JSON."""
        return {
            "separator": self.separator,
            "lengths": list(self.lengths),
            "columns": list(self.columns),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The levels again."""
        return cls(config["separator"], tuple(config["lengths"]), tuple(config["columns"]))


@dataclass(frozen=True)
class Read:
    """A label column as paths.

    Attributes:
        table: the rows; the label column is text in one spelling, and other columns of levels are gone.
        notes: what was made of labels that are written otherwise, one line each.
        holes: those of levels that are not named, without what was made of them.
    """

    table: pa.Table
    notes: tuple[str, ...]
    holes: tuple[str, ...] = ()


def read_labels(where: str, table: pa.Table, label: str, levels: Levels, *, flat: bool = False) -> Read:
    """The rows with every label in one spelling: parts trimmed, codes without marks and with their zeros.

    A label that leaves a level out is read down to the gap; one that is blank counts as none. A table that
    was read before stays as it is.

    Args:
        where: the SQL function.
        table: rows.
        label: the label column; of a column a level the last.
        levels: how labels say their paths.
        flat: whether no label need hold the separator, as long as none holds another usual one.

    Raises:
        XbsqlError: no such column, one of numbers where paths are meant, codes of other lengths, no label
            that holds the separator.
    """
    if label not in table.column_names:
        raise errors.unknown(where, "label column", label, table.column_names, place="the table has")
    if (table.schema.metadata or {}).get(_READ) == label.encode():
        return Read(table, ())
    if label in levels.columns[:-1]:
        problem = f"the option 'levels' names '{levels.columns[-1]}' below '{label}', which is the label"
        raise errors.invalid(where, problem, "list the label last, the first level first")
    listed = [name for name in levels.columns if name != label]
    missing = [name for name in listed if name not in table.column_names]
    columns = [label] if missing else [*listed, label]
    for name in columns:
        _refuse_other_types(where, name, table[name].type, levels.separator or JOINED)
    coded = _written(table, columns).combine_chunks().dictionary_encode()
    if missing and (len(missing) < len(listed) or not _parted(coded.dictionary, levels.separator)):
        known = table.column_names
        raise errors.unknown(where, "column of a level", missing[0], known, place="the table has")
    texts = coded.dictionary.to_pylist()
    found: _Codes | _Paths = _Paths(where, levels.separator, len(columns), flat=flat)
    if levels.lengths:
        found = _Codes(where, levels.lengths)
    read = [found.read(text) for text in texts]
    counts = np.bincount(np.asarray(coded.indices.drop_null()), minlength=len(texts))
    notes = found.notes([*zip(texts, read, counts.tolist(), strict=True)])
    values = pa.array(read, pa.string()).take(coded.indices)
    kept = table.select([name for name in table.column_names if name not in columns[:-1]])
    place = kept.column_names.index(label)
    marked = kept.set_column(place, label, values)
    read_once = marked.replace_schema_metadata({**(table.schema.metadata or {}), _READ: label.encode()})
    return Read(read_once, notes, found.holes)


def _refuse_other_types(where: str, name: str, kind: pa.DataType, separator: str) -> None:
    """Refuse BLOBs, lists and structs.

    Raises:
        XbsqlError: it is one of them.
    """
    what, remedy = str(kind), f"cast it ({name}::VARCHAR)"
    if is_blob(kind):
        what, remedy = "BLOBs", f"decode it: decode({name})"
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        remedy = f"write a path as one text: array_to_string({name}, '{separator}')"
    elif not pa.types.is_nested(kind):
        return
    raise errors.invalid(where, f"label column '{name}' holds {what}, not text", remedy)


def _parted(texts: pa.Array, separator: str) -> bool:
    """Whether any of the texts holds the separator, or there is none."""
    return not len(texts) or bool(pc.any(pc.match_substring(texts, separator)).as_py())


def _written(table: pa.Table, columns: Sequence[str]) -> pa.ChunkedArray:
    """The label column as text; of a column a level all of them in one text, NULL where all are NULL."""
    parts = [pc.utf8_trim_whitespace(as_text(table[name], name)) for name in columns]
    if len(parts) == 1:
        return parts[0]
    joined = pc.binary_join_element_wise(*parts, _UNIT, null_handling="replace", null_replacement="")
    return pc.if_else(pc.equal(joined, _UNIT * (len(parts) - 1)), None, joined)


class _Paths:
    """Reads labels of names with a separator between them."""

    def __init__(self, where: str, separator: str, columns: int, *, flat: bool) -> None:
        self.where, self.separator, self.columns, self.flat = where, separator, columns, flat
        self.skipping: dict[str, str] = {}
        self.headless: dict[str, str] = {}
        self.respelt: dict[str, str] = {}
        self.holes: tuple[str, ...] = ()
        self.bare = separator.strip() or separator
        # What parts levels before they are read plainly: columns, and a tab or '&gt;', which no longer would.
        self.first = _UNIT if columns > 1 else self.bare if normal(self.bare) != self.bare else ""
        self.wide = {ord(c) + _WIDER: c for c in self.bare if "!" <= c <= "~"}

    def read(self, text: str) -> str | None:
        """The path in one spelling; None for a blank."""
        parts = [part.strip() for part in self._parts(text)]
        if self.columns > 1 or len(parts) == 1:
            parts = ["" if part.lower() in EMPTY else part for part in parts]
        if self.columns > 1 and any(self.separator.strip() in part for part in parts):
            problem = f"level '{errors.shown(next(p for p in parts if self.separator.strip() in p), 60)}'"
            raise errors.invalid(self.where, f"{problem} holds '>', which parts levels", "replace it")
        named = [bool(part) for part in parts]
        depth = named.index(False) if False in named else len(parts)
        if any(named[depth:]):
            shown = f"'{errors.shown(self.separator.join(parts), 60)}'"
            (self.skipping if depth else self.headless)[text] = shown
        return self.separator.join(parts[:depth]) or None

    def _parts(self, text: str) -> list[str]:
        """Also of a path whose separator has other blanks around it, 'A>B', or is written 'A &gt; B'."""
        given = text.split(self.first) if self.first else [text]
        plain = [normal(part).translate(self.wide) for part in given]
        if plain != given:
            self.respelt[text] = f"'{errors.shown(self.separator.join(given), 60)}'"
        return plain if self.first else plain[0].split(self.bare)

    def notes(self, read: Sequence[tuple[str, str | None, int]]) -> tuple[str, ...]:
        """Labels that skip a level; and an error where none has the separator."""
        there = [path for _, path, _ in read if path is not None]
        if self.columns == 1 and there and not any(self.separator in path for path in there):
            self._refuse_flat(there)
        said = []
        for texts, what, made in (
            (self.skipping, "skip a level", "read down to the gap"),
            (self.headless, "have no first level", "left out"),
            (self.respelt, "hold HTML entities, unseen or full-width characters", "read without them"),
        ):
            found = [(text, count) for text, _, count in read if text in texts]
            if found:
                rows = sum(count for _, count in found)
                told = f"labels of {rows} rows {what} ({texts[found[0][0]]})"
                said.append(f"{told}: they are {made}")
                self.holes += () if texts is self.respelt else (told,)
        return tuple(said)

    def _refuse_flat(self, paths: Sequence[str]) -> None:
        """Refuse labels without a separator, unless none is needed and they hold no other usual one.

        Raises:
            XbsqlError: they are refused.
        """
        marks = [mark for mark in _OTHERS if not (self.flat and "/" in mark)]  # 'Shirts / Tops' is one name
        found = ((mark, path) for path in paths for mark in marks if mark in path)
        other, shown = next(found, (None, paths[0]))
        if self.flat and other is None:
            return
        remedy = f"give the option 'levels' as '{other}'" if other else "name what parts the levels"
        problem = f"no label holds '{self.separator}', which the option 'levels' says parts levels"
        raise errors.invalid(self.where, f"{problem} (one label is '{errors.shown(shown, 60)}')", remedy)


def _bare(code: str) -> str:
    """A code without marks, in plain digits and capitals; of a number that was read as a float the number."""
    plain = unicodedata.normalize("NFKC", code).strip()
    number = _FLOAT.fullmatch(plain)
    return (number[1] if number else plain).translate(_MARKS).upper()


class _Codes:
    """Reads codes whose first characters are their parents' codes."""

    def __init__(self, where: str, lengths: tuple[int, ...]) -> None:
        self.where, self.lengths = where, lengths
        self.holes: tuple[str, ...] = ()

    def read(self, text: str) -> str | None:
        """The code in one spelling: no marks, its leading zero, no more characters than the last level."""
        code = _bare(text)
        if code.lower() in EMPTY:
            return None
        if len(code) > self.lengths[-1]:
            return self._zero(code, len(code))[: self.lengths[-1]]
        if len(code) not in self.lengths:
            code = self._zero(code, len(code) + 1)
        if len(code) not in self.lengths:
            listed = ", ".join(map(str, self.lengths))
            problem = f"label '{errors.shown(text, 40)}' has {len(_bare(text))} characters"
            raise errors.invalid(self.where, f"{problem}, and codes have {listed}", "see the option 'levels'")
        return code

    def _zero(self, code: str, length: int) -> str:
        """The code with the zero that a number has lost."""
        even = all(each % 2 == 0 for each in self.lengths)
        lost = code.isdigit() and (length in self.lengths or (even and len(code) % 2 == 1))
        return f"0{code}" if lost else code

    def notes(self, read: Sequence[tuple[str, str | None, int]]) -> tuple[str, ...]:
        """Codes that lost a zero, and such as are longer than the last level."""
        lost, cut = [], []
        for text, code, count in read:
            bare = _bare(text)
            if code is None or code == bare:
                continue
            if code.startswith("0") and not bare.startswith("0"):
                lost.append((text, code, count))
            elif len(bare) > len(code):
                cut.append((text, code, count))
        said = []
        for rows, what in (
            (lost, "codes of {} rows have lost their leading zero"),
            (cut, "codes of {} rows are longer than the last level"),
        ):
            if rows:
                total = sum(count for *_, count in rows)
                text, code, _ = rows[0]
                said.append(f"{what.format(total)}: '{errors.shown(text, 40)}' is read as '{code}'")
        return tuple(said)
