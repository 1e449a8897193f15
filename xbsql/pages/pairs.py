"""Charts of pairs of offers as inline SVG: what speaks for a pair, and right answers by the threshold."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from xbsql.pages.page import page, save, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

WIDTH, LEFT, RIGHT, LINE = 760, 230, 90, 24
HEIGHT, MARGIN = 240, 36
COLOURS: Final = {"precision": "#1a7f52", "recall": "#5b8cc9"}


def explained(where: str, path: str, said: Sequence[Mapping[str, Any]]) -> None:
    """Write why two offers are one product, or are not, as one self-contained HTML page.

    Args:
        where: the function, for errors.
        path: of the file, which is replaced.
        said: rows of evidence, left, right, bits and total, the prior first.

    Raises:
        XbsqlError: the file cannot be written.
    """
    pieces = [
        (
            *(str(row[name] or "") for name in ("evidence", "left", "right")),
            f"{row['bits']:+.2f}",
            f"{row['total']:+.2f}",
        )
        for row in said
    ]
    sections = [
        ("What speaks for it and against it", waterfall(said)),
        ("Piece by piece", table(("evidence", "one offer", "the other", "bits", "total"), pieces)),
    ]
    chance = 1 / (1 + 2.0 ** -float(said[-1]["total"]))
    lead = f"Bits above 0 speak for one product; one bit makes it twice as likely. In all: {chance:.1%}."
    save(where, path, page("Are both one product?", lead, sections))


def waterfall(said: Sequence[Mapping[str, Any]]) -> str:
    """A bar a piece of evidence, from the total before it to the total after it."""
    ends = [0.0, *(float(row["total"]) for row in said), *(float(row["total"] - row["bits"]) for row in said)]
    low, high = min(ends), max(ends)
    scale = (WIDTH - LEFT - RIGHT) / max(high - low, 1e-9)

    def at(value: float) -> float:
        return LEFT + (value - low) * scale

    parts = [f"<line x1='{at(0):.1f}' y1='0' x2='{at(0):.1f}' y2='{LINE * len(said)}' stroke='#8a8f98'/>"]
    for place, row in enumerate(said):
        before, after = sorted((float(row["total"] - row["bits"]), float(row["total"])))
        y, colour = place * LINE, "#1a7f52" if row["bits"] >= 0 else "#c0392b"
        parts += [
            f"<text x='0' y='{y + 16}'>{escape(str(row['evidence'])[:32])}</text>",
            f"<rect x='{at(before):.1f}' y='{y + 5}' width='{max((after - before) * scale, 1):.1f}' "
            f"height='{LINE - 10}' fill='{colour}'/>",
            f"<text x='{at(after) + 6:.1f}' y='{y + 16}'>{row['bits']:+.2f}</text>",
        ]
    return _drawing(LINE * len(said), parts)


def thresholds(score: NDArray[np.float64], match: NDArray[np.bool_]) -> str:
    """Precision and recall of labelled pairs by the threshold, as lines.

    Args:
        score: float64, shape (q,): the probability of each pair, had nobody labelled it.
        match: bool, shape (q,): what its label says.
    """
    least = np.unique(np.append(score, (0.0, 1.0)))
    told = score[None, :] >= least[:, None]
    right, given = (told & match).sum(axis=1), told.sum(axis=1)
    lines = {"precision": (least[given > 0], (right / np.maximum(given, 1))[given > 0])}
    lines["recall"] = least, right / max(int(match.sum()), 1)
    wide, tall = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = MARGIN + tick * wide, MARGIN + (1 - tick) * tall
        parts.append(f"<path d='M{MARGIN} {y:.1f}H{WIDTH - MARGIN}' stroke='#e3e5e8'/>")
        parts.append(f"<text x='0' y='{y + 4:.1f}'>{tick:g}</text>")
        parts.append(f"<text x='{x - 8:.1f}' y='{HEIGHT - 12}'>{tick:g}</text>")
    for turn, (name, (x, y)) in enumerate(lines.items()):
        points = zip(MARGIN + x * wide, MARGIN + (1 - y) * tall, strict=True)
        drawn = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f"<polyline points='{drawn}' fill='none' stroke='{COLOURS[name]}' stroke-width='2'/>")
        parts.append(f"<text x='{MARGIN + 90 * turn}' y='16' fill='{COLOURS[name]}'>{name}</text>")
    return _drawing(HEIGHT, parts)


def _drawing(height: int, parts: Sequence[str]) -> str:
    style = "font: 13px system-ui, sans-serif"
    return f"<svg viewBox='0 0 {WIDTH} {height}' role='img' style='{style}'>{''.join(parts)}</svg>"
