"""Similarity and reweighting on arrays: NumPy or torch in, the same kind out.

Each operation has a float64 definition (`reference`), a fast CPU twin and Triton kernels for CUDA. Importing
this package loads neither torch nor triton; the first call of an operation does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xbsql.kernels.dispatch import Plan, explain
    from xbsql.kernels.prepared import Prepared, prepare
    from xbsql.kernels.search import cooccurrence_topk, threshold_join, topk
    from xbsql.kernels.shift import (
        coral,
        importance_weights,
        mmd2,
        mmd2_between,
        rbf_matvec,
        reweight_normalize,
    )

__all__ = [
    "Plan",
    "Prepared",
    "cooccurrence_topk",
    "coral",
    "explain",
    "importance_weights",
    "mmd2",
    "mmd2_between",
    "prepare",
    "rbf_matvec",
    "reweight_normalize",
    "threshold_join",
    "topk",
]

_HOME = {
    "prepared": ("Prepared", "prepare"),
    "dispatch": ("Plan", "explain"),
    "search": ("cooccurrence_topk", "threshold_join", "topk"),
    "shift": ("coral", "importance_weights", "mmd2", "mmd2_between", "rbf_matvec", "reweight_normalize"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name's module when it is first asked for."""
    if name not in _MODULE_OF:
        message = f"module 'xbsql.kernels' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(import_module(f"xbsql.kernels.{_MODULE_OF[name]}"), name)
