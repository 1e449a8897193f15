"""Compiled for sm_90 without a device: nothing spills, everything fits, the products are wgmma."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("triton", reason="triton is not installed")

CODE = """
import json
from bench import sass
from xbsql.kernels.tuning import SHARED_LIMIT
seen = []
for case in sass.cases():
    scans = ("bf16 16x128x128 group 8,", "bf16 128x256x64 flat group 64,", "i8 128x256x128 group 64,")
    chosen = case.label.startswith((*scans, "tf32x3", "bf16x3"))
    if chosen or not (case.product or case.label.startswith(("fp32 dot", "fp32 l2"))):
        report = sass.compiled(case)
        fits, fast = report.shared <= SHARED_LIMIT, report.wgmma > 0 or not case.product
        seen.append([case.function, case.label, report.stack, report.local, fits, fast])
print(json.dumps(seen))
"""


@pytest.mark.slow
def test_nothing_spills_and_everything_fits():
    """A process of its own: here triton interprets. `python -m bench.run sass` compiles every other shape."""
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment["TRITON_DEFAULT_FP_FUSION"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert len(seen) >= 18
    assert [each for each in seen if each[2:] != [0, 0, True, True]] == []
