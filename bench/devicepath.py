"""The device path without a device: right over layouts, dtypes, masks and metrics, and how much it starts.

Triton kernels are interpreted with the arithmetic of tensor cores (`bench/gpu_interpreter.py`) on tensors
that say they are on a device (`bench/gpu_fake.py`); rows and float32 scores must be those of the float64
definition, all of them. `wrong` counts cases that are not. `ops_q1` and `syncs_q1` are what a search of one
query in a prepared corpus starts on the device (torch operations other than views and allocations, and
Triton launches) and how often the host waits, the worst over metrics and codes; `ops_replayed` is the same
from the third such search on, by a CUDA graph. `corpus_reads` is how many operations of a prepared search of
1,024 queries read the scanned matrix: within the scan, the programs that share rows start one after the
other, so that all but the first find them in the cache.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from bench.case import Bench

TESTS = ["tests/kernels/test_device_path.py"]
SOURCES = [
    "bench/gpu_fake.py",
    "bench/gpu_fake_graph.py",
    "bench/gpu_interpreter.py",
    "kernels/device_search.py",
    "kernels/device_exact.py",
    "kernels/queries.py",
    "kernels/replay.py",
    "kernels/rescore.py",
    "kernels/scan.py",
    "kernels/similarity.py",
    "kernels/slack.py",
    "kernels/search.py",
]
METRICS = ("dot", "cosine", "l2")
DTYPES = ("float32", "float16", "bfloat16", "int8")
MASKS = ("none", "half", "strided", "few", "on the host")
WEIGHTS = ("none", "strided")
N, D, M, K = 900, 40, 2, 3


class Case(NamedTuple):
    """One search: how its arguments lie in memory, and what they are."""

    layout: str
    dtype: str
    metric: str
    mask: str = "none"
    weights: str = "none"
    prepared: str = "no"

    def __str__(self) -> str:
        return " ".join(self)


def layouts() -> dict[str, Callable[[Tensor], Tensor]]:
    """Ways for a matrix to lie in memory, by name."""
    import torch

    def offset(x: Tensor) -> Tensor:
        base = torch.zeros(x.numel() + 3, dtype=x.dtype)
        base[3:] = x.reshape(-1)
        return base[3:].view(x.shape)

    return {
        "contiguous": lambda x: x.contiguous(),
        "by columns": lambda x: x.T.contiguous().T,
        "column slice": lambda x: torch.cat([x, x], 1)[:, : x.shape[1]],
        "every other row": lambda x: x.repeat_interleave(2, 0)[::2],
        "odd offset": offset,
        "reversed rows": lambda x: x.flip(0),
    }


def cases() -> list[Case]:
    """Every combination of layouts, dtypes, metrics, masks and weights; and of what can be prepared."""
    plain = itertools.product(layouts(), DTYPES, METRICS, MASKS, WEIGHTS)
    ready = itertools.product(
        ("contiguous", "by columns"), DTYPES[:3], METRICS, ("none", "half"), WEIGHTS, ("rows", "codes")
    )
    return [Case(*each) for each in plain] + [
        Case(*each) for each in ready if not (each[2] == "l2" and each[5] == "codes")
    ]


def wrong(case: Case) -> str:
    """What is wrong with one case; nothing where its rows and scores are the definition's."""
    import torch

    from bench import gpu_fake
    from xbsql.kernels import device_search, prepare, reference, topk

    rng = np.random.default_rng(0)
    lay = layouts()[case.layout]
    q, x = (lay(_values(rng, rows, case.dtype)) for rows in (M, N))
    flags, w = _mask(case.mask, rng), torch.from_numpy(rng.random(2 * D))[::2]
    weights = None if case.weights == "none" else w
    # Few rows would be scored exhaustively: here they are scanned, or nothing would be shown.
    with gpu_fake.device(), mock.patch.object(device_search, "_SHARE", 1):
        there = gpu_fake.there
        on_device = None if weights is None else there(weights)
        mask = flags if flags is None or case.mask == "on the host" else there(flags)
        corpus = there(x)
        options: dict[str, Any] = {"metric": case.metric, "weights": on_device}
        ready = None
        if case.prepared != "no":
            ready = prepare(corpus, codes=case.prepared == "codes", **options)
        found = topk(there(q), corpus, K, mask=mask, prepared=ready, **options)
    wide = None if weights is None else weights.numpy()
    keep = None if flags is None else flags.numpy()
    wanted = reference.topk(q.double().numpy(), x.double().numpy(), K, case.metric, wide, keep)
    scores, rows = (np.asarray(gpu_fake.here(each)) for each in found)
    if np.array_equal(rows, wanted[1]) and np.array_equal(scores, wanted[0]):
        return ""
    return f"{case}: rows {rows.tolist()}, the definition has {wanted[1].tolist()}"


