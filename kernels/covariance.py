"""Triton kernel: the weighted covariance X' diag(w) X of many rows, and CORAL on a device by it."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from xbsql.kernels import cpu_moments
from xbsql.kernels.tuning import SquareTile, square_tile

_ROWS = 8192  # added up in float32 by one program; float64 above that
_PROGRAMS = 1024  # of a launch


@triton.jit  # type: ignore[untyped-decorator]
def square_kernel(
    x_ptr: tl.tensor,  # (n, d) float32
    shift_ptr: tl.tensor,  # (d,) float32, near the mean
    w_ptr: tl.tensor,  # (n,) float32
    pair_ptr: tl.tensor,  # (pairs, 2) int32: tiles of columns, the first not after the second
    out_ptr: tl.tensor,  # (splits, pairs, B, B) float32
    sum_ptr: tl.tensor,  # (splits, pairs, B) float32
    n: tl.tensor,
    d: tl.tensor,
    stride: tl.tensor,  # of a row of x
    rows: tl.tensor,  # of a split
    HAS_WEIGHTS: tl.constexpr,
    PRECISION: tl.constexpr,
    B: tl.constexpr,
    BK: tl.constexpr,
) -> None:
    """Sums over one split's rows of w (x_i - shift_i) (x_j - shift_j) and of its first factor, for a pair."""
    pair = tl.program_id(0)
    i = tl.load(pair_ptr + 2 * pair) * B + tl.arange(0, B)
    j = tl.load(pair_ptr + 2 * pair + 1) * B + tl.arange(0, B)
    shift_i = tl.load(shift_ptr + i, mask=i < d, other=0.0)
    shift_j = tl.load(shift_ptr + j, mask=j < d, other=0.0)
    acc = tl.zeros((B, B), tl.float32)
    sums = tl.zeros((B,), tl.float32)
    low = tl.program_id(1) * rows
    for start in range(low, tl.minimum(low + rows, n), BK):
        r = start + tl.arange(0, BK)
        at = x_ptr + r.to(tl.int64) * stride
        a = tl.load(at[None, :] + i[:, None], mask=(r[None, :] < n) & (i[:, None] < d), other=0.0)
        b = tl.load(at[:, None] + j[None, :], mask=(r[:, None] < n) & (j[None, :] < d), other=0.0)
        a = a - shift_i[:, None]
        # A row past the end is -shift on both sides: its weight of zero takes it out.
        if HAS_WEIGHTS:
            a = a * tl.load(w_ptr + r, mask=r < n, other=0.0)[None, :]
        else:
            a = tl.where(r[None, :] < n, a, 0.0)
        sums += tl.sum(a, axis=1)
        acc = tl.dot(a, b - shift_j[None, :], acc, input_precision=PRECISION)
    split = tl.program_id(1).to(tl.int64) * tl.num_programs(0) + pair
    inside = tl.arange(0, B)
    tl.store(out_ptr + split * B * B + inside[:, None] * B + inside[None, :], acc)
    tl.store(sum_ptr + split * B + inside, sums)


def moments(x: Tensor, weights: Tensor | None, tile: SquareTile | None = None) -> tuple[Tensor, Tensor]:
    """Weighted mean (d,) and covariance (d, d) in float64 on x's device, divided by the sum of the weights.

    Args:
        x: float32 (n, d).
        weights: float64 (n,), 0 or more, not all 0; None for equal ones.
        tile: how; None as `tuning` has it.
    """
    tile = square_tile() if tile is None else tile
    x = x if x.stride(1) == 1 else x.contiguous()
    w = None if weights is None else (weights / weights.max()).float()
    mass = float(len(x)) if w is None else float(w.sum(dtype=torch.float64))
    shift = x.mean(dim=0) if w is None else w @ x / mass
    d, tiles = x.shape[1], -(-x.shape[1] // tile.columns)
    pairs = torch.triu_indices(tiles, tiles, device=x.device)
    count, size = pairs.shape[1], tile.columns
    square = torch.zeros(count, size, size, dtype=torch.float64, device=x.device)
    rest = torch.zeros(count, size, dtype=torch.float64, device=x.device)
    band = _ROWS * max(1, _PROGRAMS // count)
    for s in range(0, len(x), band):
        part = _sums(x[s : s + band], None if w is None else w[s : s + band], shift, pairs, tile)
        square += part[0]
        rest += part[1]
    # What the shift misses of the mean; the sums of a tile of columns are those of its diagonal pair.
    missed = rest[pairs[0] == pairs[1]].reshape(-1)[:d] / mass
    cov = _unfolded(square, pairs, tiles)[:d, :d] / mass - torch.outer(missed, missed)
    return shift.double() + missed, cov


def _sums(
    x: Tensor, w: Tensor | None, shift: Tensor, pairs: Tensor, tile: SquareTile
) -> tuple[Tensor, Tensor]:
    """What `square_kernel` adds up, over all splits: float64 (pairs, B, B) and (pairs, B)."""
    (n, d), count = x.shape, pairs.shape[1]
    splits = max(1, min(_PROGRAMS // count, -(-n // tile.depth)))
    each = -(-n // splits // tile.depth) * tile.depth
    splits = -(-n // each)
    out = torch.empty(splits, count, tile.columns, tile.columns, dtype=torch.float32, device=x.device)
    sums = torch.empty(splits, count, tile.columns, dtype=torch.float32, device=x.device)
    # Neighbouring programs take the same rows, which are then in the cache.
    square_kernel[(count, splits)](
        x,
        shift,
        shift if w is None else w,
        pairs.T.int().contiguous(),
        out,
        sums,
        n,
        d,
        x.stride(0),
        each,
        HAS_WEIGHTS=w is not None,
        PRECISION="tf32x3",
        B=tile.columns,
        BK=tile.depth,
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
    return out.sum(dim=0, dtype=torch.float64), sums.sum(dim=0, dtype=torch.float64)


def _unfolded(total: Tensor, pairs: Tensor, tiles: int) -> Tensor:
    """The symmetric matrix of the tiles on and above its diagonal."""
    size = total.shape[1]
    whole = torch.zeros(tiles, tiles, size, size, dtype=total.dtype, device=total.device)
    whole[pairs[0], pairs[1]] = total
    flat = whole.transpose(1, 2).reshape(tiles * size, tiles * size)
    return flat.triu() + flat.triu(1).T


def coral(source: Tensor, target: Tensor, weights: Tensor | None, reg: float) -> Tensor:
    """Float32 source rows with the target's mean and covariance; only the d x d moments go to the CPU."""
    of_source, of_target = moments(source, weights), moments(target, None)
    matrix = cpu_moments.map_of(of_source[1].cpu(), of_target[1].cpu(), reg)
    return cpu_moments.moved(source, of_source[0], matrix, of_target[0])
