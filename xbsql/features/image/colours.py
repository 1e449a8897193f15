"""What colours a picture has in its middle, which networks that tell things apart look past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS: Final = 6
WIDTH: Final = LEVELS**3
SHARE: Final = 0.2
"""Of the squared length of a vector, beside networks."""

_GRID: Final = 32
_MARGIN: Final = 4
"""Cells of the grid that are left out on each side: there lies the ground."""

_SPREAD: Final = 1.4
"""Few pixels are as red or as blue as can be: differences are brought nearer to the ends of their range."""


def colours(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A histogram over three opponent axes: red to green, blue to yellow, dark to light.

    Args:
        pixels: shape (n, side, side, 3), the side a multiple of 32.

    Returns:
        float32, shape (n, 216): square roots of the shares, so of length one (Hellinger's distance).
    """
    cell = pixels.shape[1] // _GRID
    blocks = (
        pixels.reshape(len(pixels), _GRID, cell, _GRID, cell, 3).mean(axis=(2, 4), dtype=np.float32) / 255.0
    )
    inner = blocks[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN].reshape(len(pixels), -1, 3)
    red, green, blue = np.moveaxis(inner, -1, 0)
    axes = (
        0.5 + _SPREAD * (red - green) / 2,
        0.5 + _SPREAD * ((red + green) / 2 - blue) / 2,
        (red + green + blue) / 3,
    )
    place = np.zeros(red.shape, np.int64)
    for axis in axes:
        place = LEVELS * place + np.clip((axis * LEVELS).astype(np.int64), 0, LEVELS - 1)
    counts = np.zeros((len(pixels), WIDTH), np.float32)
    np.add.at(counts, (np.arange(len(pixels))[:, None], place), np.float32(1.0))
    return np.asarray(np.sqrt(counts / inner.shape[1]), np.float32)
