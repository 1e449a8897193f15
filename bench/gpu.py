"""Every device kernel on a CUDA machine, checked, timed, set against the roofline; torch and Triton suffice.

The roofline is measured first: the bandwidth of a copy, that of the link from pinned memory, and the rate of
torch's matrix product in each dtype. Then each row of `bench/gpu_rows.py` is checked against float64 and
timed with CUDA events, all implementations of a row in turn. `<row>_vs_torch` is the time of the plain torch
way over ours, `<row>_floor` the share of the roofline reached, `fused_vs_tiled` how much faster the fused
scan is than torch's product into the cache plus one small kernel (S4): below 1 the simple one should be used.

Without a CUDA device the same code runs under Triton's interpreter at toy size: everything is checked,
nothing is timed, and the figures are nan, that is, unmeasured.
"""

from __future__ import annotations

import math
import os
import time
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.case import Bench, Timings
    from bench.gpu_rows import Row, Scale

SOURCES = [
    "bench/gpu_rows.py",
    "bench/gpu_shift_rows.py",
    "bench/topk_peers_gpu.py",
    "kernels/similarity.py",
    "kernels/device_search.py",
    "kernels/reweight.py",
    "kernels/kernel_mean.py",
    "kernels/covariance.py",
    "kernels/staging.py",
    "kernels/tuning.py",
]
KEYS = (
    *(f"S{number}" for number in range(1, 11)),
    *("J1", "R1", "M1", "M2", "C1", "D1", "T1", "T2"),
)
_SECONDS = 460  # after this the rest is left out: the whole must end within nine minutes
_ROW_SECONDS = 20  # after this a row has five rounds at the least, and no more


def run(bench: Bench) -> dict[str, float]:
    """Check and time every row; plot the shares of the roofline."""
    scale = _scale()
    real = scale.divisor == 1
    if real:
        import torch

        bench.device = torch.cuda.get_device_name(scale.device)
    else:
        print(
            "bench gpu: no CUDA device; checked under Triton's interpreter at toy size, nothing is measured"
        )
    rates = _roofline(bench, scale) if real else {}
    found: dict[str, float] = {f"{key}{kind}": math.nan for key in KEYS for kind in ("_vs_torch", "_floor")}
    found["fused_vs_tiled"] = math.nan
    started, ended = time.monotonic(), []
    from bench.gpu_rows import rows

    for row in rows(scale):
        row.check()
        bench.record(row.key, "xbsql", "checked", 1.0, sizes=row.sizes)
        print(f"{row.key}: right", flush=True)
        if not real:
            _timed(row.ways, 1)
        elif time.monotonic() - started < _SECONDS:
            found |= _measured(bench, row, rates)
            ended.append((row.key, row.flops / row.bytes, found[f"{row.key}_floor"]))
        del row  # its arrays, before the next row's are made
    if ended:
        _plot(ended, bench)
    return {"checked": len(KEYS), **found}


def _scale() -> Scale:
    """The GPU at full size, or the interpreter at toy size."""
    import torch

    real = torch.cuda.is_available()
    if not real:
        os.environ["TRITON_INTERPRET"] = "1"
    from bench.gpu_rows import Scale

    # The interpreter multiplies the bits of bfloat16 as integers.
    return Scale("cuda", torch.bfloat16, 1) if real else Scale("cpu", torch.float32, 1000)


def _roofline(bench: Bench, scale: Scale) -> dict[str, float]:
    """Bytes a second of a copy and flops a second of torch's product, by dtype."""
    import torch

    x = torch.empty(1 << 30, dtype=torch.uint8, device=scale.device)
    y = torch.empty_like(x)
    copy = _timed({"copy": lambda: y.copy_(x)}, 20)
    host = torch.empty(len(x), dtype=torch.uint8, pin_memory=True)
    link = _timed({"link": lambda: y.copy_(host, non_blocking=True)}, 5)
    rates = {"memory": 2 * len(x) / copy.seconds("copy").p50, "link": len(x) / link.seconds("link").p50}
    bench.record("roofline", "torch copy_", "bandwidth", rates["memory"] / 1e9, unit="GB/s")
    bench.record("roofline", "torch copy_ from pinned", "bandwidth", rates["link"] / 1e9, unit="GB/s")
    for dtype in (torch.bfloat16, torch.float32, torch.int8):
        a = torch.ones(8192, 8192, dtype=dtype, device=scale.device)
        call = (lambda a=a: torch._int_mm(a, a.T)) if dtype == torch.int8 else (lambda a=a: a @ a.T)
        rates[str(dtype)] = 2 * 8192**3 / _timed({"product": call}, 10).seconds("product").p50
        bench.record(
            "roofline", "torch product", "rate", rates[str(dtype)] / 1e12, unit="TFLOP/s", dtype=str(dtype)
        )
    return rates


def _measured(bench: Bench, row: Row, rates: Mapping[str, float]) -> dict[str, float]:
    """Time all implementations of a row; ours over torch and over the floor."""
    timings = _timed(row.ways, 5 if bench.quick else 20)
    floor = max(row.bytes / rates[row.road], row.flops / rates[str(row.dtype)])
    for name in row.ways:
        seconds = timings.seconds(name)
        dtype = str(row.dtype).removeprefix("torch.")
        record = partial(bench.record, row.key, name, dtype=dtype, sizes=row.sizes, bytes_moved=row.bytes)
        record(metric="time", value=seconds, unit="s")
        record(metric="share of floor", value=floor / seconds.p50)
    found = {
        f"{row.key}_vs_torch": timings.speedup("xbsql", "torch").p50,
        f"{row.key}_floor": floor / timings.seconds("xbsql").p50,
    }
    if row.key == "S4":
        names = ("xbsql fused scan alone", "xbsql tiled scan alone")
        found["fused_vs_tiled"] = timings.speedup(*names).p50
    return found


def _timed(ways: Mapping[str, Callable[[], object]], rounds: int) -> Timings:
    """Seconds of every call on the device, all of them once a round, after two rounds that do not count."""
    import torch

    from bench.case import Timings

    samples: dict[str, list[float]] = {name: [] for name in ways}
    real = torch.cuda.is_available()
    # Written between calls, so that none finds its data in the cache.
    flush = torch.empty((256 << 20) if real else 1, dtype=torch.uint8, device="cuda" if real else "cpu")
    started = time.monotonic()
    for turn in range(-2 if real else 0, rounds):
        if turn >= 5 and time.monotonic() - started > _ROW_SECONDS:
            break
        for name, call in ways.items():
            flush.zero_()
            seconds = _on_device(call) if real else _on_host(call)
            if turn >= 0:
                samples[name].append(seconds)
    return Timings(samples)


def _on_device(call: Callable[[], object]) -> float:
    import torch

    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record()
    call()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) / 1e3


def _on_host(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _plot(ended: list[tuple[str, float, float]], bench: Bench) -> None:
    """Flops a byte, where any, against the share of the roofline; none without matplotlib."""
    from bench.run import ROOT

    try:
        import matplotlib as mpl
    except ImportError:
        print("bench gpu: matplotlib is not installed, no roofline plot")
        return
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for key, intensity, share in ended:
        if intensity:
            axes.plot(intensity, share, "o", color="C0")
            axes.annotate(key, (intensity, share), xytext=(4, 4), textcoords="offset points")
    axes.set(xscale="log", xlabel="flops for each byte", ylabel="share of the roofline", ylim=(0, 1.05))
    axes.set_title(f"{bench.device}, {bench.date}")
    folder = ROOT / (".bench" if bench.quick else "bench/results")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "gpu_roofline.png", dpi=150)
    plt.close(figure)
