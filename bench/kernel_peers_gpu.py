"""Other ways to sums of Gaussian kernels on a CUDA device, each only where it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def means(x: Tensor, y: Tensor, gamma: float) -> dict[str, Callable[[], Any]]:
    """Squared MMD of two samples, the V-statistic, by every peer that is installed."""
    found: dict[str, Callable[[], Any]] = {}
    if x.is_cuda and find_spec("pykeops") is not None:
        found["keops"] = lambda: _mean(x, x, gamma) + _mean(y, y, gamma) - 2 * _mean(x, y, gamma)
    if x.is_cuda and find_spec("geomloss") is not None:
        found["geomloss"] = lambda: _geomloss(x, y, gamma)
    return found


def products(x: Tensor, y: Tensor, b: Tensor, gamma: float) -> dict[str, Callable[[], Any]]:
    """Kernel matrix of x and y times b, (m, 1), by every peer that is installed."""
    if not x.is_cuda or find_spec("pykeops") is None:
        return {}
    return {"keops": lambda: _kernel(x, y, gamma) @ b.float()}


def _kernel(x: Tensor, y: Tensor, gamma: float) -> Any:  # noqa: ANN401 - a KeOps LazyTensor
    from pykeops.torch import LazyTensor  # type: ignore[import-not-found]

    return (((LazyTensor(x[:, None, :]) - LazyTensor(y[None, :, :])) ** 2).sum(-1) * -gamma).exp()


def _mean(x: Tensor, y: Tensor, gamma: float) -> float:
    return float(_kernel(x, y, gamma).sum(dim=1).double().mean()) / len(y)


def _geomloss(x: Tensor, y: Tensor, gamma: float) -> float:
    """Geomloss's kernel norm is half of the squared MMD; its large samples need KeOps."""
    from geomloss import SamplesLoss  # type: ignore[import-not-found]

    return 2 * float(SamplesLoss("gaussian", blur=(2 * gamma) ** -0.5, backend="online")(x, y))
