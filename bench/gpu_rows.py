"""The rows of `bench.gpu`: what is computed, by whom, what it must move and multiply, and how it is checked.

Here are the rows S (search) and J (join); those around reweighting are in `bench/gpu_shift_rows.py`. Each row
gives calls that return what `check` compares; "xbsql" is the public way on a resident corpus, "torch" the
plain one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from bench import topk_peers_gpu as peers

if TYPE_CHECKING:
    from collections.abc import Callable

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
        agrees: whether a peer's result is ours, up to its dtype's rounding.
    """

    key: str
    sizes: dict[str, object]
    bytes: int
    flops: int
    dtype: torch.dtype
    ways: dict[str, Callable[[], Any]] = field(repr=False)
    check: Callable[[], None] = field(repr=False)
    road: Literal["memory", "link"] = "memory"
    agrees: Callable[[Any, Any], bool] = field(default=lambda _ours, _theirs: True, repr=False)


SEARCHES: dict[str, tuple[int, int, int, int, str]] = {  # queries, rows, columns, k, kind
    "S4": (1024, 10**6, 384, 10, "half"),
    "S5": (1024, 10**6, 384, 10, "float32"),
    "S1": (1, 10**6, 384, 10, "half"),
    "S6": (1024, 10**6, 384, 10, "int8"),
    "S2": (1, 10**7, 384, 10, "half"),
    "S3": (64, 10**6, 384, 10, "half"),
    "S8": (4096, 10**6, 384, 100, "half"),
    "S9": (1024, 10**6, 384, 10, "masked .5"),
    "S9-5%": (1024, 10**6, 384, 10, "masked .05"),
    "S9-category": (1024, 10**6, 384, 10, "category"),
    "S10": (4096, 10**6, 128, 1, "half"),
    "S2-int8": (1, 10**7, 384, 10, "int8"),
    "S2-float32": (1, 10**7, 384, 10, "float32"),
    "S7": (65536, 10**6, 384, 10, "half"),
    "S8-1024": (4096, 10**6, 384, 1024, "half"),
}
OTHERS = ("J1", "R1", "M1", "M2", "C1", "D1", "T1", "T2")
SWEEPS: dict[str, tuple[int, int, int, int, str]] = {
    **{f"sweep-N-{n}": (64, n, 384, 10, "half") for n in (10**4, 10**5, 10**6, 10**7)},
    **{f"sweep-Q-{m}": (m, 10**6, 384, 10, "half") for m in (1, 16, 64, 256, 1024, 4096)},
    **{f"sweep-k-{k}": (1024, 10**6, 384, k, "half") for k in (1, 10, 100, 1000)},
    **{f"sweep-d-{d}": (1024, 10**6, d, 10, "half") for d in (64, 128, 384, 768)},
}
KEYS = (*list(SEARCHES)[:6], "J1", "M1", *list(SEARCHES)[6:], *OTHERS[1:2], *OTHERS[3:], *SWEEPS)
"""The most telling rows first."""


def makers(scale: Scale) -> dict[str, partial[Row]]:
    """What makes each row: the memory of one is free before the next is made."""
    from bench import gpu_shift_rows as shift

    made = {
        key: partial(search, key, scale, each[:4], each[4]) for key, each in {**SEARCHES, **SWEEPS}.items()
    }
    return made | {
        "J1": partial(join, scale),
        "R1": partial(shift.normalize, scale),
        "M1": partial(shift.mmd, scale),
        "M2": partial(shift.matvec, scale),
        "C1": partial(shift.covariance, scale),
        "D1": partial(shift.domains, scale),
        "T1": partial(shift.transfer, "T1", scale, 10**6),
        "T2": partial(shift.transfer, "T2", scale, 10**7),
    }


