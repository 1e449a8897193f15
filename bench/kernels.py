"""Similarity search and kernel means on the CPU against what else there is, in one run.

Search: Q = 100 queries in N = 200,000 rows of d = 384, k = 10, float32, unit rows, on one thread and on two.
Every ratio is taken within a round of the same process and its median counts; the headline gives the worse of
the two thread counts. `topk` is timed as a first call on plain arrays (it measures row lengths, too), the
int8 scan on a prepared corpus; both return the rows of the float64 definition. `extra_mb` is what the peak of
resident memory rises above the state before the call, the larger of N and 4 N rows. `mmd2`: two samples of
50,000 x 128 against the same sum by torch in blocks, product or cdist, whichever is faster.
`k100_vs_best`: k = 100 and k = 1,000 at Q = 1,000, N = 50,000, d = 64, one thread, our time over that of the
faster of torch and tuned faiss, the worse of both; `q1_plain_vs_numpy`: one query on plain arrays, our time
over NumPy's product and argpartition.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bench import topk_peers as peers

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.case import Bench, Timings

TESTS = ["tests/kernels"]
SOURCES = [
    "bench/topk_peers.py",
    "kernels/cpu_topk.py",
    "kernels/cpu_scan.py",
    "kernels/cpu_wide.py",
    "kernels/cpu_half.py",
    "kernels/cpu_once.py",
    "kernels/cpu_gate.py",
    "kernels/cpu_pairs.py",
    "kernels/cpu_product.py",
    "kernels/cpu_mean.py",
]
K = 10
D = 384
_THREADS = (1, 2)


def run(bench: Bench) -> dict[str, float]:
    """Measure search, memory and mmd2; see the module."""
    n, m, rounds = (50_000, 50, 3) if bench.quick else (200_000, 100, 9)
    bench.plan(3 * len(_THREADS) + 5)
    many = [bench.unit(f"search, {t} threads", partial(_search, bench, n, m, rounds, t)) for t in _THREADS]
    duck = [bench.unit(f"duckdb, {t} threads", partial(_duckdb, bench, n, m, t)) for t in _THREADS]
    one = [bench.unit(f"one query, {t} threads", partial(_one, bench, n, 3 * rounds, t)) for t in _THREADS]
    extra = bench.unit("memory of topk", lambda: max(_extra_topk(bench, size, m) for size in (n, 4 * n)))
    size = 10_000 if bench.quick else 50_000
    mean = bench.unit("mmd2", lambda: _mmd2(bench, size))
    memory = bench.unit("memory of mmd2", lambda: _extra_mmd2(bench, size))
    wide = [bench.unit(f"many results, {k}", partial(_wide, bench, k, rounds)) for k in (100, 1000)]
    plain = bench.unit("one query on plain arrays", partial(_plain, bench, n, 3 * rounds))
    return {
        "over_matmul": max(each["over_matmul"] for each in many),
        "vs_faiss_tuned": min(each["vs_faiss_tuned"] for each in many),
        "vs_faiss": min(each["vs_faiss"] for each in many),
        "vs_duckdb": min(duck),
        "int8_vs_fp32": min(each["int8_vs_fp32"] for each in many),
        "int8_recall": min(each["int8_recall"] for each in many),
        "q1_bandwidth": min(one),
        "extra_mb": extra,
        "mmd2_vs_torch": mean,
        "mmd2_mb": memory,
        "k100_vs_best": max(wide),
        "q1_plain_vs_numpy": plain,
    }


def _vectors(n: int, m: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Unit rows: m queries and n rows."""
    rng = np.random.default_rng(0)
    q, x = (rng.standard_normal((rows, D), dtype=np.float32) for rows in (m, n))
    return q / np.linalg.norm(q, axis=1, keepdims=True), x / np.linalg.norm(x, axis=1, keepdims=True)


def _search(bench: Bench, n: int, m: int, rounds: int, count: int) -> dict[str, float]:
    """Ratios of a search with m queries on `count` threads."""
    from xbsql.kernels import prepare, topk

    q, x = _vectors(n, m)
    ready = prepare(x)
    a, b, out = torch.from_numpy(q), torch.from_numpy(x), torch.empty(m, n)
    ways: dict[str, Callable[[], Any]] = {
        "torch matmul alone": lambda: torch.mm(a, b.T, out=out),
        "xbsql topk": lambda: topk(q, x, K)[1],
        "xbsql topk int8": lambda: topk(q, x, K, prepared=ready)[1],
        "torch blocks": peers.torch_blocks(q, x, K),
        "numpy blocks": peers.numpy_blocks(q, x, K),
        **peers.faiss_flat(q, x, K, count),
        **peers.usearch_exact(q, x, K, count),
    }
    with peers.threads(count):
        timings = bench.timed(ways, rounds=rounds)
        wanted = peers.exact_rows(q, x, K)
        for name, way in ways.items():
            if name != "torch matmul alone":
                _record(bench, f"search, {count} threads", name, "recall", peers.recall(way(), wanted), n, m)
    _record_times(bench, f"search, {count} threads", timings, n, m)
    return _ratios(timings) | {"int8_recall": peers.recall(ways["xbsql topk int8"](), wanted)}


