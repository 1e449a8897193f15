"""A LightGBM text read by a process of its own: what kills that one or hangs there has done no harm here."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import lightgbm

SECONDS: Final = 8.0
_READ: Final = """
import ctypes, sys
library = ctypes.cdll.LoadLibrary(sys.argv[1])
text, handle, trees, features = sys.stdin.buffer.read(), ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int()
done = library.LGBM_BoosterLoadModelFromString(text, ctypes.byref(trees), ctypes.byref(handle))
done = done or library.LGBM_BoosterGetNumFeature(handle, ctypes.byref(features))
if done or not 0 < features.value < 1_000_000:
    sys.exit(1)
row, length = (ctypes.c_double * features.value)(), ctypes.c_int64()
answer = (ctypes.c_double * 1_000_000)()
sys.exit(library.LGBM_BoosterPredictForMat(
    handle, row, 1, 1, features, 1, 0, 0, -1, b"num_threads=1", ctypes.byref(length), answer
))
"""  # LightGBM's C interface alone: the package takes seconds to import


def survives(text: str, seconds: float = SECONDS) -> bool:
    """Whether a process in which LightGBM reads a text and answers a row ends well, and in time."""
    command = [sys.executable, "-I", "-c", _READ, lightgbm.basic._LIB._name]  # type: ignore[attr-defined]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
