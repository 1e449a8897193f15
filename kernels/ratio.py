"""Importance weights: the density ratio target / source by kernels around target rows.

uLSIF (Kanamori, Hido, Sugiyama, JMLR 2009), RuLSIF (Yamada et al., Neural Computation 2013) in closed form,
and KLIEP (Sugiyama et al., 2008) by the multiplicative update that keeps its constraint. `logistic` is the
way without kernels, and "best" the one of three whose ratio is nearest on rows held out. The kernel matrix of
one side and the centres is streamed; only its moments and one vector are kept. Everything is float64 and runs
where the rows are: on a device by torch's own operations, for the products are small.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from xbsql.kernels import logistic
from xbsql.kernels.cpu_mean import centred, left_side, median_gamma, right_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    Constants = tuple[int, float | None, float | None, float]  # centres, sigma, lam, alpha

_BLOCK = 8192
_TRIAL = 2000  # rows of each side on which the constants are chosen
_FOLDS = 5
_WIDTHS = (0.25, 0.5, 1.0, 2.0)  # times the median distance
_RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
_STEPS = 200  # of KLIEP: stopping there is part of its definition
_SETTLED = 1e-6
_ASK = 10
_LEAST = 1e-300


class Sums(NamedTuple):
    """Means over rows of the kernels (centres,) and of their products (centres, centres), float64."""

    first: Tensor
    second: Tensor


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

    def sums(self, x: Tensor) -> Sums:
        """The kernels' moments over all rows, a block at a time."""
        count = len(self.centers)
        first = torch.zeros(count, dtype=torch.float64, device=x.device)
        second = torch.zeros(count, count, dtype=torch.float64, device=x.device)
        for s in range(0, len(x), _BLOCK):
            part = _moments(self.kernel(x[s : s + _BLOCK]))
            share = len(x[s : s + _BLOCK]) / len(x)
            first += share * part.first
            second += share * part.second
        return Sums(first, second)

    def coefficients(self, source: Sums, target: Sums, at_target: Tensor) -> Tensor:
        """Coefficients of the kernels, (centres,), from both sides' moments and the target's kernels."""
        if self.method == "kliep":
            share = torch.full_like(at_target[None, :, 0], 1 / len(at_target))
            return _kliep(source.first[None], at_target, share)[0]
        second = (1 - self.alpha) * source.second + self.alpha * target.second
        ridge = self.lam * torch.eye(len(second), dtype=second.dtype, device=second.device)
        theta: Tensor = torch.linalg.solve(second + ridge, target.first)
        return theta

    def loss(self, at_source: Tensor, at_target: Tensor) -> float:
        """The method's own loss of a ratio at held-out rows; lower is better."""
        if self.method == "kliep":
            return float(-(at_target.clamp(min=_LEAST)).log().mean())
        squares = self.alpha * at_target.square().mean() + (1 - self.alpha) * at_source.square().mean()
        return float(squares / 2 - at_target.mean())


def _moments(kernel: Tensor) -> Sums:
    return Sums(kernel.mean(dim=0), kernel.T @ kernel / max(1, len(kernel)))


def _kliep(mean: Tensor, at_target: Tensor, share: Tensor) -> Tensor:
    """Coefficients (f, centres) of f fits at once.

    Args:
        mean: (f, centres), of the kernels at the source.
        at_target: (n, centres), kernels at the target rows.
        share: (f, n), what each row counts in each fit; adds up to 1.
    """
    mean = mean.clamp(min=_LEAST)
    theta = torch.ones_like(mean) / mean.sum(dim=1, keepdim=True)
    for step in range(1, _STEPS + 1):
        grown = theta * ((share / (theta @ at_target.T).clamp_(min=_LEAST)) @ at_target) / mean
        # Asking waits for a device: once in ten steps.
        if step % _ASK == 0 and bool(((grown - theta).abs().sum(1) <= _SETTLED * theta.sum(1)).all()):
            return grown
        theta = grown
    return theta


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
    constants = (n_centers, sigma, lam, alpha)
    method = _best(source, target, constants) if method == "best" else method
    return _ratio(source, target, source, method, constants)


