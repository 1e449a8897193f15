"""Arrow <-> NumPy without a copy: the only file that knows offsets, nulls and chunks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    import torch
    from numpy.typing import NDArray

DTYPES = {"halffloat": np.float16, "float": np.float32, "double": np.float64}


def one_chunk(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The array in one piece; a single chunk is handed on without a copy."""
    if isinstance(array, pa.ChunkedArray):
        if array.num_chunks == 1:
            return array.chunk(0)
        return pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    return array


def is_text(kind: pa.DataType) -> bool:
    """Whether values of this type are strings (any layout, dictionary-encoded too)."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_blob(kind: pa.DataType) -> bool:
    """Whether values of this type are bytes (any layout)."""
    tests = (
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    return any(test(kind) for test in tests)


def blobs_of(array: pa.Array | pa.ChunkedArray, where: str) -> list[memoryview | None]:
    """The bytes of each value where they lie, None for NULL.

    Raises:
        XbsqlError: not a column of BLOBs.
    """
    if pa.types.is_null(array.type):
        return [None] * len(array)
    if not is_blob(array.type):
        problem = f"needs BLOBs, got {array.type}"
        raise errors.invalid(where, problem, "give the bytes of files (read_blob('shop/*.jpg') has them)")
    found = (value.as_buffer() for value in array)
    return [None if blob is None else memoryview(blob) for blob in found]


def is_vector(kind: pa.DataType) -> bool:
    """Whether values of this type are lists of numbers, of fixed length or not."""
    lists = pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(lists and family_of(kind.value_type) == "number")


def family_of(kind: pa.DataType) -> str:
    """Types that can stand in for each other.

    text, number, boolean, date, vector, blob, null;
    else the type.
    """
    if is_text(kind):
        return "text"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "date"
    if is_vector(kind):
        return "vector"
    if is_blob(kind):
        return "blob"
    return "boolean" if pa.types.is_boolean(kind) else str(kind)


def matrix(
    array: pa.Array | pa.ChunkedArray, where: str
) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]:
    """Vectors as a matrix of shape (n, d), and which rows are there, bool of shape (n,).

    A fixed-size list of floats without NULL elements is a view of the Arrow buffer. Lists of varying type
    are gathered once as float32. A NULL row, or one with a NULL element, is False; its numbers mean nothing.

    Raises:
        XbsqlError: not a column of vectors, or vectors of different lengths.
    """
    whole = one_chunk(array)
    if pa.types.is_null(whole.type):
        return np.zeros((len(whole), 0), np.float32), np.zeros(len(whole), dtype=bool)
    if not is_vector(whole.type):
        raise errors.invalid(where, f"needs vectors (FLOAT[n]), got {whole.type}", "embed the column first")
    if pa.types.is_fixed_size_list(whole.type):
        return _fixed(whole)
    return _ragged(whole, where)


def unit_rows(
    rows: NDArray[np.floating[Any]], there: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """What `matrix` gives, each row of length one: float32 of shape (n, d), and which rows have a length.

    A row that is not there, of length 0, or with NaN or infinity in it, has none and is 0 throughout.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        known = np.where(there[:, None], rows, 0.0).astype(np.float32)
        length = np.linalg.norm(known, axis=1)
    held = np.isfinite(length) & (length > 0)
    unit = np.where(held[:, None], known, 0.0) / np.where(held, length, 1.0)[:, None]
    return np.asarray(unit, np.float32), held


def to_device(array: pa.Array | pa.ChunkedArray, device: str | torch.device, where: str) -> torch.Tensor:
    """Vectors as a tensor (n, d) on a device; a NULL row, or one with a NULL element, is NaN.

    On the CPU a fixed-size list of floats without NULL is a view of the Arrow buffer, which must not be
    written into. On CUDA the rows go through two pinned buffers, one filled while the other is copied.

    Args:
        array: FLOAT[n], DOUBLE[n], half floats; other numbers and lists become float32.
        device: "cpu", "cuda", "cuda:1" ...
        where: who asks, for error messages.

    Raises:
        XbsqlError: not a column of vectors, or vectors of different lengths.
    """
    from xbsql.kernels import staging

    rows, present = matrix(array, where)
    if not present.all():
        rows = rows.copy()
        rows[~present] = np.nan
    return staging.to_device(rows, device)


def _fixed(array: pa.FixedSizeListArray) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]:
    size = array.type.list_size
    values = array.values.slice(array.offset * size, len(array) * size)
    present = validity(array)
    if values.null_count:
        present &= validity(values).reshape(len(array), size).all(axis=1)
        values = values.fill_null(0)
    if str(values.type) not in DTYPES:
        values = values.cast(pa.float32())
    return values.to_numpy(zero_copy_only=True).reshape(len(array), size), present


