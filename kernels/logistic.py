"""Density ratio by a logistic regression on x and x^2: target or source, both sides weighing the same.

The odds of a row being a target row are the ratio itself (Bickel, Brueckner, Scheffer, JMLR 2009); with
squares it is exact where both sides are normal with diagonal covariances. Newton's method in float64, where
the rows are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS = 25
_SETTLED = 1e-8
_MOST = 30.0  # of the log of a ratio
_BLOCK = 8192


class Odds(NamedTuple):
    """The log of the ratio is theta . (1, z, z^2), z = (x - middle) / width; theta float64 (2 d + 1,)."""

    theta: Tensor
    middle: Tensor
    width: Tensor

    def log(self, x: Tensor) -> Tensor:
        """Log of the ratio at some rows, float64 (n,)."""
        parts = [
            _features(x[s : s + _BLOCK], self.middle, self.width) @ self.theta
            for s in range(0, len(x), _BLOCK)
        ]
        return torch.cat(parts).clamp_(-_MOST, _MOST) if parts else x.new_zeros(0, dtype=torch.float64)


def fit(source: Tensor, target: Tensor, ridge: float) -> Odds:
    """The odds of least mean log loss of both sides plus ridge |theta|^2 / 2, but for the constant."""
    both = torch.cat([source, target]).double()
    middle, width = both.mean(dim=0), both.std(dim=0, correction=0)
    width = torch.where(width > 0, width, 1.0)
    z = _features(both, middle, width)
    sign = torch.ones(len(both), dtype=torch.float64, device=both.device)
    sign[: len(source)] = -1
    share = torch.where(sign > 0, 1 / len(target), 1 / len(source))
    hold = torch.full((z.shape[1],), ridge, dtype=torch.float64, device=both.device)
    hold[0] = 1e-12
    theta = torch.zeros_like(hold)
    for _ in range(_STEPS):
        wrong = torch.sigmoid(-sign * (z @ theta))
        slope = hold * theta - z.T @ (share * sign * wrong)
        curve = (z * (share * wrong * (1 - wrong))[:, None]).T @ z
        step = torch.linalg.solve(curve + torch.diag(hold), slope)
        theta = theta - step * torch.clamp(_MOST / (z @ step).abs().max(), max=1.0)
        if float(step.abs().max()) < _SETTLED:
            break
    return Odds(theta, middle, width)


def loss(odds: Odds, source: Tensor, target: Tensor) -> float:
    """Mean log loss on held-out rows; lower is better."""
    softplus = torch.nn.functional.softplus
    return float(softplus(odds.log(source)).mean() + softplus(-odds.log(target)).mean())


def chosen(source: Tensor, target: Tensor, ridges: Sequence[float], folds: int) -> float:
    """The ridge of least held-out loss; a fold is every `folds`-th row."""
    folds = min(folds, len(source), len(target))
    if folds < 2 or len(ridges) == 1:
        return ridges[0]
    totals = [
        sum(
            loss(fit(*kept, ridge), *out)
            for kept, out in (_split(source, target, fold, folds) for fold in range(folds))
        )
        for ridge in ridges
    ]
    return ridges[totals.index(min(totals))]


def _split(
    source: Tensor, target: Tensor, fold: int, folds: int
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Both sides without and with the rows of one fold alone."""
    out = [torch.arange(len(each), device=each.device) % folds == fold for each in (source, target)]
    return (source[~out[0]], target[~out[1]]), (source[out[0]], target[out[1]])


def _features(x: Tensor, middle: Tensor, width: Tensor) -> Tensor:
    """(1, z, z^2), float64."""
    z = (x.double() - middle) / width
    return torch.cat([torch.ones_like(z[:, :1]), z, z * z], dim=1)
