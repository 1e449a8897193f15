"""CUDA graphs of a device that is not there: what was captured, in order, and on which memory.

As on a device, nothing that a capture starts has run when it ends: all memory that was made meanwhile holds
garbage until the graph is replayed. A wait and a copy from the host are refused. A graph knows tensors by
where they lie; where their memory was freed a replay is an error here, and anything at all on a device.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._pytree import tree_flatten, tree_map
from triton.tools.tensor_descriptor import TensorDescriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class _Address:
    """Where a tensor lies."""

    storage: weakref.ref[torch.UntypedStorage]
    layout: tuple[int, torch.Size, tuple[int, ...]]
    dtype: torch.dtype

    @classmethod
    def of(cls, x: torch.Tensor) -> _Address:
        """Of a tensor on the host."""
        layout = int(x.storage_offset()), x.size(), x.stride()
        return cls(weakref.ref(x.untyped_storage()), layout, x.dtype)

    def real(self) -> torch.Tensor:
        """What lies there."""
        storage = self.storage()
        if storage is None:
            message = "a graph was replayed on memory that was freed"
            raise RuntimeError(message)
        return torch.empty(0, dtype=self.dtype).set_(storage, *self.layout)


@dataclass(frozen=True)
class _Described:
    """A tensor descriptor, by where its tensor lies."""

    base: _Address
    rest: tuple[Any, Any, Any]

    def real(self) -> TensorDescriptor:
        """The descriptor."""
        return TensorDescriptor(self.base.real(), *self.rest)


def _place(each: Any) -> Any:  # noqa: ANN401
    if isinstance(each, TensorDescriptor):
        return _Described(_Address.of(each.base), (each.shape, each.strides, each.block_shape))
    return _Address.of(each) if isinstance(each, torch.Tensor) else each


def _real(each: Any) -> Any:  # noqa: ANN401
    return each.real() if isinstance(each, _Address | _Described) else each


class Step:
    """One operation on host data: its name, the shapes of the tensors on the device, how it runs again."""

    def __init__(
        self,
        name: str,
        shapes: Sequence[torch.Size],
        call: Callable[..., Any],
        given: object,
        out: object,
    ) -> None:
        self.name, self.shapes, self.call = name, shapes, call
        inside = {id(each) for each in tree_flatten(given)[0]}
        found = [each for each in tree_flatten(out)[0] if isinstance(each, torch.Tensor)]
        self.made = [each for each in found if id(each) not in inside]
        self.given, self.out = tree_map(_place, given), [_place(each) for each in found]

    def again(self) -> None:
        """The operation again, into the memory of its first results."""
        args, options = tree_map(_real, self.given)
        found = [
            each for each in tree_flatten(self.call(*args, **options))[0] if isinstance(each, torch.Tensor)
        ]
        for place, value in zip(self.out, found, strict=True):
            target = place.real()
            if target.data_ptr() != value.data_ptr():
                target.copy_(value)


@dataclass
class Graph:
    """A CUDA graph; `on_replay` runs its steps."""

    on_replay: Callable[[Graph], None]
    steps: list[Step] = field(default_factory=list)
    made: list[torch.Tensor] = field(default_factory=list)

    def keep(self, step: Step, *, runs: bool, refused: bool) -> None:
        """Take an operation, or one that only makes memory, into the capture."""
        if refused:
            message = f"{step.name}: not permitted when a stream is capturing"
            raise RuntimeError(message)
        self.made += step.made
        step.made = []
        if runs:
            self.steps.append(step)

    def spoil(self) -> None:
        """End the capture: what ran to find shapes has not run."""
        for each in self.made:
            each.fill_(torch.nan if each.is_floating_point() else 1 if each.dtype == torch.bool else 77)

    def replay(self) -> None:
        """Every operation again."""
        self.on_replay(self)