def _ratios(timings: Timings) -> dict[str, float]:
    """The headline's ratios of one thread count; nan for a peer that is not installed."""
    ours, names = "xbsql topk", timings.samples
    tuned = [name for name in names if name.startswith("faiss blas")]
    faster = [timings.speedup(ours, name).p50 for name in tuned]
    return {
        "over_matmul": timings.speedup("torch matmul alone", ours).p50,
        "vs_faiss_tuned": min(faster, default=float("nan")),
        "vs_faiss": timings.speedup(ours, "faiss default").p50 if "faiss default" in names else float("nan"),
        "int8_vs_fp32": timings.speedup("xbsql topk int8", ours).p50,
    }


def _duckdb(bench: Bench, n: int, m: int, count: int) -> float:
    """How many times faster than DuckDB's own array_cosine_similarity, on cosine."""
    from xbsql.kernels import topk

    q, x = _vectors(n, m)
    ways = {
        "xbsql topk cosine": lambda: topk(q, x, K, metric="cosine")[1],
        "duckdb array_cosine_similarity": peers.duckdb_table(q, x, K, count),
    }
    with peers.threads(count):
        timings = bench.timed(ways, rounds=2, warmup=0)
    _record_times(bench, f"cosine in a table, {count} threads", timings, n, m)
    return timings.speedup("xbsql topk cosine", "duckdb array_cosine_similarity").p50


def _one(bench: Bench, n: int, rounds: int, count: int) -> float:
    """Bytes a second of one query over those of a plain sum of the same matrix."""
    from xbsql.kernels import prepare, topk

    q, x = _vectors(n, 1)
    lengths, codes, whole = prepare(x, codes=False), prepare(x), torch.from_numpy(x)
    ways: dict[str, Callable[[], Any]] = {
        "torch sum": lambda: whole.sum(),
        "xbsql topk": lambda: topk(q, x, K),
        "xbsql topk prepared": lambda: topk(q, x, K, prepared=lengths),
        "xbsql topk int8": lambda: topk(q, x, K, prepared=codes),
        "torch mv and topk": lambda: torch.topk(torch.mv(whole, torch.from_numpy(q[0])), K),
        **{name: way for name, way in peers.faiss_flat(q, x, K, count).items() if name == "faiss default"},
        **peers.one_query_products(q, x),
    }
    with peers.threads(count):
        timings = bench.timed(ways, rounds=rounds, warmup=2)
    _record_times(bench, f"one query, {count} threads", timings, n, 1)
    return timings.speedup("xbsql topk prepared", "torch sum").p50


def _wide(bench: Bench, k: int, rounds: int) -> float:
    """Our time for k results of each of 1,000 queries over that of the faster of torch and tuned faiss."""
    from xbsql.kernels import topk

    rng = np.random.default_rng(0)
    q, x = (rng.standard_normal((rows, 64), dtype=np.float32) for rows in (1000, 50_000))
    q, x = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (q, x))
    a, b = torch.from_numpy(q), torch.from_numpy(x)
    ways: dict[str, Callable[[], Any]] = {
        "xbsql topk": lambda: topk(q, x, k)[1],
        "torch": lambda: torch.topk(a @ b.T, k, dim=1).indices.numpy(),
        **peers.faiss_flat(q, x, k, 1),
    }
    with peers.threads(1):
        timings = bench.timed(ways, rounds=rounds)
        wanted = peers.exact_rows(q[:20], x, k)
        for name, way in ways.items():
            found = peers.recall(way()[:20], wanted)
            bench.record(f"many results, {k}", name, "recall", found, sizes=_sizes(1000, 50_000, 64, k))
    for name in ways:
        seconds = timings.seconds(name)
        bench.record(f"many results, {k}", name, "time", seconds, unit="s", sizes=_sizes(1000, 50_000, 64, k))
    return max(timings.speedup(name, "xbsql topk").p50 for name in ways if name != "xbsql topk")


def _sizes(m: int, n: int, d: int, k: int) -> dict[str, object]:
    return {"Q": m, "N": n, "d": d, "k": k}


