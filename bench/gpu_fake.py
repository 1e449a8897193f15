"""A device that is not there: tensors that say they are on it, hold host data, and count their use.

Every torch operation checks that its tensors are on one device. Triton kernels run interpreted on the data.
Counted are starts of work on the device (torch operations other than views and allocations, Triton launches,
and replays of a graph), the times that the host waits for a result, and reads of the whole corpus.

What a CUDA graph captures is kept and not counted (`bench/gpu_fake_graph.py`).
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from bench.gpu_fake_graph import Graph, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_THERE = torch.device("meta")  # the only device without data that every torch has
_WAITS = {"_local_scalar_dense", "nonzero", "is_nonzero", "bincount", "equal", "unique_dim", "masked_select"}
_COPIES = {"_to_copy", "copy_", "to"}
_MADE = {"empty", "empty_like", "empty_strided", "new_empty"}
_PICKS = {"keys_kernel", "rescore_kernel", "finish_kernel"}  # take the corpus, and read chosen rows


@dataclass
class Count:
    """What was done: starts of work, waits of the host, reads of a matrix of at least `whole` rows."""

    whole: float = float("inf")
    operations: int = 0
    waits: int = 0
    reads: int = 0
    guards: list[object] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    graph: Graph | None = None  # that is being captured

    def started(self, name: str, shapes: Sequence[torch.Size]) -> None:
        """One operation on tensors of these shapes."""
        self.operations += 1
        self.log.append(name)
        self.read(name, shapes)

    def read(self, name: str, shapes: Sequence[torch.Size]) -> None:
        """What an operation reads."""
        if name not in _PICKS:
            self.reads += any(len(each) == 2 and each[0] >= self.whole for each in shapes)

    def replayed(self, graph: Graph) -> None:
        """Every operation of a graph, as one."""
        self.started("graph", [])
        for step in graph.steps:
            self.read(step.name, step.shapes)
            step.again()


COUNT = Count()


class Fake(torch.Tensor):
    """A tensor on the device that is not there, over what is `held` on the host."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls: type[Fake], inner: torch.Tensor) -> Fake:
        """Wrap a host tensor."""
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=_THERE,
        )
        made.held = inner
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]
    is_cuda = property(lambda _self: True)

    def data_ptr(self) -> int:
        """Where the host data are."""
        return self.held.data_ptr()

    def untyped_storage(self) -> torch.UntypedStorage:
        """The memory of the host data."""
        return self.held.untyped_storage()

    @classmethod
    def __torch_dispatch__(cls, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]  # noqa: ANN401
        """Run on the host data."""
        return _run(func, args, kwargs or {})


class _Mode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: Any) -> Any:  # noqa: ANN401
    """One torch operation on host data, checked and counted."""
    name = func._schema.name.removeprefix("aten::")
    flat = tree_flatten((args, kwargs))[0]
    fakes = [each for each in flat if isinstance(each, Fake)]
    if fakes and name not in _COPIES and not name.startswith("index"):
        _one_device(name, flat)
    device = kwargs.get("device")
    there = bool(fakes) if device is None else torch.device(device).type in ("meta", "cuda")
    if name == "copy_":
        there = isinstance(args[0], Fake)
    given = tree_map(_host, (args, kwargs))
    out = func(*given[0], **given[1])
    if (there or fakes) and not func.is_view and name != "detach":
        waits = name in _WAITS or (name in _COPIES and bool(fakes) and not there)
        from_host = name in _COPIES and not isinstance(args[name == "copy_"], Fake)
        _count(Step(name, [each.shape for each in fakes], func, given, out), waits, from_host)
    if name == "_local_scalar_dense":
        return out
    if name.endswith("_") and fakes and isinstance(args[0], Fake):
        return args[0]
    if isinstance(kwargs.get("out"), Fake):
        return kwargs["out"]
    return tree_map(lambda each: Fake(each) if isinstance(each, torch.Tensor) and there else each, out)


def _count(step: Step, waits: bool, from_host: bool) -> None:
    """One operation: counted, or kept by the graph that is being captured."""
    if COUNT.graph is not None:
        COUNT.graph.keep(step, runs=step.name not in _MADE, refused=waits or from_host)
    elif step.name not in _MADE:
        COUNT.started(step.name, step.shapes)
        COUNT.waits += waits


def _one_device(name: str, given: list[Any]) -> None:
    for each in given:
        if isinstance(each, torch.Tensor) and not isinstance(each, Fake) and each.dim():
            message = f"{name}: one tensor is on the CPU, another on the device"
            raise RuntimeError(message)


def _host(each: Any) -> Any:  # noqa: ANN401
    if isinstance(each, Fake):
        return each.held
    if isinstance(each, torch.device) and each.type in ("meta", "cuda"):
        return torch.device("cpu")
    return each


@contextmanager
def device(whole: float = float("inf")) -> Iterator[Count]:
    """The device within the block: what happens on it is counted in what comes back."""
    from triton.runtime import interpreter
    from triton.tools.tensor_descriptor import TensorDescriptor

    global COUNT
    COUNT = Count(whole)
    plain = interpreter.InterpretedFunction.run

    def run(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        given: list[Fake] = []

        def host(each: Any) -> Any:  # noqa: ANN401
            if isinstance(each, TensorDescriptor):
                return TensorDescriptor(host(each.base), each.shape, each.strides, each.block_shape)
            given.extend([each] if isinstance(each, Fake) else [])
            return _host(each)

        real = tuple(host(each) for each in args), {name: host(each) for name, each in options.items()}
        shapes, launch = [each.shape for each in given], partial(plain, self)
        _count(Step(self.fn.__name__, shapes, launch, real, None), waits=False, from_host=False)
        return launch(*real[0], **real[1])

    @contextmanager
    def guard(which: object) -> Iterator[None]:
        COUNT.guards.append(which)
        yield

    @contextmanager
    def captured(graph: Graph, **_options: object) -> Iterator[None]:
        COUNT.graph = graph
        try:
            yield
        finally:
            COUNT.graph = None
            graph.spoil()

    cuda = {
        "device": guard,
        "graph": captured,
        "CUDAGraph": lambda: Graph(lambda graph: COUNT.replayed(graph)),
        "current_stream": lambda _device: SimpleNamespace(cuda_stream=0),
        "is_current_stream_capturing": lambda: COUNT.graph is not None,
    }
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(interpreter.InterpretedFunction, "run", run))
        for name, stand_in in cuda.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, stand_in))
        stack.enter_context(_Mode())  # type: ignore[no-untyped-call]
        yield COUNT


def there(x: torch.Tensor) -> Fake:
    """The tensor on the device."""
    return Fake(x)


def here(x: torch.Tensor) -> torch.Tensor:
    """The tensor on the host, without being counted."""
    return x.held if isinstance(x, Fake) else x
