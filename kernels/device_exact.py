"""Exact scores on a device: how the kernels of `kernels/rescore.py` are called."""

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
from torch import Tensor

from xbsql.kernels.rescore import MOST, WIDE, finish_kernel, keys_kernel, rescore_kernel

__all__ = ["MOST", "WIDE", "Exact"]

_METRIC = {"dot": 0, "cosine": 1, "l2": 2}
_DEPTH = 64  # columns at a time
REGISTERS = 200  # of a thread of the last kernel: asked for less, ptxas spills a few of them


class Exact(NamedTuple):
    """What exact scores are made of.

    Args:
        q: float64 (m, d), folded: with the weights, for cosine of length 1.
        weights: float64 (d,), for cosine and l2, or None.
        x: (n, d), the corpus; values of a row side by side.
        alive: bool (n,) or None for all.
        metric: "dot", "cosine" or "l2".
        size: rows of a group.
    """

    q: Tensor
    weights: Tensor | None
    x: Tensor
    alive: Tensor | None
    metric: str
    size: int

    def _arrays(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        w, flags = (self.q if each is None else each for each in (self.weights, self.alive))
        return self.q, w, self.x, flags.view(torch.uint8) if self.alive is not None else flags

    def _constants(self) -> dict[str, int]:
        w = self.weights is not None and self.metric != "dot"
        flags = {"HAS_WEIGHTS": w, "HAS_ALIVE": self.alive is not None, "METRIC": _METRIC[self.metric]}
        return {**flags, "G": self.size, "BD": _DEPTH}

    def _sizes(self) -> tuple[int, int, int]:
        return len(self.x), self.x.shape[1], self.x.stride(0)

    def pairs(self, query: Tensor, group: Tensor) -> Tensor:
        """Scores of queries with all rows of groups, int64 (pairs,) both: float32 (pairs, size)."""
        out = torch.empty(len(query), self.size, dtype=torch.float32, device=self.x.device)
        if len(query):
            rescore_kernel[(len(query),)](
                *self._arrays(), query, group, out, *self._sizes(), **self._constants()
            )
        return out

    def keys(self, picks: Tensor, wide: Tensor | None, count: int) -> Tensor:
        """Keys, int64 (m, count * size), of the rows of the first `count` of the picked groups.

        Args:
            picks: int64 (m, width), groups; or, where `wide` is given, places among those of the wide ones.
            wide: int64 (m, width) or None: numbers of WIDE neighbouring groups.
            count: at most width.
        """
        m, width = picks.shape
        out = torch.empty(m, count * self.size, dtype=torch.int64, device=self.x.device)
        keys_kernel[(m * count,)](
            *self._arrays(),
            picks,
            picks if wide is None else wide,
            out,
            *self._sizes(),
            count,
            width,
            HAS_WIDE=wide is not None,
            WIDE=WIDE,
            **self._constants(),
        )
        return out

    def finish(
        self, keys: Tensor, upper: Tensor, picked: Tensor, count: int, proof: bool
    ) -> tuple[Tensor, Tensor]:
        """Scores float32 and rows int64 (m, k) of the k best keys, or of better rows where there may be any.

        Args:
            keys: int64 (m, k), best first; k at most MOST.
            upper: bfloat16 (m, groups): what no score of a group exceeds.
            picked: bfloat16 (m, width): bounds of the picked groups, best first.
            count: how many of them were scored.
            proof: whether to look for better rows.
        """
        m, k = keys.shape
        scores = torch.empty(m, k, dtype=torch.float32, device=keys.device)
        rows = torch.empty(m, k, dtype=torch.int64, device=keys.device)
        finish_kernel[(m,)](
            *self._arrays(),
            keys,
            upper.view(torch.int16),
            picked.view(torch.int16),
            scores,
            rows,
            *self._sizes(),
            k,
            upper.shape[1],
            count,
            picked.shape[1],
            PROOF=proof,
            K=max(16, triton.next_power_of_2(k)),
            maxnreg=REGISTERS,
            **self._constants(),
        )
        return scores, rows