def _plain(bench: Bench, n: int, rounds: int) -> float:
    """Our time for one query on plain arrays over that of NumPy's product and argpartition, one thread."""
    from xbsql.kernels import topk

    q, x = _vectors(n, 1)
    ways: dict[str, Callable[[], Any]] = {
        "xbsql topk": lambda: topk(q, x, K),
        "numpy product and argpartition": lambda: np.argpartition(-(x @ q[0]), K - 1)[:K],
    }
    with peers.threads(1):
        timings = bench.timed(ways, rounds=rounds, warmup=2)
    _record_times(bench, "one query, plain arrays", timings, n, 1)
    return timings.speedup("numpy product and argpartition", "xbsql topk").p50


def _mmd2(bench: Bench, n: int) -> float:
    """How many times faster than the better of two blocked ways in torch, on two threads."""
    from xbsql.kernels import mmd2

    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(n, 128, generator=generator), torch.randn(n, 128, generator=generator) + 0.05
    ways = {
        "xbsql mmd2": lambda: mmd2(x, y, gamma=1 / 256),
        "torch product in blocks": lambda: _torch_mmd2(x, y, 1 / 256, _product_block),
        "torch cdist in blocks": lambda: _torch_mmd2(x, y, 1 / 256, _cdist_block),
    }
    with peers.threads(2):
        timings = bench.timed(ways, rounds=2, warmup=0)
    for name in ways:
        bench.record(
            "mmd2, 2 threads", name, "time", timings.seconds(name), unit="s", sizes={"n": n, "d": 128}
        )
    return min(timings.speedup("xbsql mmd2", name).p50 for name in list(ways)[1:])


def _torch_mmd2(
    x: Tensor, y: Tensor, gamma: float, block: Callable[[Tensor, Tensor, float], Tensor]
) -> float:
    """The unbiased estimate the plain way: three full sums, a block at a time."""

    def total(a: Tensor, b: Tensor) -> float:
        starts = [(i, j) for i in range(0, len(a), 2048) for j in range(0, len(b), 2048)]
        return sum((float(block(a[i : i + 2048], b[j : j + 2048], gamma).sum()) for i, j in starts), 0.0)

    n = len(x)
    return (total(x, x) - n + total(y, y) - n) / (n * (n - 1)) - 2 * total(x, y) / n**2


def _product_block(a: Tensor, b: Tensor, gamma: float) -> Tensor:
    distance = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T)
    return distance.clamp_(min=0).mul_(-gamma).exp_()


def _cdist_block(a: Tensor, b: Tensor, gamma: float) -> Tensor:
    return torch.cdist(a, b).square_().mul_(-gamma).exp_()


_MEMORY = """
import os; os.environ["OMP_NUM_THREADS"] = "1"
from pathlib import Path
import numpy as np, torch
from xbsql.kernels import mmd2, topk
torch.set_num_threads(1)
def resident(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024
rng = np.random.default_rng(0)
{setup}
before = resident("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
{call}
print(resident("VmHWM") - before)
"""


def _extra(setup: str, call: str) -> float:
    """MB by which the peak of resident memory rises above the state before; a fresh process, Linux only."""
    code = _MEMORY.format(setup=setup, call=call)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _extra_topk(bench: Bench, n: int, m: int) -> float:
    setup = (
        f"x = rng.standard_normal(({n}, {D}), dtype=np.float32); q = x[:{m}].copy()\n"
        "topk(q[:2], x[:1000], 10)"
    )
    found = _extra(setup, f"topk(q, x, {K})")
    _record(bench, "memory", "xbsql topk", "peak above before", found, n, m, "MB")
    return found


def _extra_mmd2(bench: Bench, n: int) -> float:
    setup = (
        f"x, y = (torch.from_numpy(rng.standard_normal(({n}, 128), dtype=np.float32)) for _ in range(2))\n"
        "mmd2(x[:99], y[:99], gamma=0.01)"
    )
    found = _extra(setup, "mmd2(x, y, gamma=0.01)")
    bench.record("memory", "xbsql mmd2", "peak above before", found, unit="MB", sizes={"n": n, "d": 128})
    return found


def _record(
    bench: Bench, case: str, name: str, metric: str, value: float, n: int, m: int, unit: str = ""
) -> None:
    bench.record(case, name, metric, value, unit=unit, sizes={"Q": m, "N": n, "d": D, "k": K})


def _record_times(bench: Bench, case: str, timings: Timings, n: int, m: int) -> None:
    for name in timings.samples:
        bench.record(
            case,
            name,
            "time",
            timings.seconds(name),
            unit="s",
            dtype="float32",
            sizes={"Q": m, "N": n, "d": D, "k": K},
            bytes_moved=4 * D * (n + m),
        )
