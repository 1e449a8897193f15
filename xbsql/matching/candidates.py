"""Pairs that may be matches, and what can be said of each without knowing the languages.

Nearest neighbours by meaning are corrected for hubs (CSLS: Conneau et al., "Word Translation Without Parallel
Data", ICLR 2018): a row that is near to everything is no match for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from xbsql import kernels
from xbsql.features.ngrams import Ngrams
from xbsql.matching.tokens import Tokens, ranks
from xbsql.matching.translation import Matches, suggested

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]

NEIGHBOURS: Final = 40
"""Right rows by meaning that each left row is paired with."""
_BACK: Final = 10  # the same from right to left; also the neighbours that tell a hub
_ALIKE: Final = 10  # by spelling
_BLOCK: Final = 2048
_PAIRS: Final = 20_000
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?")


@dataclass(frozen=True)
class Side:
    """One of two catalogues.

    Attributes:
        texts: n strings.
        vectors: float32, shape (n, d), of length one.
        block: int64, shape (n,): rows of different blocks are never paired; None for one block.
    """

    texts: Sequence[str]
    vectors: NDArray[np.float32]
    block: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Pairs:
    """Candidate pairs, ordered by left row, then right row.

    Attributes:
        i: int64, shape (p,): left rows.
        j: int64, shape (p,): right rows.
        cosine: float64, shape (p,).
        nearness: float64, shape (p,): the cosine corrected for hubs.
        spelling: float64, shape (p,): cosine of weighted character and word n-grams.
    """

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    cosine: NDArray[np.float64]
    nearness: NDArray[np.float64]
    spelling: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.i)


def candidate_pairs(left: Side, right: Side, left_parts: Tokens, right_parts: Tokens) -> Pairs:
    """The pairs that meaning or spelling suggests, block by block, and then words learned from the nearest.

    Args:
        left: n rows.
        right: the rows that they may match.
        left_parts: the parts of the left words.
        right_parts: the parts of the right words.
    """
    if not len(left) or not len(right):
        return Pairs(*(np.empty(0, np.int64),) * 2, *(np.empty(0),) * 3)
    ngrams = Ngrams.fit([*left.texts, *right.texts])
    spelled = ngrams.transform(list(left.texts)), ngrams.transform(list(right.texts))
    keys, hubs = [], (np.zeros(len(left)), np.zeros(len(right)))
    for own, other in _blocks(left, right):
        near, hub_left, hub_right = _by_meaning(left.vectors[own], right.vectors[other])
        alike = _by_spelling(spelled[0][own], spelled[1][other])
        hubs[0][own], hubs[1][other] = hub_left, hub_right
        keys += [own[a] * len(right) + other[b] for a, b in (*near, alike)]
    found = _paired(left, right, spelled, hubs, np.concatenate(keys) if keys else np.empty(0, np.int64))
    if not len(found):
        return found
    i, j = suggested(left_parts, right_parts, _mutual(found, len(left)), _ALIKE)
    if left.block is not None and right.block is not None:
        same = left.block[i] == right.block[j]
        i, j = i[same], j[same]
    return _paired(
        left, right, spelled, hubs, np.concatenate([found.i, i]) * len(right) + np.concatenate([found.j, j])
    )


def _paired(
    left: Side, right: Side, spelled: tuple[sparse.csr_matrix, sparse.csr_matrix],
    hubs: tuple[NDArray[np.float64], NDArray[np.float64]], keys: NDArray[np.int64],
) -> Pairs:  # fmt: skip
    """Pairs by key, left row * right rows + right row, each once."""
    i, j = np.divmod(np.unique(keys), len(right))
    cosine = _rowwise(len(i), lambda s: np.einsum("pd,pd->p", left.vectors[i[s]], right.vectors[j[s]]))
    spelling = _rowwise(
        len(i), lambda s: np.asarray(spelled[0][i[s]].multiply(spelled[1][j[s]]).sum(axis=1)).ravel()
    )
    return Pairs(i, j, cosine, 2 * cosine - hubs[0][i] - hubs[1][j], spelling)


def _mutual(pairs: Pairs, rows: int) -> Matches:
    """The pairs that are each other's nearest, as matches to learn words from."""
    best = np.flatnonzero(gaps(pairs, pairs.nearness).max(axis=1) == 0)
    right, likely = np.full(rows, -1, np.int64), np.zeros(rows)
    right[pairs.i[best]], likely[pairs.i[best]] = pairs.j[best], 1.0
    return Matches(right, likely)


def described(left: Side, right: Side, pairs: Pairs, words: WordVectors) -> NDArray[np.float64]:
    """What is known of each pair, float64, shape (p, 15), see `columns.SIMILARITIES`.

    Args:
        left: the left catalogue.
        right: the right one.
        pairs: of their rows.
        words: compares single words.
    """
    numbers = [[frozenset(_NUMBER.findall(text)) for text in side.texts] for side in (left, right)]
    lengths = [np.array([max(len(text), 1) for text in side.texts]) for side in (left, right)]
    counts = [(tokens.rows >= 0).sum(axis=1) for tokens in (words.left, words.right)]
    i, j = pairs.i, pairs.j
    return np.column_stack(
        [
            pairs.cosine,
            pairs.nearness,
            gaps(pairs, pairs.nearness),
            ranks(pairs.i, pairs.nearness),
            ranks(pairs.j, pairs.nearness),
            pairs.spelling,
            gaps(pairs, pairs.spelling),
            words.compare(i, j),
            [_same(numbers[0][a], numbers[1][b]) for a, b in zip(i.tolist(), j.tolist(), strict=True)],
            np.log(lengths[0][i] / lengths[1][j]),
            counts[0][i] - counts[1][j],
        ]
    )


