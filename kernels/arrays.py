"""The border of the kernels: NumPy or torch in, tensors inside, the same kind out; argument checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any] | Tensor"
ArrayT = TypeVar("ArrayT", "NDArray[Any]", Tensor)

VECTORS = (torch.float32, torch.float16, torch.bfloat16, torch.int8)
REALS = (torch.float32, torch.float64)
METRICS = ("dot", "cosine", "l2")
MAX_ROWS = 2**31 - 1


class _Writable:
    """The memory of a read-only NumPy array under the array interface, without its read-only flag.

    torch warns about read-only arrays; the kernels never write into an argument, and Arrow's buffers are
    read-only.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.owner = array
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def tensor(where: str, name: str, value: object, dtypes: Sequence[torch.dtype], ndim: int) -> Tensor:
    """`value` as a tensor over the same memory (a copy where a NumPy array has negative strides).

    Raises:
        TypeError: neither a NumPy array nor a tensor.
        ValueError: another dtype or another number of dimensions.
    """
    if isinstance(value, np.ndarray):
        found = _from_numpy(value, where, name)
    elif isinstance(value, Tensor):
        found = value.detach()
    else:
        message = f"{where}: {name} is {type(value).__name__}; give a NumPy array or a torch tensor"
        raise TypeError(message)
    if found.ndim != ndim:
        message = f"{where}: {name} has shape {tuple(found.shape)}; give {ndim} dimension{'s' * (ndim > 1)}"
        raise ValueError(message)
    if found.dtype not in dtypes:
        takes = ", ".join(dtype_name(dtype) for dtype in dtypes)
        message = f"{where}: {name} is {dtype_name(found.dtype)}; it takes {takes}"
        raise ValueError(message)
    return found


def _from_numpy(value: NDArray[Any], where: str, name: str) -> Tensor:
    if value.dtype.kind not in "fiub" or not value.dtype.isnative:
        message = f"{where}: {name} is a NumPy array of {value.dtype}; give numbers in native byte order"
        raise ValueError(message)
    return shared(value)


def shared(value: NDArray[Any]) -> Tensor:
    """A NumPy array of numbers as a tensor over its memory, read-only or not; negative strides are copied."""
    if any(stride < 0 or stride % value.itemsize for stride in value.strides):
        value = np.ascontiguousarray(value)
    if not value.flags.writeable:
        value = np.asarray(_Writable(value))
    return torch.from_numpy(value)


def alike(example: ArrayT, found: Tensor) -> ArrayT:
    """The tensor as a NumPy array if `example` is one, else as it is."""
    return found.cpu().numpy() if isinstance(example, np.ndarray) else found


def dtype_name(dtype: torch.dtype) -> str:
    """'float32' for torch.float32."""
    return str(dtype).removeprefix("torch.")


def pair(where: str, first: str, a: Tensor, second: str, b: Tensor) -> None:
    """Raise ValueError unless two matrices agree in columns, dtype and device."""
    if a.shape[1] != b.shape[1]:
        message = f"{where}: {first} has {a.shape[1]} columns, {second} has {b.shape[1]}; they must agree"
        raise ValueError(message)
    if a.shape[1] == 0:
        message = f"{where}: {first} has no columns; give at least one"
        raise ValueError(message)
    if a.dtype != b.dtype:
        kinds = f"{first} is {dtype_name(a.dtype)}, {second} is {dtype_name(b.dtype)}"
        message = f"{where}: {kinds}; convert one of them"
        raise ValueError(message)
    if a.device != b.device:
        message = f"{where}: {first} is on {a.device}, {second} on {b.device}; move one of them"
        raise ValueError(message)


def vector(where: str, name: str, value: Array | None, length: int, like: Tensor) -> Tensor | None:
    """An optional float32 or float64 vector of `length` on the device of `like`, as float64, contiguous."""
    if value is None:
        return None
    found = tensor(where, name, value, REALS, 1)
    same_length(where, name, found, length)
    return found.to(device=like.device, dtype=torch.float64).contiguous()


def weights(where: str, value: Array | None, length: int, like: Tensor) -> Tensor | None:
    """Optional weights of `length` features, as `vector`; ValueError where one is NaN or Inf.

    Weights on a device are not looked at, so that nothing waits for it.
    """
    found = vector(where, "weights", value, length, like)
    if found is not None and not found.is_cuda and not bool(found.isfinite().all()):
        bad = int((~found.isfinite()).nonzero()[0, 0])
        message = f"{where}: weights[{bad}] is {float(found[bad])}; give finite numbers"
        raise ValueError(message)
    return found


def flags(where: str, name: str, value: Array | None, length: int, like: Tensor) -> Tensor | None:
    """An optional boolean vector of `length` on the device of `like`, contiguous; None where it is all True.

    Flags on a device are not looked at, so that nothing waits for it.
    """
    if value is None:
        return None
    found = tensor(where, name, value, (torch.bool,), 1)
    same_length(where, name, found, length)
    return None if not found.is_cuda and bool(found.all()) else found.to(like.device).contiguous()


def same_length(where: str, name: str, found: Tensor, length: int) -> None:
    """Raise ValueError unless `found` has `length` entries."""
    if len(found) != length:
        message = f"{where}: {name} has {len(found)} entries; it needs {length}"
        raise ValueError(message)


def nonnegative(where: str, name: str, found: Tensor | None) -> None:
    """Raise ValueError unless all of `found` is finite and >= 0 and some of it is > 0."""
    if found is not None and not (bool((found >= 0).all()) and 0 < float(found.sum()) < np.inf):
        message = f"{where}: {name} must be finite, 0 or more, and not all 0"
        raise ValueError(message)


def choice(where: str, name: str, given: object, known: Sequence[object]) -> None:
    """Raise ValueError unless `given` is one of `known`."""
    if given not in known:
        message = f"{where}: {name} is {given!r}; it is one of {', '.join(map(repr, known))}"
        raise ValueError(message)


def whole(where: str, name: str, given: object, low: int, high: int) -> int:
    """`given` as an int within low..high, else ValueError."""
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or not low <= given <= high:
        message = f"{where}: {name} is {given!r}; it must be a whole number from {low} to {high}"
        raise ValueError(message)
    return int(given)


def positive(where: str, name: str, given: float) -> float:
    """`given` as a finite float above 0, else ValueError."""
    if isinstance(given, bool) or not isinstance(given, (int, float, np.number)) or not 0 < given < np.inf:
        message = f"{where}: {name} is {given!r}; it must be a finite number above 0"
        raise ValueError(message)
    return float(given)


def some_rows(where: str, name: str, found: Tensor, least: int = 1) -> None:
    """Raise ValueError where a matrix has fewer than `least` rows, or more than an int32 counts."""
    if not least <= len(found) <= MAX_ROWS:
        more = ", split it" if len(found) > MAX_ROWS else ""
        message = f"{where}: {name} has {len(found)} rows; it takes {least} to {MAX_ROWS}{more}"
        raise ValueError(message)


def finite(where: str, name: str, found: Tensor) -> None:
    """Raise ValueError where NaN or Inf is among the values."""
    # A sum is one pass and no copy; it overflows to Inf only where values are useless for any moment.
    if not bool(torch.isfinite(found.sum(dtype=torch.float64))):
        bad = int((~torch.isfinite(found)).any(dim=-1).sum())
        message = f"{where}: {name} holds NaN or Inf in {bad} rows; drop or fill them"
        raise ValueError(message)
