"""Work shared out in large pieces, one thread each.

Torch shares out every operation by itself, which costs a meeting of all threads for each; a piece that runs
its many small operations alone needs one meeting in all, and keeps its pace where other programs use the same
cores.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Part = TypeVar("Part")
Result = TypeVar("Result")


def spread(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """The `work` of every part, in order; each part has a thread of its own, torch one thread within it."""
    if len(parts) <= 1:
        return [work(part) for part in parts]
    before = torch.get_num_threads()

    def alone(part: Part) -> Result:
        # The number is this thread's own; only what new threads start with is shared, and set back below.
        torch.set_num_threads(1)
        return work(part)

    try:
        with ThreadPoolExecutor(len(parts)) as pool:
            return list(pool.map(alone, parts))
    finally:
        torch.set_num_threads(before)


def ranges(length: int, multiple: int, least: int) -> list[tuple[int, int]]:
    """Split 0..length at multiples of `multiple` into a range a thread of torch, each of `least` or so."""
    count = max(1, min(torch.get_num_threads(), length // max(1, least)))
    step = max(1, -(-length // count // multiple) * multiple) if length else 1
    return [(start, min(start + step, length)) for start in range(0, length, step)]
