"""`python -m bench.gpu_tiles`: time every tile that a scan could use, and print the table for `tuning.py`.

Every candidate runs the scan of a prepared corpus of 1,000,000 x 384 for 1, 64, 200 and 4,096 queries, in
both widths of a value; the fastest of each is a line of the table. Then searches with groups of 8 to 64 rows
for 1 to 100 results show whether `group_size` chooses the fastest. It needs a CUDA device.
"""

from __future__ import annotations

import itertools
import sys
from functools import partial

import torch

from bench.gpu_rows import Scale

M = ((16, 1), (64, 64), (200, 200), (1 << 62, 4096))  # up to so many queries, timed with so many
N, D = 10**6, 384


def main() -> int:
    """Print the table; 1 without a device."""
    if not torch.cuda.is_available():
        print("bench gpu_tiles: no CUDA device; a table of tiles is measured or it stays as it is")
        return 1
    from xbsql.kernels.tuning import candidates

    print("_SCANS = (  # up to so many queries, bytes of a value, tile")
    for most, m in M:
        for dtype in (torch.bfloat16, torch.int8):
            seconds = _seconds(m, dtype)
            tile = min(candidates(dtype), key=lambda each: seconds.get(each, float("inf")))
            limit = "1 << 62" if most == 1 << 62 else most
            print(f"    ({limit}, {dtype.itemsize}, {tile}),  # {seconds[tile] * 1e3:.3f} ms for {m}")
    print(")")
    for m, n, k in itertools.product((1, 1024), (10**5, N), (1, 10, 100)):
        print(f"# group size for {m} x {n}, k {k}: {grouped(Scale('cuda', torch.bfloat16, 1), m, n, D, k)}")
    return 0


def grouped(scale: Scale, m: int, n: int, d: int, k: int, rounds: int = 20) -> str:
    """Milliseconds of a search by the rows of a group, and which size is chosen."""
    from unittest import mock

    from bench.gpu_rows import vectors
    from bench.gpu_timing import timed
    from xbsql.kernels import device_search, prepare
    from xbsql.kernels.tuning import group_size

    q, x = vectors(scale, m, n, d, "half")
    asked, found = device_search.Search(q, x), []
    for size in (8, 16, 32, 64):
        ready = prepare(x, codes=False)
        with mock.patch.object(device_search, "group_size", return_value=size):
            times = timed({"search": partial(device_search.topk, asked, k, ready, scale.half)}, rounds)
        found.append(f"{size}: {times.seconds('search').p50 * 1e3:.3f} ms")
    return f"{', '.join(found)}; chosen {group_size(n, device_search.first_choice(k, coded=False))}"


def _seconds(m: int, dtype: torch.dtype) -> dict[object, float]:
    """Median seconds of every candidate that runs, for m queries."""
    from bench.gpu_rows import vectors
    from bench.gpu_timing import timed
    from xbsql.kernels import queries, similarity
    from xbsql.kernels.scan import scan_of
    from xbsql.kernels.tuning import candidates

    q, x = vectors(Scale("cuda", torch.bfloat16, 1), m, N, D, "int8" if dtype == torch.int8 else "half")
    scan = scan_of(x, "dot", None, None, torch.bfloat16)
    asked = queries.asked(queries.folded(q, None, "dot"), scan, "dot")
    ways = {}
    for tile in candidates(dtype):
        try:
            similarity.peaks(*asked, scan, 64, tile)
        except Exception as problem:
            print(f"# {tile} left out: {type(problem).__name__}", file=sys.stderr)
            continue
        ways[str(tile)] = lambda tile=tile: similarity.peaks(*asked, scan, 64, tile)
    times = timed(ways, 20)
    return {tile: times.seconds(str(tile)).p50 for tile in candidates(dtype) if str(tile) in ways}


if __name__ == "__main__":
    sys.exit(main())
