"""Which implementation runs, why, and what it cannot be faster than."""

from __future__ import annotations

import time
from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from xbsql.kernels import arrays

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from xbsql.kernels.prepared import Prepared


class Plan(NamedTuple):
    """What `explain` answers.

    Args:
        operation: the public function's name.
        implementation: "cpu", "triton", or "torch" for torch's own operations on the device.
        why: one sentence.
        device: where the arrays are.
        bytes: that have to be read and written at least once.
        flops: multiplications and additions of the scan or product.
        floor_seconds: the larger of bytes / bandwidth and flops / rate, both measured on this device.
    """

    operation: str
    implementation: str
    why: str
    device: str
    bytes: int
    flops: int
    floor_seconds: float


class Work(NamedTuple):
    """Bytes and flops of a call, and how the CPU would go about it."""

    bytes: int
    flops: int
    way: str


def on_triton(example: Tensor) -> bool:
    """Whether a call with this tensor runs Triton kernels: a CUDA tensor, and Triton is installed."""
    return example.is_cuda and find_spec("triton") is not None


def guard(example: Tensor) -> AbstractContextManager[object]:
    """Makes the tensor's device the current one, where Triton launches its kernels; nothing on the CPU."""
    return torch.cuda.device(example.device) if example.is_cuda else nullcontext()


def explain(operation: str, *args: Any, **options: Any) -> Plan:  # noqa: ANN401 - takes what the operation takes
    """Say which implementation a call would use, why, and its floor; runs only a probe of the device, once.

    Args:
        operation: the name of a public function of this package.
        *args: what would be passed to it.
        **options: likewise, by name.

    Returns:
        The plan.

    Raises:
        ValueError: no such operation.
    """
    arrays.choice("explain", "operation", operation, tuple(_WORK))
    work = _WORK[operation](*args, **options)
    example = args[0] if isinstance(args[0], Tensor) else None
    device = torch.device("cpu") if example is None else example.device
    implementation, why = _chosen(operation, device, None if example is None else example.dtype, work)
    rate = probe(str(device))
    floor = max(work.bytes / rate.bytes_per_second, work.flops / rate.flops_per_second)
    return Plan(operation, implementation, why, str(device), work.bytes, work.flops, floor)


def _chosen(operation: str, device: torch.device, dtype: torch.dtype | None, work: Work) -> tuple[str, str]:
    if device.type == "cpu":
        return "cpu", f"the arrays are on the CPU: {work.way}"
    if operation in _ON_TORCH:
        return "torch", f"the arrays are on {device}: {work.way}, in float64"
    if operation not in _ON_TRITON:
        return "cpu", f"{operation} has no device kernel: {_BACK_AND_FORTH}"
    if operation in _FLOAT32 and dtype == torch.float64:
        return "cpu", f"{operation}'s device kernel takes float32, the arrays are float64: {_BACK_AND_FORTH}"
    if find_spec("triton") is None:
        return "cpu", f"triton is not installed: {_BACK_AND_FORTH}"
    return "triton", f"the arrays are on {device}"


class Rate(NamedTuple):
    """What a device reaches: bytes a second of a plain sum, flops a second of a float32 product."""

    bytes_per_second: float
    flops_per_second: float


@cache
def probe(device: str) -> Rate:
    """Measure a device once: the best of five sums over 64 MB and five products of 1024 x 1024 matrices."""
    x = torch.ones(16 << 20, device=device)
    a = torch.ones(1024, 1024, device=device)
    return Rate(4 * len(x) / _best(lambda: x.sum(), device), 2 * 1024**3 / _best(lambda: a @ a, device))


def _best(call: Callable[[], Tensor], device: str) -> float:
    """Shortest of five calls, in seconds, after one that does not count."""
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        call()
        if device != "cpu":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return max(min(seconds[1:]), 1e-9)


def _size(x: arrays.Array) -> int:
    return int(x.nbytes)


def _topk(
    queries: arrays.Array,
    corpus: arrays.Array,
    k: int,
    *,
    prepared: Prepared | None = None,
    **_options: object,
) -> Work:
    (m, d), n = queries.shape, len(corpus)
    coded = prepared is not None and prepared.codes is not None
    scanned = n * d if coded else _size(corpus)
    way = "int8 scan of the codes, float64 rescore" if coded else "float32 scan in blocks, float64 rescore"
    return Work(scanned + _size(queries) + 12 * m * k, 2 * m * n * d, way)


def _join(left: arrays.Array, right: arrays.Array | None = None, *_args: object, **_options: object) -> Work:
    m, d = left.shape
    pairs = m * (m - 1) // 2 if right is None else m * len(right)
    size = _size(left) + (0 if right is None else _size(right))
    return Work(size, 2 * pairs * d, "float32 scan in blocks, float64 rescore")


def _normalize(x: arrays.Array, *_args: object, out_dtype: str = "float32", **_options: object) -> Work:
    wide = {"float32": 4, "int8": 1}.get(out_dtype, 2)
    n, d = x.shape
    return Work(_size(x) + n * (d * wide + 8), 3 * n * d, "one pass in blocks")


def _rbf(x: arrays.Array, y: arrays.Array, *_args: object, **_options: object) -> Work:
    way = "one product and one exp a block, no n x m matrix"
    return Work(_size(x) + _size(y), 2 * len(x) * len(y) * x.shape[1], way)


def _mmd2(x: arrays.Array, y: arrays.Array, **_options: object) -> Work:
    pairs = len(x) ** 2 // 2 + len(y) ** 2 // 2 + len(x) * len(y)
    return Work(_size(x) + _size(y), 2 * pairs * x.shape[1], "blocks of the upper triangle, no n x m matrix")


def _weights(source: arrays.Array, target: arrays.Array, *, n_centers: int = 100, **_options: object) -> Work:
    rows, d = len(source) + len(target), source.shape[1]
    way = f"kernels around {n_centers} target rows, streamed"
    return Work(_size(source) + _size(target), 2 * rows * n_centers * (d + n_centers), way)


def _coral(source: arrays.Array, target: arrays.Array, **_options: object) -> Work:
    rows, d = 2 * len(source) + len(target), source.shape[1]
    return Work(
        2 * _size(source) + _size(target), 2 * rows * d * d, "float64 moments in blocks, then eigenvectors"
    )


def _cooccurrence(users: arrays.Array, items: arrays.Array, k: int, **_options: object) -> Work:
    return Work(_size(users) + _size(items), 0, f"pairs counted by block of items, top {k}")


_WORK: dict[str, Callable[..., Work]] = {
    "topk": _topk,
    "threshold_join": _join,
    "reweight_normalize": _normalize,
    "rbf_matvec": _rbf,
    "mmd2": _mmd2,
    "importance_weights": _weights,
    "coral": _coral,
    "cooccurrence_topk": _cooccurrence,
}
_BACK_AND_FORTH = "the arrays are copied to the CPU and the result back"
_ON_TRITON = ("topk", "threshold_join", "reweight_normalize", "rbf_matvec", "mmd2", "coral")
_ON_TORCH = ("importance_weights",)
_FLOAT32 = ("rbf_matvec", "mmd2", "coral")
