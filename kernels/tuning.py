"""Block sizes, warps and stages of the Triton kernels by shape, as tables.

Every row was compiled for sm_90 (`python -m bench.run sass` prints registers, spills, shared memory and
whether the products use wgmma) and none has been timed: the order of the rows is what the roofline suggests.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

SHARED_LIMIT = 227 * 1024  # bytes of shared memory that one block can have on sm_90


class ScanTile(NamedTuple):
    """Shape of one step of the group-maximum scan.

    Args:
        queries, rows: the tile of scores.
        depth: columns in one product.
        warps, stages: launch options.
        few: whether the corpus's rows are on the M axis of the product, for few queries.
        flat: whether tiles and depth are one loop.
    """

    queries: int
    rows: int
    depth: int
    warps: int
    stages: int
    few: bool
    flat: bool = False


class SumTile(NamedTuple):
    """Shape of one step of a kernel-matrix sum: rows a side, columns in one product, launch options."""

    left: int
    right: int
    depth: int
    warps: int
    stages: int


class SquareTile(NamedTuple):
    """Shape of one step of a covariance: columns a side, rows in one product, launch options."""

    columns: int
    depth: int
    warps: int
    stages: int


_SCANS = (  # up to so many queries, bytes of a value, tile
    (16, 2, ScanTile(16, 128, 128, 4, 4, few=True)),
    (16, 1, ScanTile(16, 128, 128, 4, 6, few=True)),
    (64, 2, ScanTile(64, 128, 64, 4, 4, few=True)),
    (64, 1, ScanTile(64, 128, 128, 4, 4, few=True)),
    (200, 2, ScanTile(128, 128, 64, 8, 4, few=False)),
    (200, 1, ScanTile(128, 128, 128, 8, 4, few=False)),
    (1 << 62, 2, ScanTile(128, 256, 64, 8, 3, few=False)),
    (1 << 62, 1, ScanTile(128, 256, 128, 8, 3, few=False)),
)
_SUMS = {
    torch.float32: SumTile(128, 64, 32, 8, 2),
    torch.bfloat16: SumTile(128, 128, 64, 8, 3),
}
_SQUARE = SquareTile(128, 32, 8, 3)


def scan_tile(m: int, dtype: torch.dtype) -> ScanTile:
    """Tile for m queries; float32 takes half the depth of two-byte values."""
    for most, size, tile in _SCANS:
        if m <= most and size == min(dtype.itemsize, 2):
            return tile._replace(depth=32) if dtype == torch.float32 else tile
    message = f"tuning: no tile for {m} queries of {dtype}"
    raise ValueError(message)


def scan_tiles() -> list[tuple[ScanTile, torch.dtype]]:
    """Every tile a scan may use on a device, with the dtype it is for."""
    return [(tile, torch.int8 if size == 1 else torch.bfloat16) for _, size, tile in _SCANS]


def candidates(dtype: torch.dtype) -> list[ScanTile]:
    """Tiles worth timing for a dtype, by `bench.gpu_tiles`; every one was compiled."""
    wide = 128 if dtype.itemsize == 1 else 64
    return list(
        dict.fromkeys(
            [
                *(tile for tile, kind in scan_tiles() if kind == dtype),
                # One stage fewer and half the depth: three programs share a multiprocessor.
                ScanTile(16, 128, wide, 4, 3, few=True),
                ScanTile(128, 128, wide, 8, 4, few=False, flat=True),
                ScanTile(128, 256, wide, 8, 3, few=False, flat=True),
            ]
        )
    )


def rbf_tile(dtype: torch.dtype) -> SumTile:
    """Tile of the kernel-matrix sums."""
    return _SUMS[dtype]


def square_tile() -> SquareTile:
    """Tile of the covariance of float32 rows."""
    return _SQUARE


def group_size(n: int, count: int) -> int:
    """Rows that share one maximum, 8 to 64, where `count` groups are scored.

    A query writes and reads n / G maxima of two bytes and reads count G rows of d values: near the least at
    sqrt(4 n / (count d b)), here with d b = 800 bytes.
    """
    size = 64
    while size > 8 and size * size * count * 200 > n:
        size //= 2
    return size
