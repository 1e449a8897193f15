"""Triton kernel: weigh features, bring rows to length 1, cast or quantise, reading every value once."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from xbsql.kernels import cpu_moments

_MOST_COLUMNS = 16384  # of a row held in registers; beyond, torch goes over the rows several times


@triton.jit  # type: ignore[untyped-decorator]
def reweight_kernel(
    x_ptr: tl.tensor,  # (n, d) float32, float16 or bfloat16
    w_ptr: tl.tensor,  # (d,) float32
    y_ptr: tl.tensor,  # (n, d) the result
    norm_ptr: tl.tensor,  # (n,) float32
    scale_ptr: tl.tensor,  # (n,) float32
    n: tl.tensor,
    d: tl.tensor,
    stride: tl.tensor,  # of a row of x
    HAS_WEIGHTS: tl.constexpr,
    NORMALIZE: tl.constexpr,
    QUANTIZE: tl.constexpr,
    BR: tl.constexpr,
    BD: tl.constexpr,
) -> None:
    """Rows times weights, their lengths, and the rows scaled and cast; int8 codes half to even."""
    row = tl.program_id(0) * BR + tl.arange(0, BR)
    column = tl.arange(0, BD)
    inside = (row[:, None] < n) & (column[None, :] < d)
    place = row[:, None].to(tl.int64) * stride + column[None, :]
    x = tl.load(x_ptr + place, mask=inside, other=0.0).to(tl.float32)
    if HAS_WEIGHTS:
        x = x * tl.load(w_ptr + column, mask=column < d, other=0.0)[None, :]
    norm = tl.sqrt(tl.sum(x * x, axis=1))
    tl.store(norm_ptr + row, norm, mask=row < n)
    if NORMALIZE:
        x = x / tl.where(norm == 0.0, 1.0, norm)[:, None]
    out = row[:, None].to(tl.int64) * d + column[None, :]
    if QUANTIZE:
        # NaN makes no maximum, so it is asked for by itself.
        good = tl.sum(tl.where(x == x, 0, 1), axis=1) == 0
        largest = tl.max(tl.where(x == x, tl.abs(x), 0.0), axis=1)
        good = good & (largest < float("inf"))
        scale = tl.where(largest == 0.0, 1.0, largest / 127.0)
        safe = tl.where(good, scale, 1.0)
        code = tl.where(good[:, None], x, 0.0) / safe[:, None]
        # Adding and taking off 1.5 * 2^23 rounds half to even; the codes are far below it.
        code = (code + 12582912.0) - 12582912.0
        code = tl.minimum(tl.maximum(code, -127.0), 127.0)
        tl.store(y_ptr + out, code.to(tl.int8), mask=inside)
        tl.store(scale_ptr + row, tl.where(good, scale, float("nan")), mask=row < n)
    else:
        tl.store(y_ptr + out, x.to(y_ptr.dtype.element_ty), mask=inside)


def reweight_normalize(
    x: Tensor, weights: Tensor | None, normalize: bool, out: torch.dtype
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Weighted, normalised, cast rows; their lengths; the scales of int8 codes. See `xbsql.kernels`."""
    n, d = x.shape
    if d > _MOST_COLUMNS:
        return cpu_moments.reweight_normalize(x, weights, normalize, out)
    x = x if x.stride(1) == 1 else x.contiguous()
    y = torch.empty(n, d, dtype=out, device=x.device)
    norms = torch.empty(n, dtype=torch.float32, device=x.device)
    scales = torch.empty(n, dtype=torch.float32, device=x.device) if out == torch.int8 else None
    columns = triton.next_power_of_2(d)
    rows = max(1, min(16, 4096 // columns))
    if n:
        reweight_kernel[(-(-n // rows),)](
            x,
            norms if weights is None else weights.float(),
            y,
            norms,
            norms if scales is None else scales,
            n,
            d,
            x.stride(0),
            HAS_WEIGHTS=weights is not None,
            NORMALIZE=normalize,
            QUANTIZE=scales is not None,
            BR=rows,
            BD=columns,
        )
    return y, norms, scales
