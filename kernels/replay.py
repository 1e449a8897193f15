"""Searches of a prepared corpus as one launch: captured in a CUDA graph when a shape is asked for again.

With few queries the host takes longer to start ten launches than the device to finish them. A graph starts
them at once, on the memory that it was captured with: so it belongs to one corpus in memory, and goes when
that memory is freed. Another corpus at the same address is another corpus.
"""

from __future__ import annotations

import warnings
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

FEW = 64  # queries up to which the launches cost more than what they start
_ONE = Lock()  # threads share streams, and a graph its memory
_SHAPES = 8  # searches of a corpus that are kept at most: each holds its own memory on the device


class _Captured(NamedTuple):
    """A graph, what it reads the queries from, and where it leaves scores and rows."""

    graph: Any
    queries: Tensor
    found: tuple[Tensor, Tensor]

    def search(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and rows of other queries of the same shape; the next replay writes over its own."""
        self.queries.copy_(queries)
        self.graph.replay()
        return self.found[0].clone(), self.found[1].clone()


_State = _Captured | Literal["new", "asked", "refused"]


class Replays:
    """The captured searches of what was prepared, by the memory of the corpus and what was asked.

    The first search of a kind runs as it is, the second is captured. None is copied or sent with what was
    prepared: a graph belongs to its process.
    """

    def __init__(self) -> None:
        self._held: WeakKeyDictionary[torch.UntypedStorage, dict[Hashable, _State]]
        self._held = WeakKeyDictionary()

    def __reduce__(self) -> tuple[type[Replays], tuple[()]]:
        return Replays, ()

    def __len__(self) -> int:
        """How many graphs are held."""
        return sum(isinstance(each, _Captured) for some in self._held.values() for each in some.values())

    def search(
        self,
        queries: Tensor,
        corpus: Tensor,
        asked: Hashable,
        call: Callable[[Tensor], tuple[Tensor, Tensor]],
    ) -> tuple[Tensor, Tensor]:
        """What `call(queries)` returns, by a graph of it from the second time on.

        Args:
            queries: (m, d) on a CUDA device, any layout.
            corpus: on the same device: what `call` reads beside tensors that live as long as this.
            asked: what else the call depends on.
            call: only starts work on the current stream, and never waits for it.
        """
        if torch.cuda.is_current_stream_capturing():
            return call(queries)  # into the caller's own graph
        layout = corpus.data_ptr(), corpus.shape, corpus.stride(), corpus.dtype
        # Two streams that share memory would need an order: each has graphs of its own.
        stream = torch.cuda.current_stream(queries.device).cuda_stream
        key = layout, queries.shape, queries.dtype, asked, stream
        with _ONE:
            known = self._held.setdefault(corpus.untyped_storage(), {})
            if len(known) >= _SHAPES and key not in known:
                del known[next(iter(known))]
            state = known.setdefault(key, "new")
            if state == "asked":
                state = _captured(queries, call)
            known[key] = "asked" if state == "new" else state
            if isinstance(state, _Captured):
                return state.search(queries)
        return call(queries)


def _captured(queries: Tensor, call: Callable[[Tensor], tuple[Tensor, Tensor]]) -> _State:
    """The call, captured for queries of this shape, which does not run it; or that it cannot be."""
    own = torch.empty(queries.shape, dtype=queries.dtype, device=queries.device).copy_(queries)
    graph = torch.cuda.CUDAGraph()
    call(own)  # kernels are compiled and loaded now: neither can be captured
    try:
        # Other threads may go on using the device meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            found = call(own)
    except RuntimeError as problem:
        why = " ".join(str(problem).split())[:200]
        warnings.warn(f"topk: no CUDA graph of this search, it runs launch by launch: {why}", stacklevel=2)
        return "refused"
    return _Captured(graph, own, found)
