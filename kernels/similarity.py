"""Triton kernels of similarity search: what no score of a group of rows can exceed, for every group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

from xbsql.kernels.rescore import WIDE
from xbsql.kernels.stand_ins import GROUP
from xbsql.kernels.tuning import ScanTile, scan_tile

if TYPE_CHECKING:
    from xbsql.kernels.stand_ins import StandIns

_GRID = 65535  # programs along the second axis of a grid
_TILE = 32 << 20  # bytes of raw products that stay in the L2 cache


@triton.jit  # type: ignore[untyped-decorator]
def bounded(
    peak: tl.tensor,  # float32, largest product of each group, biased
    ask_ptr: tl.tensor,  # (4, m) float32: step, |q|, off, base
    query: tl.tensor,  # with the shape of the peak but 1 along the groups
    bound: tl.tensor,  # where a group's scale, rest and reach lie; 1 along the queries
    scale_ptr: tl.tensor,  # (bounds,) float32
    rest_ptr: tl.tensor,
    reach_ptr: tl.tensor,
    m: tl.tensor,
    bounds: tl.tensor,
    HAS_SCALE: tl.constexpr,
) -> tl.tensor:
    """The bound of every group rounded up to bfloat16, as its bits; see `StandIns` for its parts."""
    asked, held = query < m, bound < bounds
    length = tl.load(ask_ptr + m + query, mask=asked, other=0.0)
    off = tl.load(ask_ptr + 2 * m + query, mask=asked, other=0.0)
    base = tl.load(ask_ptr + 3 * m + query, mask=asked, other=0.0)
    none = (peak == float("-inf")) | (base == float("-inf"))
    upper = tl.where(none, 0.0, peak)
    if HAS_SCALE:
        step = tl.load(ask_ptr + query, mask=asked, other=0.0)
        upper = upper * (step * tl.load(scale_ptr + bound, mask=held, other=0.0))
    rest = tl.load(rest_ptr + bound, mask=held, other=0.0)
    reach = tl.load(reach_ptr + bound, mask=held, other=0.0)
    upper = upper + (length * rest + off * reach + base)
    upper = tl.where(upper == upper, upper, float("inf"))
    bits = tl.where(none, float("-inf"), upper).to(tl.int32, bitcast=True)
    # Bits of a positive value grow with it: adding all of what is cut off rounds up. Cutting does, below 0.
    return (tl.where(bits < 0, bits, bits + 0xFFFF) >> 16).to(tl.int16)


@triton.jit  # type: ignore[untyped-decorator]
def left(
    acc: tl.tensor,  # products of a tile: (BN, BQ) where FEW, else (BQ, BN)
    query: tl.tensor,  # (BQ,) int32
    start: tl.tensor,  # first row of the tile
    bias_ptr: tl.tensor,
    scale_ptr: tl.tensor,
    rest_ptr: tl.tensor,
    reach_ptr: tl.tensor,
    ask_ptr: tl.tensor,
    out_ptr: tl.tensor,  # (m, groups) int16
    m: tl.tensor,
    n: tl.tensor,
    bounds: tl.tensor,
    groups: tl.tensor,
    HAS_BIAS: tl.constexpr,
    HAS_SCALE: tl.constexpr,
    FEW: tl.constexpr,
    G: tl.constexpr,
    SHARE: tl.constexpr,
    BQ: tl.constexpr,
    BN: tl.constexpr,
) -> None:
    """Leave the bounds of a tile's groups: all that is kept of its products."""
    row = start + tl.arange(0, BN)
    real = row < n
    score = acc.to(tl.float32)
    if HAS_BIAS:
        bias = tl.load(bias_ptr + row, mask=real, other=float("-inf"))
        real = bias > float("-inf")
        score = score + (bias[:, None] if FEW else bias[None, :])
    score = tl.where(real[:, None] if FEW else real[None, :], score, float("-inf"))
    group = start // G + tl.arange(0, BN // G)
    if FEW:
        peak = tl.max(tl.reshape(score, (BN // G, G, BQ)), axis=1)
        one, other = query[None, :], group[:, None]
    else:
        peak = tl.max(tl.reshape(score, (BQ, BN // G, G)), axis=2)
        one, other = query[:, None], group[None, :]
    upper = bounded(peak, ask_ptr, one, other // SHARE, scale_ptr, rest_ptr, reach_ptr, m, bounds, HAS_SCALE)
    tl.store(out_ptr + one.to(tl.int64) * groups + other, upper, mask=(one < m) & (other < groups))


@triton.jit  # type: ignore[untyped-decorator]
def multiplied(
    acc: tl.tensor,
    q_desc: tl.tensor,
    x_desc: tl.tensor,
    first: tl.tensor,
    start: tl.tensor,
    column: tl.tensor,
    INT: tl.constexpr,
    FEW: tl.constexpr,
) -> tl.tensor:
    """A tile's products with those of some more columns added."""
    q = q_desc.load([first, column])
    x = x_desc.load([start, column])
    # The corpus's rows go on the M axis when queries are few: wgmma needs 64 there.
    if INT:
        acc = tl.dot(x, q.T, acc, out_dtype=tl.int32) if FEW else tl.dot(q, x.T, acc, out_dtype=tl.int32)
    else:
        acc = tl.dot(x, q.T, acc) if FEW else tl.dot(q, x.T, acc)
    return acc


@triton.jit  # type: ignore[untyped-decorator]
def peaks_kernel(
    q_desc: tl.tensor,  # (m, columns) bfloat16, float32 or int8
    x_desc: tl.tensor,  # (n, columns) the same
    bias_ptr: tl.tensor,  # (n,) float32; -inf: the row cannot be returned
    scale_ptr: tl.tensor,  # (n / GROUP rounded up,) float32, and likewise
    rest_ptr: tl.tensor,
    reach_ptr: tl.tensor,
    ask_ptr: tl.tensor,  # (4, m) float32
    out_ptr: tl.tensor,  # (m, groups) int16: bits of bfloat16
    m: tl.tensor,
    n: tl.tensor,
    bounds: tl.tensor,
    groups: tl.tensor,
    tiles: tl.tensor,  # of rows for each program
    HAS_BIAS: tl.constexpr,
    HAS_SCALE: tl.constexpr,
    INT: tl.constexpr,
    FEW: tl.constexpr,
    G: tl.constexpr,
    SHARE: tl.constexpr,  # groups that share a bound
    BQ: tl.constexpr,
    BN: tl.constexpr,
    BD: tl.constexpr,
    KI: tl.constexpr,
    STAGES: tl.constexpr,
    FLAT: tl.constexpr,  # one loop over tiles and depth: the next tile is loaded while one is finished
) -> None:
    """What no score of every G neighbouring rows exceeds; only these numbers leave the chip."""
    first = tl.program_id(0) * BQ
    query = first + tl.arange(0, BQ)
    begin = tl.program_id(1) * tiles
    acc = tl.zeros((BN, BQ) if FEW else (BQ, BN), tl.int32 if INT else tl.float32)
    if FLAT:
        for step in tl.range(0, tiles * KI, num_stages=STAGES):
            start = (begin + step // KI) * BN
            acc = multiplied(acc, q_desc, x_desc, first, start, step % KI * BD, INT, FEW)
            if step % KI == KI - 1:
                left(
                    acc, query, start, bias_ptr, scale_ptr, rest_ptr, reach_ptr, ask_ptr, out_ptr,
                    m, n, bounds, groups, HAS_BIAS, HAS_SCALE, FEW, G, SHARE, BQ, BN,
                )  # fmt: skip
                acc = tl.zeros_like(acc)
    else:
        for tile in tl.range(begin, begin + tiles):
            start = tile * BN
            steps = KI
            if HAS_BIAS:
                row = start + tl.arange(0, BN)
                bias = tl.load(bias_ptr + row, mask=row < n, other=float("-inf"))
                # A tile without a row that can be returned is not multiplied.
                steps = tl.where(tl.max(bias, axis=0) > float("-inf"), KI, 0)
            acc = tl.zeros_like(acc)
            for kk in tl.range(0, steps, num_stages=STAGES):
                acc = multiplied(acc, q_desc, x_desc, first, start, kk * BD, INT, FEW)
            left(
                acc, query, start, bias_ptr, scale_ptr, rest_ptr, reach_ptr, ask_ptr, out_ptr,
                m, n, bounds, groups, HAS_BIAS, HAS_SCALE, FEW, G, SHARE, BQ, BN,
            )  # fmt: skip


@triton.jit  # type: ignore[untyped-decorator]
def tile_peaks_kernel(
    score_ptr: tl.tensor,  # (m, width) raw products
    bias_ptr: tl.tensor,
    scale_ptr: tl.tensor,
    rest_ptr: tl.tensor,
    reach_ptr: tl.tensor,
    ask_ptr: tl.tensor,
    out_ptr: tl.tensor,  # (m, groups) int16
    m: tl.tensor,
    n: tl.tensor,
    bounds: tl.tensor,
    groups: tl.tensor,
    start: tl.tensor,  # first row of these products, a multiple of BN
    width: tl.tensor,  # a multiple of BN, or up to the last row
    HAS_BIAS: tl.constexpr,
    HAS_SCALE: tl.constexpr,
    G: tl.constexpr,
    SHARE: tl.constexpr,
    BQ: tl.constexpr,
    BN: tl.constexpr,
) -> None:
    """The end of `peaks_kernel` alone, for products that another library made: the baseline to beat."""
    query = tl.program_id(0) * BQ + tl.arange(0, BQ)
    column = tl.program_id(1) * BN + tl.arange(0, BN)
    place = query[:, None].to(tl.int64) * width + column[None, :]
    score = tl.load(score_ptr + place, mask=(query[:, None] < m) & (column[None, :] < width), other=0.0)
    left(
        score, query, start + tl.program_id(1) * BN, bias_ptr, scale_ptr, rest_ptr, reach_ptr, ask_ptr,
        out_ptr, m, n, bounds, groups, HAS_BIAS, HAS_SCALE, False, G, SHARE, BQ, BN,
    )  # fmt: skip


def peaks(q: Tensor, shares: Tensor, scan: StandIns, size: int, tile: ScanTile | None = None) -> Tensor:
    """What no score of every `size` neighbouring rows exceeds: bfloat16 (m, groups), a multiple of WIDE.

    Args:
        q: (m, columns), stand-ins in the scan's dtype.
        shares: float32 (4, m), as `queries.asked` makes them.
        scan: of the corpus.
        size: rows of a group: a power of two, at most GROUP and the tile's rows.
        tile: how; None as `tuning` has it.
    """
    m, n = len(q), len(scan.x)
    tile = scan_tile(m, q.dtype) if tile is None else tile
    out = _empty(m, n, size, q.device)
    row_tiles, query_tiles = -(-out.shape[1] * size // tile.rows), -(-m // tile.queries)
    each = max(1, min(16, row_tiles * query_tiles // 1024), -(-row_tiles // _GRID))
    peaks_kernel[(query_tiles, -(-row_tiles // each))](
        TensorDescriptor.from_tensor(q, [tile.queries, tile.depth]),
        TensorDescriptor.from_tensor(scan.x, [tile.rows, tile.depth]),
        *_arrays(scan, shares),
        out,
        m,
        n,
        len(scan.rest),
        out.shape[1],
        each,
        **_constants(scan, size),
        INT=q.dtype == torch.int8,
        FEW=tile.few,
        BQ=tile.queries,
        BN=tile.rows,
        BD=tile.depth,
        KI=-(-q.shape[1] // tile.depth),
        STAGES=tile.stages,
        FLAT=tile.flat and scan.bias is None,  # tiles that are passed over need a loop of their own
        num_warps=tile.warps,
    )
    return out.view(torch.bfloat16)


def tiled_peaks(q: Tensor, shares: Tensor, scan: StandIns, size: int) -> Tensor:
    """The same by torch's product into a tile that stays in the L2 cache, and one small kernel."""
    m, n, rows = len(q), len(scan.x), 256
    made = 4 if q.dtype == torch.int8 else q.element_size()
    width = max(rows, _TILE // max(1, m) // made // rows * rows)
    out = _empty(m, n, size, q.device).fill_(_NEVER)
    for start in range(0, n, width):
        part = scan.x[start : start + width]
        score = torch._int_mm(q, part.T) if q.dtype == torch.int8 else q @ part.T
        tile_peaks_kernel[(-(-m // 16), -(-len(part) // rows))](
            score,
            *_arrays(scan, shares),
            out,
            m,
            n,
            len(scan.rest),
            out.shape[1],
            start,
            len(part),
            **_constants(scan, size),
            BQ=16,
            BN=rows,
        )
    return out.view(torch.bfloat16)


_NEVER = -128  # minus infinity in the bits of a bfloat16


def _empty(m: int, n: int, size: int, device: torch.device) -> Tensor:
    groups = -(-n // (size * WIDE)) * WIDE
    return torch.empty(m, groups, dtype=torch.int16, device=device)


def _arrays(scan: StandIns, shares: Tensor) -> tuple[Tensor, ...]:
    bias, scale = (shares if each is None else each for each in (scan.bias, scan.scale))
    return bias, scale, scan.rest, scan.reach, shares


def _constants(scan: StandIns, size: int) -> dict[str, int]:
    return {
        "HAS_BIAS": scan.bias is not None,
        "HAS_SCALE": scan.scale is not None,
        "G": size,
        "SHARE": GROUP // size,
    }
