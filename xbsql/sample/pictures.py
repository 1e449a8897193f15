"""Small pictures of products: drawn icons as a home catalogue has them, and the same things as photos abroad.

Nothing is read: shapes, colours, light and noise come from a seed. Icons stand upright on white; a photo is
turned, cut, lit from one side, noisy, and lies on something.
"""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from xbsql.errors import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDE: Final = 96
"""Pixels of a side."""

FINE: Final = 3
"""How many times finer a picture is drawn."""

Point = tuple[float, float]


class Part(NamedTuple):
    """A part of a shape, in a square from -1 to 1 whose y runs down.

    Attributes:
        points: corners of an area; of a round one two corners of the box around it.
        tone: how light it is beside the colour of the product; 1 is that colour.
        width: of a line along the points; 0 fills the area.
        round: whether it is an ellipse.
    """

    points: tuple[Point, ...]
    tone: float = 1.0
    width: float = 0.0
    round: bool = False


SHAPES: Final[dict[str, tuple[Part, ...]]] = {
    "bags": (
        Part(((-0.35, -0.75), (0.35, 0.15)), 0.6, 0.09, round=True),
        Part(((-0.7, -0.3), (0.7, -0.3), (0.85, 0.75), (-0.85, 0.75))),
        Part(((-0.72, -0.05), (0.72, -0.05)), 0.7, 0.06),
        Part(((-0.1, -0.12), (0.1, -0.12), (0.1, 0.08), (-0.1, 0.08)), 0.4),
    ),
    "beauty": (
        Part(((-0.18, -0.9), (0.18, -0.9), (0.18, -0.5), (-0.18, -0.5)), 0.4),
        Part(((-0.38, -0.5), (0.38, -0.5), (0.38, 0.85), (-0.38, 0.85))),
        Part(((-0.28, -0.1), (0.28, -0.1), (0.28, 0.5), (-0.28, 0.5)), 1.6),
    ),
    "clothing": (
        Part(
            (
                (-0.35, -0.7), (-0.9, -0.35), (-0.7, 0.05), (-0.5, -0.1), (-0.5, 0.8),
                (0.5, 0.8), (0.5, -0.1), (0.7, 0.05), (0.9, -0.35), (0.35, -0.7),
            )
        ),
        Part(((-0.3, -0.9), (0.3, -0.45)), 0.6, 0.07, round=True),
        Part(((0.0, -0.45), (0.0, 0.8)), 0.75, 0.03),
    ),
    "furniture": (
        Part(((-0.5, -0.9), (0.35, -0.9), (0.35, 0.1), (-0.5, 0.1))),
        Part(((-0.6, 0.05), (0.65, 0.05), (0.75, 0.25), (-0.6, 0.25)), 0.8),
        Part(((-0.5, 0.25), (-0.6, 0.95)), 0.5, 0.11),
        Part(((0.6, 0.25), (0.7, 0.95)), 0.5, 0.11),
        Part(((0.25, 0.25), (0.25, 0.8)), 0.4, 0.08),
        Part(((-0.2, 0.25), (-0.2, 0.8)), 0.4, 0.08),
    ),
    "kitchen": (
        Part(((0.25, -0.35), (0.9, 0.4)), 0.8, 0.13, round=True),
        Part(((-0.65, -0.65), (0.5, -0.65), (0.45, 0.7), (-0.6, 0.7))),
        Part(((-0.65, -0.8), (0.5, -0.5)), 0.5, round=True),
    ),
    "lighting": (
        Part(((-0.05, -0.1), (0.05, -0.1), (0.05, 0.8), (-0.05, 0.8)), 0.4),
        Part(((-0.45, 0.7), (0.45, 0.95)), 0.4, round=True),
        Part(((-0.3, -0.9), (0.3, -0.9), (0.7, 0.0), (-0.7, 0.0))),
        Part(((-0.65, -0.06), (0.65, 0.06)), 1.6, round=True),
    ),
    "shoes": (
        Part(
            (
                (-0.85, -0.55), (-0.3, -0.55), (0.1, -0.1), (0.75, 0.1), (0.95, 0.4), (-0.9, 0.4),
            )
        ),
        Part(((-0.95, 0.4), (0.98, 0.4), (0.98, 0.6), (-0.95, 0.6)), 0.4),
        Part(((-0.3, -0.35), (-0.05, -0.5)), 1.7, 0.06),
        Part(((-0.15, -0.2), (0.1, -0.35)), 1.7, 0.06),
        Part(((0.0, -0.05), (0.25, -0.2)), 1.7, 0.06),
    ),
    "sports": (
        Part(((-0.85, -0.85), (0.85, 0.85)), round=True),
        Part(((-0.85, 0.0), (0.85, 0.0)), 0.3, 0.06),
        Part(((0.0, -0.85), (0.0, 0.85)), 0.3, 0.06),
        Part(((-0.45, -0.85), (0.45, 0.85)), 0.3, 0.06, round=True),
    ),
}  # fmt: skip
"""What a product of each category is drawn as, the parts from the back to the front."""

