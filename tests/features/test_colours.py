"""Colours say what is there and not where, and leave the edge out."""

import numpy as np
import pytest

from xbsql.features.image.colours import WIDTH, colours


def plain(*colour):
    return np.tile(np.array(colour, np.uint8), (1, 64, 64, 1))


def alike(a, b):
    return float((colours(a) @ colours(b).T).item())


def test_a_histogram_has_length_one():
    found = colours(np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8))
    assert found.shape == (3, WIDTH)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)


def test_only_the_middle_counts_and_its_order_does_not():
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (1, 64, 64, 3), np.uint8)
    edged, turned = picture.copy(), picture[:, ::-1, ::-1]
    edged[:, :8], edged[:, :, -8:] = 255, 0
    np.testing.assert_array_equal(colours(edged), colours(picture))
    np.testing.assert_allclose(colours(turned), colours(picture), atol=1e-6)


@pytest.mark.parametrize(
    ("one", "other"),
    [((200, 30, 30), (30, 200, 30)), ((30, 30, 200), (200, 200, 30)), ((20, 20, 20), (230, 230, 230))],
)
def test_opposite_colours_share_nothing(one, other):
    assert alike(plain(*one), plain(*other)) == 0.0
    assert alike(plain(*one), plain(*one)) == pytest.approx(1.0)
