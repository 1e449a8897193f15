"""Rows that are compared but not stored: one keyed hash a row."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import arrow
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

COMPARED = ("text", "number", "boolean", "date", "blob", "null")
"""Families of types whose values are compared; a column of another type says nothing of which row it is."""


def fingerprints(table: pa.Table, columns: Sequence[str], key: str) -> NDArray[np.int64]:
    """The hash of each row over some columns, under a key (BLAKE2b with a key, RFC 7693, 8 bytes).

    Equal values of one family are equal whatever their type: 5 and 5.0, a date and its midnight, a text and
    the category of that name without blanks at its ends. NULL and NaN are equal.

    Args:
        table: n rows.
        columns: names of its columns; their order counts.
        key: hexadecimal.

    Returns:
        int64, shape (n,).

    Raises:
        XbsqlError: a column is of no type of `COMPARED`.
    """
    secret = bytes.fromhex(key)
    codes = np.zeros((table.num_rows, max(len(columns), 1)), np.uint64)
    for place, name in enumerate(columns):
        codes[:, place] = _codes(table[name], name, secret)
    width, whole = codes.shape[1] * 8, memoryview(codes.tobytes())
    rows = range(0, table.num_rows * width, width)
    return np.array([_hash(whole[start : start + width], secret) for start in rows], np.int64)


def _codes(column: pa.ChunkedArray, name: str, secret: bytes) -> NDArray[np.uint64]:
    """A number for each value, the same for the same value; 0 for NULL."""
    family = arrow.family_of(_plain(column.type))
    if family in ("number", "boolean", "date"):
        return _bits(column, family)
    if family == "blob":
        blobs = arrow.blobs_of(column, "table")
        found = [0 if blob is None else _hash(blob, secret) for blob in blobs]
        return np.array(found, np.int64).view(np.uint64)
    coded = as_text(column, name).combine_chunks().dictionary_encode()
    hashes = [_hash(text.strip().encode(), secret) for text in coded.dictionary.to_pylist()]
    known = pa.array([0, *hashes], pa.int64())
    places = pc.add(coded.indices.cast(pa.int64()), 1).fill_null(0)
    return np.asarray(known.take(places).to_numpy(zero_copy_only=False), np.int64).view(np.uint64)


def _bits(column: pa.ChunkedArray, family: str) -> NDArray[np.uint64]:
    plain = column.cast(_plain(column.type))
    if family == "date":
        plain = plain.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    values = plain.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    values = np.where(np.isnan(values), np.nan, values) + 0.0  # one NaN, and no -0.0
    return values.view(np.uint64)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _hash(value: bytes | memoryview, secret: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(value, key=secret, digest_size=8).digest(), "little", signed=True)
