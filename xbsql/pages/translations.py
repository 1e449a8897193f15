"""A sheet of translations beside their sources, those that need a person first."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from xbsql import errors
from xbsql.pages.page import page, save

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

WHERE: Final = "xb.translation_sheet"
MOST: Final = 1_000
"""Rows that a sheet shows."""


def sheet(rows: pa.Table, text: str, path: Path, reference: str | None = None) -> dict[str, Any]:
    """Write a sheet.

    Args:
        rows: a result of `xb.translate_table`.
        text: the column of the sources.
        path: of the file, which is replaced.
        reference: a column of translations by people, shown beside.

    Returns:
        path, rows (how many the sheet shows), score (the mean of all that have one; None without).

    Raises:
        XbsqlError: a column is missing, or the file cannot be written.
    """
    for name in (text, "translated", "score", *([] if reference is None else [reference])):
        if name not in rows.column_names:
            raise errors.unknown(WHERE, "column", name, rows.column_names, place="the table has")
    place = rows.column_names.index("score")
    rows = rows.set_column(place, "score", _numbers(rows["score"]))
    found = [row for row in rows.to_pylist() if row["translated"] is not None]
    found.sort(key=lambda row: (row["score"] is None, row["score"] or 0.0))
    scores = [row["score"] for row in found if row["score"] is not None]
    mean = sum(scores) / len(scores) if scores else None
    shown = found[:MOST]
    lead = f"{len(shown)} of {len(found)} texts, the least sure first" + (
        f"; expected chrF {mean:.0f} of 100" if mean is not None else ""
    )
    save(WHERE, path, page("Translations", lead, [("Texts", _table(shown, text, reference))]))
    return {"path": str(path), "rows": len(shown), "score": mean}


def _numbers(score: pa.ChunkedArray) -> pa.ChunkedArray:
    """The scores as DOUBLE.

    Raises:
        XbsqlError: they are no numbers.
    """
    try:
        return score.cast("double")
    except pa.ArrowException as error:
        problem = f"column 'score' holds {score.type}, and not all of it is a number"
        raise errors.invalid(WHERE, problem, "give the scores of xb.translate_table") from error


def _terms(terms: Any) -> str:  # noqa: ANN401 - of a CSV it is text
    return ", ".join(map(str, terms)) if isinstance(terms, list) else str(terms or "")


def _table(rows: Sequence[Mapping[str, Any]], text: str, reference: str | None) -> str:
    """The rows as HTML; texts are escaped, so markup in them is seen and does nothing."""
    heads = ["score", "source", "translation", *(["by a person"] if reference else []), "from", "terms"]
    lines = []
    for row in rows:
        score = row["score"]
        width = 0.0 if score is None else 0.04 * score
        said = "" if score is None else f"{score:.0f}"
        cells = [
            f"<span class='bar' style='width:{width:.2f}rem'></span> {said}",
            escape(str(row[text])),
            escape(str(row["translated"])),
            *([escape(str(row[reference] or ""))] if reference else []),
            escape(str(row.get("from") or "")),
            escape(_terms(row.get("changed_terms"))),
        ]
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
