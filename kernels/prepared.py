"""What a corpus can have worked out once: row lengths, and int8 codes with a known error."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from xbsql.kernels import arrays
from xbsql.kernels.cpu_threads import ranges, spread
from xbsql.kernels.head import Head, sample
from xbsql.kernels.replay import Replays
from xbsql.kernels.slack import WILD, rounding
from xbsql.kernels.stand_ins import GROUP, Codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from xbsql.kernels.arrays import Array
    from xbsql.kernels.stand_ins import StandIns

_BLOCK = 8192


@dataclass(frozen=True)
class Prepared:
    """A corpus's row lengths and codes, for one metric and one set of weights.

    Args:
        metric: the metric it was made for.
        weights: float64 (d,) or None: the weights it was made for.
        length: float64 (n,): of the rows (dot) or of the weighted rows (cosine, l2); NaN for a row with NaN.
        codes: of the rows (dot) or of the weighted unit rows (cosine); None where none were asked for.
        scans: what a device search reads, by the dtype of its rows, from the first search on.
        replays: device searches of few queries, each as one launch.
    """

    metric: str
    weights: Tensor | None
    length: Tensor
    codes: Codes | None
    scans: dict[torch.dtype, StandIns] = field(default_factory=dict, init=False, repr=False, compare=False)
    replays: Replays = field(default_factory=Replays, init=False, repr=False, compare=False)

    @cached_property
    def weights_at_hand(self) -> Tensor | None:
        """The weights on the CPU, so that comparing them waits for no device."""
        return None if self.weights is None else self.weights.cpu()

    @property
    def nbytes(self) -> int:
        """Bytes it holds."""
        return sum(each.nbytes for each in self.arrays().values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What it holds, by name, for `of_arrays`: a way to keep it in files or to send it."""
        held = {"length": self.length}
        if self.codes is not None:
            bounds = torch.stack([self.codes.scale, self.codes.rest, self.codes.reach])
            held |= {"codes": self.codes.code, "bounds": bounds}
            held |= {} if self.codes.head is None else {"head": self.codes.head.basis}
        return {name: each.cpu().numpy() for name, each in held.items()}

    def between(self, start: int, stop: int) -> Prepared:
        """The same for the rows start..stop of the corpus, over the same memory; GROUP divides start."""
        codes = self.codes
        if codes is not None:
            groups = slice(start // GROUP, -(-stop // GROUP))
            scale, rest, reach = (each[groups] for each in (codes.scale, codes.rest, codes.reach))
            codes = Codes(codes.code[start:stop], scale, rest, reach, codes.head)
        return Prepared(self.metric, self.weights, self.length[start:stop], codes)

    @classmethod
    def of_arrays(
        cls,
        metric: str,
        weights: NDArray[np.float64] | None,
        held: Mapping[str, NDArray[Any]],
        device: str | torch.device = "cpu",
    ) -> Prepared:
        """The same again, over the memory of the arrays where they are on the device already."""
        own = {name: arrays.shared(each).to(device) for name, each in held.items()}
        codes = None
        if "codes" in own:
            head = Head(own["head"]) if "head" in own else None
            scale, rest, reach = own["bounds"]
            codes = Codes(own["codes"], scale, rest, reach, head)
        w = None if weights is None else arrays.shared(weights).to(device)
        return cls(metric, w, own["length"], codes)


def prepare(
    corpus: Array, *, metric: str = "dot", weights: Array | None = None, codes: bool = True
) -> Prepared:
    """Work out once what every search of a corpus needs, for `topk(..., prepared=...)`.

    With codes, `topk` scans int8 instead of the rows and scores again in float64 whatever the codes' error
    leaves possible: the result is the same, row for row. Where a few directions hold most of the rows'
    squared lengths (`head`), only these are coded and scanned.

    Args:
        corpus: float32, float16 or bfloat16, (n, d).
        metric: "dot" or "cosine"; "l2" without codes only.
        weights: float32 or float64 (d,), as given to `topk`.
        codes: whether to make int8 codes: n x d bytes at most.

    Returns:
        What `topk` takes as `prepared`, valid as long as the corpus is unchanged. It rests on the corpus's
        device.

    Raises:
        ValueError: shapes or dtypes do not agree, or codes are asked for under l2.
    """
    x = arrays.tensor("prepare", "corpus", corpus, arrays.VECTORS[:3], 2)
    arrays.choice("prepare", "metric", metric, arrays.METRICS)
    arrays.some_rows("prepare", "corpus", x)
    w = arrays.weights("prepare", weights, x.shape[1], x)
    if codes and metric == "l2":
        message = "prepare: no codes for metric 'l2'; pass codes=False, or use 'cosine' on unit rows"
        raise ValueError(message)
    scaled = None if metric == "dot" else w
    length = torch.cat([_weighted(x[s : s + _BLOCK], scaled, None)[1] for s in range(0, len(x), _BLOCK)])
    made = _codes(x, scaled, length if metric == "cosine" else None) if codes else None
    return Prepared(metric, w, length, made)


def _weighted(x: Tensor, weights: Tensor | None, length: Tensor | None) -> tuple[Tensor, Tensor]:
    """Some rows in float64, weighted, and divided by their length where it is given; and their length."""
    v = x.double()
    v = v if weights is None else v * weights
    if length is None:
        return v, torch.linalg.vector_norm(v, dim=1)
    return v / torch.where(length == 0, 1.0, length)[:, None], length


def _codes(x: Tensor, weights: Tensor | None, length: Tensor | None) -> Codes:
    """Codes of x, or of the weighted unit rows where lengths are given, block by block."""
    some = None if length is None else sample(length)
    head = Head.of(_weighted(sample(x), weights, some)[0])
    width = x.shape[1] if head is None else head.width
    code = torch.empty((len(x), width), dtype=torch.int8, device=x.device)

    def coded(part: tuple[int, int]) -> Tensor:
        bounds = []
        for s in range(*part, _BLOCK):
            here = slice(s, min(s + _BLOCK, part[1]))
            v = _weighted(x[here], weights, None if length is None else length[here])[0]
            # Rows that no bound holds for are scored exactly, and must not spoil their group's scale.
            tame = torch.linalg.vector_norm(v, dim=1) <= WILD
            v = torch.where(tame[:, None], v, 0.0)
            code[here], found = _encode((v if head is None else head.fold(v)).float())
            bounds.append(found)
        return torch.cat(bounds, dim=1)

    parts = spread(coded, ranges(len(x), GROUP, _BLOCK))
    scale, rest, reach = torch.cat(parts, dim=1)
    return Codes(code, scale, rest, reach, head)


def _encode(v: Tensor) -> tuple[Tensor, Tensor]:
    """Codes of one block and its groups' scale, rest and reach, stacked (3, groups)."""
    missing = -len(v) % GROUP
    grouped = torch.nn.functional.pad(v, (0, 0, 0, missing)).view(-1, GROUP, v.shape[1])
    largest = grouped.abs().amax(dim=(1, 2))
    scale = torch.where(largest < 1e-30, torch.ones_like(largest), largest / 127)
    code = (grouped / scale[:, None, None]).round_().clamp_(-127, 127)
    decoded = code * scale[:, None, None]
    # The vectors are themselves a few roundings off: that belongs to the rest, not to luck.
    rest = torch.linalg.vector_norm(grouped - decoded, dim=2) + rounding(v.shape[1]) * (
        torch.linalg.vector_norm(grouped, dim=2)
    )
    reach = torch.linalg.vector_norm(decoded, dim=2)
    bounds = torch.stack([scale, rest.amax(dim=1) * 1.001, reach.amax(dim=1) * 1.001])
    return code.view(-1, v.shape[1])[: len(v)].to(torch.int8), bounds
