"""The delivery map: home in the middle, each market as far away as it is, as inline SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from unicodedata import east_asian_width

import numpy as np

from xbsql.pages.page import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.decisions.delivery import Lane

SIZE: Final = 380
"""Width and height in the drawing's units: so small that letters can be read on a telephone."""
MARGIN: Final = 46
MOST: Final = 24
"""Markets that are drawn, the nearest; the table has all."""
LETTER, LINE = 6.6, 13
"""Width and height of a letter."""
LETTERS: Final = 16
"""Of a market's name on the map."""
RING_APART: Final = 28.0
"""Least radius of a ring, and least distance of two, in the drawing's units."""
SPREAD: Final = 137.5
"""Degrees between markets whose direction is not known (the golden angle: no two lie in one)."""


Box: TypeAlias = tuple[float, float, float, float]
"""Left, upper, right and lower end."""


class Spot(NamedTuple):
    """A market on the drawing; x and y in its units."""

    lane: Lane
    x: float
    y: float


def lane_map(home: str, lanes: Sequence[Lane]) -> str:
    """The map and its table.

    Distances from the middle are as their square roots, so that near markets lie apart. Directions are
    bearings, as in an azimuthal projection about home (Snyder, USGS Professional Paper 1395, 1987), where
    coordinates are known, and mean nothing where they are not.

    Args:
        home: its name.
        lanes: of the other markets; those without a distance are in the table alone.
    """
    placed = sorted(
        (lane for lane in lanes if lane.distance is not None), key=lambda lane: lane.distance or 0.0
    )
    told = sorted(lanes, key=lambda lane: (lane.distance is None, lane.distance or 0.0, lane.market))
    head = ("market", "km", "parcels", "half within", "nine of ten within")
    lines = [
        (lane.market, _whole(lane.distance), f"{lane.parcels:,}" if lane.parcels else "",
         _days(lane.median), _days(lane.promise)) for lane in told
    ]  # fmt: skip
    return f"{_drawn(home, placed[:MOST]) if placed else ''}{table(head, lines)}"


def _drawn(home: str, lanes: Sequence[Lane]) -> str:
    farthest = max(lane.distance or 0.0 for lane in lanes) or 1.0
    middle, reach = SIZE / 2, SIZE / 2 - MARGIN
    spots = []
    for place, lane in enumerate(lanes):
        angle = np.radians(SPREAD * place if lane.bearing is None else lane.bearing)
        away = reach * float(np.sqrt((lane.distance or 0.0) / farthest))
        spots.append(Spot(lane, middle + away * float(np.sin(angle)), middle - away * float(np.cos(angle))))
    ways = "".join(f"<line x1='{middle}' y1='{middle}' x2='{s.x:.1f}' y2='{s.y:.1f}'/>" for s in spots)
    dots = "".join(f"<circle cx='{s.x:.1f}' cy='{s.y:.1f}' r='4'>{_title(s.lane)}</circle>" for s in spots)
    said = f"Map of {len(lanes)} markets about {home} by distance; the table below says the same"
    known = all(lane.bearing is not None for lane in lanes)
    north = "north is up" if known else "directions mean nothing where no coordinates are known"
    taken = [(s.x - 4, s.y - 4, s.x + 4, s.y + 4) for s in spots]
    taken.append((middle - 6, middle - 6, middle + 6, middle + 6))
    names = _names(home, spots, taken)
    rings = _rings(farthest, reach, taken)
    return (
        f"<svg class='map' viewBox='0 0 {SIZE} {SIZE}' role='img' "
        f"aria-label='{escape(said, quote=True)}'>{rings}{ways}{dots}"
        f"<circle class='blend' cx='{middle}' cy='{middle}' r='6'/>{names}</svg>"
        f"<p class='scale'>{escape(home)} in the middle, rings in kilometres (by their square roots), "
        f"{north}; with each market the days that nine of ten parcels took, else half of them</p>"
    )


def _rings(farthest: float, reach: float, taken: list[Box]) -> str:
    """Circles at round distances that lie apart, each with its kilometres where there is room."""
    found, last, middle = "", reach + RING_APART, SIZE / 2
    for at in (m * 10.0**power for power in range(5, -1, -1) for m in (5.0, 2.0, 1.0)):
        radius = reach * float(np.sqrt(at / farthest))
        if not RING_APART <= radius <= min(last - RING_APART, reach):
            continue
        last = radius
        found += f"<circle class='ring' cx='{middle}' cy='{middle}' r='{radius:.1f}'/>"
        text = f"{at:,.0f}"
        width = LETTER * len(text)
        places = [(middle + 3, middle + radius - 3), (middle + 3, middle - radius + LINE)]
        places += [(middle + radius - width - 3, middle - 3), (middle - radius + 3, middle - 3)]
        found += _placed(text, width, places, taken, " class='ring'")
    return found


def _names(home: str, spots: Sequence[Spot], taken: list[Box]) -> str:
    """Names beside their dots where there is room; a name without has its dot's title and the table."""
    middle, found = SIZE / 2, ""
    for text, x, y in [(home, middle, middle), *((_label(s.lane), s.x, s.y) for s in spots)]:
        width = LETTER * sum(1 + (east_asian_width(letter) in "WF") for letter in text)
        places = [(x + 8, y + 4), (x - 8 - width, y + 4), (x - width / 2, y - 8), (x - width / 2, y + 18)]
        found += _placed(text, width, places, taken)
    return found


def _placed(
    text: str, width: float, places: Sequence[tuple[float, float]], taken: list[Box], kind: str = ""
) -> str:
    """A text at the first of the places that meets nothing, which is taken then; '' where there is none."""
    for left, low in places:
        box = (left, low - LINE + 2, left + width, low + 2)
        inside = box[0] >= 0 and box[1] >= 0 and box[2] <= SIZE and box[3] <= SIZE
        if inside and not any(_meet(box, other) for other in taken):
            taken.append(box)
            return f"<text{kind} x='{left:.1f}' y='{low:.1f}'>{escape(text)}</text>"
    return ""


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _label(lane: Lane) -> str:
    days = lane.promise if lane.promise is not None else lane.median
    name = lane.market if len(lane.market) <= LETTERS else f"{lane.market[:LETTERS]}…"
    return name if days is None else f"{name} {days:.3g} d"


def _title(lane: Lane) -> str:
    return f"<title>{escape(_label(lane))}, {_whole(lane.distance)} km</title>"


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _days(value: float | None) -> str:
    return "" if value is None else f"{value:.3g} days"
