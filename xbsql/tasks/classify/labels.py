"""Labels as class codes: what a label column holds, and the classes of two markets together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import arrow, errors
from xbsql.features.roles import as_text
from xbsql.harmonise.blank import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray


class Labels(NamedTuple):
    """A label column.

    Attributes:
        present: bool, shape (rows,): where the label is neither NULL nor blank, see `harmonise.blank.EMPTY`.
        values: the labels that are present, as text.
        classes: the distinct ones, sorted.
        blanks: how many rows hold each blank text.
        text: whether the column is one of text.
        pictured: whether BLOBs stand beside them: one icon of each class is a catalogue.
    """

    present: NDArray[np.bool_]
    values: list[str]
    classes: tuple[str, ...]
    blanks: Mapping[str, int]
    text: bool
    pictured: bool = False

    @property
    def notes(self) -> list[str]:
        """That blank texts were taken as no label; one line, where there are such."""
        if not self.blanks:
            return []
        shown = ", ".join(f"'{text}'" for text in sorted(self.blanks))
        return [f"{sum(self.blanks.values())} rows whose label is {shown} are taken as rows without a label"]


def labels_of(where: str, table: pa.Table, label: str) -> Labels:
    """The labels of a table.

    Raises:
        XbsqlError: no such column or two, or it holds something else than text, integers or booleans.
    """
    if label not in table.column_names:
        raise errors.unknown(where, "label column", label, table.column_names, place="the table has")
    if table.column_names.count(label) > 1:
        raise errors.invalid(where, f"two columns are named '{label}'", "give one another name (AS)")
    column = table[label]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    tests = (arrow.is_text, pa.types.is_boolean, pa.types.is_integer, pa.types.is_null)
    if not any(test(kind) for test in tests):
        problem = f"label column '{label}' holds {kind}, and classes are text, integers or booleans"
        raise errors.invalid(where, problem, f"cast it ({label}::VARCHAR)")
    texts, blanks = as_text(column), dict[str, int]()
    if arrow.is_text(kind):
        blanks = _blanks(texts)
        texts = pc.if_else(pc.is_in(texts, pa.array(blanks, texts.type)), None, texts) if blanks else texts
    values: list[str] = texts.drop_null().to_pylist()
    present = pc.is_valid(texts).to_numpy()
    pictured = any(map(arrow.is_blob, table.schema.types))
    return Labels(present, values, tuple(sorted(set(values))), blanks, arrow.is_text(kind), pictured)


def _blanks(texts: pa.ChunkedArray) -> dict[str, int]:
    """The blank texts of a column and their counts; beside '+' a '-' is a class."""
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(texts).to_pylist()}
    signs = {"-"} if "+" in counts else set()
    return {
        text: count
        for text, count in counts.items()
        if text is not None and (bare := text.strip().lower()) in EMPTY and bare not in signs
    }


def coded(labels: Labels, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """The code of each label that is present, its place among the classes; int64, shape (n,)."""
    places = {name: place for place, name in enumerate(classes)}
    return np.array([places[value] for value in labels.values], np.int64)


def merged(
    known: tuple[str, ...], source: Labels | None, target: Labels, named: Iterable[str] = ()
) -> tuple[str, ...]:
    """The classes of both markets: known ones keep their codes, new ones follow in order of their name."""
    more = {*target.classes, *(source.classes if source else ()), *named}
    return (*known, *sorted(more - set(known)))
