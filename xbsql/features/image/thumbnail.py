"""A picture small enough to stand in a page."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Final

from PIL import Image

from xbsql.features.image.decode import Unreadable, square

SIDE: Final = 112
"""Pixels of a side."""


def data_uri(content: bytes, side: int = SIDE) -> str | None:
    """The centre square of a picture as a JPEG inside a `data:` address; None where it cannot be read."""
    try:
        pixels = square(content, side)
    except Unreadable:
        return None
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