def _values(rng: np.random.Generator, rows: int, dtype: str) -> Tensor:
    import torch

    x = torch.from_numpy(rng.standard_normal((rows, D)))
    return (x * 40).clamp(-127, 127).to(torch.int8) if dtype == "int8" else x.to(getattr(torch, dtype))


def _mask(kind: str, rng: np.random.Generator) -> Tensor | None:
    import torch

    flags = torch.from_numpy(rng.random(2 * N) < (0.04 if kind == "few" else 0.5))
    return None if kind == "none" else flags[::2] if kind == "strided" else flags[:N]


def joins() -> Iterator[str]:
    """What is wrong with joins over layouts, dtypes and metrics; nothing for each that is right."""
    import torch

    from bench import gpu_fake
    from xbsql.kernels import reference, threshold_join

    for layout, dtype, metric, itself in itertools.product(
        layouts(), ("float32", "bfloat16"), METRICS, (True, False)
    ):
        rng = np.random.default_rng(1)
        x = layouts()[layout](_values(rng, 70, dtype))
        y = None if itself else torch.cat([x[5:20], _values(rng, 30, dtype)])
        threshold = {"dot": 20.0, "cosine": 0.5, "l2": -40.0}[metric]
        with gpu_fake.device():
            there = gpu_fake.there
            other_side: Any = None if y is None else there(y)
            found = threshold_join(there(x), other_side, threshold, metric=metric)
        wide = x.double().numpy(), None if y is None else y.double().numpy()
        wanted = reference.threshold_join(*wide, threshold, metric)
        mine = [np.asarray(gpu_fake.here(each)) for each in found]
        same = all(np.array_equal(one, np.asarray(other)) for one, other in zip(mine, wanted, strict=True))
        yield "" if same else f"join {layout} {dtype} {metric}: {len(found[0])} pairs, not {len(wanted[0])}"


def started(m: int, n: int, metric: str, codes: bool, turns: int = 1) -> tuple[int, int, int]:
    """Operations, waits and reads of the scanned matrix of one search of m queries in a prepared corpus.

    The first of its shape, or that of a later turn: from the third on, few queries take a graph.
    """
    import torch

    from bench import gpu_fake
    from xbsql.kernels import prepare, topk

    generator = torch.Generator().manual_seed(0)
    q, x = (torch.randn(rows, 64, generator=generator) for rows in (m, n))
    with gpu_fake.device():
        corpus = gpu_fake.there(x)
        ready = prepare(corpus, metric=metric, codes=codes)
        topk(gpu_fake.there(q[:1]), corpus, 3, metric=metric, prepared=ready)  # makes the scan
    for _ in range(turns):
        with gpu_fake.device(n) as count:
            topk(gpu_fake.there(q), corpus, 2, metric=metric, prepared=ready)
    return count.operations, count.waits, count.reads


def run(bench: Bench) -> dict[str, float]:
    """Check every case, then count."""
    import torch

    from bench import gpu_interpreter

    gpu_interpreter.install()
    torch.set_num_threads(1)
    chosen = cases()[::11] if bench.quick else cases()
    bench.plan(len(chosen) + 1 + 5 + 1 + 1)
    problems: list[str] = [bench.unit(str(case), partial(wrong, case)) for case in chosen]
    joined: list[str] = bench.unit("joins", lambda: list(joins()))
    problems += joined
    for problem in filter(None, problems):
        print(f"bench devicepath: {problem}")
    counts: list[Any] = []
    for metric, codes in (("dot", False), ("cosine", False), ("l2", False), ("dot", True), ("cosine", True)):
        made: tuple[int, int, int] = bench.unit(
            f"one query, {metric}, codes {codes}", partial(started, 1, 20_000, metric, codes)
        )
        counts.append(made)
        for name, value in zip(("operations", "waits", "corpus reads"), made, strict=True):
            bench.record(f"one query, {metric}", "codes" if codes else "rows", name, value)
    many: tuple[int, int, int] = bench.unit("many queries", partial(started, 1024, 2_000, "dot", False))
    again: tuple[int, int, int] = bench.unit("one query, replayed", partial(started, 1, 4000, "dot", True, 3))
    return {
        "wrong": sum(map(bool, problems)),
        "ops_q1": max(each[0] for each in counts),
        "syncs_q1": max(each[1] for each in [*counts, again]),
        "ops_replayed": again[0],
        "corpus_reads": many[2],
        "cases": len(problems),
    }
