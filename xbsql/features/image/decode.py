"""Bytes of a file -> pixels of one square; whatever the bytes are, an answer or a reason."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from PIL import Image

from xbsql.features.image.magic import MOST_LOOKED_AT, looks_like_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What is read; a file is known by its first bytes, not by its name."""

MOST_PIXELS: Final = 64_000_000
"""Pixels that are unpacked at most: 256 MB. A file of few bytes can claim any number."""

MOST_BYTES: Final = 128_000_000
"""Bytes of a file at most."""

WHITE: Final = (255, 255, 255)

_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by its EXIF orientation."""

_SIXTEEN_BITS: Final = 257
"""A 16-bit value over this is an 8-bit one."""


class Unreadable(Exception):
    """Bytes that are no picture; its text is why, a few words that are the same for all of their kind."""


class Header(NamedTuple):
    """What a file says of itself.

    Attributes:
        format: one of `FORMATS`.
        width: pixels, as they lie in the file.
        height: the same.
        frames: 1, or more where it is animated or has pages.
    """

    format: str
    width: int
    height: int
    frames: int


def header(content: bytes) -> Header:
    """What a file says of itself; its pixels are not unpacked.

    Raises:
        Unreadable: it is no picture, or larger than any that is read.
    """
    picture = _opened(content)
    try:
        frames = int(getattr(picture, "n_frames", 1))
    except Exception:  # a decoder may raise anything on a broken file
        frames = 1
    return Header(str(picture.format), *picture.size, frames)


def square(content: bytes, side: int) -> NDArray[np.uint8]:
    """The centre square of a picture, upright, brought to a size (bicubic).

    Of an animated one the first frame counts. What is transparent is white. 16-bit values are brought to 8
    bits; numbers of other ranges (32 bits, floats) from their own least and largest.

    Args:
        content: of a file in one of `FORMATS`.
        side: pixels.

    Returns:
        uint8, shape (side, side, 3): red, green, blue.

    Raises:
        Unreadable: it is no picture, broken, cut off, or larger than any that is read.
    """
    picture = _opened(content)
    try:
        turn = _UPRIGHT.get(_orientation(picture))
        picture.draft(
            "RGB", (2 * side, 2 * side)
        )  # of JPEG alone: unpacked at an eighth where that is enough
        colours = _colours(picture)
        wide, high = colours.size
        short = min(wide, high)
        left, top = (wide - short) / 2, (high - short) / 2
        box = (left, top, left + short, top + short)
        cut = colours.resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
        upright = cut if turn is None else cut.transpose(turn)
    except Exception as error:  # a decoder may raise anything on a broken file
        raise Unreadable("broken or cut off") from error
    return np.asarray(upright, np.uint8)


def _opened(content: bytes) -> Image.Image:
    """The picture, its pixels not yet unpacked."""
    if not content:
        raise Unreadable("empty")
    if len(content) > MOST_BYTES:
        raise Unreadable(f"more than {MOST_BYTES // 1_000_000} MB")
    try:
        picture = Image.open(BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(_TOO_MANY) from error
    except Exception as error:  # a decoder may raise anything on a broken file
        raise Unreadable(_why(content)) from error
    if picture.format == "PNG" and _is_damaged(content):
        raise Unreadable("broken or cut off")
    wide, high = picture.size
    if wide * high > MOST_PIXELS:
        raise Unreadable(_TOO_MANY)
    return picture


_TOO_MANY: Final = f"more than {MOST_PIXELS // 1_000_000} million pixels"


def _is_damaged(content: bytes) -> bool:
    """Whether a PNG's pixels are not those that were written: a checksum is wrong, or its end is not there.

    Chunks that may be left out, such as texts, may be broken: their names begin with a small letter.
    """
    place = 8
    while place + 12 <= len(content):
        (size,) = struct.unpack(">I", content[place : place + 4])
        name, end = content[place + 4 : place + 8], place + 8 + size
        if name[:1].isupper() and content[end : end + 4] != zlib.crc32(content[place + 4 : end]).to_bytes(4):
            return True
        if name == b"IEND":
            return False
        place = end + 4
    return True


def _why(content: bytes) -> str:
    """Why no decoder took it."""
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<") and b"<svg" in head:
        return "SVG, which is drawn and not stored: save it as PNG"
    return "broken or cut off" if looks_like_picture(content[:MOST_LOOKED_AT]) else "no picture"


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation; 1, upright, where there is none or it cannot be read."""
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # metadata that is broken says nothing about the pixels
        return 1
    return found if isinstance(found, int) else 1


def _colours(picture: Image.Image) -> Image.Image:
    """The picture as red, green and blue of 8 bits, white where it is transparent."""
    if picture.mode.startswith("I;16"):
        grey = np.asarray(picture, np.uint16) // _SIXTEEN_BITS
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        return Image.fromarray(_ranged(np.asarray(picture, np.float64))).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    over = picture.convert("RGBA")
    under = Image.new("RGBA", over.size, (*WHITE, 255))
    return Image.alpha_composite(under, over).convert("RGB")


def _ranged(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Numbers of any range as 0 to 255; of those within 16 bits the range is that of 16 bits."""
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high > 1:
        low, high = 0.0, 255.0 if high <= 255 else max(high, 65535.0)
    elif low >= 0:
        low, high = 0.0, 1.0
    return np.asarray((values - low) * (255.0 / max(high - low, 1e-12)), np.uint8)
