"""What more labels bring to a model, drawn and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from xbsql.features.drawn import drawn
from xbsql.pages.card import interval
from xbsql.pages.chart import Point, label_efficiency, svg
from xbsql.pages.page import table
from xbsql.session.insight import label_curve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.session.session import Session

MOST_LABELS: Final = 400
"""Labelled rows that a curve is drawn from, at even steps."""
SIZE: Final = (3.6, 3.0)
"""Inches: so small that its letters can be read on a telephone."""


def curve(session: Session, name: str, rows: pa.Table, label: str) -> str:
    """The score by number of labels, of the target alone and with the source, and a guess of more; HTML.

    Args:
        session: where the model is.
        name: of it.
        rows: of the market.
        label: the column of its labels.

    Raises:
        XbsqlError: the rows have no label, or too few, or the model reads no rows.
    """
    if label in rows.column_names:
        known = rows.filter(rows[label].is_valid())
        known = known.take(drawn(len(known), MOST_LABELS))
        rows = pa.concat_tables([known, rows.filter(rows[label].is_null())])
    found = label_curve(session, name, rows, label, {})
    metric = str(found[0]["metric"]) if found else "score"
    points = [_point(row) for row in found if row["basis"] == "measured"]
    chart = svg(label_efficiency(points, metric, SIZE)) if points else ""
    lines = [(f"{row['labels']:,}", row["arm"], interval(row), row["basis"]) for row in found]
    return f"<div class='curve'>{chart}</div>{table(('labels', 'arm', metric, 'basis'), lines)}"


def _point(row: Mapping[str, Any]) -> Point:
    lo, hi = (row["value"] if row[end] is None else row[end] for end in ("lo", "hi"))
    return Point("", row["arm"], row["labels"], row["value"], lo, hi)
