"""A corpus in the form that the device scan reads: stand-ins of its rows, and what they are off by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xbsql.kernels.cpu_request import lengths, marked
from xbsql.kernels.slack import WILD, flushed, operand, rounding, up
from xbsql.kernels.stand_ins import GROUP, StandIns

if TYPE_CHECKING:
    from xbsql.kernels.prepared import Prepared
    from xbsql.kernels.stand_ins import Codes

_BLOCK = 1 << 24  # values made at a time
_ALIGNED = 16  # bytes; where TMA lets a matrix begin


def scan_of(
    x: Tensor, metric: str, weights: Tensor | None, prepared: Prepared | None, dtype: torch.dtype
) -> StandIns:
    """What a search of the corpus reads; kept in `prepared`, so that it is made once.

    Args:
        x: (n, d), any of the vector dtypes.
        metric: "dot", "cosine" or "l2".
        weights: float64 (d,) or None.
        prepared: its codes are the stand-ins where it has them.
        dtype: of stand-ins that are made here: bfloat16, or float32.
    """
    if prepared is None:
        return _made(x, metric, weights, dtype)
    if dtype not in prepared.scans:
        codes = prepared.codes
        prepared.scans[dtype] = _made(x, metric, weights, dtype) if codes is None else _coded(prepared, codes)
    return prepared.scans[dtype]


def _coded(prepared: Prepared, codes: Codes) -> StandIns:
    """The codes of a prepared corpus; a row that they say nothing of is marked in the bias."""
    bias = _marks(marked(prepared.length, prepared.metric))
    return StandIns(padded(codes.code), bias, codes.scale, codes.rest, codes.reach, codes)


def _made(x: Tensor, metric: str, weights: Tensor | None, dtype: torch.dtype) -> StandIns:
    """Stand-ins of raw rows, block by block: the (unit, weighted) rows rounded to `dtype`, or as they are."""
    integer = x.dtype == torch.int8 and metric == "dot" and weights is None
    weights = None if metric == "dot" or weights is None else weights.float()
    raw = integer or (x.dtype == dtype and metric != "cosine" and weights is None)
    step = max(GROUP, _BLOCK // x.shape[1] // GROUP * GROUP)
    parts = [
        _part(x[s : s + step], metric, weights, x.dtype if raw else dtype) for s in range(0, len(x), step)
    ]
    made, mark, rest, reach = (torch.cat(column) for column in zip(*parts, strict=True))
    bias = _marks(mark)
    # Rows that are read where they lie need no copy, unless one must not be read at all.
    rows = padded(x) if raw and bias is None else padded(made)
    if metric == "l2":
        length = torch.where(mark <= WILD, mark, 0.0)
        square = -length.square() * (1 - 2 * rounding(x.shape[1]) - 2.0**-20)
        bias = square if bias is None else square + bias
    return StandIns(rows, bias, None, rest, reach)


def _part(
    x: Tensor, metric: str, weights: Tensor | None, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Stand-ins of some rows, their marked lengths, and by group the largest rest and reach."""
    d = x.shape[1]
    v = x.float() if weights is None else x.float() * weights
    mark = lengths(v, None, metric)
    v = torch.where((mark <= WILD)[:, None], v, 0.0)
    if metric == "cosine":
        v = v / torch.where((mark > 0) & (mark <= WILD), mark, 1.0)[:, None]
    made = v.to(dtype)
    back = made.float()
    reach = torch.linalg.vector_norm(back, dim=1) * up(d)
    rest = torch.linalg.vector_norm(v - back, dim=1) * up(d) + operand(dtype) * reach + flushed(d)
    if weights is not None or metric == "cosine":
        # Weighing rounds a value by 2^-24 of it, dividing by that and the length's own error.
        rest = rest + 2 * rounding(d) * reach
    return made, mark, _largest(rest), _largest(reach)


def _marks(mark: Tensor) -> Tensor | None:
    """Bias of rows, by their marked lengths: +inf where no bound holds, -inf for NaN; None where all is 0."""
    bias = torch.where(mark.isnan(), -torch.inf, torch.where(mark > WILD, torch.inf, 0.0))
    return bias if bool((bias != 0).any()) else None


def _largest(each: Tensor) -> Tensor:
    """The largest value of every GROUP rows."""
    return torch.nn.functional.pad(each, (0, -len(each) % GROUP)).view(-1, GROUP).amax(dim=1)


def padded(x: Tensor) -> Tensor:
    """The matrix with zeros up to a multiple of 64 columns, rows contiguous, beginning where TMA wants it."""
    missing = -x.shape[1] % 64
    x = torch.nn.functional.pad(x, (0, missing)) if missing else x.contiguous()
    return x if x.data_ptr() % _ALIGNED == 0 else x.clone()
