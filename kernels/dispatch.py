"""Which implementation runs, why, and what it cannot be faster than."""

from __future__ import annotations

import time
from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from xbsql.kernels import arrays, cpu_half, cpu_product
from xbsql.kernels.cpu_wide import is_wide

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
        floor_seconds: the larger of bytes / bandwidth and flops / rate, both measured on this device on
            random values: the bandwidth for as many bytes, the rate in the dtype that is multiplied.
    """

    operation: str
    implementation: str
    why: str
    device: str
    bytes: int
    flops: int
    floor_seconds: float


class Work(NamedTuple):
    """Bytes and flops of a call, how the CPU would go about it, and the dtypes of its product."""

    bytes: int
    flops: int
    way: str
    dtype: torch.dtype = torch.float32
    on_device: torch.dtype = torch.bfloat16


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
        TypeError: not what the operation takes.
    """
    arrays.choice("explain", "operation", operation, tuple(_WORK))
    try:
        work = _WORK[operation](*args, **options)
    except TypeError as wrong:
        message = f"explain: give what {operation} takes: {wrong}"
        raise TypeError(message) from wrong
    example = args[0] if isinstance(args[0], Tensor) else None
    device = torch.device("cpu") if example is None else example.device
    implementation, why = _chosen(operation, device, None if example is None else example.dtype, work)
    dtype = work.on_device if implementation == "triton" else work.dtype
    passes = 3 if dtype == torch.bfloat16 and operation in _THREE else 1
    rate = probe(str(device), dtype, _class(work.bytes), torch.get_num_threads())
    floor = max(work.bytes / rate.bytes_per_second, passes * work.flops / rate.flops_per_second)
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
    """What a device reaches: bytes a second of a sum, flops a second of a product."""

    bytes_per_second: float
    flops_per_second: float


@cache
def probe(device: str, dtype: torch.dtype, size: int, threads: int) -> Rate:
    """Measure a device on random values: the best of five sums over `size` bytes and of five products.

    Args:
        device: where.
        dtype: of the product, which is the one that a scan uses: 1,024 x 1,024 by 1,024.
        size: bytes, since what fits a cache is read faster.
        threads: of torch; a part of the key alone.
    """
    generator = torch.Generator(device).manual_seed(0)
    x = torch.rand(size // 4, device=device, generator=generator)
    a = 64 * torch.rand(1024, 1024, device=device, generator=generator) - 32
    a = a.to(dtype)
    seconds = _best(lambda: x.sum(), device), _best(lambda: _product(a), device)
    return Rate(4 * len(x) / seconds[0], 2 * 1024**3 / seconds[1])


def _product(a: Tensor) -> Tensor:
    """The fastest product of a square matrix with itself, turned, in its dtype."""
    if a.dtype == torch.int8:
        return torch._int_mm(a, a.T)
    return cpu_product.product(a, a) if a.dtype == torch.float32 and not a.is_cuda else a @ a.T


def _class(size: int) -> int:
    """`size` up to the next power of four bytes, 64 KB to 256 MB: sizes that are read at the same pace."""
    return next(
        (each for each in (1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26) if size <= each), 1 << 28
    )


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


def _real(x: arrays.Array) -> torch.dtype:
    return torch.float64 if str(x.dtype).endswith("64") else torch.float32


def _topk(
    queries: arrays.Array,
    corpus: arrays.Array,
    k: int,
    *,
    metric: str = "dot",
    prepared: Prepared | None = None,
    **_options: object,
) -> Work:
    (m, d), n = queries.shape, len(corpus)
    held = prepared is not None and prepared.codes is not None
    many = is_wide(metric, m, k, n) and not (isinstance(corpus, Tensor) and corpus.is_cuda)
    coded = held and not many
    scanned = n * d if coded else _size(corpus)
    way = "int8 scan of the codes, float64 rescore" if coded else "float32 scan in blocks, float64 rescore"
    half = many and cpu_half.is_chosen(m)
    if many:
        way = f"{'bfloat16' if half else 'float32'} scan in tiles, float64 rescore"
        way = f"{way} (for {k} results the codes gain nothing)" if held else way
    integer = coded or (str(corpus.dtype).endswith("int8") and not many)
    scan = torch.bfloat16 if half else torch.float32
    dtypes = (torch.int8, torch.int8) if integer else (scan, torch.bfloat16)
    return Work(scanned + _size(queries) + 12 * m * k, 2 * m * n * d, way, *dtypes)


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
    return Work(_size(x) + _size(y), 2 * len(x) * len(y) * x.shape[1], way, _real(x))


def _mmd2(x: arrays.Array, y: arrays.Array, **_options: object) -> Work:
    pairs = len(x) ** 2 // 2 + len(y) ** 2 // 2 + len(x) * len(y)
    way = "blocks of the upper triangle, no n x m matrix"
    return Work(_size(x) + _size(y), 2 * pairs * x.shape[1], way, _real(x))


def _weights(source: arrays.Array, target: arrays.Array, *, n_centers: int = 100, **_options: object) -> Work:
    rows, d = len(source) + len(target), source.shape[1]
    way = f"kernels around {n_centers} target rows, streamed"
    return Work(_size(source) + _size(target), 2 * rows * n_centers * (d + n_centers), way, torch.float64)


def _coral(source: arrays.Array, target: arrays.Array, **_options: object) -> Work:
    rows, d = 2 * len(source) + len(target), source.shape[1]
    way = "float64 moments in blocks, then eigenvectors"
    return Work(2 * _size(source) + _size(target), 2 * rows * d * d, way, torch.float64)


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
_THREE = ("rbf_matvec", "mmd2", "coral")  # multiply float32 as three products of halves on a device
