"""The rows of `bench.gpu`: what is computed, by whom, what it must move and multiply, and how it is checked.

Here are the rows S (search) and J (join); those around reweighting are in `bench/gpu_shift_rows.py`. Each row
gives calls that return what `check` compares; "xbsql" is the public way on a resident corpus, "torch" the
plain one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from bench import topk_peers_gpu as peers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xbsql.kernels.device_search import Search
    from xbsql.kernels.prepared import Prepared


@dataclass(frozen=True)
class Scale:
    """Device, dtype of half-size rows, divisor of every size: 1 on a GPU, more under the interpreter."""

    device: str
    half: torch.dtype
    divisor: int

    def rows(self, n: int) -> int:
        """`n` rows at this scale."""
        return n if self.divisor == 1 else max(64, min(1200, n // self.divisor))

    def queries(self, m: int) -> int:
        """`m` queries at this scale."""
        return m if self.divisor == 1 else min(m, 3)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        key: S1, J1, ...
        sizes: as they are recorded.
        bytes, flops: the least that must be moved and multiplied.
        dtype: of the product: which rate the floor is taken from.
        ways: implementation -> call.
        check: raises where a result of "xbsql" is wrong.
        road: what the bytes go over: the device's memory, or the link from the host.
    """

    key: str
    sizes: dict[str, object]
    bytes: int
    flops: int
    dtype: torch.dtype
    ways: dict[str, Callable[[], Any]] = field(repr=False)
    check: Callable[[], None] = field(repr=False)
    road: Literal["memory", "link"] = "memory"


def rows(scale: Scale) -> Iterator[Row]:
    """Every row, one after the other: the memory of one is free before the next is made."""
    from bench import gpu_shift_rows as shift

    for key, m, n, dtype, k in (
        ("S1", 1, 10**6, "half", 10),
        ("S2", 1, 10**7, "half", 10),
        ("S3", 64, 10**6, "half", 10),
        ("S4", 1024, 10**6, "half", 10),
        ("S5", 1024, 10**6, "float32", 10),
        ("S6", 1024, 10**6, "int8", 10),
        ("S7", 65536, 10**6, "half", 10),
        ("S8", 4096, 10**6, "half", 100),
        ("S9", 1024, 10**6, "masked", 10),
        ("S10", 4096, 10**6, "half", 1),
    ):
        yield search(key, scale, (m, n, 384 if key != "S10" else 128, k), dtype)
    yield join(scale)
    yield shift.normalize(scale)
    yield shift.mmd(scale)
    yield shift.matvec(scale)
    yield shift.covariance(scale)
    yield shift.domains(scale)
    yield shift.transfer("T1", scale, 10**6)
    yield shift.transfer("T2", scale, 10**7)


def search(key: str, scale: Scale, shape: tuple[int, int, int, int], kind: str) -> Row:
    """Top k of m queries in n rows of d columns."""
    from xbsql.kernels import device_search, prepare, queries, similarity
    from xbsql.kernels.scan import scan_of
    from xbsql.kernels.tuning import group_size

    m, n, d, k = (
        scale.queries(shape[0]),
        scale.rows(shape[1]),
        shape[2] // (1 if scale.divisor == 1 else 4),
        shape[3],
    )
    k = min(k, 3) if scale.divisor > 1 else k
    q, x = vectors(scale, m, n, d, kind)
    mask = torch.rand(n, device=scale.device) < 0.5 if kind == "masked" else None
    ready = prepare(x, codes=False) if kind != "int8" else None
    asked = device_search.Search(q, x, "dot", None, mask)
    size = group_size(n, device_search.first_choice(k, coded=False))
    scan = scan_of(x, "dot", None, ready, scale.half).masked(mask)
    stand_in = (*queries.asked(queries.folded(q, None, "dot"), scan, "dot"), scan, size)
    ways = {
        "xbsql": lambda: device_search.topk(asked, k, ready, scale.half),
        "xbsql fused scan alone": lambda: similarity.peaks(*stand_in),
        "xbsql tiled scan alone": lambda: similarity.tiled_peaks(*stand_in),
        **peers.ways(q, x, k, mask),
    }
    floor = x.numel() * x.element_size() + q.numel() * q.element_size() + 12 * m * k
    dtype = torch.int8 if kind == "int8" else torch.bfloat16
    return Row(
        key,
        {"Q": m, "N": n, "d": d, "k": k},
        floor,
        2 * m * n * d,
        dtype,
        ways,
        partial(_same_rows, asked, k, ready, scale),
    )


def vectors(scale: Scale, m: int, n: int, d: int, kind: str) -> tuple[Tensor, Tensor]:
    """Unit rows in the dtype of the row's kind."""
    generator = torch.Generator(scale.device).manual_seed(0)
    dtype = {"float32": torch.float32, "int8": torch.int8}.get(kind, scale.half)
    made = []
    for count in (m, n):
        x = torch.empty(count, d, dtype=dtype, device=scale.device)
        for s in range(0, count, 1 << 20):
            part = torch.randn(min(1 << 20, count - s), d, generator=generator, device=scale.device)
            part = part / part.norm(dim=1, keepdim=True)
            x[s : s + len(part)] = (part * 40 * d**0.5).clamp(-127, 127) if dtype == torch.int8 else part
        made.append(x)
    return made[0], made[1]


def _same_rows(asked: Search, k: int, ready: Prepared | None, scale: Scale) -> None:
    """Some queries' rows must be those of float64 scores of everything."""
    from xbsql.kernels.cpu_topk import exhaustive
    from xbsql.kernels.device_search import topk

    scores, places = topk(asked, k, ready, scale.half)
    few = asked.problem().at(0, 8)
    wanted = exhaustive(few, k)
    torch.testing.assert_close(scores[: len(few.queries)], wanted[0], rtol=0, atol=0)
    torch.testing.assert_close(places[: len(few.queries)], wanted[1], rtol=0, atol=0)


def join(scale: Scale) -> Row:
    """All pairs of 200,000 rows whose cosine is at least 0.9; one row in a hundred has a near copy."""
    from xbsql.kernels import cpu_join, device_search
    from xbsql.kernels.cpu_problem import Problem

    n, d = scale.rows(200_000) // (1 if scale.divisor == 1 else 6), 384 if scale.divisor == 1 else 64
    _, x = vectors(scale, 1, n, d, "half")
    copies = n // 100 + 1
    x[-copies:] = x[:copies] + 0.01 * x[copies : 2 * copies]
    asked = device_search.Search(x, x, "cosine")

    def plain() -> Tensor:
        unit = torch.nn.functional.normalize(x.float(), dim=1).to(x.dtype)
        return torch.cat([((unit[s : s + 8192] @ unit.T) >= 0.9).nonzero() for s in range(0, n, 8192)])

    def check() -> None:
        host = Problem.of(x.cpu()[:2000], x.cpu()[:2000], "cosine", None, None)
        part = device_search.Search(x[:2000], x[:2000], "cosine")
        wanted = cpu_join.threshold_join(host, 0.9, True, None)
        found = device_search.threshold_join(part, 0.9, True, None, scale.half)
        for mine, theirs in zip(found, wanted, strict=True):
            torch.testing.assert_close(mine.cpu(), theirs, rtol=0, atol=0)

    ways = {
        "xbsql": lambda: device_search.threshold_join(asked, 0.9, True, None, scale.half),
        "torch": plain,
    }
    size = x.numel() * x.element_size()
    return Row("J1", {"N": n, "d": d}, size, n * n * d, torch.bfloat16, ways, check)
