"""Bars and intervals as inline SVG and HTML: they need no script and no font."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, LABEL, LINE = 640, 150, 26


class Scale(NamedTuple):
    """Where values stand between the names and the figures."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of a value, in units of the drawing."""
        return LABEL + (WIDTH - LABEL - 60) * (value - self.low) / (self.high - self.low)


def bars(pairs: Sequence[tuple[str, float]], *, as_share: bool = False) -> str:
    """One bar a name, as long as its value is of the largest.

    Args:
        pairs: names and values, none below 0, in the order of the page.
        as_share: whether values are shown in per cent.
    """
    most = max((value for _, value in pairs), default=0.0) or 1.0
    shown = "{:.0%}" if as_share else "{:.3g}"
    lines = "".join(_bar(name, value / most, shown.format(value)) for name, value in pairs)
    return f"<table class='bars'>{lines}</table>"


def _bar(name: str, length: float, figure: str) -> str:
    bar = f"<span class='bar' style='width:{100 * length:.1f}%'></span>"
    return f"<tr><td>{escape(name)}</td><td class='wide'>{bar}</td><td>{figure}</td></tr>"


def ranges(arms: Sequence[tuple[str, float, float | None, float | None]], metric: str) -> str:
    """One dot a name with its interval, all on one scale.

    Args:
        arms: name, value, and the ends of its interval or None.
        metric: what the values are.
    """
    if not arms:
        return ""
    ends = [each for arm in arms for each in arm[1:] if each is not None]
    low, high = min(ends), max(ends)
    room = 0.06 * ((high - low) or abs(high) or 1.0)
    scale = Scale(low - room, high + room)
    lines = "".join(_range(place, arm, scale) for place, arm in enumerate(arms))
    height = LINE * len(arms) + 8
    told = "; ".join(f"{name} {value:.3f}" for name, value, *_ in arms)
    return (
        f"<svg class='ranges' viewBox='0 0 {WIDTH} {height}' role='img' "
        f"aria-label='{escape(metric, quote=True)}: {escape(told, quote=True)}'>{lines}</svg>"
        f"<p class='scale'>{escape(metric)}, 95 % intervals</p>"
    )


def _range(place: int, arm: tuple[str, float, float | None, float | None], scale: Scale) -> str:
    name, value, lo, hi = arm
    y, at = LINE * place + LINE // 2 + 2, scale.at
    whisker = ""
    if lo is not None and hi is not None:
        whisker = f"<line x1='{at(lo):.1f}' x2='{at(hi):.1f}' y1='{y}' y2='{y}'/>"
    return (
        f"<text x='0' y='{y + 4}'>{escape(name)}</text>{whisker}"
        f"<circle cx='{at(value):.1f}' cy='{y}' r='5' class='{'blend' if name == 'blend' else 'arm'}'/>"
        f"<text x='{WIDTH - 50}' y='{y + 4}'>{value:.3f}</text>"
    )
