"""The float32 product behind a scan, by the fastest routine for its shape.

Measured on AMD Zen 4: for one query MKL reads memory at a third of the speed of a plain sum, NumPy's row-wise
dot product at four fifths of it or more.
"""

from __future__ import annotations

import time
from functools import cache
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
        s = _one(q[0], x)[None] if len(q) == 1 else (x @ q.T).T.contiguous()
    return s if bias is None else s.add_(bias)


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
    squares, step = [], max(1, _PIECE // x.shape[1])
    with np.errstate(all="ignore"):
        for s in range(0, len(rows), step):
            part = rows[s : s + step]
            np.matmul(part, several, out=one[s : s + step])
            flat = part.reshape(-1)
            squares.append(flat @ flat)
        return torch.from_numpy(out.T if len(q) == 1 else out.T.copy()), float(np.sqrt(np.max(squares)))


def paired(q: Tensor, x: Tensor) -> Tensor:
    """Inner product of each row of q with the same row of x, both float32 (n, d), on this thread: (n,)."""
    out = torch.empty(len(x))
    with np.errstate(all="ignore"):
        np.vecdot(x.numpy(), q.numpy(), out=out.numpy())
    return out


def _one(q: Tensor, x: Tensor) -> Tensor:
    """Inner product of one query with every row, (b,), on this thread."""
    out = torch.empty(len(x))
    with np.errstate(all="ignore"):
        np.vecdot(x.numpy(), q.numpy(), out=out.numpy())
    return out


def _whole() -> bool:
    """Whether torch multiplies float32 as float32: where a user allows less, it may take bfloat16 instead."""
    own = getattr(getattr(torch.backends.mkldnn, "matmul", None), "fp32_precision", "none")
    return own in ("none", "ieee") and torch.get_float32_matmul_precision() == "highest"


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
    return _seconds(ways[0]) <= _seconds(ways[1])


def _seconds(call: Callable[[], object]) -> float:
    """Shortest of five calls."""
    found = []
    for _ in range(5):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)
