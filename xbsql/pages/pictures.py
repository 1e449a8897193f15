"""Pictures with what a model says of them, beside the home picture that is most alike."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from xbsql import errors
from xbsql.features.image.thumbnail import data_uri
from xbsql.pages.page import Markup, check_place, page, save
from xbsql.session.looks import looked_at, model_of_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from xbsql.session.looks import Looked
    from xbsql.session.session import Session

WHERE: Final = "xb.picture_sheet"
MOST: Final = 2_000
"""Pictures that a sheet can show."""

NOTHING: Final = "no picture that can be read"

STYLE: Final = """<style>
.shots { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .8rem; }
.shots figure { border: 1px solid var(--line); border-radius: 8px; padding: .5rem; }
.shots img { width: 6.5rem; height: 6.5rem; border-radius: 4px; }
td img { width: 4rem; height: 4rem; border-radius: 4px; }
.shots figcaption small { color: var(--soft); font-weight: 400; display: block; }
.shots .wrong { color: var(--bad); }
</style>"""


def sheet(
    session: Session, reference: str, rows: pa.Table, path: str, home: pa.Table | None, most: int
) -> dict[str, Any]:
    """Write a sheet of pictures, the least sure first.

    Args:
        session: whose models are used.
        reference: a model that reads pictures.
        rows: with the columns that it reads; a column called as its label is shown beside the answer.
        path: of the HTML file, which is replaced.
        home: the home market's rows, of which the most alike picture stands beside each; None leaves it out.
        most: pictures that are shown, at most 2,000.

    Returns:
        path, rows (how many the sheet shows), unread (rows without a picture that can be read), right (the
        share of the labelled rows that is answered right; None without one).

    Raises:
        XbsqlError: no such model, it reads no pictures, a column is missing, `most` is no count up to 2,000,
            or the file cannot be written.
    """
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST:
        raise errors.invalid(WHERE, f"n is {most!r}", f"give a whole number, 1 to {MOST:,}")
    check_place(WHERE, path)
    model = model_of_pictures(session, WHERE, reference)
    with session.calls.record("picture_sheet", reference, len(rows)) as call:
        call.kernel = "network"
        found = looked_at(session, WHERE, reference, rows, home)
    label, shown = model.signature.label, found.least_sure(most)
    truth = _labels(rows, label)
    judged = [(said, own) for said, own in zip(found.said, truth, strict=True) if own is not None]
    right = float(np.mean([said == own for said, own in judged])) if judged else None
    lead = f"{len(shown)} of {len(rows)} pictures, the least sure first"
    if right is not None:
        lead += f"; {100 * right:.0f} % of {len(judged)} labelled ones are answered right"
    names = _labels(home, label) if home is not None else []
    body = gallery(model.reader.pictures[0], rows, found, shown.tolist(), truth, home=home, names=names)
    save(WHERE, path, page(f"Pictures by {reference}", lead, [("Pictures", body)]))
    return {"path": path, "rows": len(shown), "unread": int((~found.there).sum()), "right": right}


def gallery(
    column: str, rows: pa.Table, found: Looked, shown: Sequence[int], truth: Sequence[str | None],
    home: pa.Table | None = None, names: Sequence[str | None] = (),
) -> str:  # fmt: skip
    """Some rows as figures: the picture, what is said of it, how sure that is, the home picture most alike.

    Args:
        column: of pictures.
        rows: that have it.
        found: what is said of them.
        shown: which of the rows.
        truth: their labels, None where there is none.
        home: where the pictures that are alike stand.
        names: the labels of these.
    """
    figures = []
    for row in map(int, shown):
        said, score = found.said[row] or "no answer", found.score[row]
        own, near = truth[row], int(found.near[row])
        wrong = own is not None and own != found.said[row]
        sure = "" if np.isnan(score) else f" {100 * score:.0f} %"
        lines = [f"<span{' class=wrong' if wrong else ''}>{escape(said)}{sure}</span>"]
        if own is not None:
            lines.append(f"<small>label: {escape(own)}</small>")
        pictures = [thumbnail(rows[column][row].as_py(), said)]
        if home is not None and near >= 0:
            pictures.append(thumbnail(home[column][near].as_py(), names[near] or "home"))
            lines.append(f"<small>home: {escape(names[near] or '')} {found.alike[row]:.2f}</small>")
        figures.append(f"<figure>{' '.join(pictures)}<figcaption>{''.join(lines)}</figcaption></figure>")
    return f"{STYLE}<div class='shots'>{''.join(figures)}</div>"


def thumbnail(content: bytes | None, name: str) -> Markup:
    """A picture in a page; words where it cannot be read."""
    address = None if content is None else data_uri(content)
    if address is None:
        return Markup(f"<small>{NOTHING}</small>")
    return Markup(f"<img src='{address}' alt='{escape(name, quote=True)}' loading='lazy'>")


def _labels(rows: pa.Table, label: str) -> list[str | None]:
    """The labels as text; all None where there is no such column."""
    if label not in rows.column_names:
        return [None] * len(rows)
    return [None if value is None else str(value) for value in rows[label].to_pylist()]
