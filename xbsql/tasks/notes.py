"""What a fit has to say beside its numbers, and its report where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.features.encoder import encoder
from xbsql.features.language import check_languages

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from xbsql.tasks.reader import Reader


def reading_notes(reader: Reader, rows: pa.Table, label: str) -> list[str]:
    """Languages that the encoder does not know, and columns that are not read."""
    unknown = check_languages(reader.texts(rows).to_pylist(), encoder()) if reader.text else []
    unread = [name for name in rows.column_names if name != label and name not in reader.schema.names]
    return unknown + [
        f"column '{name}' is not read (it names the row, is empty or was ignored)" for name in unread
    ]


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
