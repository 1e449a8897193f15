"""Triton kernels: queries with weights and metric folded in, and their share of a scan's bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl
from torch import Tensor

from xbsql.kernels.slack import UNDERFLOW, WILD, flushed, operand, summed

if TYPE_CHECKING:
    from xbsql.kernels.stand_ins import StandIns

_WIDE = 1024  # columns at a time
_KINDS = {torch.bfloat16: 0, torch.float32: 1, torch.int8: 3}


@triton.jit  # type: ignore[untyped-decorator]
def fold_kernel(
    q_ptr: tl.tensor,  # (m, d) any vector dtype, any strides
    w_ptr: tl.tensor,  # (d,) float64
    out_ptr: tl.tensor,  # (m, d) float64
    d: tl.tensor,
    stride: tl.tensor,  # of a row of q
    step: tl.tensor,  # of a column of q
    HAS_WEIGHTS: tl.constexpr,
    UNIT: tl.constexpr,
    BD: tl.constexpr,
) -> None:
    """Queries times the weights in float64, and divided by their length (0 stays 0) for cosine."""
    row = tl.program_id(0).to(tl.int64)
    square = tl.zeros((BD,), tl.float64)
    if UNIT:
        for k in range(0, d, BD):
            column = k + tl.arange(0, BD)
            v = tl.load(q_ptr + row * stride + column * step, mask=column < d, other=0.0).to(tl.float64)
            if HAS_WEIGHTS:
                v = v * tl.load(w_ptr + column, mask=column < d, other=0.0)
            square += v * v
    length = tl.sqrt(tl.sum(square, axis=0))
    for k in range(0, d, BD):
        column = k + tl.arange(0, BD)
        v = tl.load(q_ptr + row * stride + column * step, mask=column < d, other=0.0).to(tl.float64)
        if HAS_WEIGHTS:
            v = v * tl.load(w_ptr + column, mask=column < d, other=0.0)
        if UNIT:
            v = v / tl.where(length == 0.0, 1.0, length)
        tl.store(out_ptr + row * d + column, v, mask=column < d)


@triton.jit  # type: ignore[untyped-decorator]
def cast_kernel(
    v_ptr: tl.tensor,  # (m, d) float64
    out_ptr: tl.tensor,  # (m, columns) bfloat16 (as its bits, int16), float32 or int8
    asked_ptr: tl.tensor,  # (4, m) float32: step, length, off, base
    m: tl.tensor,
    d: tl.tensor,
    columns: tl.tensor,
    relative: tl.tensor,  # error of a product
    lost: tl.tensor,  # length lost to underflow
    KIND: tl.constexpr,  # 0 bfloat16, 1 float32, 2 codes, 3 whole numbers
    L2: tl.constexpr,
    BD: tl.constexpr,
    WILD: tl.constexpr,
    UNDERFLOW: tl.constexpr,
) -> None:
    """A query's stand-in, and what the bound needs to know of it; see `stand_ins.StandIns`, `slack.py`."""
    row = tl.program_id(0).to(tl.int64)
    factor = 2.0 if L2 else 1.0
    square = tl.zeros((BD,), tl.float64)
    largest = tl.zeros((BD,), tl.float64)
    for k in range(0, d, BD):
        column = k + tl.arange(0, BD)
        v = factor * tl.load(v_ptr + row * d + column, mask=column < d, other=0.0)
        square += v * v
        largest = tl.maximum(largest, tl.abs(v))
    length = tl.sqrt(tl.sum(square, axis=0))
    tame = length <= WILD
    step = 1.0
    if KIND == 2:
        step = tl.max(largest, axis=0) / 127.0
        step = tl.where(tame & (step > 0.0), step, 1.0)
    rest = tl.zeros((BD,), tl.float64)
    for k in range(0, columns, BD):
        column = k + tl.arange(0, BD)
        v = factor * tl.load(v_ptr + row * d + column, mask=column < d, other=0.0)
        v = tl.where(tame, v, 0.0) / step
        near = v.to(tl.float32)
        at = out_ptr + row * columns + column
        if KIND == 0:
            # To the nearest bfloat16, in the bits: what is off by how much is measured below.
            bits = (near.to(tl.int32, bitcast=True) + 0x8000) & -65536
            near = bits.to(tl.float32, bitcast=True)
            tl.store(at, (bits >> 16).to(tl.int16), mask=column < columns)
        if KIND == 1:
            tl.store(at, near, mask=column < columns)
        if KIND >= 2:
            near = tl.minimum(tl.maximum((near + 12582912.0) - 12582912.0, -127.0), 127.0)
            tl.store(at, near.to(tl.int8), mask=column < columns)
        off = (v - near.to(tl.float64)) * step
        rest += off * off
    off = tl.sqrt(tl.sum(rest, axis=0)) * 1.001 + relative * length + lost
    base = -0.25 * length * length * (1.0 - 0.00000095367431640625) if L2 else UNDERFLOW
    # A query of NaN finds nothing; of one that no bound holds for, every group may hold the best.
    base = tl.where(tame, base, tl.where(length == length, float("inf"), float("-inf")))
    tl.store(asked_ptr + row, tl.where(tame, step, 1.0).to(tl.float32))
    tl.store(asked_ptr + m + row, tl.where(tame, length * 1.001, 0.0).to(tl.float32))
    tl.store(asked_ptr + 2 * m + row, tl.where(tame, off * 1.001, 0.0).to(tl.float32))
    tl.store(asked_ptr + 3 * m + row, base.to(tl.float32))


def folded(q: Tensor, weights: Tensor | None, metric: str) -> Tensor:
    """Float64 (m, d) of queries in any layout: w q, for cosine the unit vector of it.

    Args:
        q: (m, d), any of the vector dtypes.
        weights: float64 (d,), contiguous, or None.
        metric: "dot", "cosine" or "l2".
    """
    (m, d) = q.shape
    out = torch.empty(m, d, dtype=torch.float64, device=q.device)
    fold_kernel[(m,)](
        q,
        out if weights is None else weights,
        out,
        d,
        q.stride(0),
        q.stride(1),
        HAS_WEIGHTS=weights is not None,
        UNIT=metric == "cosine",
        BD=_WIDE,
    )
    return out


def asked(v: Tensor, scan: StandIns, metric: str) -> tuple[Tensor, Tensor]:
    """Stand-ins (m, columns) of folded queries, float64 (m, d), in the scan's dtype; step, |q|, off and base.

    The four are float32 (4, m): see `stand_ins.StandIns`.
    """
    v = v if scan.codes is None or scan.codes.head is None else scan.codes.head.fold(v).contiguous()
    (m, d), columns, dtype = v.shape, scan.x.shape[1], scan.x.dtype
    kind = 2 if scan.codes is not None else _KINDS[dtype]
    out = torch.empty(m, columns, dtype=torch.int16 if kind == 0 else dtype, device=v.device)
    shares = torch.empty(4, m, dtype=torch.float32, device=v.device)
    cast_kernel[(m,)](
        v,
        out,
        shares,
        m,
        d,
        columns,
        summed(columns) + operand(dtype),
        flushed(columns),
        KIND=kind,
        L2=metric == "l2",
        BD=_WIDE,
        WILD=WILD,
        UNDERFLOW=UNDERFLOW,
    )
    return (out.view(torch.bfloat16) if kind == 0 else out), shares
