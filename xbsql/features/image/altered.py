"""Pictures as they might have been taken as well: from nearer, from the side, and the other way round."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch.nn.functional import interpolate

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDES: Final = (0.7, 0.95)
"""The least and the greatest share of its side that is left of a picture."""


def altered(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each picture cut to a square within it, at the size that it had, and every second one mirrored.

    What is drawn depends on a picture's own pixels, so one picture is always altered in one way.

    Args:
        pixels: shape (n, side, side, 3).
    """
    return np.stack([_altered(picture) for picture in pixels]) if len(pixels) else pixels


def _altered(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rng, side = np.random.default_rng(zlib.crc32(picture.tobytes())), len(picture)
    left = max(1, round(side * rng.uniform(*SIDES)))
    top, start = rng.integers(0, side - left + 1, 2).tolist()
    part = torch.from_numpy(picture[top : top + left, start : start + left].copy()).permute(2, 0, 1)[None]
    sized = interpolate(part.float(), (side, side), mode="bilinear", antialias=True)[0]
    found = sized.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return np.asarray(found[:, ::-1] if rng.random() < 0.5 else found, np.uint8)
