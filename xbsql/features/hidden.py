"""Values that are compared but not stored: keyed hashes of them."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

BYTES = 16
"""Length of a key and of a hash: no two values of a column will ever share one by chance."""


def fresh_key() -> str:
    """A random key, hexadecimal. It is stored beside the hashes, so that a prediction can look values up."""
    return secrets.token_hex(BYTES)


def hidden(values: Iterable[str], key: str) -> tuple[str, ...]:
    """The hash of each value under a key, hexadecimal (BLAKE2b with a key, RFC 7693).

    Equal values have equal hashes under one key and unrelated ones under two. Who holds the key can test a
    guess and cannot read a value.
    """
    secret = bytes.fromhex(key)
    found = (hashlib.blake2b(value.encode(), key=secret, digest_size=BYTES) for value in values)
    return tuple(one.hexdigest() for one in found)


def hidden_column(values: pa.ChunkedArray, key: str) -> pa.Array:
    """The hash of each string, NULL for NULL; every distinct string is hashed once."""
    coded = values.combine_chunks().dictionary_encode()
    return pa.array(hidden(coded.dictionary.to_pylist(), key), pa.string()).take(coded.indices)
