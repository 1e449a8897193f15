"""Bars and intervals as HTML: they need no script and no font, and no window makes their letters small."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Scale(NamedTuple):
    """Where values stand between the two ends of a line."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of a value, in per cent of the line."""
        return 100.0 * (value - self.low) / (self.high - self.low)


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
    return f"<tr>{_name(name)}<td class='wide'>{bar}</td><td>{figure}</td></tr>"


def _name(name: str) -> str:
    """The cell of a name; a narrow window cuts it, so it tells the whole."""
    return f"<td title='{escape(name, quote=True)}'>{escape(name)}</td>"


def ranges(arms: Sequence[tuple[str, float, float | None, float | None]], metric: str) -> str:
    """One dot a name with its interval, all on one scale; figures and names are text of the page's size.

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
    lines = "".join(_range(arm, scale) for arm in arms)
    return f"<table class='bars ranges'>{lines}</table><p class='scale'>{escape(metric)}, 95 % intervals</p>"


def _range(arm: tuple[str, float, float | None, float | None], scale: Scale) -> str:
    name, value, lo, hi = arm
    whisker, ends = "", ""
    if lo is not None and hi is not None:
        left = scale.at(lo)
        whisker = f"<span class='whisker' style='left:{left:.1f}%;width:{scale.at(hi) - left:.1f}%'></span>"
        ends = f" <span class='ends'>{lo:.3f} to {hi:.3f}</span>"
    kind = "dot blend" if name == "blend" else "dot"
    drawn = f"{whisker}<span class='{kind}' style='left:{scale.at(value):.1f}%'></span>"
    return (
        f"<tr>{_name(name)}<td class='wide'><div class='track'>{drawn}</div></td>"
        f"<td>{value:.3f}{ends}</td></tr>"
    )
