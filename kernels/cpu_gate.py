"""What of a block of scan scores may still matter: comparison by groups, and the most promising of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xbsql.kernels.stand_ins import GROUP

if TYPE_CHECKING:
    from xbsql.kernels.cpu_request import Block

_FEW = 8  # groups a leader from which on groups are compared: the k-th leader is then near the k-th best


def passing(block: Block, floor: Tensor) -> tuple[Tensor, Tensor]:
    """Query and column of every score that may exceed the floor, ordered by both.

    Args:
        block: scan scores (m, b).
        floor: float32 (m, 1): exact scores up to it do not matter.
    """
    score = _whole_groups(block.score)
    grouped = score.view(len(score), -1, GROUP)
    peak = grouped.amax(dim=2)
    gate = floor - block.slack
    gate = (gate if block.scale is None else gate / block.scale).clamp_(min=_least(score)).expand(peak.shape)
    if block.wild and block.scale is not None:
        gate = gate.clamp(max=2.0**30)  # below the largest whole number, which always passes
    query, group = (peak > gate).nonzero(as_tuple=True)
    row, inside = (grouped[query, group] > gate[query, group, None]).nonzero(as_tuple=True)
    return query[row], group[row] * GROUP + inside


def least_of_best(block: Block, k: int) -> Tensor:
    """What no exact score of the k most promising rows is below, float32 (m, 1), of a scan without a scale.

    Rows that no bound holds for lead; where there is no other among the k, nothing is known: -inf.
    """
    score = _whole_groups(block.score)
    grouped = score.view(len(score), -1, GROUP)
    some = grouped.amax(dim=2) if _FEW * k <= grouped.shape[1] else score
    least = some.topk(k, dim=1).values[:, -1:]
    lower = least - block.slack
    return torch.where(torch.isfinite(lower), lower, -torch.inf)


def leaders(block: Block, k: int) -> tuple[Tensor, Tensor]:
    """The k most promising columns of each query, int64 (m, k), and which of them can be returned at all.

    They are the best of the k best groups, one each; where there are few groups for that, which would leave
    out much of the best, every score is looked at.
    """
    score = _whole_groups(block.score)
    grouped = score.view(len(score), -1, GROUP)
    if _FEW * k <= grouped.shape[1]:
        peak = grouped.amax(dim=2)
        group = _scaled(peak, block.scale).topk(k, dim=1).indices
        inside = grouped.gather(1, group[..., None].expand(-1, -1, GROUP)).argmax(dim=2)
        column, value = group * GROUP + inside, peak.gather(1, group)
    else:
        wide = None if block.scale is None else block.scale.repeat_interleave(GROUP, dim=1)
        column = _scaled(score, wide).topk(k, dim=1).indices
        value = score.gather(1, column)
    return column, value > _least(score)


def _scaled(score: Tensor, scale: Tensor | None) -> Tensor:
    return score if scale is None else score * scale


def _whole_groups(score: Tensor) -> Tensor:
    """The scores padded to whole groups; the padding never passes a gate."""
    missing = -score.shape[1] % GROUP
    return torch.nn.functional.pad(score, (0, missing), value=_least(score)) if missing else score


def _least(score: Tensor) -> float:
    """What a score holds that cannot be returned."""
    return -torch.inf if score.is_floating_point() else torch.iinfo(score.dtype).min
