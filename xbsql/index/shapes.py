"""The arrays of a segment against what they must be: dtype, shape and range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from xbsql.kernels.stand_ins import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SIGNED: Final = ("head", "cell-centre", "cell-curve")
BLOCK: Final = 2**22
"""Entries looked at together, so that no copy of a large array is made."""
_DTYPES: Final = {
    "vectors": "float32", "length": "float64", "codes": "int8", "bounds": "float32", "head": "float64",
    "cell-centre": "float32", "cell-start": "int64", "cell-rank": "int64", "cell-curve": "float32",
    "term-start": "int64", "term-text": "int32", "term-count": "uint8", "term-length": "float32",
}  # fmt: skip
_TAIL: Final = 16  # coordinates of the codes beside the head's directions
_BUCKETS: Final = 2**18


class Misshapen(ValueError):
    """An array that cannot be a segment's; says which."""


def check_arrays(arrays: Mapping[str, NDArray[Any]], dim: int) -> None:
    """Raise where the arrays of a segment do not fit together.

    Args:
        arrays: by part, see segment.py.
        dim: numbers a vector.

    Raises:
        Misshapen: an array is missing, of another dtype or shape, or holds a value that is out of range.
    """
    vectors = arrays["vectors"]
    rows = len(vectors) if vectors.ndim else 0
    shapes = _shapes(arrays, rows, dim)
    for part, array in arrays.items():
        if array.dtype != _DTYPES[part] or array.shape != shapes[part] or not array.flags.c_contiguous:
            raise Misshapen(f"holds {part} of {array.dtype} {array.shape}")
    for part in ("length", "bounds", "head", "cell-centre", "cell-curve", "term-length"):
        if part in arrays and not _within(arrays[part], None if part in _SIGNED else 0):
            raise Misshapen(f"holds a value in {part} that is no length")
    _check_starts(arrays, rows)


def check_ids(ids: pa.Array, kind: str, rows: int) -> None:
    """Raise where ids are not as many, or not of the type, that a segment says; or not whole.

    Raises:
        Misshapen: they are not.
    """
    if str(ids.type) != kind or len(ids) != rows or ids.null_count:
        raise Misshapen(f"holds {len(ids)} ids of {ids.type} for {rows} rows")
    try:
        ids.validate(full=True)
    except pa.ArrowException as error:
        raise Misshapen("holds ids that are none") from error


def _shapes(arrays: Mapping[str, NDArray[Any]], rows: int, dim: int) -> dict[str, tuple[int, ...]]:
    """The shape of each part; where nothing else says how many there are, as many as the part has."""
    head = len(arrays["head"]) if "head" in arrays and arrays["head"].ndim else 0
    cells = len(arrays["cell-centre"]) if "cell-centre" in arrays and arrays["cell-centre"].ndim else 0
    texts = arrays["term-text"].size if "term-text" in arrays else 0
    return {
        "vectors": (max(rows, 1), dim),
        "length": (rows,),
        "codes": (rows, head + _TAIL if "head" in arrays else dim),
        "bounds": (3, -(-rows // GROUP)),
        "head": (head, dim),
        "cell-centre": (max(cells, 1), dim),
        "cell-start": (cells + 1,),
        "cell-rank": (rows,),
        "cell-curve": (cells,),
        "term-start": (_BUCKETS + 1,),
        "term-text": (texts,),
        "term-count": (texts,),
        "term-length": (rows,),
    }


def _check_starts(arrays: Mapping[str, NDArray[Any]], rows: int) -> None:
    """Raise where cells or terms begin or end anywhere but at rows and texts."""
    if "cell-start" in arrays and not (
        _is_start(arrays["cell-start"], rows) and _is_order(arrays["cell-rank"])
    ):
        raise Misshapen("holds cells that are not its rows")
    if "term-start" in arrays and not (
        _is_start(arrays["term-start"], len(arrays["term-text"])) and _within(arrays["term-text"], 0, rows)
    ):
        raise Misshapen("holds terms that are not its texts")


def _is_start(start: NDArray[Any], total: int) -> bool:
    return bool(start[0] == 0 and start[-1] == total and (start[1:] >= start[:-1]).all())


def _is_order(rank: NDArray[Any]) -> bool:
    if not _within(rank, 0, len(rank)):
        return False
    seen = np.zeros(len(rank), dtype=bool)
    seen[rank] = True
    return bool(seen.all())


def _within(array: NDArray[Any], least: int | None, below: int | None = None) -> bool:
    """Whether all values are finite, `least` or more, and under `below`."""
    flat = array.reshape(-1)
    for start in range(0, len(flat), BLOCK):
        some = flat[start : start + BLOCK]
        low, high = some.min(), some.max()  # NaN where there is one
        if not (np.isfinite(low) and np.isfinite(high)):
            return False
        if (least is not None and low < least) or (below is not None and high >= below):
            return False
    return True
