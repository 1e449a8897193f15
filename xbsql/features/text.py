"""A column of text as vectors: every distinct text once a call, and once in a while across calls."""

from __future__ import annotations

import threading
from collections import OrderedDict
from string import capwords
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import arrow
from xbsql.errors import invalid
from xbsql.features.ngrams import seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.features.encoder import Encoder

CACHE_BYTES: Final = 64 * 2**20
SHORTEST_SHOUT: Final = 4
LONGEST_CACHED: Final = 200  # characters: longer texts are descriptions, and these rarely return

_caches: WeakKeyDictionary[Encoder, VectorCache] = WeakKeyDictionary()
_making = threading.Lock()


class VectorCache:
    """The vectors of the texts seen last, in one block of memory that never grows.

    Threads may share it. Its keys take at most 200 characters each beside the block.

    Args:
        dim: length of a vector.
        most_bytes: size of the block; it holds most_bytes / (4 * dim) vectors, float32.
    """

    def __init__(self, dim: int, most_bytes: int) -> None:
        self.capacity = max(1, most_bytes // (4 * dim))
        self._block = np.empty((self.capacity, dim), dtype=np.float32)
        self._slots: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def fill(self, texts: Sequence[str], out: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Write the vectors that are here into their rows of `out`, float32 (n, dim).

        Returns:
            bool, shape (n,): which rows were written.
        """
        with self._lock:
            slots = np.array([self._slots.get(text, -1) for text in texts], dtype=np.int64)
            found = slots >= 0
            out[found] = self._block[slots[found]]
            for row in np.flatnonzero(found).tolist():
                self._slots.move_to_end(texts[row])
        return found

    def add(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep the vectors of texts, (n, dim), in place of those that were asked for longest ago."""
        kept = [row for row, text in enumerate(texts) if len(text) <= LONGEST_CACHED][-self.capacity :]
        with self._lock:
            slots = [self._slot(texts[row]) for row in kept]
            self._block[slots] = vectors[kept]

    def _slot(self, text: str) -> int:
        """A place for this text: its own, a free one, or that of the oldest."""
        slot = self._slots.pop(text, None)
        if slot is None:
            free = len(self._slots) < self.capacity
            slot = len(self._slots) if free else self._slots.popitem(last=False)[1]
        self._slots[text] = slot
        return slot


def embed_array(texts: pa.Array | pa.ChunkedArray, encoder: Encoder) -> pa.FixedSizeListArray:
    """The vectors of a column of text.

    Equal texts are encoded once, and texts of up to 200 characters are remembered between calls (64 MiB of
    vectors an encoder).

    Args:
        texts: string, large_string, string_view or a dictionary of these, in any number of chunks. The empty
            string has a vector; invalid UTF-8 is read as U+FFFD.
        encoder: from `xbsql.features.encoder.encoder`.

    Returns:
        FixedSizeList<float>[512], one a row, each of length one; NULL for NULL.

    Raises:
        XbsqlError: the column is not text.
    """
    whole = arrow.one_chunk(texts)
    if not (arrow.is_text(whole.type) or pa.types.is_null(whole.type)):
        raise invalid("xb.embed", f"needs text, got {whole.type}", "cast the column to VARCHAR")
    distinct, places = _distinct(whole)
    vectors = embed_texts(distinct, encoder)
    if np.array_equal(places, np.arange(len(distinct))):
        return arrow.vectors(vectors)
    present = places >= 0
    rows = np.zeros((len(whole), encoder.dim), dtype=np.float32)
    rows[present] = vectors[places[present]]
    return arrow.vectors(rows, present)


def embed_texts(texts: Sequence[str], encoder: Encoder) -> NDArray[np.float32]:
    """The vectors of texts, through the cache of this encoder.

    Args:
        texts: distinct strings; repeated ones are encoded again and again.
        encoder: from `xbsql.features.encoder.encoder`.

    Returns:
        float32, shape (n, encoder.dim), rows of length one.
    """
    cache = _cache(encoder)
    vectors = np.empty((len(texts), encoder.dim), dtype=np.float32)
    missing = np.flatnonzero(~cache.fill(texts, vectors))
    if len(missing) == len(texts):
        vectors = encoder.encode([readable(text) for text in texts])
        cache.add(texts, vectors)
    elif len(missing):
        asked = [texts[row] for row in missing.tolist()]
        vectors[missing] = encoder.encode([readable(text) for text in asked])
        cache.add(asked, vectors[missing])
    return vectors


def readable(text: str) -> str:
    """A text as the encoder reads it best: without unseen marks, and with small letters where it has none.

    The encoder learned from sentences: 'GARTENSCHLAUCH 20 M' is as good as unknown to it. Each word of such a
    text keeps its first capital, as German nouns need. Texts of up to four characters ('USB', 'XL') stay, and
    so do those with letters of a script that has no capitals: 'USB' in a Japanese title is no shout.
    """
    plain = seen(text)
    shouts = len(plain) > SHORTEST_SHOUT and plain.isupper()
    return capwords(plain) if shouts and all(c.isupper() for c in plain if c.isalpha()) else plain


def forget() -> None:
    """Drop all remembered vectors, e.g. before something is timed."""
    with _making:
        _caches.clear()


def _cache(encoder: Encoder) -> VectorCache:
    with _making:
        if encoder not in _caches:
            _caches[encoder] = VectorCache(encoder.dim, CACHE_BYTES)
        return _caches[encoder]


def _distinct(array: pa.Array) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct texts, and each row's place among them, -1 for NULL."""
    if pa.types.is_null(array.type):
        return [], np.full(len(array), -1, dtype=np.int64)
    if pa.types.is_dictionary(array.type):
        return _used(*_distinct(array.dictionary), array.indices)
    if pa.types.is_string_view(array.type):
        array = array.cast(pa.large_string())
    encoded = array.dictionary_encode()
    return _strings(encoded.dictionary), _or_minus_one(encoded.indices)


def _used(
    texts: list[str], places: NDArray[np.int64], indices: pa.Array
) -> tuple[list[str], NDArray[np.int64]]:
    """Of a dictionary's texts those that rows point at, through the places of its values among the texts."""
    pointed = np.append(places, -1)[_or_minus_one(indices)]
    used, ranks = np.unique(pointed[pointed >= 0], return_inverse=True)
    pointed[pointed >= 0] = ranks
    return [texts[place] for place in used.tolist()], pointed


def _or_minus_one(indices: pa.Array) -> NDArray[np.int64]:
    """Indices as int64, -1 for NULL."""
    filled: NDArray[np.int64] = pc.fill_null(indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return filled


def _strings(array: pa.Array) -> list[str]:
    """Arrow strings as Python's; bytes that are no UTF-8 become U+FFFD."""
    try:
        strings: list[str] = array.to_pylist()
    except UnicodeDecodeError:
        wide = array.cast(pa.large_string()).cast(pa.large_binary())
        strings = [value.decode("utf-8", "replace") for value in wide.to_pylist()]
    return strings
