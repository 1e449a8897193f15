"""An altered picture is a cut of the picture, as large as it was, and always the same one."""

import numpy as np
import pytest

from xbsql import sample
from xbsql.features.image.altered import SIDES, altered
from xbsql.features.image.encoder import picture_encoder

SIDE = 64


def slope(seed=0):
    """Pictures whose channels tell where a pixel was, and which picture it is of."""
    rng = np.random.default_rng(seed)
    across = np.tile(np.arange(SIDE, dtype=np.uint8) * 4, (SIDE, 1))
    return np.stack(
        [np.dstack([across, across.T, np.full_like(across, value)]) for value in rng.permutation(24)]
    )


@pytest.mark.parametrize("count", [0, 1, 24])
def test_it_is_a_part_of_the_picture_at_the_size_that_it_had(count):
    pixels = slope()[:count]
    found = altered(pixels)
    assert found.shape == pixels.shape
    assert found.dtype == np.uint8
    for picture, given in zip(found, pixels, strict=True):
        reach = [float(np.ptp(picture[..., channel])) / 4 / SIDE for channel in (0, 1)]
        assert all(SIDES[0] - 0.05 < share < SIDES[1] + 0.05 for share in reach)
        assert (picture[..., 2] == given[0, 0, 2]).all()


def test_about_every_second_one_is_mirrored_and_none_stands_on_its_head():
    found = altered(slope()).astype(int)
    mirrored = found[:, 0, -1, 0] < found[:, 0, 0, 0]
    assert 4 < mirrored.sum() < 20
    assert (found[:, -1, 0, 1] > found[:, 0, 0, 1]).all()


def test_what_is_drawn_depends_on_the_picture_alone():
    pixels = slope()
    order = np.random.default_rng(3).permutation(len(pixels))
    np.testing.assert_array_equal(altered(pixels[order]), altered(pixels)[order])
    assert not np.array_equal(altered(pixels), pixels)


def test_maps_of_altered_pictures_are_others_and_of_no_picture_none():
    blobs = [*sample.pictures("US", 1)["photo"].to_pylist()[:2], b"no picture", None]
    encoder = picture_encoder("lite0")
    plain, changed = encoder.maps(blobs), encoder.maps(blobs, changed=True)
    assert plain.shape == changed.shape
    assert all(not np.array_equal(a, b) for a, b in zip(plain[:2], changed[:2], strict=True))
    assert not changed[2:].any()
