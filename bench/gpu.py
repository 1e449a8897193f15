"""Every device kernel on a CUDA machine, checked, timed, set against the roofline; torch and Triton suffice.

    python -m bench.run gpu --list                                  the rows and the providers
    python -m bench.run gpu --rows S1,S4 --seconds 480 --out DIR    some rows, within a time, written to DIR
    python -m bench.run gpu --providers torch,jax --json            fewer peers, the table as JSON, too

The roofline is measured first, on random data: the bandwidth of a copy and of a sum, that of the link from
pinned memory, and the rate of torch's product in each dtype; a row that goes beyond it raises it, so that no
share exceeds 1. The most telling rows come first. Each is checked against float64, timed with CUDA events,
all implementations in turn, and written before the next begins; peers whose result is wrong are left out,
and a row that fails says so and the rest goes on. The same command goes on after an interruption.
`<row>_vs_torch` is the time of the plain torch way over ours, `<row>_floor` the share of the roofline.

Without a CUDA device the same code runs under Triton's interpreter at toy size: everything is checked,
nothing is timed, and the figures are nan, that is, unmeasured.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.case import Bench
    from bench.gpu_rows import Row, Scale

SOURCES = [
    "bench/gpu_rows.py",
    "bench/gpu_shift_rows.py",
    "bench/gpu_timing.py",
    "bench/topk_peers_gpu.py",
    "bench/kernel_peers_gpu.py",
    "kernels/similarity.py",
    "kernels/device_search.py",
    "kernels/device_exact.py",
    "kernels/queries.py",
    "kernels/rescore.py",
    "kernels/scan.py",
    "kernels/reweight.py",
    "kernels/kernel_mean.py",
    "kernels/covariance.py",
    "kernels/staging.py",
    "kernels/tuning.py",
]


class Options(NamedTuple):
    """What was asked for: all rows and all providers, for so many seconds, unless said otherwise."""

    rows: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    seconds: float = 460.0
    out: Path | None = None
    json: bool = False


class _Asked:
    """The options of this process."""

    options = Options()


def configure(rest: Sequence[str]) -> bool:
    """Take the arguments after the subject; False where they only asked what there is."""
    from bench.gpu_rows import KEYS
    from bench.topk_peers_gpu import PROVIDERS, missing

    parser = argparse.ArgumentParser(prog="bench.run gpu", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print the rows and the providers")
    parser.add_argument("--rows", default="", help="keys, comma between: S1,S4")
    parser.add_argument("--providers", default="", help="of the peers, comma between: torch,jax")
    parser.add_argument("--seconds", type=float, default=Options().seconds, help="no row begins after them")
    parser.add_argument("--out", type=Path, help="a folder for the table, the plots and the JSON")
    parser.add_argument("--json", action="store_true", help="write the rows as JSON, too")
    given = parser.parse_args(rest)
    if given.list:
        print(f"rows: {' '.join(KEYS)}\nproviders: {' '.join(PROVIDERS)}")
        print("torch: as it stands, compiled (torch.compile), and in a CUDA graph (torch graph)")
        print(f"not installed here: {' '.join(missing())}")
        return False
    rows, providers = (tuple(filter(None, each.split(","))) for each in (given.rows, given.providers))
    for name, some, known in (("rows", rows, KEYS), ("providers", providers, PROVIDERS)):
        unknown = [each for each in some if each not in known]
        if unknown:
            parser.error(f"no {name} {', '.join(unknown)}; there is {' '.join(known)}")
    _Asked.options = Options(rows, providers, given.seconds, given.out, given.json)
    return True


def run(bench: Bench) -> dict[str, float]:
    """Check and time the rows that were asked for; write, plot and table after each."""
    from bench import gpu_timing as timing

    scale, options = timing.scale(), _Asked.options
    real = scale.divisor == 1
    if real:
        import torch

        bench.device = torch.cuda.get_device_name(scale.device)
    else:
        print("bench gpu: no CUDA device; checked under Triton's interpreter at toy size, nothing measured")
    from bench.gpu_rows import KEYS, makers
    from bench.topk_peers_gpu import missing

    for name, package in missing().items():
        if not options.providers or name in options.providers:
            print(f"bench gpu: {name} left out: {package} is not installed")
    chosen = [key for key in KEYS if not options.rows or key in options.rows]
    rates: dict[str, float] = bench.unit("roofline", partial(timing.roofline, bench, scale)) if real else {}
    found = {f"{key}{kind}": math.nan for key in chosen for kind in ("_vs_torch", "_floor")}
    found |= {"checked": 0.0, "failed": 0.0}
    started, made = time.monotonic(), makers(scale)
    for key in chosen:
        if time.monotonic() - started > options.seconds:
            print(f"bench gpu: {key} left out: {options.seconds:.0f} s are over")
            continue
        figures: dict[str, float] = bench.unit(key, partial(_row, bench, key, made[key], rates, scale))
        found["checked" if "failed" not in figures else "failed"] += 1
        found |= {f"{key}{name}": value for name, value in figures.items() if name != "failed"}
        _written(bench, rates)
    return found


def _row(
    bench: Bench, key: str, make: partial[Row], rates: dict[str, float], scale: Scale
) -> dict[str, float]:
    """Check and time one row; {"failed": 1} and a row that says why where that does not end well."""
    try:
        return _measured(bench, make(), rates, scale)
    except Exception as problem:
        text = f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}"
        print(f"{key}: FAILED {text}", flush=True)
        bench.record(key, text, "failed", 1.0)
        return {"failed": 1.0}


def _measured(bench: Bench, row: Row, rates: dict[str, float], scale: Scale) -> dict[str, float]:
    """Our time over torch's, and the share of the roofline, of a row whose results are right."""
    from bench import gpu_timing as timing

    row.check()
    bench.record(row.key, "xbsql", "checked", 1.0, sizes=row.sizes)
    ways = timing.right(row, _Asked.options.providers)
    print(f"{row.key}: right", flush=True)
    if scale.divisor > 1:
        timing.timed(ways, 1)
        return {}
    timings = timing.timed(ways, 5 if bench.quick else 20)
    fastest = min(timings.seconds(name).p50 for name in ways)
    rates[row.road] = max(rates[row.road], row.bytes / fastest)
    rates[str(row.dtype)] = max(rates[str(row.dtype)], row.flops / fastest)
    floor = max(row.bytes / rates[row.road], row.flops / rates[str(row.dtype)])
    for name in ways:
        seconds = timings.seconds(name)
        dtype = str(row.dtype).removeprefix("torch.")
        record = partial(bench.record, row.key, name, dtype=dtype, sizes=row.sizes, bytes_moved=row.bytes)
        record(metric="time", value=seconds, unit="s")
        record(metric="share of floor", value=floor / seconds.p50)
        record(metric="bandwidth", value=row.bytes / seconds.p50 / 1e9, unit="GB/s")
        record(metric="rate", value=row.flops / seconds.p50 / 1e12, unit="TFLOP/s")
        if name != "xbsql":
            record(metric="xbsql is faster by", value=timings.speedup("xbsql", name))
    figures = {"_floor": floor / timings.seconds("xbsql").p50}
    return figures | ({"_vs_torch": timings.speedup("xbsql", "torch").p50} if "torch" in ways else {})


def _written(bench: Bench, rates: Mapping[str, float]) -> None:
    """The table so far, its plots and its Markdown, where they were asked for."""
    from bench.gpu_plot import curves, markdown, roofline
    from bench.run import write

    folder = _Asked.options.out
    if folder is None:
        return
    write(bench.rows, folder / "gpu.csv")
    (folder / "gpu.md").write_text(markdown(bench.rows), encoding="utf-8")
    if _Asked.options.json:
        rows: list[dict[str, Any]] = [asdict(row) for row in bench.rows]
        (folder / "gpu.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    if rates:
        roofline(bench.rows, rates, folder)
        curves(bench.rows, folder)
