"""The float32 product behind a scan, by the fastest routine for its shape.

Measured for one query on AMD Zen 4: MKL reads memory at a third of the speed of a plain sum, NumPy's row-wise
dot product at four fifths of it or more.
"""

from __future__ import annotations

import time
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = 8  # up to so many queries rows x queries is faster than queries x rows
_TILE = 1 << 14  # rows in one product of many queries
_PIECE = 48 << 10  # values that are read from the cache the second time


def product(q: Tensor, x: Tensor, bias: Tensor | None = None, room: Tensor | None = None) -> Tensor:
    """Float32 product q @ x.T + bias, (m, b), for float32 q (m, d), x (b, d), bias (b,).

    `room`, float32, of m b values or more, may hold the result: fresh memory costs half of a product.
    """
    if not _whole():
        with np.errstate(all="ignore"):
            return torch.from_numpy(q.numpy() @ x.numpy().T).add_(0.0 if bias is None else bias)
    if len(q) > FEW and _onednn():
        found: Tensor = torch.ops.mkldnn._linear_pointwise(q, x.contiguous(), bias, "none", [], "")
        return found
    if len(q) > FEW:
        count = len(q) * len(x)
        flat = torch.empty(count) if room is None else room[:count]
        s = flat.view(len(q), len(x))
        for start in range(0, len(x), _TILE):
            torch.mm(q, x[start : start + _TILE].T, out=s[:, start : start + _TILE])
    else:
        s = rows_times(q, x)
    return s if bias is None else s.add_(bias)


def rows_times(q: Tensor, x: Tensor) -> Tensor:
    """Float32 product q @ x.T, (m, b), of few queries q (m, d) and rows x (b, d), on this thread.

    A value that overflows is Inf or NaN.
    """
    out = np.empty((len(x), len(q)), np.float32)
    with np.errstate(all="ignore"):
        if len(q) > 1:
            np.matmul(x.numpy(), q.numpy().T, out=out)
        elif _by_rows():
            np.vecdot(x.numpy(), q.numpy()[0], out=out[:, 0])
        else:
            np.matmul(x.numpy(), q.numpy()[0], out=out[:, 0])
    return torch.from_numpy(out.T if len(q) == 1 else out.T.copy())


def with_reach(q: Tensor, x: Tensor) -> tuple[Tensor, float]:
    """The product for few queries, and a length that no row exceeds: each row is read once into the cache.

    Args:
        q: float32 (m, d), m at most FEW.
        x: float32 (b, d), contiguous.

    Returns:
        Float32 (m, b); the square root of the largest sum of squares of some rows, NaN or Inf where any is.
    """
    out, rows, several = np.empty((len(x), len(q)), np.float32), x.numpy(), q.numpy().T
    one = out[:, 0] if len(q) == 1 else out
    several = several[:, 0].copy() if len(q) == 1 else several
    flat, squares, step = rows.reshape(-1), [], max(1, _PIECE // x.shape[1])
    # Pieces from one cache line on: a load across two of them takes twice as long.
    first = -x.data_ptr() % 64 // 4
    edges = [0, *(min(first + s * x.shape[1], flat.size) for s in range(step, len(x) + step, step))]
    with np.errstate(all="ignore"):
        for s, (low, high) in zip(range(0, len(x), step), pairwise(edges), strict=True):
            np.dot(rows[s : s + step], several, out=one[s : s + step])
            squares.append(np.dot(flat[low:high], flat[low:high]))
        return torch.from_numpy(out.T if len(q) == 1 else out.T.copy()), float(np.sqrt(np.max(squares)))


def reach(x: Tensor) -> float:
    """The length of the longest of float32 rows (b, d), b >= 1, up to rounding; NaN or Inf where any is."""
    rows = x.numpy()
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.max(np.vecdot(rows, rows))))


def paired(q: Tensor, x: Tensor) -> Tensor:
    """Inner product of each row of q with the same row of x, both float32 (n, d), on this thread: (n,)."""
    out = torch.empty(len(x))
    with np.errstate(all="ignore"):
        np.vecdot(x.numpy(), q.numpy(), out=out.numpy())
    return out


def _whole() -> bool:
    """Whether torch multiplies float32 as float32: where a user allows less, it may take bfloat16 instead."""
    own = getattr(getattr(torch.backends.mkldnn, "matmul", None), "fp32_precision", "none")
    return own in ("none", "ieee") and torch.get_float32_matmul_precision() == "highest"


@cache
def _by_rows() -> bool:
    """Whether a dot product of each row is faster here than the product of a matrix and a vector.

    It took less than half of its time on AMD Zen 4 and 1.3 times it on Intel's Sapphire Rapids.
    """
    x, q = np.ones((8192, 128), np.float32), np.ones(128, np.float32)
    return seconds(lambda: np.vecdot(x, q)) <= seconds(lambda: x @ q)


@cache
def _onednn() -> bool:
    """Whether torch carries oneDNN's float32 product, and it is the faster one here.

    It took 8 to 40 % less time than MKL's on AMD Zen 4, and up to 40 % more on Intel's Sapphire Rapids: both
    are tried once, for a few milliseconds.
    """
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not available or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    q, x = torch.ones(64, 128), torch.ones(2048, 128)
    ways = (lambda: torch.ops.mkldnn._linear_pointwise(q, x, None, "none", [], ""), lambda: q @ x.T)
    return seconds(ways[0]) <= seconds(ways[1])


def seconds(call: Callable[[], object]) -> float:
    """Shortest of five calls."""
    found = []
    for _ in range(5):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)
