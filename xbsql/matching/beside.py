"""What two rows say beside their texts: price, brand, image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import family_of, is_text, is_vector, matrix, one_chunk, unit_rows
from xbsql.features.ngrams import Ngrams
from xbsql.matching.blank import is_blank
from xbsql.matching.columns import BESIDE
from xbsql.matching.neighbours import rowwise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Rows: TypeAlias = NDArray[np.int64]


def compared(where: str, left: pa.Array, right: pa.Array, i: Rows, j: Rows) -> Floats:
    """How alike the rows of each pair are in what stands beside the text.

    Args:
        where: the function's name, for errors.
        left: n structs with any of the fields 'price' (numbers of one currency), 'brand' (text) and 'image'
            (vectors of one length), or all NULL.
        right: m structs with the same fields.
        i: int64, shape (p,): left rows.
        j: int64, shape (p,): right rows.

    Returns:
        float64, shape (p, 3), NaN where either row says nothing (as the brand 'n/a' does): |ln(price /
        price)|, 0 for one price; the cosine of the brands' n-grams; the cosine of the images.

    Raises:
        XbsqlError: no struct, an unknown field, a field of another type.
    """
    found = np.full((len(i), len(BESIDE)), np.nan)
    sides = [fields(where, column) for column in (left, right)]
    kinds = {"price": _prices, "brand": _brands, "image": _images}
    for place, name in enumerate(BESIDE):
        if len(i) and all(name in side for side in sides):
            found[:, place] = kinds[name](where, sides[0][name], sides[1][name], i, j)
    return found


def fields(where: str, column: pa.Array) -> dict[str, pa.Array]:
    """The fields of what stands beside the text, those that hold anything.

    Raises:
        XbsqlError: no struct, an unknown field, a field of another type.
    """
    if pa.types.is_null(column.type):
        return {}
    if not pa.types.is_struct(column.type):
        raise errors.invalid(where, f"beside is {column.type}", "give {'price': ..., 'brand': ...}")
    names = [column.type.field(place).name for place in range(column.type.num_fields)]
    for name in names:
        if name not in BESIDE:
            raise errors.unknown(where, "field of beside", name, BESIDE)
    parts = dict(zip(names, column.flatten(), strict=True))
    held = {name: part for name, part in parts.items() if part.null_count < len(part)}
    for name, part in held.items():
        fits, remedy = _TYPES[name]
        if not fits(part.type):
            raise errors.invalid(where, f"the {name} is {part.type}", remedy)
    return held


_TYPES: Mapping[str, tuple[Callable[[pa.DataType], bool], str]] = {
    "price": (lambda kind: family_of(kind) == "number", "give a number, of one currency"),
    "brand": (is_text, "cast it to VARCHAR"),
    "image": (is_vector, "give its vector, FLOAT[]"),
}


def _prices(where: str, left: pa.Array, right: pa.Array, i: Rows, j: Rows) -> Floats:
    logs = []
    for side in (left, right):
        price = side.cast(pa.float64()).to_numpy(zero_copy_only=False)
        logs.append(np.log(np.where((price > 0) & np.isfinite(price), price, np.nan)))
    return np.asarray(np.abs(logs[0][i] - logs[1][j]))


def _brands(where: str, left: pa.Array, right: pa.Array, i: Rows, j: Rows) -> Floats:
    texts = [[(text or "").strip() for text in side.to_pylist()] for side in (left, right)]
    if not any(texts[0]) and not any(texts[1]):
        return np.full(len(i), np.nan)
    ngrams = Ngrams.fit([*texts[0], *texts[1]])
    a, b = (ngrams.transform(side) for side in texts)
    alike = rowwise(len(i), lambda s: np.asarray(a[i[s]].multiply(b[j[s]]).sum(axis=1)).ravel())
    there = [np.array([not is_blank(text) for text in side]) for side in texts]
    return np.where(there[0][i] & there[1][j], alike, np.nan)


def _images(where: str, left: pa.Array, right: pa.Array, i: Rows, j: Rows) -> Floats:
    a, b = image_vectors(where, left, right)
    own, other = (np.asarray(side.any(axis=1), np.bool_) for side in (a, b))
    cosine = rowwise(len(i), lambda s: np.einsum("pd,pd->p", a[i[s]], b[j[s]]))
    return np.where(own[i] & other[j], cosine, np.nan)


def image_vectors(
    where: str, left: pa.Array, right: pa.Array
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The images of both sides, float32, rows of length one; 0 throughout where there is none.

    A vector whose length is no number (it holds NaN or infinity) is none.

    Raises:
        XbsqlError: the sides' vectors have different lengths.
    """
    sides = []
    for column in (left, right):
        rows, there = matrix(one_chunk(column), where)
        sides.append(unit_rows(rows, there)[0])
    if sides[0].shape[1] != sides[1].shape[1]:
        widths = " and ".join(str(side.shape[1]) for side in sides)
        raise errors.invalid(where, f"the images have {widths} numbers", "make them by one encoder")
    return sides[0], sides[1]
