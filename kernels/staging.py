"""Rows from ordinary memory to a device: through two pinned buffers, one filled while the other is copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from xbsql.kernels import arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_BUFFER = 64 << 20  # bytes


def to_device(x: NDArray[Any], device: str | torch.device) -> Tensor:
    """The matrix on a device: on the CPU the same memory, on CUDA staged through pinned memory.

    Args:
        x: numbers, shape (n, d), possibly read-only; on the CPU do not write into what comes back.
        device: "cpu", "cuda", "cuda:1" ...

    Returns:
        The same dtype and shape. On CUDA it is ready for the current stream of that device; x may be freed.
    """
    rows, there = arrays.shared(x), torch.device(device)
    if there.type != "cuda":
        return rows.to(there)
    with torch.cuda.device(there):
        return _staged(rows.contiguous(), torch.device("cuda", torch.cuda.current_device()))


def _staged(x: Tensor, device: torch.device) -> Tensor:
    """The rows on a CUDA device; copies run on a stream of their own."""
    out = torch.empty(x.shape, dtype=x.dtype, device=device)
    width = max(1, x.shape[1] * x.element_size())
    most = max(1, min(len(x), _BUFFER // width))
    buffers = [torch.empty(most, x.shape[1], dtype=x.dtype, pin_memory=True) for _ in range(2)]
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    # The memory of `out` may still be read by what was queued before it was freed.
    stream.wait_stream(torch.cuda.current_stream(device))

    def send(start: int, filled: Tensor) -> Callable[[], object]:
        with torch.cuda.stream(stream):
            out[start : start + len(filled)].copy_(filled, non_blocking=True)
        arrived: torch.cuda.Event = stream.record_event()
        return arrived.synchronize

    through(x, buffers, send)
    torch.cuda.current_stream(device).wait_stream(stream)
    return out


def through(
    x: Tensor, buffers: Sequence[Tensor], send: Callable[[int, Tensor], Callable[[], object]]
) -> None:
    """Copy the rows into the buffers in turn and send each on its way; back when all have arrived.

    Args:
        x: (n, d).
        buffers: (b, d) each, of x's dtype.
        send: starts the copy of the filled part of a buffer to the rows from `start` on, and returns what
            waits for it. A buffer is filled again only after that wait.
    """
    waits: list[Callable[[], object] | None] = [None] * len(buffers)
    most = len(buffers[0])
    for number, start in enumerate(range(0, len(x), most)):
        turn = number % len(buffers)
        if (wait := waits[turn]) is not None:
            wait()
        part = x[start : start + most]
        filled = buffers[turn][: len(part)]
        filled.copy_(part)
        waits[turn] = send(start, filled)
    for wait in waits:
        if wait is not None:
            wait()
