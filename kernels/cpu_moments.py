"""Reweighting on the CPU: normalise and quantise rows, weighted moments, CORAL."""

from __future__ import annotations

import torch
from torch import Tensor

_BLOCK = 8192


def reweight_normalize(
    x: Tensor, weights: Tensor | None, normalize: bool, out: torch.dtype
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Weighted, normalised, cast rows; their lengths; the scales of int8 codes. See `xbsql.kernels`."""
    y = torch.empty(x.shape, dtype=out, device=x.device)
    norms = torch.empty(len(x), dtype=torch.float32, device=x.device)
    scales = torch.empty_like(norms) if out == torch.int8 else None
    w = None if weights is None else weights.float()
    for s in range(0, len(x), _BLOCK):
        part = x[s : s + _BLOCK].float()
        part = part if w is None else part * w
        length = torch.linalg.vector_norm(part, dim=1)
        norms[s : s + _BLOCK] = length
        if normalize:
            part = part / torch.where(length == 0, 1.0, length)[:, None]
        if scales is not None:
            y[s : s + _BLOCK], scales[s : s + _BLOCK] = _codes(part)
        else:
            y[s : s + _BLOCK] = part
    return y, norms, scales


def _codes(part: Tensor) -> tuple[Tensor, Tensor]:
    """Int8 codes and scales of float32 rows; a row with NaN or Inf has codes 0 and scale NaN."""
    largest = part.abs().amax(dim=1)
    good = torch.isfinite(largest)
    scale = torch.where(largest == 0, 1.0, largest / 127)
    codes = torch.where(good[:, None], (part / scale[:, None]).round().clamp_(-127, 127), 0.0)
    return codes.to(torch.int8), torch.where(good, scale, torch.nan)


def moments(x: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Weighted mean (d,) and covariance (d, d) in float64, divided by the sum of the weights."""
    w = torch.ones(len(x), dtype=torch.float64) if weights is None else weights
    mass, d = w.sum(), x.shape[1]
    blocks = range(0, len(x), _BLOCK)
    mean, cov = torch.zeros(d, dtype=w.dtype), torch.zeros(d, d, dtype=w.dtype)
    for s in blocks:
        mean += w[s : s + _BLOCK] @ x[s : s + _BLOCK].double() / mass
    for s in blocks:
        part = x[s : s + _BLOCK].double() - mean
        cov += (part * w[s : s + _BLOCK, None]).T @ part
    return mean, cov / mass


def coral(source: Tensor, target: Tensor, weights: Tensor | None, reg: float) -> Tensor:
    """Source rows with the target's mean and covariance, in the source's dtype."""
    of_source, of_target = moments(source, weights), moments(target, None)
    return moved(source, of_source[0], map_of(of_source[1], of_target[1], reg), of_target[0])


def map_of(source: Tensor, target: Tensor, reg: float) -> Tensor:
    """The matrix (d, d) that whitens by the source's covariance and recolours by the target's, float64."""
    variance = float(source.trace() + target.trace()) / (2 * len(source))
    ridge = reg * variance * torch.eye(len(source), dtype=source.dtype, device=source.device)
    return _power(source + ridge, -0.5) @ _power(target + ridge, 0.5)


def moved(x: Tensor, mean: Tensor, matrix: Tensor, to: Tensor) -> Tensor:
    """(x - mean) @ matrix + to in float64, block by block on x's device, in x's dtype."""
    out, matrix = torch.empty(x.shape, dtype=x.dtype, device=x.device), matrix.to(x.device)
    for s in range(0, len(x), _BLOCK):
        out[s : s + _BLOCK] = (x[s : s + _BLOCK].double() - mean) @ matrix + to
    return out


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """A symmetric positive matrix to a power; directions of no variance stay of no variance."""
    values, vectors = torch.linalg.eigh(matrix)
    floor = float(values.amax().clamp(min=0)) * 1e-12
    powered = torch.where(values > floor, values.clamp(min=floor or 1.0) ** exponent, 0.0)
    found: Tensor = (vectors * powered) @ vectors.T
    return found
