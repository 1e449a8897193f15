"""Routines of LAPACK for float32 that let other threads of Python work meanwhile.

SciPy's own wrappers hold Python's lock as long as LAPACK works. These call the same routines, which SciPy
hands out as C functions, through ctypes, which lets the lock go; so every bit of the result is the same.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING

from scipy.linalg import cython_lapack

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


def call(name: str, *arguments: bytes | int | NDArray[np.float32]) -> int:
    """Call a routine on matrices as Fortran sees them: the transpose of a C-ordered one.

    Args:
        name: such as 'spotrf'.
        arguments: all but the last, which tells what went wrong. The caller answers for kinds and sizes.

    Returns:
        What went wrong, 0 for nothing.
    """
    wrong = ctypes.c_int(0)
    given = [_pointer(argument) for argument in arguments]
    _routine(name, len(given) + 1)(*given, ctypes.byref(wrong))
    return wrong.value


def _pointer(argument: bytes | int | NDArray[np.float32]) -> object:
    if isinstance(argument, int):
        return ctypes.byref(ctypes.c_int(argument))
    return ctypes.c_char_p(argument) if isinstance(argument, bytes) else argument.ctypes.data_as(_ANY)


_ANY = ctypes.c_void_p
_name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
_address_of = ctypes.PYFUNCTYPE(_ANY, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


@cache
def _routine(name: str, arguments: int) -> Callable[..., None]:
    capsule = cython_lapack.__pyx_capi__[name]
    address = _address_of(capsule, _name_of(capsule))
    return ctypes.CFUNCTYPE(None, *[_ANY] * arguments)(address)
