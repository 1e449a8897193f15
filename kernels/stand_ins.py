"""What stands in for a corpus's rows in a scan: int8 codes, and rows in the form that a device reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from xbsql.kernels.head import Head

GROUP = 64  # neighbouring rows that share one scale and one maximum


class Codes(NamedTuple):
    """Int8 codes of the folded rows: row = scale * code + rest, |rest| and |scale * code| bounded by group.

    Args:
        code: int8 (n, h).
        scale: float32 (n / GROUP rounded up,).
        rest: float32, the same shape: the largest |rest| of the group.
        reach: float32, the same shape: the largest |scale * code| of the group.
        head: what folds the rows and queries; None where codes are of the rows themselves, h = d.
    """

    code: Tensor
    scale: Tensor
    rest: Tensor
    reach: Tensor
    head: Head | None = None

    def fold(self, v: Tensor) -> Tensor:
        """Float64 vectors (n, d) in the space of the codes, where no inner product is smaller: (n, h)."""
        return v if self.head is None else self.head.fold(v)


@dataclass(frozen=True)
class StandIns:
    """Stand-ins of rows: exact score <= (q' . x') step scale + bias + |q| rest + off reach + base.

    The query's share (step, |q|, off, base) is made by `queries.asked`.

    Args:
        x: (n, columns), bfloat16, float32 or int8; columns a multiple of 64, rows contiguous and aligned.
        bias: float32 (n,) or None: added to a row's product. -inf: the row cannot be returned; +inf: no bound
            holds, so it is always scored exactly.
        scale: float32 (n / GROUP rounded up,) or None for ones: of codes.
        rest, reach: float32, the same shape: see `kernels/slack.py`.
        codes: whose head folds the queries, or None where rows are scanned themselves.
    """

    x: Tensor
    bias: Tensor | None
    scale: Tensor | None
    rest: Tensor
    reach: Tensor
    codes: Codes | None = None

    def masked(self, mask: Tensor | None) -> StandIns:
        """The same without the rows whose flag, bool (n,), is False."""
        if mask is None:
            return self
        free = torch.where(mask, 0.0 if self.bias is None else self.bias, -torch.inf)
        return StandIns(self.x, free, self.scale, self.rest, self.reach, self.codes)

    def after(self, start: int) -> StandIns:
        """The same without the rows before `start`, a multiple of GROUP."""
        low = start // GROUP
        return StandIns(
            self.x[start:],
            None if self.bias is None else self.bias[start:],
            None if self.scale is None else self.scale[low:],
            self.rest[low:],
            self.reach[low:],
            self.codes,
        )
