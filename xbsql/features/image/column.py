"""A column of BLOBs as vectors: every distinct picture once a call, and once in a while across calls."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from xbsql import arrow
from xbsql.features.text import VectorCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.features.image.encoder import PictureEncoder

CACHE_BYTES: Final = 2**30
"""Of vectors an encoder, taken as they come: of the usual one 96,700, which took 95 minutes of one core."""

_caches: WeakKeyDictionary[PictureEncoder, _Cache] = WeakKeyDictionary()
_making = threading.Lock()


class Pictures(NamedTuple):
    """A column of pictures as vectors.

    Attributes:
        vectors: float32, shape (n, dim), of length one; 0 throughout where there is no picture.
        there: bool, shape (n,): where there is one that can be read.
        problems: how many BLOBs could not be read, by why; a NULL is none of them.
    """

    vectors: NDArray[np.float32]
    there: NDArray[np.bool_]
    problems: Counter[str]


class _Cache(NamedTuple):
    """Vectors by the digest of a picture's bytes, and what was wrong with bytes that are none."""

    vectors: VectorCache
    problems: dict[str, str]


def pictures(column: pa.Array | pa.ChunkedArray, encoder: PictureEncoder, where: str) -> Pictures:
    """The vectors of a column of pictures; equal ones are looked at once, and remembered between calls.

    Args:
        column: BLOBs, each the bytes of a file.
        encoder: from `picture_encoder`.
        where: who asks, for errors.

    Raises:
        XbsqlError: the column is no column of BLOBs.
    """
    contents = arrow.blobs_of(column, where)
    keys = ["" if content is None else digest_of(content) for content in contents]
    distinct = {key: content for key, content in zip(keys, contents, strict=True) if content is not None}
    known, wrong = _looked_up(distinct, encoder)
    places = {key: place for place, key in enumerate(distinct)}
    rows = np.array([places.get(key, -1) for key in keys], np.int64)
    problems = Counter(wrong[key] for key in keys if key in wrong)
    there = (rows >= 0) & np.array([key not in wrong for key in keys], bool)
    vectors = np.zeros((len(keys), encoder.dim), np.float32)
    vectors[there] = known[rows[there]]
    return Pictures(vectors, there, problems)


def digest_of(content: memoryview) -> str:
    """What a picture is known by: BLAKE2b of its bytes, 16 bytes, hexadecimal."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def remember(contents: Sequence[memoryview], vectors: NDArray[np.float32], encoder: PictureEncoder) -> None:
    """Take vectors that this encoder made elsewhere, so that these pictures need not be looked at again.

    Args:
        contents: distinct pictures.
        vectors: float32, shape (n, dim), of length one.
        encoder: whose they are.
    """
    _cache(encoder).vectors.add([digest_of(content) for content in contents], vectors)


def forget() -> None:
    """Drop all remembered vectors, e.g. before something is timed."""
    with _making:
        _caches.clear()


def _looked_up(
    distinct: dict[str, memoryview], encoder: PictureEncoder
) -> tuple[NDArray[np.float32], dict[str, str]]:
    """The vectors of distinct pictures, and what is wrong with those that have none, by key."""
    cache, keys = _cache(encoder), list(distinct)
    vectors = np.zeros((len(keys), encoder.dim), np.float32)
    found = cache.vectors.fill(keys, vectors)
    wrong = {key: cache.problems[key] for key in keys if key in cache.problems}
    missing = [row for row in np.flatnonzero(~found).tolist() if keys[row] not in wrong]
    if missing:
        embedded = encoder.embed([distinct[keys[row]] for row in missing])
        vectors[missing] = embedded.vectors
        fresh = {keys[missing[row]]: problem for row, problem in embedded.problems.items()}
        seen = [place for place, row in enumerate(missing) if keys[row] not in fresh]
        cache.vectors.add([keys[missing[place]] for place in seen], embedded.vectors[seen])
        if len(cache.problems) < cache.vectors.capacity:
            cache.problems.update(fresh)
        wrong |= fresh
    return vectors, wrong


def _cache(encoder: PictureEncoder) -> _Cache:
    with _making:
        if encoder not in _caches:
            _caches[encoder] = _Cache(VectorCache(encoder.dim, CACHE_BYTES), {})
        return _caches[encoder]
