"""What a fit has to say beside its numbers, and its report where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.features.encoder import encoder
from xbsql.features.language import check_languages
from xbsql.features.table import MOST_LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from xbsql.tasks.labels import Labels
    from xbsql.tasks.reader import Reader

MOST_NAMED = 8
"""Classes that one note names."""


def reading_notes(reader: Reader, rows: pa.Table, label: str) -> list[str]:
    """Languages that the encoder does not know, columns that are not read, categories of too many values."""
    unknown = check_languages(reader.texts(rows).to_pylist(), encoder()) if reader.text else []
    unread = [name for name in rows.column_names if name != label and name not in reader.schema.names]
    unknown += [f"column '{name}' is not read (it names the row, is empty or was ignored)" for name in unread]
    return unknown + [
        f"column '{column.name}' has more than {MOST_LEVELS} values: the most frequent ones are told apart, "
        "the others count as one"
        for column in reader.table.columns
        if len(column.levels) >= MOST_LEVELS
    ]


def class_notes(target: Labels, known: Sequence[str]) -> list[str]:
    """Classes that only one of the two markets has labels of.

    Args:
        target: the labels of the target; without any nothing is said.
        known: the classes of the home market.
    """
    fresh = [name for name in target.classes if name not in known]
    counts = {name: target.values.count(name) for name in fresh}
    notes = [
        f"class '{name}' occurs only in the target ({counts[name]} rows): only its labels teach it"
        for name in fresh
    ]
    missing = [name for name in dict.fromkeys(known) if name not in target.classes]
    if not missing or not target.values:
        return notes
    shown = ", ".join(missing[:MOST_NAMED]) + (
        f" (+{len(missing) - MOST_NAMED} more)" if len(missing) > MOST_NAMED else ""
    )
    return [*notes, f"no target label is of the home classes {shown}: what is said of these is the source's"]


def report(
    scores: Sequence[dict[str, Any]], metric: str, rows: int, notes: Sequence[str]
) -> list[dict[str, Any]]:
    """The rows of `xb.fit`: one a metric, the notes beside each.

    Args:
        scores: what was measured; empty where there were too few labels: one row of `metric` says so then.
        metric: the task's first one.
        rows: how many labelled rows there were.
        notes: one line each.
    """
    if scores:
        return [{**row, "note": "; ".join(notes) or None} for row in scores]
    note = "; ".join(["too few labels to measure", *notes])
    return [{"metric": metric, "value": None, "lo": None, "hi": None, "rows": rows, "note": note}]