COLOURS: Final = (
    (190, 60, 50), (60, 90, 170), (70, 130, 80), (225, 170, 60), (120, 80, 150), (110, 110, 115)
)  # fmt: skip
GROUNDS: Final = ((150, 110, 70), (120, 125, 130), (90, 105, 85), (170, 160, 150))
NOISE: Final = 14.0


def pictures(market: str, each: int, seed: int = 0) -> pa.Table:
    """Pictures of products of eight categories.

    Args:
        market: 'US', where they are icons, or 'JP', where they are photos.
        each: how many of each category.
        seed: the same seed gives the same pictures.

    Returns:
        sku string 'US-bags-00'; category string, a key of `SHAPES`; photo binary: PNG of 96 x 96 pixels at
        home, JPEG abroad. Sorted by sku.

    Raises:
        XbsqlError: another market.
    """
    drawn = {"US": icon, "JP": photo}
    if market not in drawn:
        raise unknown("xbsql.sample.pictures", "market", market, drawn)
    rng = np.random.default_rng([seed, len(market), ord(market[0])])
    names = [(category, number) for category in sorted(SHAPES) for number in range(each)]
    columns = {
        "sku": [f"{market}-{category}-{number:02d}" for category, number in names],
        "category": [category for category, _ in names],
        "photo": [drawn[market](category, rng) for category, _ in names],
    }
    kinds = [("sku", pa.string()), ("category", pa.string()), ("photo", pa.binary())]
    return pa.table(columns, schema=pa.schema(kinds))


def icon(category: str, rng: np.random.Generator) -> bytes:
    """A product upright on white, as PNG."""
    canvas = Image.new("RGB", (SIDE * FINE, SIDE * FINE), (255, 255, 255))
    _draw(canvas, category, COLOURS[rng.integers(len(COLOURS))], 0.42 + 0.04 * rng.random(), 0.0, (0.0, 0.0))
    return _file(canvas.resize((SIDE, SIDE), Image.Resampling.BOX), "PNG")


def photo(category: str, rng: np.random.Generator) -> bytes:
    """A product turned and lit as somebody found it, as JPEG."""
    canvas = Image.new("RGB", (SIDE * FINE, SIDE * FINE), GROUNDS[rng.integers(len(GROUNDS))])
    ImageDraw.Draw(canvas).rectangle((0, SIDE * FINE * 0.75, SIDE * FINE, SIDE * FINE), (70, 60, 55))
    where = tuple(rng.uniform(-0.12, 0.12, 2).tolist())
    turn, size = float(rng.uniform(-0.5, 0.5)), float(rng.uniform(0.3, 0.44))
    _draw(canvas, category, COLOURS[rng.integers(len(COLOURS))], size, turn, where)
    pixels = np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX), np.float64)
    left, right = rng.uniform(0.55, 1.15, 2).tolist()
    light = np.linspace(left, right, SIDE)[None, :, None] * rng.uniform(0.85, 1.1, 3)
    lit = np.clip(pixels * light + rng.normal(0.0, NOISE, pixels.shape), 0, 255)
    return _file(Image.fromarray(lit.astype(np.uint8)), "JPEG")


def _draw(
    canvas: Image.Image,
    category: str,
    colour: tuple[int, ...],
    size: float,
    turn: float,
    where: Sequence[float],
) -> None:
    """Draw a product: `size` in sides of the picture, turned by radians, `where` from the centre."""
    pen, side = ImageDraw.Draw(canvas), canvas.width
    for part in SHAPES[category]:
        ink = tuple(min(255, int(part.tone * channel)) for channel in colour)
        outline = _ellipse(part.points) if part.round else part.points
        placed = [_placed(point, side, size, turn, where) for point in outline]
        if part.width:
            closed = [*placed, placed[0]] if part.round else placed
            pen.line(closed, ink, width=max(1, round(part.width * size * side)), joint="curve")
        else:
            pen.polygon(placed, ink)


def _ellipse(box: tuple[Point, ...], steps: int = 48) -> tuple[Point, ...]:
    """Points of the ellipse in a box, which two corners give."""
    (left, top), (right, bottom) = box
    angles = [2 * math.pi * step / steps for step in range(steps)]
    middle, radius = ((left + right) / 2, (top + bottom) / 2), ((right - left) / 2, (bottom - top) / 2)
    return tuple((middle[0] + radius[0] * math.cos(a), middle[1] + radius[1] * math.sin(a)) for a in angles)


def _placed(point: Point, side: int, size: float, turn: float, where: Sequence[float]) -> Point:
    """Where a point of a shape lies in the picture, in pixels."""
    x = point[0] * math.cos(turn) - point[1] * math.sin(turn)
    y = point[0] * math.sin(turn) + point[1] * math.cos(turn)
    return (0.5 + where[0] + size * x) * side, (0.5 + where[1] + size * y) * side


def _file(picture: Image.Image, kind: str) -> bytes:
    out = BytesIO()
    picture.save(out, kind, quality=80)
    return out.getvalue()