def search(key: str, scale: Scale, shape: tuple[int, int, int, int], kind: str) -> Row:
    """Top k of m queries in n prepared rows of d columns; a mask leaves a share, or one category of 1,000."""
    from xbsql.kernels import device_search, prepare, queries, similarity
    from xbsql.kernels.replay import FEW
    from xbsql.kernels.scan import scan_of
    from xbsql.kernels.tuning import group_size

    m, n = scale.queries(shape[0]), scale.rows(shape[1])
    d, k = (shape[2], shape[3]) if scale.divisor == 1 else (min(96, shape[2] // 4), min(shape[3], 3))
    q, x = vectors(scale, m, n, d, kind)
    mask = None
    if kind.startswith("masked"):
        mask = torch.rand(n, device=scale.device) < float(kind.split()[1])
    if kind == "category":
        mask = torch.arange(n, device=scale.device) // -(-n // min(1000, n // 4)) == 3
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
    if ready is not None and mask is None and m <= FEW:
        ways["xbsql launch by launch"] = partial(_launched, asked, k, ready, scale)
    alive = n if mask is None else int(mask.sum())
    floor = alive * d * x.element_size() + q.numel() * q.element_size() + 12 * m * k
    if kind == "float32":
        floor -= alive * d * 2  # the scan reads bfloat16, which is what was prepared
    return Row(
        key,
        {"Q": m, "N": n, "d": d, "k": k},
        floor,
        2 * m * alive * d,
        torch.int8 if kind == "int8" else torch.bfloat16,
        ways,
        partial(_same_rows, asked, k, ready, scale),
        agrees=_most_rows,
    )


def _launched(asked: Search, k: int, ready: Prepared, scale: Scale) -> tuple[Tensor, Tensor]:
    """The search without a CUDA graph: what was prepared has not been asked before."""
    from xbsql.kernels.device_search import topk

    new = replace(ready)
    new.scans.update(ready.scans)
    return topk(asked, k, new, scale.half)


def _most_rows(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> bool:
    """Whether nine tenths of the rows are the same: a product rounded to bfloat16 changes some."""
    mine, other = (torch.as_tensor(each[1])[:64].cpu().long() for each in (ours, theirs))
    hits = (mine[:, :, None] == other[:, None, :]).any(dim=2) | (mine < 0)
    return float(hits.float().mean()) >= 0.9


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
    few = asked.request().at(0, 8)
    wanted = exhaustive(few, k)
    torch.testing.assert_close(scores[: len(few.queries)], wanted[0], rtol=0, atol=0)
    torch.testing.assert_close(places[: len(few.queries)], wanted[1], rtol=0, atol=0)


def join(scale: Scale) -> Row:
    """All pairs of 200,000 rows whose cosine is at least 0.9; one row in a hundred has a near copy."""
    from xbsql.kernels import cpu_join, device_search
    from xbsql.kernels.cpu_request import Request

    n, d = scale.rows(200_000) // (1 if scale.divisor == 1 else 6), 384 if scale.divisor == 1 else 64
    _, x = vectors(scale, 1, n, d, "half")
    copies = n // 100 + 1
    x[-copies:] = x[:copies] + 0.01 * x[copies : 2 * copies]
    asked = device_search.Search(x, x, "cosine")

    def plain() -> Tensor:
        unit = torch.nn.functional.normalize(x.float(), dim=1).to(x.dtype)
        found = []
        for s in range(0, n, 8192):
            pairs = ((unit[s : s + 8192] @ unit.T) >= 0.9).nonzero()
            pairs[:, 0] += s
            found.append(pairs)
        return torch.cat(found)

    def check() -> None:
        host = Request.of(x.cpu()[:2000], x.cpu()[:2000], "cosine", None, None)
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
    return Row("J1", {"N": n, "d": d}, size, n * n * d, torch.bfloat16, ways, check, agrees=_some_pairs)


def _some_pairs(ours: tuple[Tensor, ...], theirs: Tensor) -> bool:
    """Whether as many pairs were found, within a tenth: theirs count both orders and each row with itself."""
    count = (len(theirs) - int((theirs[:, 0] == theirs[:, 1]).sum())) / 2
    return abs(count - len(ours[0])) <= 0.1 * len(ours[0]) + 2
