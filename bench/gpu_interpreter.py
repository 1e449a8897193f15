"""Triton's interpreter with the arithmetic of tensor cores, on every NumPy that the project takes.

The plain interpreter multiplies the raw bits of bfloat16 values as integers, and float32 operands in full,
where sm_80 and later cut them to TF32. A kernel that passes there may be wrong on every GPU. Here products
are those of the hardware: bfloat16 as bfloat16, float32 operands cut to TF32 (10 bits after the point), and
"tf32x3" and "bf16x3" as the sums of three products that they compile to. Sums are float32.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TF32 = np.uint32(0xFFFFE000)
_BF16 = np.uint32(0xFFFF0000)


def install() -> None:
    """Interpret every Triton kernel from here on; call it before anything imports triton."""
    os.environ["TRITON_INTERPRET"] = "1"
    if "triton" in sys.modules and _installed():
        return
    import triton.runtime.interpreter as interpreter

    interpreter.InterpreterBuilder.create_dot = _dot
    # Precisions that compile, and that the interpreter knows no way to do by itself.
    most = (*interpreter.InterpreterOptions().allowed_dot_input_precisions, "bf16x3")
    plain = interpreter.InterpreterOptions
    interpreter.InterpreterOptions = partial(plain, allowed_dot_input_precisions=most)
    interpreter.interpreter_builder.options = interpreter.InterpreterOptions()
    patch = interpreter._patch_lang_tensor

    def patched(tensor: Any, scope: Any) -> None:  # noqa: ANN401 - Triton's own
        patch(tensor, scope)
        # Triton 3.6 asks NumPy for the int of an array of one entry, which NumPy 2.4 refuses.
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    interpreter._patch_lang_tensor = patched


def _installed() -> bool:
    """Whether it was done before; RuntimeError where triton was imported first, to compile."""
    import triton.language as tl

    if type(tl.max).__name__ != "InterpretedFunction":
        message = "gpu_interpreter: triton was imported before install()"
        raise RuntimeError(message)
    from triton.runtime import interpreter

    return interpreter.InterpreterBuilder.create_dot is _dot


def _dot(_builder: Any, a: Any, b: Any, added: Any, precision: Any, _most: int) -> Any:  # noqa: ANN401
    """`tl.dot` on TensorHandles, as the tensor cores do it."""
    import triton.language as tl
    from triton.runtime.interpreter import TensorHandle

    way = str(precision).upper()
    left, right = (_values(each, each.dtype.scalar == tl.bfloat16) for each in (a, b))
    pieces = [(left, right)]
    if left.dtype == np.float32 and a.dtype.scalar == tl.float32:
        pieces = _pieces(left, right, way)
    total = sum(np.matmul(x, y, dtype=added.data.dtype) for x, y in pieces)
    return TensorHandle(total + added.data, added.dtype.scalar)


def _values(handle: Any, bfloat16: bool) -> NDArray[Any]:  # noqa: ANN401
    """A handle's values as NumPy can multiply them."""
    data: NDArray[Any] = handle.data
    return (data.astype(np.uint32) << np.uint32(16)).view(np.float32) if bfloat16 else data


def _pieces(a: NDArray[Any], b: NDArray[Any], way: str) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """The pairs of operands whose products the hardware adds up for float32 operands, small ones first."""
    if "IEEE" in way:
        return [(a, b)]
    shorten = nearest if "BF16" in way else cut
    high = shorten(a), shorten(b)
    if "X3" not in way:
        return [high]
    low = tuple(shorten(each - part) for each, part in zip((a, b), high, strict=True))
    return [(low[0], high[1]), (high[0], low[1]), high]


def cut(x: NDArray[Any]) -> NDArray[Any]:
    """Float32 values cut to TF32."""
    found: NDArray[Any] = (np.ascontiguousarray(x).view(np.uint32) & _TF32).view(np.float32)
    return found


def nearest(x: NDArray[Any]) -> NDArray[Any]:
    """Float32 values rounded to bfloat16."""
    bits = np.ascontiguousarray(x).view(np.uint32) + np.uint32(0x8000)
    found: NDArray[Any] = (bits & _BF16).view(np.float32)
    return found
