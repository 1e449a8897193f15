"""Triton kernels of similarity search: the best score of every group, exact scores of chosen groups."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

from xbsql.kernels.tuning import ScanTile, scan_tile

_GRID = 65535  # programs along the second axis of a grid
_METRIC = {"dot": 0, "cosine": 1, "l2": 2}


@triton.jit  # type: ignore[untyped-decorator]
def peaks_kernel(
    q_desc: tl.tensor,  # (m, d) float16, bfloat16, float32 or int8
    x_desc: tl.tensor,  # (n, d) the same
    scale_ptr: tl.tensor,  # (n,) float32
    bias_ptr: tl.tensor,  # (n,) float32; -inf: the row cannot be returned
    out_ptr: tl.tensor,  # (m, groups) float32
    m: tl.tensor,
    n: tl.tensor,
    groups: tl.tensor,
    tiles: tl.tensor,  # of rows for each program
    HAS_SCALE: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    INT: tl.constexpr,
    FEW: tl.constexpr,
    G: tl.constexpr,
    BQ: tl.constexpr,
    BN: tl.constexpr,
    BD: tl.constexpr,
    KI: tl.constexpr,
    STAGES: tl.constexpr,
) -> None:
    """Largest (q . x) scale + bias of every G neighbouring rows; only these leave the chip."""
    first = tl.program_id(0) * BQ
    query = first + tl.arange(0, BQ)
    for t in tl.range(0, tiles):
        start = (tl.program_id(1) * tiles + t) * BN
        row = start + tl.arange(0, BN)
        real = row < n
        acc = tl.zeros((BN, BQ) if FEW else (BQ, BN), tl.int32 if INT else tl.float32)
        for kk in tl.range(0, KI, num_stages=STAGES):
            q = q_desc.load([first, kk * BD])
            x = x_desc.load([start, kk * BD])
            # The corpus's rows go on the M axis when queries are few: wgmma needs 64 there.
            if INT:
                acc = (
                    tl.dot(x, q.T, acc, out_dtype=tl.int32)
                    if FEW
                    else tl.dot(q, x.T, acc, out_dtype=tl.int32)
                )
            else:
                acc = tl.dot(x, q.T, acc) if FEW else tl.dot(q, x.T, acc)
        score = acc.to(tl.float32)
        if HAS_SCALE:
            scale = tl.load(scale_ptr + row, mask=real, other=0.0)
            score = score * (scale[:, None] if FEW else scale[None, :])
        if HAS_BIAS:
            bias = tl.load(bias_ptr + row, mask=real, other=float("-inf"))
            real = bias > float("-inf")
            score = score + (bias[:, None] if FEW else bias[None, :])
        score = tl.where(real[:, None] if FEW else real[None, :], score, float("-inf"))
        group = start // G + tl.arange(0, BN // G)
        if FEW:
            peak = tl.max(tl.reshape(score, (BN // G, G, BQ)), axis=1)
            place = query[None, :].to(tl.int64) * groups + group[:, None]
            tl.store(out_ptr + place, peak, mask=(query[None, :] < m) & (group[:, None] < groups))
        else:
            peak = tl.max(tl.reshape(score, (BQ, BN // G, G)), axis=2)
            place = query[:, None].to(tl.int64) * groups + group[None, :]
            tl.store(out_ptr + place, peak, mask=(query[:, None] < m) & (group[None, :] < groups))


@triton.jit  # type: ignore[untyped-decorator]
def tile_peaks_kernel(
    score_ptr: tl.tensor,  # (m, width) raw products
    scale_ptr: tl.tensor,
    bias_ptr: tl.tensor,
    out_ptr: tl.tensor,  # (m, groups) float32
    m: tl.tensor,
    n: tl.tensor,
    start: tl.tensor,  # first row of this tile, a multiple of G
    width: tl.tensor,
    groups: tl.tensor,
    HAS_SCALE: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    G: tl.constexpr,
    BQ: tl.constexpr,
    BN: tl.constexpr,
) -> None:
    """The epilogue of `peaks_kernel` alone, for products that another library made: the baseline to beat."""
    query = tl.program_id(0) * BQ + tl.arange(0, BQ)
    column = tl.program_id(1) * BN + tl.arange(0, BN)
    row = start + column
    real = (column < width) & (row < n)
    place = query[:, None].to(tl.int64) * width + column[None, :]
    score = tl.load(score_ptr + place, mask=(query[:, None] < m) & real[None, :], other=0.0).to(tl.float32)
    if HAS_SCALE:
        score = score * tl.load(scale_ptr + row, mask=real, other=0.0)[None, :]
    if HAS_BIAS:
        bias = tl.load(bias_ptr + row, mask=real, other=float("-inf"))
        real = bias > float("-inf")
        score = score + bias[None, :]
    score = tl.where(real[None, :], score, float("-inf"))
    peak = tl.max(tl.reshape(score, (BQ, BN // G, G)), axis=2)
    group = (start + tl.program_id(1) * BN) // G + tl.arange(0, BN // G)
    inside = (tl.program_id(1) * BN + tl.arange(0, BN // G) * G) < width
    out = query[:, None].to(tl.int64) * groups + group[None, :]
    tl.store(out_ptr + out, peak, mask=(query[:, None] < m) & ((group < groups) & inside)[None, :])


@triton.jit  # type: ignore[untyped-decorator]
def rescore_kernel(
    q_ptr: tl.tensor,  # (m, d) float64: w q for l2, the unit vector of w q for cosine, q for dot
    w_ptr: tl.tensor,  # (d,) float64
    x_ptr: tl.tensor,  # (n, d) the corpus
    alive_ptr: tl.tensor,  # (n,) uint8
    query_ptr: tl.tensor,  # (pairs,) int64
    group_ptr: tl.tensor,  # (pairs,) int64
    out_ptr: tl.tensor,  # (pairs, G) float32
    n: tl.tensor,
    d: tl.tensor,
    stride: tl.tensor,  # of a row of x
    HAS_WEIGHTS: tl.constexpr,
    HAS_ALIVE: tl.constexpr,
    METRIC: tl.constexpr,
    G: tl.constexpr,
    BD: tl.constexpr,
) -> None:
    """Float64 scores, as float32, of one query with the G rows of one group; -inf for NaN and dead rows."""
    pair = tl.program_id(0).to(tl.int64)
    q_row = q_ptr + tl.load(query_ptr + pair) * d
    row = tl.load(group_ptr + pair) * G + tl.arange(0, G)
    real = row < n
    total = tl.zeros((G,), tl.float64)
    square = tl.zeros((G,), tl.float64)
    for k in range(0, d, BD):
        column = k + tl.arange(0, BD)
        inside = column < d
        q = tl.load(q_row + column, mask=inside, other=0.0)[None, :]
        place = row[:, None] * stride + column[None, :]
        x = tl.load(x_ptr + place, mask=real[:, None] & inside[None, :], other=0.0).to(tl.float64)
        if HAS_WEIGHTS:
            w = tl.load(w_ptr + column, mask=inside, other=0.0)[None, :]
            x = x * w
        if METRIC == 2:
            total += tl.sum((q - x) * (q - x), axis=1)
        else:
            total += tl.sum(q * x, axis=1)
        if METRIC == 1:
            square += tl.sum(x * x, axis=1)
    if METRIC == 1:
        total = tl.where(square > 0, total / tl.sqrt(tl.where(square > 0, square, 1.0)), total)
    if METRIC == 2:
        total = -total
    score = total.to(tl.float32)
    if HAS_ALIVE:
        real = real & (tl.load(alive_ptr + row, mask=real, other=0) != 0)
    score = tl.where(real & (score == score), score, float("-inf"))
    tl.store(out_ptr + pair * G + tl.arange(0, G), score)


def peaks(
    q: Tensor, x: Tensor, scale: Tensor | None, bias: Tensor | None, size: int, tile: ScanTile | None = None
) -> Tensor:
    """Largest (q . x) scale + bias of every `size` neighbouring rows, float32 (m, n / size rounded up).

    Args:
        q: (m, d), float16, bfloat16, float32 or int8; rows contiguous and a multiple of 16 bytes.
        x: (n, d), the same.
        scale: float32 (n,) or None.
        bias: float32 (n,) or None; -inf takes a row out.
        size: rows of a group: a power of two, at most the tile's rows.
        tile: how; None as `tuning` has it.
    """
    (m, d), n = q.shape, len(x)
    tile = scan_tile(m, q.dtype) if tile is None else tile
    groups = -(-n // size)
    out = torch.empty(m, groups, dtype=torch.float32, device=q.device)
    row_tiles = -(-n // tile.rows)
    query_tiles = -(-m // tile.queries)
    each = max(1, min(16, row_tiles * query_tiles // 1024), -(-row_tiles // _GRID))
    none = out if scale is None or bias is None else scale
    peaks_kernel[(query_tiles, -(-row_tiles // each))](
        TensorDescriptor.from_tensor(q, [tile.queries, tile.depth]),
        TensorDescriptor.from_tensor(x, [tile.rows, tile.depth]),
        none if scale is None else scale,
        none if bias is None else bias,
        out,
        m,
        n,
        groups,
        each,
        HAS_SCALE=scale is not None,
        HAS_BIAS=bias is not None,
        INT=q.dtype == torch.int8,
        FEW=tile.few,
        G=size,
        BQ=tile.queries,
        BN=tile.rows,
        BD=tile.depth,
        KI=-(-d // tile.depth),
        STAGES=tile.stages,
        num_warps=tile.warps,
    )
    return out


def tiled_peaks(q: Tensor, x: Tensor, scale: Tensor | None, bias: Tensor | None, size: int) -> Tensor:
    """The same by torch's product into a tile of 32 MB, which stays in the L2 cache, and one small kernel."""
    m, n, rows = len(q), len(x), 256
    width = max(rows, (32 << 20) // max(1, m) // q.element_size() // rows * rows)
    groups = -(-n // size)
    out = torch.empty(m, groups, dtype=torch.float32, device=q.device)
    none = out if scale is None or bias is None else scale
    for start in range(0, n, width):
        part = x[start : start + width]
        score = torch._int_mm(q, part.T) if q.dtype == torch.int8 else q @ part.T
        tile_peaks_kernel[(-(-m // 16), -(-len(part) // rows))](
            score,
            none if scale is None else scale,
            none if bias is None else bias,
            out,
            m,
            n,
            start,
            len(part),
            groups,
            HAS_SCALE=scale is not None,
            HAS_BIAS=bias is not None,
            G=size,
            BQ=16,
            BN=rows,
        )
    return out


def rescore(
    q: Tensor,
    weights: Tensor | None,
    x: Tensor,
    alive: Tensor | None,
    metric: str,
    pairs: tuple[Tensor, Tensor],
    size: int,
) -> Tensor:
    """Exact scores of queries with all rows of groups, float32 (pairs, size); -inf for NaN and for dead rows.

    Args:
        q: float64 (m, d), as `cpu_problem.Problem.queries`.
        weights: float64 (d,) or None.
        x: (n, d), the corpus.
        alive: bool (n,) or None for all.
        metric: "dot", "cosine" or "l2".
        pairs: queries and groups, int64, of the same length.
        size: rows of a group.
    """
    query, group = pairs
    out = torch.empty(len(query), size, dtype=torch.float32, device=x.device)
    if not len(query):
        return out
    flags = out if alive is None else alive.view(torch.uint8)
    rescore_kernel[(len(query),)](
        q,
        q if weights is None else weights,
        x,
        flags,
        query,
        group,
        out,
        len(x),
        x.shape[1],
        x.stride(0),
        HAS_WEIGHTS=weights is not None,
        HAS_ALIVE=alive is not None,
        METRIC=_METRIC[metric],
        G=size,
        BD=64,
    )
    return out
