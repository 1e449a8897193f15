"""What a corpus can have worked out once: row lengths, and int8 codes with a known error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from xbsql.kernels import arrays
from xbsql.kernels.cpu_problem import lengths, rounding

if TYPE_CHECKING:
    from xbsql.kernels.arrays import Array

GROUP = 64  # neighbouring rows that share one scale and one maximum
_BLOCK = 8192


class Codes(NamedTuple):
    """Int8 codes of the rows: row = scale * code + rest, with |rest| and |scale * code| bounded by group.

    Args:
        code: int8 (n, d).
        scale: float32 (n / GROUP rounded up,).
        rest: float32, the same shape: the largest |rest| of the group.
        reach: float32, the same shape: the largest |scale * code| of the group.
    """

    code: Tensor
    scale: Tensor
    rest: Tensor
    reach: Tensor


@dataclass(frozen=True)
class Prepared:
    """A corpus's row lengths and codes, for one metric and one set of weights.

    Args:
        metric: the metric it was made for.
        weights: float64 (d,) or None: the weights it was made for.
        length: float32 (n,): of the rows (dot) or of the weighted rows (cosine, l2); NaN for a row with NaN.
        codes: of the rows (dot) or of the weighted unit rows (cosine); None where none were asked for.
    """

    metric: str
    weights: Tensor | None
    length: Tensor
    codes: Codes | None

    @property
    def nbytes(self) -> int:
        """Bytes it holds."""
        held = [self.length] + ([] if self.codes is None else list(self.codes))
        return sum(each.numel() * each.element_size() for each in held)


def prepare(
    corpus: Array, *, metric: str = "dot", weights: Array | None = None, codes: bool = True
) -> Prepared:
    """Work out once what every search of a corpus needs, for `topk(..., prepared=...)`.

    With codes, `topk` scans int8 instead of the rows and scores again in float64 whatever the codes' error
    leaves
    possible: the result is the same, row for row.

    Args:
        corpus: float32, float16 or bfloat16, (n, d).
        metric: "dot" or "cosine"; "l2" without codes only.
        weights: float32 or float64 (d,), as given to `topk`.
        codes: whether to make int8 codes: n x d bytes.

    Returns:
        What `topk` takes as `prepared`, valid as long as the corpus is unchanged. It rests on the corpus's
        device.

    Raises:
        ValueError: shapes or dtypes do not agree, or codes are asked for under l2.
    """
    x = arrays.tensor("prepare", "corpus", corpus, arrays.VECTORS[:3], 2)
    arrays.choice("prepare", "metric", metric, arrays.METRICS)
    arrays.some_rows("prepare", "corpus", x)
    w = arrays.vector("prepare", "weights", weights, x.shape[1], x)
    if codes and metric == "l2":
        message = "prepare: no codes for metric 'l2'; pass codes=False, or use 'cosine' on unit rows"
        raise ValueError(message)
    scaled = None if w is None or metric == "dot" else w.float()
    length = torch.cat([lengths(x[s : s + _BLOCK].float(), scaled, metric) for s in range(0, len(x), _BLOCK)])
    made = _codes(x, scaled, length if metric == "cosine" else None) if codes else None
    return Prepared(metric, w, length, made)


def _codes(x: Tensor, weights: Tensor | None, length: Tensor | None) -> Codes:
    """Codes of x, or of the weighted unit rows where lengths are given, block by block."""
    code = torch.empty(x.shape, dtype=torch.int8, device=x.device)
    parts = []
    for s in range(0, len(x), _BLOCK):
        v = x[s : s + _BLOCK].float()
        v = v if weights is None else v * weights
        if length is not None:
            here = length[s : s + _BLOCK, None]
            v = v / torch.where(here == 0, torch.ones_like(here), here)
        code[s : s + _BLOCK], bounds = _encode(torch.nan_to_num(v, nan=0.0, posinf=0.0, neginf=0.0))
        parts.append(bounds)
    return Codes(code, *torch.cat(parts, dim=1).unbind())


def _encode(v: Tensor) -> tuple[Tensor, Tensor]:
    """Codes of one block and its groups' scale, rest and reach, stacked (3, groups)."""
    missing = -len(v) % GROUP
    grouped = torch.nn.functional.pad(v, (0, 0, 0, missing)).view(-1, GROUP, v.shape[1])
    largest = grouped.abs().amax(dim=(1, 2))
    scale = torch.where(largest < 1e-30, torch.ones_like(largest), largest / 127)
    code = (grouped / scale[:, None, None]).round_().clamp_(-127, 127)
    decoded = code * scale[:, None, None]
    # The unit rows are themselves a few roundings off: that belongs to the rest, not to luck.
    rest = torch.linalg.vector_norm(grouped - decoded, dim=2) + rounding(v.shape[1]) * (
        torch.linalg.vector_norm(grouped, dim=2)
    )
    reach = torch.linalg.vector_norm(decoded, dim=2)
    bounds = torch.stack([scale, rest.amax(dim=1) * 1.001, reach.amax(dim=1) * 1.001])
    return code.view(-1, v.shape[1])[: len(v)].to(torch.int8), bounds