def _ragged(array: pa.Array, where: str) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]:
    present = validity(array)
    lengths = pc.list_value_length(array).fill_null(0).to_numpy()
    found = np.unique(lengths[present])
    if len(found) > 1:
        lengths_seen = ", ".join(str(length) for length in found[:4])
        raise errors.invalid(where, f"vectors of different lengths: {lengths_seen}", "embed with one model")
    size = int(found[0]) if len(found) else 0
    rows = np.zeros((len(array), size), np.float32)
    if size:
        flat = array.flatten()
        holes = ~validity(flat).reshape(-1, size).all(axis=1)
        rows[present] = flat.fill_null(0).cast(pa.float32()).to_numpy().reshape(-1, size)
        present[np.flatnonzero(present)[holes]] = False
    return rows, present


def vectors(
    rows: NDArray[np.floating[Any]], present: NDArray[np.bool_] | None = None
) -> pa.FixedSizeListArray:
    """A matrix of shape (n, d) as Arrow vectors, sharing its memory; rows not present become NULL."""
    flat = pa.array(np.ascontiguousarray(rows).reshape(-1))
    mask = None if present is None or present.all() else pa.array(~present)
    return pa.FixedSizeListArray.from_arrays(flat, rows.shape[1], mask=mask)


def validity(array: pa.Array) -> NDArray[np.bool_]:
    """Which values are not NULL, bool of shape (n,)."""
    if array.null_count == 0:
        return np.ones(len(array), dtype=bool)
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)


def written_out(where: str, name: str, column: pa.Array) -> pa.Array:
    """Values as text.

    Raises:
        XbsqlError: they are of a type that Arrow does not write out, such as a list.
    """
    try:
        return column.cast(pa.string())
    except pa.ArrowException as error:
        raise errors.invalid(where, f"{name} is {column.type}", f"cast it ({name}::VARCHAR)") from error


def refuse_quoted(where: str, name: str, column: pa.Array | pa.ChunkedArray) -> None:
    """Refuse one word in every row where a column is meant: SQL takes 'title' in quotes for a text.

    Raises:
        XbsqlError: two rows or more hold the same text, which could be the name of a column.
    """
    if len(column) < 2 or not is_text(column.type) or column.null_count:
        return
    first, last = column[0].as_py(), column[-1].as_py()
    if first != last or not first.isidentifier() or len(column.unique()) > 1:
        return
    remedy = f"where that is a column, name it without quotes: {name} := {errors.shown(first)}"
    raise errors.invalid(where, f"{name} is the text '{errors.shown(first)}' in every row", remedy)


def refuse_unions(where: str, kind: pa.DataType) -> None:
    """Refuse what holds a UNION inside: Arrow ends the process where it takes such a list or struct apart.

    Raises:
        XbsqlError: it holds one; names the column.
    """
    if not pa.types.is_nested(kind) or pa.types.is_union(kind):
        return
    for place in range(kind.num_fields):
        field = kind.field(place)
        if pa.types.is_union(field.type):
            problem = f"column '{errors.shown(field.name)}' is a UNION"
            raise errors.invalid(where, problem, "cast it (::VARCHAR), or leave it out")
        refuse_unions(where, field.type)


def table_of_rows(array: pa.Array | pa.ChunkedArray) -> pa.Table:
    """A column of rows (STRUCT) as a table; a NULL row has every column NULL."""
    rows = one_chunk(array)
    columns = rows.flatten()
    return pa.table(columns, names=[field.name for field in rows.type])


def records(rows: Sequence[Mapping[str, object]], kind: pa.StructType) -> pa.Array:
    """One list value that holds these rows: what an action or a table function returns to SQL."""
    return pa.array([list(rows)], type=pa.list_(kind))


def free_name(name: str, taken: Container[str]) -> str:
    """The name, or 'name_1', 'name_2' ... where it is taken, as DuckDB names columns that come twice."""
    names = (name, *(f"{name}_{number}" for number in range(1, 1000)))
    return next(free for free in names if free not in taken)


def widened(table: pa.Table, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    """The table with further columns behind its own, under names that are free."""
    for name, column in columns.items():
        table = table.append_column(free_name(name, table.column_names), column)
    return table


def list_of(table: pa.Table) -> pa.Array:
    """A table as one list of rows: what a table function of many rows returns to SQL."""
    rows = one_chunk(table.to_struct_array())
    return pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows)


def digest(table: pa.Table) -> str:
    """sha256 of a table's names, types and values, whatever its chunks, offsets and bytes under NULLs."""
    sha = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = one_chunk(column)
        sha.update(f"{name}\0{values.type}\0{len(values)}\0".encode())
        sha.update(np.packbits(validity(values)).tobytes())
        present = pa.record_batch([values.drop_null()], names=[name])
        sha.update(present.serialize())
    return sha.hexdigest()
