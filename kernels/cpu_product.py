"""The float32 product behind a scan, by the fastest routine for its shape.

Measured on AMD Zen 4: for one query MKL reads memory at a third of the speed of a plain sum, NumPy's row-wise
dot product at four fifths of it or more.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

_FEW = 8  # up to so many queries rows x queries is faster than queries x rows


def product(q: Tensor, x: Tensor, bias: Tensor | None = None) -> Tensor:
    """Float32 product q @ x.T + bias, (m, b), for float32 q (m, d), x (b, d), bias (b,)."""
    if not _whole():
        return torch.from_numpy(q.numpy() @ x.numpy().T).add_(0.0 if bias is None else bias)
    if len(q) > _FEW and _onednn():
        found: Tensor = torch.ops.mkldnn._linear_pointwise(q, x.contiguous(), bias, "none", [], "")
        return found
    s = _one(q[0], x)[None] if len(q) == 1 else (x @ q.T).T.contiguous()
    return s if bias is None else s.add_(bias)


def paired(q: Tensor, x: Tensor) -> Tensor:
    """Inner product of each row of q with the same row of x, both float32 (n, d), on this thread: (n,)."""
    out = torch.empty(len(x))
    np.vecdot(x.numpy(), q.numpy(), out=out.numpy())
    return out


def _one(q: Tensor, x: Tensor) -> Tensor:
    """Inner product of one query with every row, (b,), on this thread."""
    out = torch.empty(len(x))
    np.vecdot(x.numpy(), q.numpy(), out=out.numpy())
    return out


def _whole() -> bool:
    """Whether torch multiplies float32 as float32: where a user allows less, it may take bfloat16 instead."""
    own = getattr(getattr(torch.backends.mkldnn, "matmul", None), "fp32_precision", "none")
    return own in ("none", "ieee") and torch.get_float32_matmul_precision() == "highest"


@cache
def _onednn() -> bool:
    """Whether torch carries oneDNN's float32 matrix product (8 to 40 % faster than MKL's on AMD)."""
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(available) and hasattr(torch.ops.mkldnn, "_linear_pointwise")