def _ratio(source: Tensor, target: Tensor, at: Tensor, method: str, constants: Constants) -> Tensor:
    """The ratio fitted to source and target at the rows `at`, float64."""
    n_centers, sigma, lam, alpha = constants
    trial = _sample(source, _TRIAL), _sample(target, _TRIAL)
    ridges = [0.0] if method == "kliep" else list(_RIDGES) if lam is None else [lam]
    if method == "logistic":
        return logistic.fit(source, target, logistic.chosen(*trial, ridges, _FOLDS)).log(at).exp()
    middle = (0.5 / median_gamma(*trial)) ** 0.5 if sigma is None else 0.0
    sigmas = [middle * width for width in _WIDTHS] if sigma is None else [sigma]
    start = Fit(
        method, _sample(target, n_centers), sigmas[0], ridges[0], alpha if method == "rulsif" else 0.0
    )
    fit = _chosen(start, sigmas, ridges, *trial)
    at_target = fit.kernel(target) if method == "kliep" else target[:0]
    theta = fit.coefficients(fit.sums(source), fit.sums(target), at_target)
    parts = [fit.kernel(at[s : s + _BLOCK]) @ theta for s in range(0, len(at), _BLOCK)]
    return torch.cat(parts).clamp_(min=0)


def _best(source: Tensor, target: Tensor, constants: Constants) -> str:
    """The method whose ratio, fitted to four fifths of a sample, has the least squared loss on the rest.

    Half the mean squared ratio at the source less its mean at the target is, but for a constant, half the
    mean squared error of any ratio (Kanamori et al., 2009), so it compares methods of different losses.
    """
    sides = _sample(source, _TRIAL), _sample(target, _TRIAL)
    if min(map(len, sides)) < _FOLDS:
        return "ulsif"
    out = [_places(each) % _FOLDS == 0 for each in sides]
    kept = [each[~o] for each, o in zip(sides, out, strict=True)]
    held = [each[o] for each, o in zip(sides, out, strict=True)]
    losses = {}
    for method in ("ulsif", "kliep", "logistic"):
        at_source, at_target = (_ratio(kept[0], kept[1], each, method, constants) for each in held)
        losses[method] = float(at_source.square().mean() / 2 - at_target.mean())
    return min(losses, key=losses.__getitem__)


def _chosen(
    fit: Fit, sigmas: Sequence[float], ridges: Sequence[float], source: Tensor, target: Tensor
) -> Fit:
    """The fit with the width and ridge of least loss over folds; a fold is every fifth row."""
    folds = min(_FOLDS, len(source), len(target))
    if folds < 2 or len(sigmas) * len(ridges) == 1:
        return fit
    best, least = fit, torch.inf
    for sigma in sigmas:
        wide = replace(fit, sigma=sigma)
        kernels = wide.kernel(source), wide.kernel(target)
        by_fold = _losses(wide, ridges, *kernels, folds)
        losses = [sum(column) / folds for column in zip(*by_fold, strict=True)]
        if min(losses) < least:
            best, least = replace(wide, lam=ridges[losses.index(min(losses))]), min(losses)
    return best


def _losses(
    fit: Fit, ridges: Sequence[float], at_source: Tensor, at_target: Tensor, folds: int
) -> list[list[float]]:
    """By fold and ridge: the loss on one fold of a fit to the others."""
    outside = [
        (_places(at_source) % folds == fold, _places(at_target) % folds == fold) for fold in range(folds)
    ]
    sums = [(_moments(at_source[~s]), _moments(at_target[~t])) for s, t in outside]
    if fit.method == "kliep":
        kept = torch.stack([~t for _, t in outside]).to(at_target.dtype)
        means = torch.stack([each[0].first for each in sums])
        thetas = [[theta] for theta in _kliep(means, at_target, kept / kept.sum(dim=1, keepdim=True))]
    else:
        tried = [replace(fit, lam=ridge) for ridge in ridges]
        thetas = [[each.coefficients(*both, at_target) for each in tried] for both in sums]
    return [
        [fit.loss((at_source[s] @ theta).clamp(min=0), (at_target[t] @ theta).clamp(min=0)) for theta in own]
        for own, (s, t) in zip(thetas, outside, strict=True)
    ]


def _places(x: Tensor) -> Tensor:
    return torch.arange(len(x), device=x.device)


def _sample(x: Tensor, most: int) -> Tensor:
    """At most `most` rows, drawn with a fixed seed, in their order; the same rows on every device."""
    if len(x) <= most:
        return x
    generator = torch.Generator("cpu").manual_seed(0)
    chosen = torch.randperm(len(x), generator=generator, device="cpu")[:most]
    return x[chosen.sort().values.to(x.device)]
