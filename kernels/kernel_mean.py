"""Triton kernel: sums over the RBF kernel matrix, tile by tile; nothing of size n x m is stored.

Products are three of bfloat16 halves each; `slack.kernel_error` bounds what that does to a kernel value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl
from torch import Tensor

from xbsql.kernels.cpu_mean import around, centred, table
from xbsql.kernels.tuning import SumTile, rbf_tile

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOG2E = math.log2(math.e)
_VALUES = 1 << 24  # in float64 at a time


@triton.jit  # type: ignore[untyped-decorator]
def rbf_rows_kernel(
    x_ptr: tl.tensor,  # (n, d)
    y_ptr: tl.tensor,  # (m, d)
    xx_ptr: tl.tensor,  # (n,) squared lengths
    yy_ptr: tl.tensor,  # (m,)
    b_ptr: tl.tensor,  # (m,) right-hand side
    out_ptr: tl.tensor,  # (splits, n)
    n: tl.tensor,
    m: tl.tensor,
    d: tl.tensor,
    rate: tl.tensor,  # -gamma log2(e)
    tiles: tl.tensor,  # of y for each split
    TRIANGLE: tl.constexpr,
    PRECISION: tl.constexpr,
    BN: tl.constexpr,
    BM: tl.constexpr,
    BD: tl.constexpr,
    KI: tl.constexpr,
) -> None:
    """Sum over j of one split of exp(-gamma |x_i - y_j|^2) b_j; with TRIANGLE over j > i alone."""
    i = tl.program_id(0) * BN + tl.arange(0, BN)
    k = tl.arange(0, BD)
    xx = tl.load(xx_ptr + i, mask=i < n, other=0.0)
    acc = tl.zeros((BN, BM), tl.float32)
    low = tl.program_id(1) * tiles
    high = low + tiles
    if TRIANGLE:
        low = tl.maximum(low, tl.program_id(0) * BN // BM)
    for t in range(low, high):
        j = t * BM + tl.arange(0, BM)
        dot = tl.zeros((BN, BM), tl.float32)
        for kk in range(KI):
            c = kk * BD + k
            x_at = i[:, None].to(tl.int64) * d + c[None, :]
            y_at = j[None, :].to(tl.int64) * d + c[:, None]
            x = tl.load(x_ptr + x_at, mask=(i[:, None] < n) & (c[None, :] < d), other=0.0)
            y = tl.load(y_ptr + y_at, mask=(j[None, :] < m) & (c[:, None] < d), other=0.0)
            dot = tl.dot(x, y, dot, input_precision=PRECISION)
        yy = tl.load(yy_ptr + j, mask=j < m, other=0.0)
        b = tl.load(b_ptr + j, mask=j < m, other=0.0)
        distance = tl.maximum(xx[:, None] + yy[None, :] - 2.0 * dot, 0.0)
        value = tl.exp2(distance * rate) * b[None, :]
        if TRIANGLE:
            value = tl.where(j[None, :] > i[:, None], value, 0.0)
        acc += value
    tl.store(out_ptr + tl.program_id(1).to(tl.int64) * n + i, tl.sum(acc, axis=1), mask=i < n)


def rbf_rows(
    x: Tensor, y: Tensor, b: Tensor, gamma: float, triangle: bool = False, tile: SumTile | None = None
) -> Tensor:
    """Sum over j of exp(-gamma |x_i - y_j|^2) b_j, float64 (n,); over j > i alone with `triangle`.

    Args:
        x: float32 (n, d), centred.
        y: float32 (m, d), centred likewise.
        b: float64 (m,).
        gamma: above 0.
        triangle: x and y are the same rows: each pair once.
        tile: how; None as `tuning` has it.
    """
    (n, d), m = x.shape, len(y)
    tile = rbf_tile(x.dtype) if tile is None else tile
    left, right = -(-n // tile.left), -(-m // tile.right)
    splits = max(1, min(right, 1024 // left))
    each = -(-right // splits)
    x, y = x.contiguous(), y.contiguous()
    out = torch.empty(splits, n, dtype=x.dtype, device=x.device)
    rbf_rows_kernel[(left, splits)](
        x,
        y,
        _squares(x),
        _squares(y),
        b.float(),
        out,
        n,
        m,
        d,
        -gamma * _LOG2E,
        each,
        TRIANGLE=triangle,
        PRECISION="bf16x3",
        BN=tile.left,
        BM=tile.right,
        BD=tile.depth,
        KI=-(-d // tile.depth),
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
    return out.double().sum(dim=0)


def _squares(x: Tensor) -> Tensor:
    """Squared lengths of float32 rows, added up in float64 some rows at a time: float32 (n,)."""
    step = max(1, _VALUES // x.shape[1])
    parts = [(x[s : s + step].double() ** 2).sum(dim=1).float() for s in range(0, len(x), step)]
    return torch.cat(parts)


def rbf_matvec(x: Tensor, y: Tensor, b: Tensor, gamma: float) -> Tensor:
    """Kernel matrix of x and y times b, float64 (n, r); b is float64 (m, r)."""
    x, y = centred(x, y)
    return torch.stack([rbf_rows(x, y, column, gamma) for column in b.T], dim=1)


def mmd2(
    x: Tensor, y: Tensor, gammas: Sequence[float], unbiased: bool, wx: Tensor | None, wy: Tensor | None
) -> float:
    """Squared maximum mean discrepancy, the mean over the gammas; weights float64 or None for equal ones."""
    x, y = centred(x, y)
    u = torch.ones(len(x), dtype=torch.float64, device=x.device) if wx is None else wx
    v = torch.ones(len(y), dtype=torch.float64, device=x.device) if wy is None else wy
    own = _within(x, u, gammas, unbiased) + _within(y, v, gammas, unbiased)
    return own - 2 * _cross(x, y, u, v, gammas)


def between(samples: Sequence[Tensor], gammas: Sequence[float], unbiased: bool) -> Tensor:
    """Squared maximum mean discrepancy of every two samples, float64 (s, s) on the CPU."""
    x = around(samples)
    ones = [torch.ones(len(each), dtype=torch.float64, device=each.device) for each in x]
    own = [_within(each, w, gammas, unbiased) for each, w in zip(x, ones, strict=True)]
    return table(own, lambda i, j: _cross(x[i], x[j], ones[i], ones[j], gammas))


def _cross(x: Tensor, y: Tensor, u: Tensor, v: Tensor, gammas: Sequence[float]) -> float:
    """Weighted mean of k(x_i, y_j), the mean over the gammas."""
    total = sum((u @ rbf_rows(x, y, v, gamma) for gamma in gammas), u.new_zeros(()))
    return float(total) / float(u.sum() * v.sum()) / len(gammas)


def _within(x: Tensor, w: Tensor, gammas: Sequence[float], unbiased: bool) -> float:
    """Weighted mean of k(x_i, x_j), without i = j where unbiased, the mean over the gammas."""
    total = sum((w @ rbf_rows(x, x, w, gamma, triangle=True) for gamma in gammas), w.new_zeros(()))
    pairs = 2 * float(total) / len(gammas)
    mass, square = float(w.sum()) ** 2, float(w @ w)
    return pairs / (mass - square) if unbiased else (pairs + square) / mass
