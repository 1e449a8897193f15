"""A few directions that hold most of what the vectors are: a product in them bounds the product in all.

With orthonormal directions B a vector is its head B v and a tail of length t, and by Cauchy-Schwarz q.x <=
(B q).(B x) + t_q t_x: the inner product of the folded vectors (B v, t) is never below that of the vectors.
The tail is spread over a few coordinates, t / 4 in each of 16, so that none of them is larger than the
others. The directions are the leading ones of the rows' second moments (principal components, not centred),
turned by a fixed rotation, which gives every coordinate of a head the same share and so suits codes with
one scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

WIDTH = 64  # folded vectors have a multiple of it: what an int8 product takes at a time
_TAIL = 16  # coordinates that share the tail's length
_SAMPLE = 1 << 14  # rows that the directions are found from
_LEFT_OUT = 0.06  # share of the squared lengths that the tails may hold
_WORTH = 0.75  # a head of more than this share of the columns saves too little
_STRANGE = 0.25  # a query with more of its squared length in the tail is bounded too loosely
_SLACK = 1e-12  # relative, above all that float64 loses in a squared tail


@dataclass(frozen=True)
class Head:
    """The directions.

    Args:
        basis: float64 (h - 16, d), orthonormal rows.
    """

    basis: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Head | None:
        """The directions of a sample of rows, (n, d) of any float type; None where too few would not do."""
        v = torch.nan_to_num(rows.double(), nan=0.0, posinf=0.0, neginf=0.0)
        d = v.shape[1]
        share, directions = torch.linalg.eigh(v.T @ v)
        total = float(share.sum())
        if not 0 < total < torch.inf or d < 2 * WIDTH:
            return None
        enough = (share.flip(0).cumsum(0) >= (1 - _LEFT_OUT) * total).nonzero()[0, 0]
        width = -(-(int(enough) + 1 + _TAIL) // WIDTH) * WIDTH
        if width > _WORTH * d:
            return None
        kept = directions.flip(1)[:, : width - _TAIL].T
        chance = torch.Generator().manual_seed(0)
        mixing = torch.randn(len(kept), len(kept), generator=chance, dtype=torch.float64)
        turn = torch.linalg.qr(mixing).Q
        return cls(turn.to(kept.device) @ kept)

    def fold(self, v: Tensor) -> Tensor:
        """Folded vectors, float64 (n, h), of float64 vectors (n, d)."""
        inside = v @ self.basis.T
        whole = v.square().sum(dim=1)
        tail = (whole - inside.square().sum(dim=1)).clamp_(min=0).add_(_SLACK * whole).sqrt_()
        return torch.cat([inside, (tail / _TAIL**0.5)[:, None].expand(-1, _TAIL)], dim=1)

    def strange(self, v: Tensor) -> Tensor:
        """Bool (n,): float64 vectors that lie so far outside the head that its bound is of no use."""
        folded = self.fold(v)
        return _TAIL * folded[:, -1].square() > _STRANGE * folded.square().sum(dim=1)

    @property
    def width(self) -> int:
        """Numbers in a folded vector, h."""
        return len(self.basis) + _TAIL


def sample(x: Tensor) -> Tensor:
    """Rows spread evenly over a matrix, at most _SAMPLE of them."""
    return x[:: max(1, len(x) // _SAMPLE)]
