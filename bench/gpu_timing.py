"""How `bench.gpu` measures: the scale, the roofline, which peers are right, and rounds of device time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.case import Bench, Timings
    from bench.gpu_rows import Row, Scale

_ROW_SECONDS = 20  # after this a row has five rounds at the least, and no more


def scale() -> Scale:
    """The GPU at full size, or the interpreter, with the arithmetic of tensor cores, at toy size."""
    import torch

    real = torch.cuda.is_available()
    if not real:
        from bench import gpu_interpreter

        gpu_interpreter.install()
    from bench.gpu_rows import Scale

    return Scale("cuda", torch.bfloat16, 1) if real else Scale("cpu", torch.bfloat16, 1000)


def roofline(bench: Bench, scale: Scale) -> dict[str, float]:
    """Bytes a second of memory and link, and flops a second of torch's product by dtype, on random data."""
    import torch

    x = torch.randint(0, 256, (1 << 30,), dtype=torch.uint8, device=scale.device)
    y, host = torch.empty_like(x), torch.empty(len(x), dtype=torch.uint8, pin_memory=True)
    whole = x.view(torch.float32).nan_to_num_(0.0)
    ways: dict[str, Callable[[], object]] = {"copy": lambda: y.copy_(x), "sum": lambda: whole.sum()}
    times = timed(ways, 20)
    link = timed({"link": lambda: y.copy_(host, non_blocking=True)}, 5).seconds("link").p50
    seconds = {name: times.seconds(name).p50 for name in ways}
    memory = max(2 * len(x) / seconds["copy"], len(x) / seconds["sum"])
    rates = {"memory": memory, "link": len(x) / link}
    for name, rate in rates.items():
        bench.record("roofline", f"torch {name}", "bandwidth", rate / 1e9, unit="GB/s")
    for dtype in (torch.bfloat16, torch.float32, torch.int8):
        a = (64 * torch.rand(8192, 8192, device=scale.device) - 32).to(dtype)
        call = (lambda a=a: torch._int_mm(a, a.T)) if dtype == torch.int8 else (lambda a=a: a @ a.T)
        rate = 2 * 8192**3 / timed({"product": call}, 10).seconds("product").p50
        rates[str(dtype)] = rate
        bench.record("roofline", "torch product", "rate", rate / 1e12, unit="TFLOP/s", dtype=str(dtype))
    return rates


def right(row: Row, providers: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """The ways of a row that were asked for and whose results agree with ours; ours first."""
    ours, ways = row.ways["xbsql"](), {}
    for name, way in row.ways.items():
        if providers and not name.startswith(("xbsql", *providers)):
            continue
        try:
            agree = name.startswith("xbsql") or row.agrees(ours, way())
        except Exception as problem:
            text = f"{type(problem).__name__}: {' '.join(str(problem).split())[:100]}"
            print(f"bench gpu: {row.key}: {name} left out: {text}")
            continue
        if agree:
            ways[name] = way
        else:
            print(f"bench gpu: {row.key}: {name} left out: its result is another")
    return ways


def timed(ways: Mapping[str, Callable[[], object]], rounds: int) -> Timings:
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
