"""Importance weights: the density ratio target / source by kernels around target rows.

uLSIF (Kanamori, Hido, Sugiyama, JMLR 2009), RuLSIF (Yamada et al., Neural Computation 2013) in closed form,
and KLIEP (Sugiyama et al., 2008) by the multiplicative update that keeps its constraint. The kernel matrix of
one side and the centres is streamed; only its moments and one vector are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from xbsql.kernels.cpu_mean import centred, left_side, median_gamma, right_side

_BLOCK = 8192
_TRIAL = 2000  # rows of each side on which the constants are chosen
_FOLDS = 5
_WIDTHS = (0.25, 0.5, 1.0, 2.0)  # times the median distance
_RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
_STEPS = 200  # of KLIEP: stopping there is part of its definition
_SETTLED = 1e-6


@dataclass(frozen=True)
class Fit:
    """What a ratio is made of: its method, centres, kernel width, ridge and relative share."""

    method: str
    centers: Tensor
    sigma: float
    lam: float
    alpha: float

    def kernel(self, x: Tensor) -> Tensor:
        """exp(-|x - c|^2 / (2 sigma^2)), float64 (n, centres)."""
        x, centers = centred(x.double(), self.centers.double())
        return ((left_side(x) / (2 * self.sigma**2)) @ right_side(centers).T).exp_()

    def coefficients(self, source: Tensor, target: Tensor) -> Tensor:
        """Coefficients of the kernels, (centres,)."""
        if self.method == "kliep":
            return self._kliep(source, target)
        second = (1 - self.alpha) * self._second(source)
        if self.alpha:
            second = second + self.alpha * self._second(target)
        ridge = self.lam * torch.eye(len(second), dtype=second.dtype)
        theta: Tensor = torch.linalg.solve(second + ridge, self._first(target))
        return theta

    def _kliep(self, source: Tensor, target: Tensor) -> Tensor:
        mean, at_target = self._first(source), self.kernel(target)
        mean = mean.clamp(min=1e-300)
        theta = torch.ones_like(mean) / mean.sum()
        for _ in range(_STEPS):
            grown = theta * (at_target / (at_target @ theta).clamp(min=1e-300)[:, None]).mean(dim=0) / mean
            if float((grown - theta).abs().sum()) <= _SETTLED * float(theta.sum()):
                return grown
            theta = grown
        return theta

    def _first(self, x: Tensor) -> Tensor:
        """Mean of the kernels."""
        blocks = range(0, len(x), _BLOCK)
        zero = torch.zeros(len(self.centers), dtype=torch.float64)
        return sum((self.kernel(x[s : s + _BLOCK]).sum(dim=0) for s in blocks), zero) / len(x)

    def _second(self, x: Tensor) -> Tensor:
        """Mean of the kernels' products."""
        total = torch.zeros(len(self.centers), len(self.centers), dtype=torch.float64)
        for s in range(0, len(x), _BLOCK):
            part = self.kernel(x[s : s + _BLOCK])
            total += part.T @ part
        return total / len(x)

    def ratio(self, x: Tensor, theta: Tensor) -> Tensor:
        """The ratio at x, float64 (n,), 0 or more."""
        parts = [self.kernel(x[s : s + _BLOCK]) @ theta for s in range(0, len(x), _BLOCK)]
        return torch.cat(parts).clamp_(min=0)

    def loss(self, source: Tensor, target: Tensor, held_source: Tensor, held_target: Tensor) -> float:
        """The method's own loss on held-out rows of a fit to the others; lower is better."""
        theta = self.coefficients(source, target)
        at_source, at_target = self.ratio(held_source, theta), self.ratio(held_target, theta)
        if self.method == "kliep":
            return float(-(at_target.clamp(min=1e-300)).log().mean())
        squares = self.alpha * at_target.square().mean() + (1 - self.alpha) * at_source.square().mean()
        return float(squares / 2 - at_target.mean())


def importance_weights(
    source: Tensor,
    target: Tensor,
    method: str,
    n_centers: int,
    sigma: float | None,
    lam: float | None,
    alpha: float,
) -> Tensor:
    """The ratio at the source rows, float64 (n,); constants not given are chosen by cross-validation."""
    share = alpha if method == "rulsif" else 0.0
    centers = _sample(target, n_centers)
    trial = _sample(source, _TRIAL), _sample(target, _TRIAL)
    middle = (0.5 / median_gamma(*trial)) ** 0.5
    sigmas = [middle * width for width in _WIDTHS] if sigma is None else [sigma]
    ridges = [0.0] if method == "kliep" else (list(_RIDGES) if lam is None else [lam])
    fits = [Fit(method, centers, width, ridge, share) for width, ridge in product(sigmas, ridges)]
    best = fits[0] if len(fits) == 1 else min(fits, key=lambda fit: _loss(fit, *trial))
    return best.ratio(source, best.coefficients(source, target))


def _loss(fit: Fit, source: Tensor, target: Tensor) -> float:
    """Mean loss over folds; a fold is every fifth row."""
    folds = min(_FOLDS, len(source), len(target))
    if folds < 2:
        return 0.0
    total = 0.0
    for fold in range(folds):
        out_s, out_t = torch.arange(len(source)) % folds == fold, torch.arange(len(target)) % folds == fold
        total += fit.loss(source[~out_s], target[~out_t], source[out_s], target[out_t])
    return total / folds


def _sample(x: Tensor, most: int) -> Tensor:
    """At most `most` rows, drawn with a fixed seed, in their order."""
    if len(x) <= most:
        return x
    chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:most]
    return x[chosen.sort().values]
