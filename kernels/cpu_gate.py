"""What of a block of scan scores may still matter: comparison by groups, and the block's own floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xbsql.kernels.prepared import GROUP

if TYPE_CHECKING:
    from xbsql.kernels.cpu_problem import Block


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
    query, group = (peak > gate).nonzero(as_tuple=True)
    row, inside = (grouped[query, group] > gate[query, group, None]).nonzero(as_tuple=True)
    return query[row], group[row] * GROUP + inside


def kth_floor(block: Block, k: int) -> Tensor:
    """What the k-th best exact score of this block cannot be below, float32 (m, 1); -inf if fewer.

    k groups whose peaks reach v hold k scores that do; only where there are fewer groups is every score
    looked at.
    """
    m, columns = block.score.shape
    if k > columns:
        return torch.full((m, 1), -torch.inf)
    grouped = _whole_groups(block.score).view(m, -1, GROUP)
    low = (grouped.amax(dim=2, keepdim=True) if k <= grouped.shape[1] else grouped).float()
    if block.scale is not None:
        low = low * block.scale[..., None]
    return (low - block.slack[..., None]).view(m, -1).topk(k, dim=1).values[:, -1:]


def _whole_groups(score: Tensor) -> Tensor:
    """The scores padded to whole groups; the padding never passes a gate."""
    missing = -score.shape[1] % GROUP
    return torch.nn.functional.pad(score, (0, missing), value=_least(score)) if missing else score


def _least(score: Tensor) -> float:
    """What a score holds that cannot be returned."""
    return -torch.inf if score.is_floating_point() else torch.iinfo(score.dtype).min
