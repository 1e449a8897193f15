"""Whatever bytes are given, decoding answers with a square or a reason."""

import contextlib
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from xbsql.features.image.decode import MOST_PIXELS, Unreadable, header, square
from xbsql.features.image.magic import looks_like_picture

SIDE = 32


def gradient(width=60, height=60):
    """Dark to light from left to right, and red to blue from top to bottom: every turn of it shows."""
    across = np.linspace(20, 230, width)[None, :] * np.ones((height, 1))
    down = np.linspace(20, 230, height)[:, None] * np.ones((1, width))
    return Image.fromarray(np.stack([255 - down, across, down], axis=2).astype(np.uint8))


def saved(picture, kind, **options):
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def grey16():
    values = np.linspace(0, 65535, 60)[None, :] * np.ones((60, 1))
    return Image.fromarray(values.astype(np.uint16))


def bomb(width, height):
    """A file of few bytes that claims a size."""
    start = b"IHDR" + struct.pack(">II", width, height) + bytes([1, 0, 0, 0, 0])
    whole = saved(Image.new("1", (1, 1)), "PNG")
    return whole[:12] + start + struct.pack(">I", zlib.crc32(start)) + whole[33:]


PLAIN = gradient()
SAME = {
    "jpeg": saved(PLAIN, "JPEG", quality=95),
    "progressive": saved(PLAIN, "JPEG", quality=95, progressive=True),
    "png": saved(PLAIN, "PNG"),
    "webp": saved(PLAIN, "WEBP", lossless=True),
    "bmp": saved(PLAIN, "BMP"),
    "tiff": saved(PLAIN, "TIFF"),
    "avif": saved(PLAIN, "AVIF", quality=95),
    "palette": saved(PLAIN.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
    "gif": saved(PLAIN.convert("P", palette=Image.Palette.ADAPTIVE), "GIF"),
    "opaque": saved(PLAIN.convert("RGBA"), "PNG"),
    "cmyk": saved(PLAIN.convert("CMYK"), "JPEG", quality=95),
    "cmyk tiff": saved(PLAIN.convert("CMYK"), "TIFF"),
    "animated": saved(PLAIN, "GIF", save_all=True, append_images=[PLAIN.rotate(90), PLAIN.rotate(180)]),
    "animated webp": saved(PLAIN, "WEBP", lossless=True, save_all=True, append_images=[PLAIN.rotate(90)]),
    "large": saved(gradient(900, 900), "JPEG", quality=90),
}


@pytest.mark.parametrize("name", SAME)
def test_a_picture_is_the_same_in_every_format(name):
    found = square(SAME[name], SIDE).astype(int)
    assert found.shape == (SIDE, SIDE, 3)
    assert np.abs(found - square(SAME["png"], SIDE)).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_turned_back(orientation):
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    lying = gradient(90, 60)
    stored = lying.transpose(turns[orientation]) if orientation > 1 else lying
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = square(saved(stored, "PNG", exif=exif), SIDE).astype(int)
    assert np.abs(found - square(saved(lying, "PNG"), SIDE)).mean() < 2


def test_what_is_transparent_is_white():
    clear = PLAIN.copy()
    clear.putalpha(0)
    assert square(saved(clear, "PNG"), SIDE).min() == 255
    grey = Image.new("LA", (9, 9), (0, 0))
    assert square(saved(grey, "PNG"), SIDE).min() == 255


@pytest.mark.parametrize(
    "content",
    [
        saved(grey16(), "PNG"),
        saved(grey16(), "TIFF"),
        saved(Image.fromarray(np.asarray(grey16(), np.int32)), "TIFF"),
        saved(Image.fromarray(np.asarray(grey16(), np.float32) / 65535), "TIFF"),
    ],
    ids=["16 bits", "16 bits tiff", "32 bits", "floats"],
)
def test_deep_pixels_keep_their_range(content):
    found = square(content, 60).astype(int)[30, :, 0]
    assert np.abs(found - np.linspace(0, 255, 60)).max() < 6


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3)])
def test_tiny_and_narrow_pictures_have_a_square(size):
    found = square(saved(Image.new("RGB", size, (10, 200, 30)), "PNG"), SIDE)
    assert (found == [10, 200, 30]).all()


def test_a_bomb_is_refused_unopened():
    side = int(MOST_PIXELS**0.5) + 1
    for sides in ((side, side), (20_000, 20_000), (2_000_000_000, 1)):
        with pytest.raises(Unreadable, match="million pixels"):
            square(bomb(*sides), SIDE)
        with pytest.raises(Unreadable, match="million pixels"):
            header(bomb(*sides))
    assert header(bomb(side - 1, side - 1)).width == side - 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"hello", "no picture"),
        (bytes(1000), "no picture"),
        (b"%PDF-1.7 ...", "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><svg/>", "SVG"),
        (SAME["jpeg"][:20], "broken"),
        (SAME["jpeg"][:-100], "broken"),
        (SAME["png"][:-100], "broken"),
        (SAME["webp"][: len(SAME["webp"]) // 2], "broken"),
        (SAME["gif"][:900], "broken"),
    ],
)
def test_what_is_no_picture_is_told(content, why):
    with pytest.raises(Unreadable, match=why):
        square(content, SIDE)


def test_the_header_says_what_a_file_is():
    assert header(SAME["animated"]) == ("GIF", 60, 60, 3)
    assert header(saved(gradient(90, 60), "JPEG")) == ("JPEG", 90, 60, 1)


@pytest.mark.parametrize("name", SAME)
def test_every_format_is_known_by_its_beginning(name):
    assert looks_like_picture(SAME[name][:32])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(set(SAME) - {"large"})), st.data())
def test_no_bytes_break_the_decoder(name, data):
    content = bytearray(SAME[name])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for given_bytes in (bytes(content), bytes(content[:cut])):
        with contextlib.suppress(Unreadable):
            assert square(given_bytes, SIDE).shape == (SIDE, SIDE, 3)


@settings(max_examples=40)
@given(st.data())
def test_a_png_of_which_one_byte_changed_is_no_picture(data):
    whole = SAME["png"]
    place = data.draw(st.integers(8, len(whole) - 1))
    other = bytes([whole[place] ^ data.draw(st.integers(1, 255))])
    with pytest.raises(Unreadable):
        square(whole[:place] + other + whole[place + 1 :], SIDE)


def test_a_png_with_broken_words_behind_its_pixels_is_read():
    content = saved(PLAIN, "PNG")
    words = struct.pack(">I", 3) + b"tEXt" + b"a\0b" + bytes(4)
    np.testing.assert_array_equal(square(content[:-12] + words + content[-12:], SIDE), square(content, SIDE))
