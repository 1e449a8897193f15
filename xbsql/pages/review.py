"""Pairs of offers side by side, for a person who says which are one product."""

from __future__ import annotations

from difflib import SequenceMatcher
from html import escape
from typing import TYPE_CHECKING

from xbsql import errors
from xbsql.pages.page import page, save
from xbsql.pages.pairs import thresholds

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

MARKED = "<style>mark { background: #ffe08a; border-radius: 3px; } td { vertical-align: top; }</style>"


def written(
    where: str, path: str, rows: pa.Table, pairs: pa.Table, labelled: tuple[Floats, Bools] | None = None
) -> None:  # fmt: skip
    """Write the pairs as one self-contained HTML page.

    Args:
        where: the function, for errors.
        path: of the file, which is replaced.
        rows: offers with columns market, id, text and beside.
        pairs: columns l and r (positions from 1), score and doubt.
        labelled: of the pairs that have a label, the probability without it and the label; None for none.

    Raises:
        XbsqlError: the file cannot be written.
    """
    body = "".join(_pair(rows, pair) for pair in pairs.to_pylist())
    head = "<tr><th>score</th><th>one offer</th><th>the other</th></tr>"
    sections = [(f"{len(pairs)} pairs, the most doubtful first", f"{MARKED}<table>{head}{body}</table>")]
    if labelled is not None:
        heading = f"Precision and recall of your {len(labelled[0])} labels, by the threshold"
        sections.insert(0, (heading, thresholds(*labelled)))
    lead = "Are both one product? What differs is marked. Write true or false into the column match."
    save(where, path, page("Pairs to look at", lead, sections))


def _pair(rows: pa.Table, pair: dict[str, object]) -> str:
    one, other = (_said(rows, int(pair[end]) - 1) for end in ("l", "r"))  # type: ignore[call-overload]
    names = list(dict.fromkeys([*one, *other]))
    cells = [[], []]  # type: list[list[str]]
    for name in names:
        for cell, marked in zip(cells, _marked(one.get(name, ""), other.get(name, "")), strict=True):
            cell.append(f"<b>{escape(name)}</b> {marked}")
    own, theirs = ("<br>".join(cell) for cell in cells)
    return f"<tr><td>{pair['score']:.2f}</td><td>{own}</td><td>{theirs}</td></tr>"


def _said(rows: pa.Table, row: int) -> dict[str, str]:
    """What an offer says, name -> text; vectors are left out."""
    given = rows.slice(row, 1).to_pylist()[0]
    beside = given["beside"] or {}
    told = {"offer": f"{given['market']} {given['id']}", "text": given["text"], **beside}
    return {
        name: errors.shown(value, 400)
        for name, value in told.items()
        if value is not None and not isinstance(value, list)
    }


def _marked(one: str, other: str) -> tuple[str, str]:
    """Both texts as HTML, the words that the other lacks marked."""
    a, b = one.split(), other.split()
    alike = SequenceMatcher(None, [word.casefold() for word in a], [word.casefold() for word in b], False)
    same = alike.get_matching_blocks()
    kept = {block.a + k for block in same for k in range(block.size)}
    held = {block.b + k for block in same for k in range(block.size)}
    return _words(a, kept), _words(b, held)


def _words(words: list[str], kept: set[int]) -> str:
    return " ".join(
        escape(word) if place in kept else f"<mark>{escape(word)}</mark>" for place, word in enumerate(words)
    )
