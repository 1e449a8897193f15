"""A LightGBM text read by a process of its own: what kills that one or hangs there has done no harm here."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

SECONDS: Final = 30.0
_READ: Final = """
import sys
import lightgbm, numpy
booster = lightgbm.Booster(model_str=sys.stdin.buffer.read().decode())
booster.predict(numpy.zeros((1, booster.num_feature())), num_threads=1)
booster.model_to_string()
"""


def survives(text: str, seconds: float = SECONDS) -> bool:
    """Whether a process in which LightGBM reads a text and answers from it ends well, and in time."""
    command = [sys.executable, "-c", _READ]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