@dataclass(frozen=True)
class WordVectors:
    """Words of both sides and their similarity.

    Attributes:
        left: words of the left texts.
        right: words of the right texts.
        left_vectors: float32, shape (left words, d), of length one.
        right_vectors: the same of the right words.
    """

    left: Tokens
    right: Tokens
    left_vectors: NDArray[np.float32]
    right_vectors: NDArray[np.float32]

    @classmethod
    def of(
        cls, left: Side, right: Side, encode: Callable[[Sequence[str]], NDArray[np.float32]]
    ) -> WordVectors:
        """Encode every distinct word once."""
        tokens = Tokens.of(left.texts), Tokens.of(right.texts)
        return cls(*tokens, encode(tokens[0].words), encode(tokens[1].words))

    def compare(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
        """Each word with its best counterpart: mean over the left words, over the right ones, and the worst.

        Returns:
            float64, shape (p, 3).
        """
        parts = [self._compare(i[s : s + _PAIRS], j[s : s + _PAIRS]) for s in range(0, len(i), _PAIRS)]
        return np.concatenate(parts) if parts else np.empty((0, 3))

    def _compare(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
        a, b = self.left.rows[i], self.right.rows[j]
        own, place_a = np.unique(a, return_inverse=True)
        other, place_b = np.unique(b, return_inverse=True)
        near = self.left_vectors[own] @ self.right_vectors[other].T
        near[own < 0], near[:, other < 0] = -1.0, -1.0
        found = near[place_a.reshape(a.shape)[:, :, None], place_b.reshape(b.shape)[:, None, :]]
        forth, back = found.max(axis=2), found.max(axis=1)
        of_left, of_right = self.left.weights(i), self.right.weights(j)
        worst = np.minimum(np.where(a >= 0, forth, 9.0).min(axis=1), np.where(b >= 0, back, 9.0).min(axis=1))
        means = [(of_left * forth).sum(axis=1) / of_left.sum(axis=1)]
        means.append((of_right * back).sum(axis=1) / of_right.sum(axis=1))
        return np.column_stack([*means, worst])


def gaps(pairs: Pairs, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each pair stands behind the best of its left row and of its right row, shape (p, 2)."""
    found = []
    for rows in (pairs.i, pairs.j):
        best = np.full(int(rows.max()) + 1 if len(rows) else 0, -np.inf)
        np.maximum.at(best, rows, values)
        found.append(best[rows] - values)
    return np.column_stack(found)


def _blocks(left: Side, right: Side) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    if left.block is None or right.block is None:
        both = (np.arange(len(left)), np.arange(len(right)))
        return [both] if len(left) and len(right) else []
    shared = np.intersect1d(left.block, right.block)
    return [(np.flatnonzero(left.block == b), np.flatnonzero(right.block == b)) for b in shared[shared >= 0]]


def _by_meaning(
    left: NDArray[np.float32], right: NDArray[np.float32]
) -> tuple[list[tuple[NDArray[np.int64], NDArray[np.int64]]], NDArray[np.float64], NDArray[np.float64]]:
    """Neighbours from left to right and back, and how near each row's neighbours are."""
    forth, to_right = kernels.topk(left, right, min(NEIGHBOURS, len(right)))
    back, to_left = kernels.topk(right, left, min(_BACK, len(left)))
    pairs = [
        (np.repeat(np.arange(len(left)), to_right.shape[1]), to_right.ravel()),
        (to_left.ravel(), np.repeat(np.arange(len(right)), to_left.shape[1])),
    ]
    return pairs, forth[:, :_BACK].mean(axis=1, dtype=np.float64), back.mean(axis=1, dtype=np.float64)


def _by_spelling(
    left: sparse.csr_matrix, right: sparse.csr_matrix
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The right rows that are spelled most like each left row."""
    rows, columns, other = [], [], right.T.tocsc()
    for start in range(0, left.shape[0], _BLOCK):
        scores = (left[start : start + _BLOCK] @ other).tocsr()
        row = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
        best = ranks(row, scores.data.astype(np.float64)) < _ALIKE
        rows.append(row[best] + start)
        columns.append(scores.indices[best].astype(np.int64))
    return np.concatenate(rows), np.concatenate(columns)


def _rowwise(count: int, work: Callable[[slice], NDArray[np.floating]]) -> NDArray[np.float64]:
    parts = [work(slice(start, start + _PAIRS)) for start in range(0, count, _PAIRS)]
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)


def _same(left: frozenset[str], right: frozenset[str]) -> float:
    """1 where both texts name the same numbers, -1 where they differ, 0 where there is none."""
    return 0.0 if not left and not right else 1.0 if left == right else -1.0
