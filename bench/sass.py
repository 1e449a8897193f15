"""What the Triton kernels become on sm_90, without a device: registers, spills, memory, tensor-core products.

Every kernel is compiled in every shape that `kernels/tuning.py` may launch, the machine code is disassembled
with the tools inside the triton package, and counted: a spill or a local-memory access costs more than any
tuning gains, a kernel that asks for more than 227 KB of shared memory compiles and cannot be launched, and a
product that is not HGMMA or IGMMA (wgmma) runs at a fraction of the tensor cores' rate.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.case import Bench

TESTS = ["tests/kernels/test_sass.py"]
SOURCES = [
    "kernels/similarity.py",
    "kernels/queries.py",
    "kernels/rescore.py",
    "kernels/reweight.py",
    "kernels/kernel_mean.py",
    "kernels/covariance.py",
    "kernels/tuning.py",
]

_SHORT = {"bfloat16": "bf16", "float32": "fp32", "int8": "i8", "float16": "fp16"}


class Case(NamedTuple):
    """One compilation: function, argument types, constants, launch options, whether it holds products."""

    label: str
    module: str
    function: str
    signature: Mapping[str, str]
    constants: Mapping[str, object]
    warps: int
    stages: int
    product: bool
    registers: int | None = None


class Report(NamedTuple):
    """What came out: counts of registers, bytes and instructions."""

    registers: int
    stack: int
    local: int
    shared: int
    wgmma: int
    mma: int


def cases() -> Iterator[Case]:
    """Every kernel in every shape it may be launched in."""
    yield from _scans()
    for kind in ("bf16", "fp32", "i32"):
        yield _tile_peaks(kind)
    yield from _queries()
    for metric in ("dot", "cosine", "l2"):
        yield from _exact(metric)
    for out, quantize in (("bf16", False), ("fp32", False), ("i8", True)):
        yield _reweight(out, quantize)
    for triangle in (False, True):
        yield _rbf(triangle)
    for weighted in (False, True):
        yield _square(weighted)


_BOUNDS = dict.fromkeys(("bias_ptr", "scale_ptr", "rest_ptr", "reach_ptr", "ask_ptr"), "*fp32")


def _scans() -> Iterator[Case]:
    import torch

    from xbsql.kernels.tuning import candidates

    tiles = [(tile, dtype) for dtype in (torch.bfloat16, torch.int8) for tile in candidates(dtype)]
    for tile, dtype in tiles:
        kind = _SHORT[str(dtype).removeprefix("torch.")]
        for size in (8, 64):
            signature = {
                "q_desc": f"tensordesc<{kind}[{tile.queries},{tile.depth}]>",
                "x_desc": f"tensordesc<{kind}[{tile.rows},{tile.depth}]>",
                **_BOUNDS,
                "out_ptr": "*i16",
                **dict.fromkeys(("m", "n", "bounds", "groups", "tiles"), "i32"),
            }
            constants = {
                "HAS_BIAS": True,
                "HAS_SCALE": kind == "i8",
                "INT": kind == "i8",
                "FEW": tile.few,
                "G": size,
                "SHARE": 64 // size,
                "BQ": tile.queries,
                "BN": tile.rows,
                "BD": tile.depth,
                "KI": 384 // tile.depth,
                "STAGES": tile.stages,
                "FLAT": tile.flat,
            }
            shape = f"{tile.queries}x{tile.rows}x{tile.depth}{' flat' * tile.flat}"
            label = f"{kind} {shape} group {size}, {tile.stages} stages"
            yield Case(
                label, "similarity", "peaks_kernel", signature, constants, tile.warps, tile.stages, True
            )


def _tile_peaks(kind: str) -> Case:
    signature = {
        "score_ptr": f"*{kind}",
        **_BOUNDS,
        "out_ptr": "*i16",
        **dict.fromkeys(("m", "n", "bounds", "groups", "start", "width"), "i32"),
    }
    constants = {"HAS_BIAS": True, "HAS_SCALE": kind == "i32", "G": 32, "SHARE": 2, "BQ": 16, "BN": 256}
    return Case(f"{kind} 16x256", "similarity", "tile_peaks_kernel", signature, constants, 4, 3, False)


def _queries() -> Iterator[Case]:
    fold = {"q_ptr": "*fp32", "w_ptr": "*fp64", "out_ptr": "*fp64"} | dict.fromkeys(
        ("d", "stride", "step"), "i32"
    )
    constants: dict[str, object] = {"HAS_WEIGHTS": True, "UNIT": True, "BD": 1024}
    yield Case("fp32 cosine", "queries", "fold_kernel", fold, constants, 4, 3, False)
    for kind, out in enumerate(("i16", "fp32", "i8")):
        cast = {"v_ptr": "*fp64", "out_ptr": f"*{out}", "asked_ptr": "*fp32"}
        cast |= dict.fromkeys(("m", "d", "columns"), "i32") | dict.fromkeys(("relative", "lost"), "fp32")
        constants = {"KIND": kind, "L2": kind == 0, "BD": 1024, "WILD": 1e15, "UNDERFLOW": 1e-30}
        yield Case(f"to {out}", "queries", "cast_kernel", cast, constants, 4, 3, False)


def _exact(metric: str) -> Iterator[Case]:
    from xbsql.kernels.device_exact import REGISTERS

    shared = {"q_ptr": "*fp64", "w_ptr": "*fp64", "x_ptr": "*fp32", "alive_ptr": "*u8"}
    sizes = dict.fromkeys(("n", "d", "stride"), "i32")
    constants: dict[str, object] = {"HAS_WEIGHTS": metric != "dot", "HAS_ALIVE": True}
    constants |= {"METRIC": ("dot", "cosine", "l2").index(metric), "G": 32, "BD": 64}
    listed = shared | {"query_ptr": "*i64", "group_ptr": "*i64", "out_ptr": "*fp32"} | sizes
    yield Case(f"fp32 {metric}", "rescore", "rescore_kernel", listed, constants, 4, 3, False)
    picked = shared | {"pick_ptr": "*i64", "wide_ptr": "*i64", "out_ptr": "*i64"} | sizes
    picked |= dict.fromkeys(("count", "width"), "i32")
    wide: dict[str, object] = {"HAS_WIDE": True, "WIDE": 32}
    yield Case(f"fp32 {metric}", "rescore", "keys_kernel", picked, constants | wide, 4, 3, False)
    last = shared | {"key_ptr": "*i64", "upper_ptr": "*i16", "outside_ptr": "*i16", "score_ptr": "*fp32"}
    last |= {"row_ptr": "*i64"} | sizes | dict.fromkeys(("k", "groups", "count", "width"), "i32")
    for most in (16, 256):
        held: dict[str, object] = {"PROOF": True, "K": most}
        yield Case(
            f"fp32 {metric} K {most}",
            "rescore",
            "finish_kernel",
            last,
            constants | held,
            4,
            3,
            False,
            REGISTERS,
        )


def _reweight(out: str, quantize: bool) -> Case:
    signature = {
        "x_ptr": "*fp32",
        "w_ptr": "*fp32",
        "y_ptr": f"*{out}",
        **dict.fromkeys(("norm_ptr", "scale_ptr"), "*fp32"),
        **dict.fromkeys(("n", "d", "stride"), "i32"),
    }
    constants = {"HAS_WEIGHTS": True, "NORMALIZE": True, "QUANTIZE": quantize, "BR": 8, "BD": 512}
    return Case(f"fp32 to {out}", "reweight", "reweight_kernel", signature, constants, 4, 3, False)


def _rbf(triangle: bool) -> Case:
    import torch

    from xbsql.kernels.tuning import rbf_tile

    tile = rbf_tile(torch.float32)
    signature = {
        **dict.fromkeys(("x_ptr", "y_ptr", "xx_ptr", "yy_ptr", "b_ptr", "out_ptr"), "*fp32"),
        **dict.fromkeys(("n", "m", "d"), "i32"),
        "rate": "fp32",
        "tiles": "i32",
    }
    constants = {
        "TRIANGLE": triangle,
        "PRECISION": "bf16x3",
        "BN": tile.left,
        "BM": tile.right,
        "BD": tile.depth,
        "KI": 128 // tile.depth,
    }
    label = f"bf16x3 {tile.left}x{tile.right}x{tile.depth}" + " triangle" * triangle
    return Case(label, "kernel_mean", "rbf_rows_kernel", signature, constants, tile.warps, tile.stages, True)


def _square(weighted: bool) -> Case:
    from xbsql.kernels.tuning import square_tile

    tile = square_tile()
    signature = {
        **dict.fromkeys(("x_ptr", "shift_ptr", "w_ptr", "out_ptr", "sum_ptr"), "*fp32"),
        "pair_ptr": "*i32",
        **dict.fromkeys(("n", "d", "stride", "rows"), "i32"),
    }
    constants = {"HAS_WEIGHTS": weighted, "PRECISION": "tf32x3", "B": tile.columns, "BK": tile.depth}
    label = f"tf32x3 {tile.columns}x{tile.columns}x{tile.depth}" + " weighted" * weighted
    return Case(label, "covariance", "square_kernel", signature, constants, tile.warps, tile.stages, True)


def compiled(case: Case) -> Report:
    """Compile one case for sm_90 and count what is in its machine code."""
    from importlib import import_module

    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    function = getattr(import_module(f"xbsql.kernels.{case.module}"), case.function)
    names = function.arg_names
    signature = {name: "constexpr" if name in case.constants else case.signature[name] for name in names}
    aligned = {name for name, kind in case.signature.items() if kind.startswith("*")} | {"d", "stride"}
    source = ASTSource(
        fn=function,
        signature=signature,
        constexprs={(names.index(name),): value for name, value in case.constants.items()},
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in names if name in aligned},
    )
    options = {"num_warps": case.warps, "num_stages": case.stages}
    options |= {} if case.registers is None else {"maxnreg": case.registers}
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "kernel.cubin"
        binary.write_bytes(made.asm["cubin"])
        usage = _output(str(tool), "--dump-resource-usage", str(binary))
        code = _output(str(tool), "--dump-sass", str(binary))
    return _counted(usage, code, made.metadata.shared)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _counted(usage: str, code: str, shared: int) -> Report:
    """The numbers in cuobjdump's text."""
    found = re.search(r"REG:(\d+) STACK:(\d+) SHARED:\d+ LOCAL:(\d+)", usage)
    if found is None:
        message = f"cuobjdump gave no resource usage: {usage[:200]!r}"
        raise RuntimeError(message)
    count = {
        name: len(re.findall(rf"\b{name}\b", code))
        for name in ("HGMMA", "IGMMA", "HMMA", "IMMA", "LDL", "STL")
    }
    local = int(found[3]) + count["LDL"] + count["STL"]
    wgmma, mma = count["HGMMA"] + count["IGMMA"], count["HMMA"] + count["IMMA"]
    return Report(int(found[1]), int(found[2]), local, shared, wgmma, mma)


def run(bench: Bench) -> dict[str, float]:
    """Compile everything; the keys count what must be zero."""
    from xbsql.kernels.tuning import SHARED_LIMIT

    os.environ.pop("TRITON_INTERPRET", None)
    os.environ.setdefault("TRITON_DEFAULT_FP_FUSION", "1")
    planned = list(cases())
    bench.plan(len(planned))
    reports = []
    for case in planned:
        report = Report(*bench.unit(f"{case.function} {case.label}", partial(compiled, case)))
        reports.append((case, report))
        for metric, value in report._asdict().items():
            bench.record(case.function, case.label, metric, value, device="sm_90, compiled without a device")
    return {
        "kernels": len(reports),
        "spills": sum(report.stack > 0 for _, report in reports),
        "local": sum(report.local > 0 for _, report in reports),
        "without_hgmma": sum(case.product and not report.wgmma for case, report in reports),
        "over_smem": sum(report.shared > SHARED_LIMIT for _, report in reports),
    }


def main() -> None:
    """Print the table without the harness: `python -m bench.sass`."""
    for case in cases():
        print(
            case.function, case.label, *(f"{k}={v}" for k, v in compiled(case)._asdict().items()), flush=True
        )


if __name__ == "__main__":
    main()
