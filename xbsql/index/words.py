"""Search by words and by meaning together: each row for what it says of the query, each query for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import torch

from xbsql.index.hits import Hits
from xbsql.kernels import reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from xbsql.index.segment import Segment

WORDS: Final = 0.5
"""What a row that says all that the query says is worth beside the cosine of their vectors.

Tuned on names of food categories in Italian, Dutch and Polish: within a language and across.
"""


class Asked(NamedTuple):
    """Queries as vectors.

    Attributes:
        vectors: float32, shape (m, d).
        near: int64, shape (m, depth): the rows nearest to each; -1 for none.
        weights: float64, shape (d,), of the features, or None.
    """

    vectors: NDArray[np.float32]
    near: NDArray[np.int64]
    weights: NDArray[np.float64] | None


def both(
    segments: Sequence[Segment],
    found: Iterable[NDArray[np.float32]],
    asked: Asked | None,
    k: int,
    depth: int,
) -> Hits:
    """The k best rows of each query, by words and by meaning; of equal scores the lower row comes first.

    A row's score is the cosine of its vector with the query's plus half its share of the query's words.
    Across languages hardly a word is shared, and the vectors decide; a part number decides by itself. This
    is a convex combination of scores that are normalised by what they can be at most (Bruch, Gai and Ingber,
    "An Analysis of Fusion Functions for Hybrid Retrieval", 2023).

    Args:
        segments: of the index, n rows.
        found: the share of each query in every row, see `shares`.
        asked: the queries as vectors; None leaves words alone.
        k: how many, 1 or more.
        depth: rows by words that are looked at.
    """
    hits = []
    for query, share in enumerate(found):
        rows, total = _best(share, depth)[1], WORDS * share
        if asked is not None:
            near = asked.near[query]
            rows = np.union1d(rows, near[near >= 0])
            total[rows] += _cosines(segments, asked.vectors[query], rows, asked.weights)
        order = rows[np.argsort(-total[rows], kind="stable")[:k]]
        hits.append((total[order], order))
    return _stacked(hits, k)


def by_words(found: Iterable[NDArray[np.float32]], k: int) -> Hits:
    """The k rows with the largest share of each query's words; a row that shares none is not found."""
    return _stacked([_best(share, k) for share in found], k)


def shares(
    segments: Sequence[Segment], texts: Sequence[str], keep: NDArray[np.bool_] | None
) -> Iterator[NDArray[np.float32]]:
    """How much of each text every row says: BM25 over that of the text itself.

    Args:
        segments: all with texts, n rows.
        texts: queries.
        keep: bool, shape (n,): rows that take part; None for all.

    Yields:
        For each text float32, shape (n,), 0 to 1.
    """
    from xbsql.index.lexical import Postings, ceiling, rarity

    size = sum(len(segment) for segment in segments)
    inverted = [segment.inverted for segment in segments if segment.inverted is not None]
    mean = float(sum(part.length.sum(dtype=np.float64) for part in inverted)) / size
    counts = Postings.of(texts).counts
    for row in range(len(texts)):
        here = slice(counts.indptr[row], counts.indptr[row + 1])
        terms = counts.indices[here].astype(np.int64)
        holding = sum(part.start[terms + 1] - part.start[terms] for part in inverted)
        worth = rarity(size, np.asarray(holding, np.int64))
        scores = np.concatenate([part.scores(terms, worth, mean) for part in inverted])
        if keep is not None:
            scores[~keep] = 0.0
        most = ceiling(worth, counts.data[here], mean)
        yield np.minimum(scores / np.float32(most or 1.0), np.float32(1.0))


def _cosines(
    segments: Sequence[Segment],
    query: NDArray[np.float32],
    rows: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
) -> NDArray[np.float32]:
    """Cosines of a vector with those of rows, ascending; 0 where there is none; float32, shape (r,)."""
    parts, start = [np.empty((0, len(query)), np.float32)], 0
    for segment in segments:
        here = rows[(rows >= start) & (rows < start + len(segment))] - start
        parts.append(segment.vectors[torch.from_numpy(here).to(segment.vectors.device)].cpu().numpy())
        start += len(segment)
    asked, held = query[None].astype(np.float64), np.concatenate(parts).astype(np.float64)
    found = reference.scores(asked, held, "cosine", weights)[0]
    return np.asarray(np.nan_to_num(found), np.float32)


def _best(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The k largest scores above 0 and their rows, the lower row first among equals."""
    if k < len(scores):
        floor = np.partition(scores, len(scores) - k)[len(scores) - k]
        rows = np.flatnonzero((scores >= floor) & (scores > 0))
    else:
        rows = np.flatnonzero(scores > 0)
    rows = rows[np.argsort(-scores[rows], kind="stable")[:k]]
    return scores[rows], rows


def _stacked(found: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]], k: int) -> Hits:
    """Scores and rows of each query as one, at most k of each."""
    scores = np.stack([_padded(scores, k, -np.inf) for scores, _ in found])
    return Hits(scores, np.stack([_padded(rows, k, -1) for _, rows in found]))


def _padded(values: NDArray[np.generic], k: int, fill: float) -> NDArray[np.generic]:
    return np.concatenate([values, np.full(k - len(values), fill, values.dtype)])
